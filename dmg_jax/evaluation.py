"""Evaluates many policies in many simulators.

Every policy plays the same, fixed number of episodes, so that short episodes do
not count more than long ones. Every episode has a seed of its own, so that a
result does not depend on what ran before. All episodes under way act in one
batched call.
"""

import functools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from dmg_jax.data.scaling import Scaling
from dmg_jax.envs.host import IDLE, RESET, STEP
from dmg_jax.envs.workers import Kind, Workers, automatic_workers
from dmg_jax.types import Array, Parameters

CONCURRENT_ENVIRONMENTS = 256


class Policies(NamedTuple):
  """R deterministic policies from raw observations to an environment's actions.

  Attributes:
    act: pure function from (parameters, observations (..., S) as the networks see
      them) to actions (..., A) in [-1, 1]. Hashable: another one compiles anew.
    actors: parameters, leading axis R.
    scalings: leading axis R.
  """

  act: Callable[[Parameters, Array], Array]
  actors: Parameters
  scalings: Scaling


class Evaluation(NamedTuple):
  """Undiscounted returns and lengths of E episodes of each of R policies.

  Attributes:
    returns: (R, E) float64; NaN where the policy gave a non-finite action.
    lengths: (R, E) int64 steps.
  """

  returns: np.ndarray
  lengths: np.ndarray


class Simulators:
  """Environments of one kind, made when first needed and kept.

  Args:
    env_id: a Gymnasium id.
    env_kwargs: keyword arguments of the environment.
    workers: the processes that they live in: a number (1 means in this process), or
      `Workers` that several kinds of environments share and that the caller closes.
      By default the first evaluation chooses, see `automatic_workers`. Results do
      not depend on it.
    concurrent: how many simulators may be open at once.
  """

  def __init__(
    self,
    env_id: str,
    env_kwargs: Mapping[str, Any] | None = None,
    *,
    workers: Workers | int | None = None,
    concurrent: int = CONCURRENT_ENVIRONMENTS,
  ):
    self.env_id = env_id
    self.env_kwargs = dict(env_kwargs or {})
    self.concurrent = concurrent
    self._owner = not isinstance(workers, Workers)
    self._workers = Workers(workers) if isinstance(workers, int) else workers
    self._kind: Kind | None = None
    # Held during an evaluation: another one would play in the same simulators.
    self.lock = threading.Lock()

  def open(self, episodes: int) -> tuple[Workers, Kind]:
    """The workers, with the environments' kind prepared.

    Args:
      episodes: of the evaluation that comes next, all policies together.

    Raises:
      UserError: if there is no such environment.
    """
    if self._workers is None:
      self._workers = Workers(automatic_workers(episodes))
    if self._kind is None:
      self._kind = self._workers.open(self.env_id, self.env_kwargs)
    return self._workers, self._kind

  def close(self) -> None:
    """Frees the simulators; shared workers go on."""
    if self._owner and self._workers is not None:
      self._workers.close()


def episode_seeds(
  evaluation_seed: int, run_seeds: Sequence[int], step: int, episodes: int
) -> np.ndarray:
  """(R, E) seeds, each from (evaluation seed, its run's seed, step, episode) alone."""
  return np.array(
    [
      [
        np.random.SeedSequence((evaluation_seed, int(seed), step, episode)).generate_state(1)[0]
        for episode in range(episodes)
      ]
      for seed in run_seeds
    ]
  ).reshape(len(run_seeds), episodes)


def evaluate(simulators: Simulators, policies: Policies, seeds: np.ndarray) -> Evaluation:
  """Plays E episodes with each of R policies.

  The actors go to the default device once, and one program is compiled for all
  rounds. If there are more episodes than `simulators.concurrent`, those that wait
  begin where others end.

  It may run in a thread beside the training, if the actors are not donated to it.
  An accelerator does one thing at a time: there, evaluate in a thread under
  `jax.default_device(jax.devices("cpu")[0])`.

  Args:
    simulators: of the environment.
    policies: R of them.
    seeds: (R, E), one for each episode.

  Raises:
    UserError: if there is no such environment.
    SimulatorError: if a simulator fails, or its process ends.
  """
  returns, lengths = np.zeros(seeds.shape), np.zeros(seeds.shape, np.int64)
  if not seeds.size:
    return Evaluation(returns, lengths)
  runs, episodes = seeds.shape
  together = min(runs, simulators.concurrent)
  width = min(episodes, simulators.concurrent // together)
  placed = jax.device_put((policies.actors, policies.scalings))
  with simulators.lock:
    workers, kind = simulators.open(seeds.size)
    for group in _groups(runs, together):
      chosen = placed if together == runs else _take(placed, np.resize(group, together))
      act = functools.partial(_act, policies.act, *chosen)
      found = _play(workers, kind, act, seeds[group], (together, width))
      returns[group], lengths[group] = found
  return Evaluation(returns, lengths)


def _groups(runs: int, together: int) -> Iterator[np.ndarray]:
  """The runs in groups, of which the last may be smaller."""
  for first in range(0, runs, together):
    yield np.arange(first, min(first + together, runs))


@functools.partial(jax.jit, static_argnames="act")
def _act(
  act: Callable[[Parameters, Array], Array],
  actors: Parameters,
  scalings: Scaling,
  observations: Array,
) -> Array:
  """Actions (R, W, A) in the environments' units, from raw observations (R, W, S)."""

  def one(actor, scaling, rows):
    return scaling.act(act(actor, scaling.observe(rows)))

  return jax.vmap(one)(actors, scalings, observations)


@jax.jit
def _take(tree, rows: Array):
  return jax.tree.map(lambda leaf: leaf[rows], tree)


def _play(
  workers: Workers,
  kind: Kind,
  act: Callable[[np.ndarray], Array],
  seeds: np.ndarray,
  shape: tuple[int, int],
) -> Evaluation:
  """All episodes of some policies, in a fixed batch of places.

  Args:
    workers, kind: of the simulators.
    act: from observations (P, W, S) to actions (P, W, A).
    seeds: (R, E), R <= P.
    shape: (P, W): a policy has W <= E places. Its first episodes take them, each
      place that gets free takes the next.
  """
  runs, episodes = seeds.shape
  returns, lengths = np.zeros(seeds.shape), np.zeros(seeds.shape, np.int64)
  orders = np.zeros(shape, kind.sizes.orders())
  commands = orders["command"]
  # Of each place: its run and its episode; of each run: the next episode to begin.
  run_of, episode_of = (np.array(indices) for indices in np.indices(shape))
  following = np.full(runs, shape[1])
  commands[:runs] = RESET
  orders["seed"][:runs] = seeds[:, : shape[1]]
  while commands.any():
    results = workers.play(kind, orders.reshape(-1)).reshape(shape)
    stepped = commands == STEP
    places = run_of[stepped], episode_of[stepped]
    returns[places] += results["reward"][stepped]
    lengths[places] += 1
    actions = np.asarray(act(results["observation"]))
    ended = results["ended"]
    lost = (commands != IDLE) & ~ended & ~np.isfinite(actions).all(axis=-1)
    returns[run_of[lost], episode_of[lost]] = np.nan
    commands[commands != IDLE] = STEP
    orders["action"] = actions
    for run, place in np.argwhere(ended | lost):
      episode = following[run]
      following[run] += 1
      commands[run, place] = RESET if episode < episodes else IDLE
      if episode < episodes:
        episode_of[run, place], orders["seed"][run, place] = episode, seeds[run, episode]
  return Evaluation(returns, lengths)
