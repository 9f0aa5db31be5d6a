"""The study: every measurement of every run, as numbers to store."""

import functools
import zlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from dmg_jax.critic import Critic, has_critic
from dmg_jax.data import catalog
from dmg_jax.data.dataset import Dataset
from dmg_jax.data.scaling import Scaling
from dmg_jax.envs.robots import STARTED, recoverable
from dmg_jax.envs.workers import Kind, Workers
from dmg_jax.errors import UserError
from dmg_jax.probe import nearest, rays, shift
from dmg_jax.probe.gather import Gathered, Subject
from dmg_jax.probe.rollouts import roll_out
from dmg_jax.probe.settings import DEPTHS, EPSILONS, Settings
from dmg_jax.progress import Progress
from dmg_jax.types import Agent, Array, Parameters


class _Draws(NamedTuple):
  """What all runs on a data set share.

  Attributes:
    starts: (N,) rows whose state is known.
    directions: (N, A), see `rays.directions`.
    rows: (R,) rows at which distances are taken.
    nearest: (R, K) the nearest rows of each.
  """

  starts: np.ndarray
  directions: np.ndarray
  rows: np.ndarray
  nearest: np.ndarray


def measure(gathered: Gathered, settings: Settings, workers: int) -> dict[str, Any]:
  """All measurements: {"settings", "tasks", "runs", "left_out"}, as JSON can hold them.

  Args:
    gathered: runs and data.
    settings: checked.
    workers: processes of the simulators; the numbers do not depend on it.

  Raises:
    UserError: if the data have too few states to start in.
    SimulatorError: if a simulator fails.
  """
  tasks, rows = {}, []
  with Progress(_total(gathered, settings), unit="episode", description="probe") as progress:
    for name, dataset in gathered.datasets.items():
      subjects = [one for one in gathered.subjects if one.stored.run["task"] == name]
      if not subjects:
        continue
      progress.note(f"Q and returns, {name}")
      task = gathered.tasks[name]
      draws, tasks[name] = _prepare(task, dataset, subjects[0].stored.scaling, settings)
      rows += _probe(task, dataset, subjects, draws, settings, workers, progress)
    _add_shift(gathered, rows, settings, workers, progress)
  return {
    "settings": settings._asdict() | {"epsilons": EPSILONS, "depths": [*DEPTHS, settings.horizon]},
    "tasks": tasks,
    "runs": rows,
    "left_out": gathered.left_out,
  }


def _total(gathered: Gathered, settings: Settings) -> int:
  """Episodes of the whole study."""
  total = 0
  for subject in gathered.subjects:
    env_id = gathered.tasks[subject.stored.run["task"]]["env"]
    total += settings.episodes * len(shift.worlds(env_id))
    total += settings.starts * len(EPSILONS) * has_critic(subject.stored)
  return total


def _prepare(
  task: Mapping[str, Any], dataset: Dataset, scaling: Scaling, settings: Settings
) -> tuple[_Draws, dict[str, Any]]:
  observations = np.asarray(dataset.transitions.observations, np.float64)
  actions = np.asarray(dataset.transitions.actions)
  known = np.flatnonzero(recoverable(task["env"], observations))
  if len(known) < settings.starts:
    raise UserError(
      f"{task['name']} has {len(known)} states to start in, fewer than --starts={settings.starts}"
    )
  generator = np.random.default_rng([settings.seed, zlib.crc32(dataset.sha256.encode())])
  starts = np.sort(generator.choice(known, settings.starts, replace=False))
  rows = np.sort(generator.choice(len(actions), min(settings.rows, len(actions)), replace=False))
  found = nearest.neighbours(observations, rows, min(settings.neighbours, len(actions)))
  units = _boxed(actions, scaling)
  draws = _Draws(starts, rays.directions(units[starts], generator), rows, found)
  others = np.where(found == rows[:, None], found[:, -1:], found)
  facts = {
    "env": task["env"],
    "sha256": dataset.sha256,
    "transitions": len(actions),
    "reference": task["reference"],
    "known_states": len(known),
    "own_nearest": float(nearest.distances(units[rows], units[others]).mean()),
  }
  return draws, facts


def _probe(
  task: Mapping[str, Any],
  dataset: Dataset,
  subjects: list[Subject],
  draws: _Draws,
  settings: Settings,
  workers: int,
  progress: Progress,
) -> list[dict[str, Any]]:
  """The rows of the runs on one data set, still without changed worlds."""
  observations = np.asarray(dataset.transitions.observations, np.float64)
  arguments = {
    "robot": task["env"],
    "robot_kwargs": task["env_kwargs"],
    "starts": observations[draws.starts].tolist(),
  }
  simulators, rows = Workers(workers), []
  try:
    kind = simulators.open(STARTED, arguments)
    for subject in subjects:
      run = subject.stored.run
      row = {
        "task": task["name"],
        "method": run["method"],
        "name": subject.name,
        "label": run["label"],
        "lam": run["point"]["lam"],
        "nu": run["point"]["nu"],
        "seed": run["seed"],
        "step": subject.step,
      }
      row["distance"] = _distances(dataset, subject, draws)
      if has_critic(subject.stored):
        row |= _values(task, dataset, subject, draws, settings, (simulators, kind))
        progress.update(settings.starts * len(EPSILONS))
      rows.append(row)
  finally:
    simulators.close()
  return rows


