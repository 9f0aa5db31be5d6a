"""Sections of docs/beyond.md on what was measured after the choice and its report."""

from collections.abc import Iterator, Mapping
from typing import Any

import beyond_second
from beyond_jobs import TITLES, costly_jobs, robots_jobs
from beyond_scores import measures, searched
from beyond_settings import difference, left_out, measured
from beyond_words import wrapped


def robots(part: Mapping[str, Any], chosen: str, earlier: Mapping[str, Any]) -> Iterator[str]:
  """Lines on the choice where it was made, for as long as the report and at its rates.

  Args:
    part: its jobs.
    chosen: the name of the setting.
    earlier: title -> part, whose data these may be.
  """
  yield "## The choice on the robots, at the paper's rates"
  yield ""
  yield from wrapped(
    "Measured after the report, to see whether the choice depends on the searches' rates and "
    f"their few steps. {_data(part, earlier)}"
  )
  yield ""
  yield from measured(
    part, "at the paper's learning and target rates, with layers of 64.", robots_jobs()
  )
  found = measures(searched(part))
  if chosen in found:
    gain, interval = difference(beyond_second.gain(found, chosen))
    best = max(found, key=lambda name: beyond_second.contrast(found, {name: 1.0}).mean)
    told = f"The gain of the choice over DMG is {gain} {interval}."
    if best != chosen:
      told += f" The largest mean is that of another setting: {TITLES[best]}."
    yield from wrapped(
      f"{told} The choice was not changed after this: the report's scores were known by then."
    )
    yield ""
    yield from left_out(found, chosen)


def costly(part: Mapping[str, Any], earlier: Mapping[str, Any]) -> Iterator[str]:
  """Lines on ingredients that the first search did not measure; `earlier` as above."""
  yield "## Ingredients that the first search did not measure"
  yield ""
  yield from wrapped(
    "Measured after the report, and nothing was chosen from them. Ten critics were no part of the "
    f"first search's plan; for the others it had no time. {_data(part, earlier)}"
  )
  yield ""
  yield from measured(part, "at the searches' rates, with layers of 64.", costly_jobs())


def _data(part: Mapping[str, Any], earlier: Mapping[str, Any]) -> str:
  """Whose data a part has, by the hashes."""
  ours = _hashes(part)
  for title, other in earlier.items():
    if _hashes(other) == ours:
      return f"The data are those of {title}."
  return "The data were made anew, by the commands below, and have other bits."


def _hashes(part: Mapping[str, Any]) -> dict[str, str]:
  return {task: made["sha256"] for task, made in part["data"].items()}
