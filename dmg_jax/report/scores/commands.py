"""The command that finishes or extends a job: the stored invocation, with overrides.

ml_collections takes the last of several overrides of a field, and absl the last of
several values of a flag, so what is appended wins.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dmg_jax import run_directory

_DIRECTORIES = run_directory.FLAGS
# What the Python API stores as its invocation.
_FROM_PYTHON = "dmg_jax.train"


class Job(NamedTuple):
  """Where a run of ours was trained.

  Attributes:
    directory: of the job.
    config: of the job.
    task: name of the run's data set, as stored.
    label: of the run's group, as stored.
  """

  directory: str
  config: Mapping[str, Any]
  task: str
  label: str

  def longer(self, steps: int) -> str:
    """What trains the whole job on to so many gradient steps."""
    return command(self.config, self.directory, steps=steps)

  def more(self, first_seed: int, seeds: int, steps: int) -> str:
    """What runs other seeds of the group, each for at least so many gradient steps."""
    fields = _overrides(self.config, self.task, self.label)
    fields |= {"first_seed": first_seed, "seeds": seeds}
    return command(self.config, **fields, steps=max(steps, self.config["settings"]["steps"]))


def command(
  config: Mapping[str, Any],
  directory: str | os.PathLike[str] | None = None,
  **overrides: Any,
) -> str:
  """What runs a job again.

  Args:
    config: of a run directory.
    directory: in which the job is continued; without it, it gets one of its own.
    overrides: fields of the launcher's config and their values.

  Returns:
    A line for a shell; for a job that was started from Python, a sentence.
  """
  words = list(config["invocation"])
  if directory is None or not run_directory.of_sweep(words):
    words = list(_without_directory(words))
  if words and words[0] != _FROM_PYTHON:
    words += [f"--config.{name}={_flag(value)}" for name, value in overrides.items()]
    return run_directory.command(words, None if directory is None else Path(directory))
  changes = {"run_dir": str(directory)} if directory is not None else {}
  changes |= overrides
  named = ", ".join(f"{name}={value!r}" for name, value in changes.items())
  return f"call {_FROM_PYTHON} again, as the run was made" + f", with {named}" * bool(named)


def _overrides(config: Mapping[str, Any], task: str, label: str) -> dict[str, Any]:
  """The overrides that leave one group of a job; nothing for what all its groups share."""
  mine = next(r for r in config["runs"] if (r["task"], r["label"]) == (task, label))
  # A part of a sweep knows its own runs alone; their ids name what varied in the whole plan.
  part = run_directory.of_sweep(config["invocation"])
  source = next(t["source"] for t in config["tasks"] if t["name"] == task)
  found: dict[str, Any] = {}
  if len(config["tasks"]) > 1 or (part and source):
    found["dataset"] = source
  if part or any(run["method"] != mine["method"] for run in config["runs"]):
    found["methods"] = mine["method"]
  siblings = [r for r in config["runs"] if (r["task"], r["method"]) == (task, mine["method"])]
  for name, value in mine["point"].items():
    varied = part and f",{name}=" in mine["id"]
    if varied or any(run["point"].get(name) != value for run in siblings):
      found[name] = value
  return found


def _without_directory(invocation: Sequence[str]) -> Iterator[str]:
  words = iter(invocation)
  for word in words:
    if word in _DIRECTORIES:
      next(words, None)
    elif word.partition("=")[0] not in _DIRECTORIES:
      yield word


def _flag(value: Any) -> str:
  if isinstance(value, list | tuple):
    return f"({','.join(map(str, value))},)"
  return str(value)
