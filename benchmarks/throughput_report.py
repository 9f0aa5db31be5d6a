"""What `benchmarks/throughput.py` measured, as ratios, a table and a plot."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dmg_jax import cost
from dmg_jax.report.figures.style import COLOURS, GREY, WIDTHS, style

# Names of the jobs that measure the machine.
LIMIT, ONE_CORE = "matmul, all cores", "matmul, one core"


def ratios(
  rounds: Mapping[str, Sequence[float]], counts: Sequence[int], step_flops: float
) -> dict[str, Any]:
  """What the measured rates mean.

  Args:
    rounds: rates in each round, by job: "N runs", "N runs in one call", "PyTorch, N
      threads", the matmuls'.
    counts: the N of "N runs"; the first is what others are compared with.
    step_flops: of a gradient step.
  """

  def ratio(job: str, other: str) -> float:
    return float(np.median(np.divide(rounds[job], rounds[other])))

  median = {name: float(np.median(rates)) for name, rates in rounds.items()}
  names = {str(runs): f"{runs} runs" for runs in counts}
  before = {runs: f"{name} in one call" for runs, name in names.items()}
  before = {runs: name for runs, name in before.items() if name in rounds}
  torch_rates = {name: rate for name, rate in median.items() if name.startswith("PyTorch")}
  single = names[str(counts[0])]
  return {
    "flops_per_step": step_flops,
    "flops_formula": cost.FORMULA,
    "matmul_flops_per_second": median[LIMIT],
    "matmul_flops_per_second_one_core": median[ONE_CORE],
    "steps_per_second": {runs: median[name] for runs, name in names.items()},
    "time_per_run_over_single": {runs: ratio(single, name) for runs, name in names.items()},
    "share_of_matmul_rate": {runs: ratio(name, LIMIT) * step_flops for runs, name in names.items()},
    "one_call_steps_per_second": {runs: median[name] for runs, name in before.items()},
    "ratio_to_one_call": {runs: ratio(names[runs], name) for runs, name in before.items()},
    "torch_steps_per_second": torch_rates,
    "ratio_to_torch": median[single] / max(torch_rates.values()) if torch_rates else None,
    "rates_of_rounds": {name: list(rates) for name, rates in rounds.items()},
  }


def show(result: Mapping[str, Any]) -> None:
  """Prints the table."""
  limit, one = result["matmul_flops_per_second"], result["matmul_flops_per_second_one_core"]
  print(f"{result['device']}; jax {result['versions']['jax']}; median of {result['rounds']} rounds")
  print(f"matmul      {limit / 1e9:8.1f} GFLOP/s on all cores, {one / 1e9:.1f} on one core alone")
  print(f"a step      {result['flops_per_step'] / 1e9:8.3f} GFLOP ({result['flops_formula']})")
  for name, rate in result["torch_steps_per_second"].items():
    print(f"{name:<20}{rate:9.1f} steps/s")
  columns = ("steps/s", "of matmul", "time/run", "one call", "ratio", "compile")
  print(f"{'':<20}" + "".join(f"{column:>11}" for column in columns))
  for runs, rate in result["steps_per_second"].items():
    before = result["one_call_steps_per_second"].get(runs)
    cells = (
      f"{rate:.1f}",
      f"{result['share_of_matmul_rate'][runs]:.2f}",
      f"{result['time_per_run_over_single'][runs]:.2f}",
      f"{before:.1f}" if before else "",
      f"{result['ratio_to_one_call'][runs]:.2f}" if before else "",
      f"{result['compile_seconds'][runs]:.1f} s" if runs in result["compile_seconds"] else "",
    )
    print(f"{'dmg_jax, ' + runs + ' runs':<20}" + "".join(f"{cell:>11}" for cell in cells))
  if result["ratio_to_torch"]:
    print(f"one run against PyTorch: {result['ratio_to_torch']:.2f} times")
  print(f"peak memory {result['peak_memory_bytes'] / 2**20:.0f} MiB")


def draw(result: Mapping[str, Any], path: Path) -> None:
  """Plots the milliseconds that a gradient step of one run takes, against the number of runs."""
  with style():
    figure = Figure(figsize=(WIDTHS["column"], 2.2), layout="constrained")
    axes = figure.subplots()
    series = (
      ("dmg_jax", result["steps_per_second"], "o-", COLOURS[0]),
      ("one call, multi-threaded", result["one_call_steps_per_second"], "s", COLOURS[1]),
    )
    for label, rates, marks, colour in series:
      if rates:
        milliseconds = [1000 / rate for rate in rates.values()]
        axes.plot([int(n) for n in rates], milliseconds, marks, ms=3, color=colour, label=label)
    limits = (
      ("products, one core", result["matmul_flops_per_second_one_core"], ":"),
      ("products, all cores", result["matmul_flops_per_second"], "--"),
    )
    for label, rate, dashes in limits:
      axes.axhline(1000 * result["flops_per_step"] / rate, color=GREY, ls=dashes, label=label)
    axes.set_xlabel("runs in a job")
    axes.set_ylabel("ms for a gradient step of a run")
    axes.set_ylim(bottom=0)
    axes.set_title(result["device"], loc="right")
    axes.legend()
    figure.savefig(path)
