"""How the sections of docs/beyond.md say numbers of runs, steps, scores and settings."""

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from beyond_jobs import TITLES
from beyond_scores import Side

from dmg_jax.report.scores import statistics
from dmg_jax.report.scores.intervals import Estimate


def steps(jobs: Iterable[Mapping[str, Any]]) -> str:
  """How long the runs were, and to where they count."""
  found = dict.fromkeys(
    f"{job['steps']:,} gradient steps"
    + (f", cut: they count to {job['to_step']:,}" if job["to_step"] < job["steps"] else "")
    for job in jobs
  )
  return " or ".join(found)


def seeds(sides: Mapping[str, Side]) -> str:
  """How many, of each data set."""
  counts = dict.fromkeys(str(len(one.measures)) for one in sides.values())
  return " or ".join(counts)


def titles(names: Iterable[str]) -> str:
  """Of variants."""
  return "; ".join(TITLES.get(name, name) for name in names)


def spread(values: list[float]) -> str:
  """Mean and standard deviation."""
  mean, deviation = statistics.mean_and_deviation(values)
  return f"{mean:.1f} ± {deviation:.1f}"


def estimate(found: Estimate, digits: int) -> tuple[str, str]:
  """Value and interval."""
  value, low, high = (f"{float(number):.{digits}f}" for number in found)
  return value, f"[{low}, {high}]"


def bounds(low: float, high: float) -> str:
  """Of an interval, one digit, and no -0.0."""
  return f"[{low:z.1f}, {high:z.1f}]"


def wrapped(text: str) -> list[str]:
  """Lines of a page."""
  return textwrap.wrap(text, 100, break_long_words=False, break_on_hyphens=False)
