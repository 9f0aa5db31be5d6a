"""The online loop: many runs act, store and learn together.

Its uses differ only in who learns, from which rows, and in what happens between
rounds. Every run has its own simulators, episodes and region of the data; all act
in one batched call and learn in one compiled call.
"""

import functools
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax import experience, training
from dmg_jax.data.scaling import Scaling
from dmg_jax.data.stream import Stream
from dmg_jax.online import rounds
from dmg_jax.online.exploration import Exploration
from dmg_jax.training import ACTIVE, Program, Runs
from dmg_jax.types import Array, Metrics, Transitions

# A stream of its own for random actions, beside those of training and exploration.
_RANDOM_STEPS = np.uint32(2**32 - 3)


class Settings(NamedTuple):
  """How the online loop collects and learns.

  Attributes:
    random_rounds: first rounds, with uniform actions and without learning.
    learn_every: rounds between calls of the training, each of as many rounds'
      gradient steps: several in one compiled call are faster than one by one, and
      the policy acts that long without learning.
    updates: gradient steps for each round.
  """

  random_rounds: int = 0
  learn_every: int = 1
  updates: int = 1


class Playing(NamedTuple):
  """Where one run acts.

  Attributes:
    environments: E of one kind.
    stream: what they went through.
    scaling: between their units and the networks'.
    reward_shift: added to their rewards.
  """

  environments: Sequence[gymnasium.Env]
  stream: Stream
  scaling: Scaling
  reward_shift: float = 0.0

  def transitions(self, start: int, stop: int) -> Transitions:
    """(N, ...) those of some rounds, as the networks see them."""
    found = self.scaling.apply(self.stream.transitions(start, stop))
    return jax.tree.map(np.float32, found.replace(rewards=found.rewards + self.reward_shift))


@functools.partial(jax.jit, static_argnames=("exploration", "random"))
def _act(
  runs: Runs,
  scalings: Scaling,
  observations: Array,
  round_: Array,
  exploration: Exploration,
  random: bool,
) -> tuple[Array, Array]:
  """(R, E, A) actions in the environments' units, from (R, E, S), and (R,) `frozen_at`."""
  size = scalings.action_centre.shape[-1]

  def one(run, scaling, rows):
    actions: Array
    if random:
      key = jax.random.fold_in(jax.random.key(run.seeds), _RANDOM_STEPS)
      shape = (len(rows), size)
      actions = jax.random.uniform(jax.random.fold_in(key, round_), shape, minval=-1)
    else:
      parameters = exploration.parameters(run.states)
      actions = exploration.act(parameters, scaling.observe(rows), run.seeds, round_)
    return scaling.act(actions)

  return jax.vmap(one)(runs, scalings, observations), runs.frozen_at


@functools.partial(jax.jit, donate_argnums=(0, 1))
def _store(
  data: Transitions, own: experience.Region, transitions: Transitions, frozen_at: Array
) -> tuple[Transitions, experience.Region]:
  return experience.append(data, own, transitions, frozen_at == ACTIVE)


