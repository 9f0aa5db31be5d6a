"""The tables of docs/benchmarks.md that `scaling.py` and `precisions.py` measured."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from family_pages import row
from jobs import RESULTS

from dmg_jax.report.scores import statistics

CPU, GPU = "scaling_2_x_amd_epyc.json", "scaling_1_x_nvidia_h100_80gb_hbm3.json"
LEARNED = "precisions_1_x_nvidia_h100_80gb_hbm3.json"


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
    f"{seconds:.0f} s, serves any number of runs."
  )


def gpu() -> Iterable[str]:
  """Rates on an accelerator, and the hours of the paper's locomotion."""
  result = _stored(GPU)
  yield from _source(result, GPU)
  yield ""
  yield row(
    "products", "runs", "steps/s", "ms for a step of a run", "of the matmul rate", "compile"
  )
  yield row(*["---"] * 6)
  for series in result["series"]:
    for found in series["runs"]:
      rate, share = found["steps_per_second"], found["share_of_matmul_rate"]
      yield row(
        series["precision"],
        found["runs"],
        f"{rate:,.0f}",
        f"{1000 / rate:.4f}",
        f"{share:.2f}",
        f"{found['compile_seconds']:.0f} s",
      )
  hours = {
    series["precision"]: 75e6 / found["steps_per_second"] / 3600
    for series in result["series"]
    for found in series["runs"]
    if found["runs"] == 80
  }
  yield ""
  yield (
    "Table 2's locomotion, 75 runs of 1,000,000 steps, is at the rates of 80 runs "
    + ", ".join(f"{value:.2f} hours in {name}" for name, value in hours.items())
    + ": training alone; compilation and evaluation come on top. The matmul rate is that of as "
    "many products of 256 x 256 at once as the largest number of runs, in the same precision."
  )


def learned() -> Iterable[str]:
  """What DMG learns with each precision."""
  result = _stored(LEARNED)
  jobs: Mapping[str, Mapping[str, Any]] = result["jobs"]
  first = next(iter(jobs))
  yield (
    f"DMG on the embedded data, {result['seeds']} seeds, {jobs[first]['steps']:,} steps, on "
    f"{result['device']}, from [`{LEARNED}`](../benchmarks/results/{LEARNED}):"
  )
  yield ""
  yield row(
    "products", "mean of the last 8 evaluations ± sd", f"difference to {first}, 95 % interval",
    "last ± sd", "training", "compilation", "evaluation",
  )  # fmt: skip
  yield row(*["---"] * 7)
  for name, job in jobs.items():
    mean, deviation = statistics.mean_and_deviation(job["mean_of_window"])
    last, spread = statistics.mean_and_deviation(job["last"])
    cell = ""
    if name != first:
      low, high = result["differences_of_mean_of_window"][name]
      difference = mean - statistics.mean_and_deviation(jobs[first]["mean_of_window"])[0]
      cell = f"{difference:.1f} [{low:.1f}, {high:.1f}]"
    yield row(
      name,
      f"{mean:.1f} ± {deviation:.1f}",
      cell,
      f"{last:.1f} ± {spread:.1f}",
      *(f"{job['seconds'][what]:.0f} s" for what in ("train", "compile", "evaluation")),
    )


def _stored(name: str) -> dict[str, Any]:
  return json.loads((RESULTS / name).read_text())


def _source(result: Mapping[str, Any], name: str) -> Iterable[str]:
  yield (
    f"{result['device']}, jax {result['versions']['jax']}, median of {result['rounds']} rounds of "
    f"{result['work']:,} steps of all runs together, from"
  )
  yield f"[`{name}`](../benchmarks/results/{name}):"
