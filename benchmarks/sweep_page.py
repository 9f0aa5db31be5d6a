"""What docs/scale.md says of what sweeps lose, and of what they cost."""

from collections.abc import Iterable, Mapping
from typing import Any

from family_pages import row


def losses(result: Mapping[str, Any]) -> Iterable[str]:
  """Lines on the stored result of `sweep_loss.py`."""
  kinds = [loss["kind"] for one in result["sweeps"] for loss in one["losses"]]
  different = [name for one in result["sweeps"] for name in one["different"]]
  counts = ", ".join(f"{kinds.count(kind)} x {kind}" for kind in dict.fromkeys(kinds))
  sweeps = len(result["sweeps"])
  yield (
    f"{len(kinds)} losses ({counts}) at random moments, in {sweeps} sweep{'s' * (sweeps > 1)}: "
    + (f"different: {different}." if different else "the same bits and the same table.")
  )
  yield (
    "From [`sweep_loss.json`](../benchmarks/results/sweep_loss.json) "
    f"({result['device']}, ray {result['versions']['ray']}, jax {result['versions']['jax']}; the "
    "machine was shared with other work)."
  )


def costs(result: Mapping[str, Any]) -> Iterable[str]:
  """Table of the stored result of `sweep_cost.py`."""
  yield f"`{result['command']}`:"
  yield ""
  yield row(
    "sweep", "parts", "seconds of a part, mean", "first begin to last end, over the parts' sum",
    "the command's seconds beside that",
  )  # fmt: skip
  yield row(*["---"] * 5)
  for name, times in result["sweeps"].items():
    parts, span = times["seconds_of_parts"], times["seconds"]
    beside = times["seconds_of_command"] - span
    yield row(
      name, result["parts"], f"{parts / result['parts']:.0f}", f"{span / parts - 1:+.1%}",
      f"{beside:.0f}",
    )  # fmt: skip
  yield ""
  yield (
    "From [`sweep_cost.json`](../benchmarks/results/sweep_cost.json) "
    f"(cores: {result['cores']}, of {result['device']}; ray {result['versions']['ray']}, jax "
    f"{result['versions']['jax']})."
  )
