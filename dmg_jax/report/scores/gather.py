"""Scores out of run directories, none of them silently wrong.

Left out, and named in a notice: what is no offline job, a job that is not
finished (with the command that finishes it), one that cannot be read, one
without normalised scores, one whose seeds lack an episode of an evaluation, a
copy of another directory, and every seed that diverged or was not scored.
Refused: one seed of a method on a dataset in two directories; one dataset's
name on different data or simulators, whatever the methods; and seeds of one
method on one dataset that differ in their steps, their evaluations or the
versions of what computed them.
"""

import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dmg_jax import run_directory, run_log
from dmg_jax.errors import UserError
from dmg_jax.report import job_command
from dmg_jax.report.method_names import HYPERPARAMETERS, method_name
from dmg_jax.report.paper import paper_scores
from dmg_jax.report.scores.score import Score
from dmg_jax.report.scores.selection import join
from dmg_jax.report.tables.job_table import SCORE, WINDOW

# What differs in these may not share a row, and what differs in the rest no cell.
_ALIKE_IN_ROW = ("data_sha256", "env")
_PACKAGES = ("dmg_jax", "jax", "gymnasium", "mujoco")
_ALIKE_IN_CELL = ("steps", "evaluation_interval", "evaluation_episodes", *_PACKAGES)
_NO_ENVIRONMENT = "none"


class Gathered(NamedTuple):
  """What run directories hold.

  Attributes:
    scores: one for each seed that counts.
    notices: one line for everything that was left out.
    diverged: method, data set and number of each seed that diverged; they were
      run, and no other seed may stand in for them.
    configs: of the directories in which any seed counts, by `Score.source`.
  """

  scores: list[Score]
  notices: list[str]
  diverged: list[tuple[str, str, int]]
  configs: dict[str, Mapping[str, Any]]


class _Run(NamedTuple):
  directory: Path
  config: dict[str, Any]
  versions: Mapping[str, str]
  content: str
  scores: list[Score]
  notices: list[str]
  diverged: list[int]


# seed -> step -> episode -> score
_Curves = dict[int, dict[int, dict[int, float]]]


class _LeftOutError(Exception):
  """Why a directory is in no average."""


def gather(paths: Iterable[str | os.PathLike[str]]) -> Gathered:
  """The scores of all run directories at or below some paths.

  Args:
    paths: run directories, or folders that hold such at any depth.

  Raises:
    UserError: if a path holds no run directory, or for scores that may not
      share a report (see the module).
  """
  runs: list[_Run] = []
  notices: list[str] = []
  contents: dict[str, Path] = {}
  for directory in _run_directories(paths):
    try:
      run = _read(directory)
      first = contents.setdefault(run.content, directory)
      if first != directory:
        raise _LeftOutError(f"a copy of {first}")
    except _LeftOutError as reason:
      notices.append(f"{directory} is left out: {reason}")
    else:
      runs.append(run)
      notices += run.notices
  scores = join(score for run in runs for score in run.scores)
  _refuse_mixtures(runs)
  return Gathered(
    scores,
    notices,
    [
      (method_name(run.config), run.config["dataset"], seed)
      for run in runs
      for seed in run.diverged
    ],
    {str(run.directory): run.config for run in runs if run.scores},
  )


