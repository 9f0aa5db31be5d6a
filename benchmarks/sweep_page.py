"""What docs/scale.md says of the sweeps from which something was taken."""

from collections.abc import Iterable, Mapping
from typing import Any


def losses(result: Mapping[str, Any]) -> Iterable[str]:
  """Lines on the stored result of `sweep_loss.py`."""
  kinds = [loss["kind"] for one in result["sweeps"] for loss in one["losses"]]
  different = [name for one in result["sweeps"] for name in one["different"]]
  counts = ", ".join(f"{kinds.count(kind)} x {kind}" for kind in dict.fromkeys(kinds))
  times = result["undisturbed"]
  share = times["seconds"] / times["seconds_of_parts"] - 1
  sweeps = len(result["sweeps"])
  yield (
    f"{len(kinds)} losses ({counts}) at random moments, in {sweeps} sweep{'s' * (sweeps > 1)}: "
    + (f"different: {different}." if different else "the same bits and the same table.")
  )
  yield (
    f"Undisturbed and without Ray, such a sweep took {times['seconds']:.0f} s from the beginning "
    f"of its first part to the end of its last, {share:.1%} more than its parts together."
  )
  yield (
    "From [`sweep_loss.json`](../benchmarks/results/sweep_loss.json) "
    f"({result['device']}, ray {result['versions']['ray']}, jax {result['versions']['jax']}; the "
    "machine was shared with other work)."
  )
