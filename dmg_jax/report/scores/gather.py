"""Scores out of run directories, none of them silently wrong.

Left out, and named in a notice: what is no training of this format, a job that is
not finished (with the command that finishes it), one that cannot be read, groups without
normalised scores, one whose runs lack an episode of an evaluation, a copy of another
directory, and every run that diverged or was not scored. Refused: one seed of a method
on a dataset in two directories; one dataset's name on different data or simulators,
whatever the methods; and seeds of one method on one dataset that differ in their steps,
their evaluations, their hyperparameters or the versions of what computed them.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dmg_jax import run_config, run_directory, run_log
from dmg_jax.errors import UserError
from dmg_jax.report.scores import commands, stored_job
from dmg_jax.report.scores.score import Score
from dmg_jax.report.scores.selection import join
from dmg_jax.report.scores.stored_job import Group, LeftOutError


class Gathered(NamedTuple):
  """What run directories hold.

  Attributes:
    scores: one for each run that counts.
    notices: one line for everything that was left out.
    diverged: the runs that did, without scores; they were run, and no other seed
      may stand in for them.
  """

  scores: list[Score]
  notices: list[str]
  diverged: list[Score]


def gather(paths: Iterable[str | os.PathLike[str]]) -> Gathered:
  """The scores of all run directories at or below some paths.

  Args:
    paths: run directories, or folders that hold such at any depth.

  Raises:
    UserError: if a path holds no run directory, or for scores that may not
      share a report (see the module).
  """
  groups: list[Group] = []
  notices: list[str] = []
  contents: dict[str, Path] = {}
  for directory in _run_directories(paths):
    try:
      config, summary = _read(directory)
      first = contents.setdefault(_content(directory, config), directory)
      if first != directory:
        raise LeftOutError(f"a copy of {first}")
      found, reasons = stored_job.groups(directory, config, summary)
    except LeftOutError as reason:
      notices.append(f"{directory} is left out: {reason}")
    else:
      groups += found
      notices += [f"{directory} is left out: {reason}" for reason in reasons]
      notices += [notice for group in found for notice in group.notices]
  scores = join(score for group in groups for score in group.scores)
  _refuse_mixtures(groups)
  diverged = [score for group in groups for score in group.diverged]
  return Gathered(scores, notices, diverged)


def _run_directories(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
  """Each once, by path, however many of the paths lead to it."""
  found: dict[Path, Path] = {}
  for path in map(run_directory.expand, paths):
    if not os.path.isdir(path):
      raise UserError(f"{path} is no folder; name run directories, or a folder that holds some")
    below, seen = [], set()
    for folder, folders, files in os.walk(path, onerror=_refuse_unreadable, followlinks=True):
      # Links may lead back up.
      if (real := os.path.realpath(folder)) in seen:
        folders.clear()
        continue
      seen.add(real)
      folders.sort()
      if run_directory.CONFIG in files:
        below.append(Path(folder))
        folders.clear()
    if not below:
      raise UserError(
        f"{path} holds no run directory (a folder with {run_directory.CONFIG}); name one that"
        " launch/main.py has made"
      )
    for directory in below:
      found.setdefault(directory.resolve(), directory)
  return sorted(found.values())


def _refuse_unreadable(error: OSError) -> None:
  """Runs in a folder that cannot be read would be missing without a word."""
  raise UserError(f"{error.filename} cannot be read: {error.strerror}") from error


def _read(directory: Path) -> tuple[dict[str, Any], dict[str, Any]]:
  """Config and summary of a finished training."""
  try:
    config = run_directory.read_config(directory, run_config.TRAININGS)
  except UserError as error:
    raise LeftOutError(str(error)) from error
  if not (directory / run_directory.SUMMARY).exists():
    raise LeftOutError(f"not finished; finish it with: {commands.command(config, directory)}")
  summary = _json(directory / run_directory.SUMMARY)
  try:
    done, wanted = int(summary["steps"]), int(config["settings"]["steps"])
  except (KeyError, TypeError, ValueError) as error:
    raise stored_job.damaged(error) from error
  if done < wanted:
    raise LeftOutError(
      f"not finished, at {done:,} of {wanted:,} steps; finish it with:"
      f" {commands.command(config, directory)}"
    )
  return config, summary


def _refuse_mixtures(groups: Iterable[Group]) -> None:
  firsts: dict[tuple[str, ...], Group] = {}
  for group in groups:
    if group.scores:
      key = (group.dataset,)
      _refuse(firsts.setdefault(key, group), group, group.dataset, cell=False)
      first = firsts.setdefault((group.method, group.dataset), group)
      _refuse(first, group, f"{group.method} on {group.dataset}", cell=True)


def _refuse(first: Group, second: Group, what: str, *, cell: bool) -> None:
  ours, theirs = first.in_row, second.in_row
  if cell:
    ours, theirs = ours | first.in_cell, theirs | second.in_cell
  different = [
    f"{name} {ours.get(name)} and {theirs.get(name)}"
    for name in dict.fromkeys((*ours, *theirs))
    if ours.get(name) != theirs.get(name)
  ]
  if different:
    raise UserError(
      f"{what} is not alike in {first.directory} and {second.directory} ({'; '.join(different)});"
      " report them apart, or run one again as the other was"
    )


def _json(path: Path) -> dict[str, Any]:
  try:
    content = run_log.decode(json.loads(path.read_text(encoding="utf-8")))
  except (OSError, ValueError, RecursionError) as error:
    raise LeftOutError(f"its {path.name} cannot be read ({error})") from error
  if not isinstance(content, dict):
    raise LeftOutError(f"its {path.name} cannot be read (it is no object)")
  return content


def _content(directory: Path, config: Mapping[str, Any]) -> str:
  """A hash of the runs and of what they scored, however the job was started."""
  digest = hashlib.sha256()
  job = {name: config.get(name) for name in ("settings", "tasks", "runs")}
  digest.update(json.dumps(job, sort_keys=True).encode() + b"\0")
  try:
    digest.update((directory / run_log.EVALUATIONS).read_bytes())
  except OSError as error:
    raise stored_job.damaged(error) from error
  return digest.hexdigest()