def _run_directories(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
  """Each once, by path, however many of the paths lead to it."""
  found: dict[Path, Path] = {}
  for path in map(Path, paths):
    if not path.is_dir():
      raise UserError(f"{path} is no folder; name run directories, or a folder that holds some")
    below, seen = [], set()
    for folder, folders, files in os.walk(path, followlinks=True):
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


def _read(directory: Path) -> _Run:
  config = _json(directory / run_directory.CONFIG)
  if not isinstance(config.get("dataset"), str) or "lam" not in config:
    raise _LeftOutError(f"its {run_directory.CONFIG} is not one of an offline job")
  if not (directory / run_directory.SUMMARY).exists():
    raise _LeftOutError(f"not finished; finish it with: {job_command.command(config, directory)}")
  summary = _json(directory / run_directory.SUMMARY)
  try:
    return _finished(directory, config, summary)
  except (KeyError, OSError, TypeError, ValueError) as error:
    raise _LeftOutError(
      f"its logs or its {run_directory.SUMMARY} are damaged"
      f" ({type(error).__name__}: {error}); the command that made it writes the summary anew"
    ) from error


def _finished(directory: Path, config: dict[str, Any], summary: dict[str, Any]) -> _Run:
  results = summary["results"]
  if (done := summary["config"]["steps"]) < config["steps"]:
    raise _LeftOutError(
      f"not finished, at {done:,} of {config['steps']:,} steps; finish it with:"
      f" {job_command.command(config, directory)}"
    )
  if config["env"] == _NO_ENVIRONMENT:
    raise _LeftOutError("it was trained without a simulator and has no scores")
  if results["unit"] != SCORE:
    raise _LeftOutError(f"its environment, {config['env']}, has returns but no normalised score")
  dataset = config["dataset"]
  if paper_scores.paper_row(dataset) is not None and results["paper"] is None:
    raise _LeftOutError(
      f"its data are called {dataset} but were not read as D4RL's; import them under another name"
    )
  curves = _curves(directory)
  run = _Run(directory, config, summary["versions"], _content(directory), [], [], [])
  for row in results["seeds"]:
    seed = row["seed"]
    named = f"{directory}: seed {seed} is left out:"
    if row["diverged_at"] is not None:
      run.diverged.append(seed)
      run.notices.append(f"{named} it diverged at step {row['diverged_at']:,}")
    elif row["last"] is None:
      run.notices.append(f"{named} it has no score at step {row['no_score_at']:,}")
    else:
      score = _score(run, seed, _means(curves[seed]))
      if score.steps != results["last_step"] or not math.isclose(score.last, row["last"]):
        raise ValueError(f"seed {seed} ends otherwise in {run_log.EVALUATIONS}")
      _check_curve(seed, curves, config["evaluation_episodes"])
      run.scores.append(score)
  return run


def _score(run: _Run, seed: int, curve: dict[int, float]) -> Score:
  config = run.config
  steps = sorted(curve)
  scores = tuple(curve[step] for step in steps)
  return Score(
    method=method_name(config),
    dataset=config["dataset"],
    seed=seed,
    steps=steps[-1],
    last=scores[-1],
    last_ten=float(np.mean(scores[-WINDOW:])),
    evaluation_steps=tuple(steps),
    evaluation_scores=scores,
    settings={name: float(config[name]) for name in HYPERPARAMETERS if name in config},
    source=str(run.directory),
  )


def _curves(directory: Path) -> _Curves:
  curves: _Curves = {}
  for row in run_log.read(directory, run_log.EVALUATIONS):
    episodes = curves.setdefault(row["seed"], {}).setdefault(row["step"], {})
    if row["episode"] in episodes:
      raise ValueError(
        f"episode {row['episode']} of seed {row['seed']} at step {row['step']:,} is there twice"
      )
    episodes[row["episode"]] = row["score"]
  return curves


def _means(curve: Mapping[int, Mapping[int, float]]) -> dict[int, float]:
  return {step: float(np.mean(list(episodes.values()))) for step, episodes in curve.items()}


def _check_curve(seed: int, curves: _Curves, episodes: int) -> None:
  """Refuses a seed without all episodes of all evaluations that any seed has."""
  for step in sorted({step for curve in curves.values() for step in curve}):
    scores = curves[seed].get(step, {})
    if len(scores) != episodes:
      raise ValueError(f"seed {seed} has {len(scores)} of {episodes} episodes at step {step:,}")
    if not np.isfinite(list(scores.values())).all():
      raise ValueError(f"seed {seed} has a score at step {step:,} that is no finite number")


def _refuse_mixtures(runs: list[_Run]) -> None:
  firsts: dict[tuple[str, ...], _Run] = {}
  for run in runs:
    for method, dataset in {(score.method, score.dataset) for score in run.scores}:
      _refuse(firsts.setdefault((dataset,), run), run, dataset, _ALIKE_IN_ROW)
      first = firsts.setdefault((method, dataset), run)
      _refuse(first, run, f"{method} on {dataset}", _ALIKE_IN_CELL)


def _refuse(first: _Run, second: _Run, what: str, names: Iterable[str]) -> None:
  ours, theirs = _circumstances(first), _circumstances(second)
  different = [
    f"{name} {ours[name]} and {theirs[name]}" for name in names if ours[name] != theirs[name]
  ]
  if different:
    raise UserError(
      f"{what} is not alike in {first.directory} and {second.directory} ({'; '.join(different)});"
      " report them apart, or run one again as the other was"
    )


def _circumstances(run: _Run) -> dict[str, Any]:
  names = (*_ALIKE_IN_ROW, *_ALIKE_IN_CELL)
  return {name: (run.versions if name in _PACKAGES else run.config).get(name) for name in names}


def _json(path: Path) -> dict[str, Any]:
  try:
    content = json.loads(path.read_text(encoding="utf-8"))
  except (OSError, ValueError) as error:
    raise _LeftOutError(f"its {path.name} cannot be read ({error})") from error
  if not isinstance(content, dict):
    raise _LeftOutError(f"its {path.name} cannot be read (it is no object)")
  return content


def _content(directory: Path) -> str:
  """A hash of the job and of what it scored."""
  digest = hashlib.sha256()
  for name in (run_directory.CONFIG, run_log.EVALUATIONS):
    digest.update((directory / name).read_bytes() + b"\0")
  return digest.hexdigest()