class Loop:
  """A population that learns online; like `population.Population` in what it offers.

  Args:
    program: of the runs.
    runs: leaves with a leading axis R, each with a region for all its rounds.
    hyperparameters: of the agent, leaves (R,).
    exploration: who acts.
    playing: of each run.
    shared: rows that runs were given, as the networks see them; the regions follow.
    settings: see `Settings`.

  Attributes:
    agent: of all runs.
    count: R.
    round: rounds so far.
    data: rows of all runs, on the device.
    seconds: spent in the simulators.
  """

  def __init__(
    self,
    program: Program,
    runs: Runs,
    hyperparameters: Any,
    exploration: Exploration,
    playing: Sequence[Playing],
    shared: Transitions,
    settings: Settings,
  ):
    self.agent, self.count, self.seconds = program.agent, len(playing), 0.0
    self._program, self._settings, self._exploration = program, settings, exploration
    self._playing = playing
    self.round = self._stored = max(one.stream.size for one in playing)
    sizes = [one.stream.size * one.stream.environments for one in playing]
    offsets = len(shared.rewards) + np.cumsum([0] + [one.stream.rewards.size for one in playing])
    own = experience.Region(offsets[:-1].astype(np.int32), np.array(sizes, np.int32))
    scalings = jax.tree.map(lambda *leaves: np.stack(leaves), *(p.scaling for p in playing))
    self._runs, (self._points, self._scalings), self.data = training.place(
      runs.replace(own=own), (hyperparameters, scalings), _joined(shared, playing, offsets), program
    )
    self._frozen_at = np.array(runs.frozen_at)
    self._observations: Any = None
    self._compiled: dict[int, Any] = {}

  def advance(self, count: int) -> Metrics:
    """Plays `count` rounds, or as many as a run is left for; the mean metrics of its calls.

    In a round each environment of each run that has not diverged takes a step.
    A run whose actions are not finite diverges; they reach no simulator.

    Returns:
      Metrics as NumPy arrays (R,); none, where no cycle of gradient steps ended.

    Raises:
      UserError: if an environment does not repeat itself after an interruption.
    """
    if self._observations is None:
      self._observations = np.stack([rounds.begin(p.environments, p.stream) for p in self._playing])
    found = []
    for _ in range(count):
      actions = self._explore()
      if not self.active().any():
        break
      self._play(actions)
      if metrics := self._learn():
        found.append(metrics)
    means = jax.device_get(found)
    self._frozen_at = np.array(self._runs.frozen_at)[: self.count]
    if not means:
      return {}
    return jax.tree.map(lambda *values: np.mean(np.stack(values), axis=0)[: self.count], *means)

  def prepare(self, count: int) -> float:
    """Compiles the training that `advance(count)` will call; seconds that it took."""
    started = time.monotonic()
    ahead = range(self.round + 1, self.round + count + 1)
    for phase in {self._phase(round_) for round_ in ahead if self._is_due(round_)}:
      self._executable(phase)
    return time.monotonic() - started

  def active(self) -> np.ndarray:
    """(R,) bool, the runs that did not diverge."""
    return self._frozen_at == ACTIVE

  def frozen_at(self) -> np.ndarray:
    """(R,) int32: the gradient step at which each run diverged, or `training.ACTIVE`."""
    return self._frozen_at.copy()

  def freeze(self, place: int, step: int) -> None:
    """Freezes a run at its state of now."""
    frozen_at = np.array(self._runs.frozen_at)
    frozen_at[place] = step
    placed = jax.device_put(frozen_at, self._runs.frozen_at.sharding)  # type: ignore[union-attr]
    self._runs = self._runs.replace(frozen_at=placed)
    self._frozen_at[place] = step

  def learn_with(self, hyperparameters: Any) -> None:
    """From now on the agent has other hyperparameters; leaves (R,)."""
    self._points = jax.tree.map(
      lambda new, old: jax.device_put(np.resize(new, old.shape), old.sharding),
      hyperparameters,
      self._points,
    )

  def runs(self) -> Runs:
    """All runs, as NumPy arrays with a leading axis R: copies.

    Their regions count all that the streams hold, also what was not learned from yet.
    """
    found = training.gather(self._runs, self.count)
    sizes = [one.stream.size * one.stream.environments for one in self._playing]
    return found.replace(own=found.own.replace(sizes=np.array(sizes, np.int32)))

  def policies(self) -> Any:
    """Parameters of all policies, leading axis R: NumPy arrays."""
    policies = jax.vmap(self.agent.policy)(self._runs.states)
    return jax.tree.map(lambda leaf: np.array(leaf)[: self.count], policies)

  def close(self) -> None:
    """Frees the simulators."""
    for one in self._playing:
      for env in one.environments:
        env.close()

  def _explore(self) -> np.ndarray:
    """(R, E, A) actions of the next round; runs for which they are not finite freeze."""
    random = self.round < self._settings.random_rounds
    observations = self._observations
    if len(self._runs.seeds) > self.count:  # Frozen copies fill up the devices.
      more = np.repeat(observations[-1:], len(self._runs.seeds) - self.count, axis=0)
      observations = np.concatenate([observations, more])
    actions, frozen_at = jax.device_get(
      _act(
        self._runs,
        self._scalings,
        observations,
        np.uint32(self.round),
        exploration=self._exploration,
        random=random,
      )
    )
    self._frozen_at = frozen_at[: self.count].copy()
    finite = np.isfinite(actions).all(axis=(1, 2))[: self.count]
    for place in np.flatnonzero(self.active() & ~finite):
      self.freeze(int(place), int(np.asarray(self._runs.states.step)[place]))
    return actions

  def _play(self, actions: np.ndarray) -> None:
    """One step of every environment of the active runs."""
    started = time.perf_counter()
    for place in map(int, np.flatnonzero(self.active())):
      one = self._playing[place]
      rounds.take(one.environments, one.stream, self._observations[place], actions[place])
      self._observations[place] = rounds.go_on(one.environments, one.stream)
    self.round += 1
    self.seconds += time.perf_counter() - started

  @property
  def _steps(self) -> int:
    """Gradient steps of a call of the training."""
    return self._settings.learn_every * self._settings.updates

  def _is_due(self, round_: int) -> bool:
    """Whether the runs learn after so many rounds."""
    waiting = round_ - self._settings.random_rounds
    return waiting > 0 and waiting % self._settings.learn_every == 0

  def _phase(self, round_: int) -> int:
    """Steps of a cycle that were taken before the call after so many rounds."""
    taken = (round_ - self._settings.random_rounds) * self._settings.updates - self._steps
    return taken % self.agent.cycle

  def _learn(self) -> Metrics:
    """Stores what is new, and learns, where that is due."""
    if not self._is_due(self.round):
      return {}
    self._store_new()
    learn = self._executable(self._phase(self.round))
    self._runs, metrics = learn(self._runs, self._points, self.data)
    return metrics

  def _executable(self, phase: int) -> Any:
    """The compiled training of a phase."""
    if phase not in self._compiled:
      self._compiled[phase] = training.advance_steps.lower(
        self._runs, self._points, self.data, self._program, phase, self._steps
      ).compile()
    return self._compiled[phase]

  def _store_new(self) -> None:
    """Moves the rounds since the last call to the device."""
    parts = [one.transitions(self._stored, self.round) for one in self._playing]
    parts += parts[-1:] * (len(self._runs.seeds) - self.count)
    new = jax.tree.map(lambda *leaves: np.stack(leaves), *parts)
    self.data, own = _store(self.data, self._runs.own, new, self._runs.frozen_at)
    self._runs = self._runs.replace(own=own)
    self._stored = self.round