def _policy(subject: Subject) -> Callable[[np.ndarray], Array]:
  """Actions for raw observations (..., S), in the environment's units."""
  stored = subject.stored
  actor = jax.device_put(stored.agent.policy(stored.state))
  return functools.partial(_act, stored.agent, actor, stored.scaling)


@functools.partial(jax.jit, static_argnames="agent")
def _act(agent: Agent, actor: Parameters, scaling: Scaling, observations: Array) -> Array:
  return scaling.act(agent.act(actor, scaling.observe(observations)))


def _distances(dataset: Dataset, subject: Subject, draws: _Draws) -> dict[str, float]:
  """Mean distances of the policy's actions to the data's, in the box [-1, 1]^A."""
  scaling = subject.stored.scaling
  units = _boxed(dataset.transitions.actions, scaling)
  shown = np.asarray(dataset.transitions.observations)[draws.rows]
  acted = _boxed(_policy(subject)(shown), scaling)
  same = nearest.distances(acted, units[draws.rows][:, None])
  near = nearest.distances(acted, units[draws.nearest])
  return {
    "same_row": float(same.mean()),
    "nearest": float(near.mean()),
    "nearest_90_percent": float(np.quantile(near, 0.9)),
  }


def _values(
  task: Mapping[str, Any],
  dataset: Dataset,
  subject: Subject,
  draws: _Draws,
  settings: Settings,
  simulators: tuple[Workers, Kind],
) -> dict[str, Any]:
  """Q and Monte-Carlo returns along the rays, and along the chain from the data's actions."""
  stored, epsilons = subject.stored, np.array(EPSILONS)
  scaling, discount = stored.scaling, float(stored.run["point"]["discount"])
  observations = np.asarray(dataset.transitions.observations[draws.starts])
  units = _boxed(dataset.transitions.actions[draws.starts], scaling)
  moved = rays.along(units, draws.directions, epsilons)
  actions = np.asarray(scaling.act(moved), np.float32)
  policy, critic = _policy(subject), Critic(stored)
  depths = [*DEPTHS, settings.horizon]
  shape, count = actions.shape[:2], len(draws.starts)
  played = roll_out(
    *simulators,
    policy,
    np.tile(np.arange(count), len(epsilons)),
    actions.reshape(-1, actions.shape[-1]),
    discount=discount,
    horizon=settings.horizon,
    depths=depths,
    reward_shift=task["reward_shift"],
  )
  values = critic(np.broadcast_to(observations, (*shape, observations.shape[1])), actions)
  # The first rays' ends are the data's own actions.
  shown = played.observations[:, :count]
  followed = np.array(policy(shown))
  followed[0] = actions[0]
  weights = discount ** np.array(depths)[:, None]
  later = np.where(played.going[:, :count], critic(shown, followed), 0.0)
  gaps = values[0] - played.partial[:, :count] - weights * later
  return {
    "discount": discount,
    "q": _rounded(values),
    "returns": _rounded(played.returns.reshape(shape)),
    "lengths": played.lengths.reshape(shape).tolist(),
    "gaps": _rounded(gaps),
  }


def _boxed(actions: Array, scaling: Scaling) -> np.ndarray:
  """Actions in the box [-1, 1]^A, float64."""
  units = np.asarray(actions, np.float64) - np.asarray(scaling.action_centre)
  return units / np.asarray(scaling.action_scale)


def _rounded(values: np.ndarray) -> Any:
  """Lists, to the digits that float32 networks have."""
  return np.round(np.asarray(values, np.float64), 4).tolist()


def _add_shift(
  gathered: Gathered,
  rows: list[dict[str, Any]],
  settings: Settings,
  workers: int,
  progress: Progress,
) -> None:
  """Adds to each row its returns in each world; runs of one robot play together."""
  robots: dict[str, list[int]] = {}
  for place, row in enumerate(rows):
    task = gathered.tasks[row["task"]]
    robots.setdefault(f"{task['env']} {task['env_kwargs']}", []).append(place)
  subjects = {
    (one.stored.run["task"], one.name, one.stored.run["seed"]): one for one in gathered.subjects
  }
  for places in robots.values():
    task = gathered.tasks[rows[places[0]]["task"]]
    chosen = [subjects[rows[p]["task"], rows[p]["name"], rows[p]["seed"]] for p in places]
    for world in shift.worlds(task["env"]):
      progress.note(f"{world.what} {world.amount:+g}, {task['env']}")
      found = shift.returns(
        world, task, chosen, settings.episodes, settings.seed, workers, progress.update
      )
      for place, returns in zip(places, found, strict=True):
        reference = gathered.tasks[rows[place]["task"]]["reference"]
        scores = returns
        if reference is not None:
          scores = catalog.normalised_score(returns, tuple(reference))
        rows[place].setdefault("shift", []).append(
          {**world._asdict(), "scores": _rounded(np.asarray(scores))}
        )
