"""The table of docs/benchmarks.md that `scaling.py` measured."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from family_pages import row
from jobs import RESULTS

CPU = "scaling_2_x_amd_epyc.json"


def cpu() -> Iterable[str]:
  """Rates on a CPU, against the number of runs and of worker threads."""
  result = _stored(CPU)
  yield from _source(result, CPU)
  yield ""
  yield row("workers", "runs", "steps/s", "ms for a step of a run", "of the matmul rate")
  yield row(*["---"] * 5)
  for series in result["series"]:
    for found in series["runs"]:
      rate, share = found["steps_per_second"], found["share_of_matmul_rate"]
      yield row(
        series["workers"], found["runs"], f"{rate:.0f}", f"{1000 / rate:.1f}", f"{share:.2f}"
      )
  seconds = result["series"][0]["runs"][0]["compile_seconds"]
  yield ""
  yield (
    f"A run takes {result['series'][0]['bytes_of_run'] / 2**20:.1f} MiB; one program, compiled in "
    f"{seconds:.0f} s, serves any number of runs. The work of a round is the same for all but 64 "
    "runs, so that many runs take few steps at a time: 2 in a call, from 32 runs on."
  )


def _stored(name: str) -> dict[str, Any]:
  return json.loads((RESULTS / name).read_text())


def _source(result: Mapping[str, Any], name: str) -> Iterable[str]:
  yield (
    f"{result['device']}, jax {result['versions']['jax']}, median of {result['rounds']} rounds of "
    f"{result['work']:,} steps of all runs together, from"
  )
  yield f"[`{name}`](../benchmarks/results/{name}):"