def _joined(shared: Transitions, playing: Sequence[Playing], offsets: np.ndarray) -> Transitions:
  """The shared rows and, from their (R + 1,) offsets on, each run's region, with what it has."""
  parts = [shared, *(one.transitions(0, one.stream.size) for one in playing)]

  def leaf(*leaves: np.ndarray) -> np.ndarray:
    # Zeros take no memory until they are written: the regions may be large, and are empty at first.
    joined = np.zeros((offsets[-1], *leaves[0].shape[1:]), leaves[0].dtype)
    for start, rows in zip([0, *offsets[:-1]], leaves, strict=True):
      joined[start : start + len(rows)] = rows
    return joined

  return jax.tree.map(leaf, *parts)


def none_shared(observation_size: int, action_size: int) -> Transitions:
  """No rows: of runs that learn from their own alone."""
  return Transitions(
    observations=np.zeros((0, observation_size), np.float32),
    actions=np.zeros((0, action_size), np.float32),
    rewards=np.zeros(0, np.float32),
    next_observations=np.zeros((0, observation_size), np.float32),
    not_dones=np.zeros(0, np.float32),
  )


def state_of(runs: Runs, place: int = 0) -> Any:
  """The agent's state of one run, without the run axis."""
  return jax.tree.map(lambda leaf: jnp.asarray(leaf)[place], runs.states)
