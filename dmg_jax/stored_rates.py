"""Measured rates of training on some devices, and what a plan would take there.

`stored_rates.json` is made from benchmarks/results/ by `benchmarks/stored_rates.py`.
"""

import json
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any, NamedTuple


class Work(NamedTuple):
  """Runs that advance together.

  Attributes:
    runs: how many.
    steps: gradient steps of each.
    flops: operations of one of its gradient steps, see `cost.step_flops`.
  """

  runs: int
  steps: int
  flops: float


class Measured(NamedTuple):
  """What `benchmarks/throughput.py` measured on a device.

  Attributes:
    device: its name.
    precision: of the matrix products.
    steps_per_second: runs trained together -> gradient steps per second of all.
    flops_per_step: operations of one of those steps.
    bytes_per_run: of an accelerator: the peak of the sitting over its most runs; else None.
  """

  device: str
  precision: str
  steps_per_second: Mapping[int, float]
  flops_per_step: float
  bytes_per_run: float | None

  @property
  def name(self) -> str:
    """The device, and the precision where it is not full."""
    return self.device + ("" if self.precision == "float32" else f" ({self.precision})")


def read(stored: Mapping[str, Any]) -> Measured:
  """A result of `benchmarks/throughput.py`, or an entry of `stored_rates.json`."""
  rates = {int(runs): rate for runs, rate in stored["steps_per_second"].items()}
  peak = stored.get("peak_memory_bytes")
  # On a CPU the peak is of the whole process, most of which is no run's.
  on_accelerator = stored.get("worker_threads") == 1
  return Measured(
    stored["device"],
    stored.get("precision", "float32"),
    rates,
    stored["flops_per_step"],
    peak / max(rates) if on_accelerator and peak is not None else None,
  )


def load() -> list[Measured]:
  """All that are stored."""
  text = resources.files("dmg_jax").joinpath("stored_rates.json").read_text()
  return [read(stored) for stored in json.loads(text)]


def seconds(measured: Measured, works: Iterable[Work]) -> float:
  """What some work takes on a device, one after the other: gradient steps alone.

  Each step counts as its operations do against those of the steps that were measured.
  """
  return sum(
    work.runs * work.steps * work.flops / measured.flops_per_step / _rate(measured, work.runs)
    for work in works
  )


def _rate(measured: Measured, runs: int) -> float:
  """Gradient steps per second: the best rate of as many runs together as there are, or fewer."""
  rates = measured.steps_per_second
  return max(rate for count, rate in rates.items() if count <= max(runs, min(rates)))


def hours(seconds: float) -> str:
  """Hours, with as many digits as they deserve."""
  value = seconds / 3600
  return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"
