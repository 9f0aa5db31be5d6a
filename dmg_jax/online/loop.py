"""The online loop: many runs act, store and learn together.

Its uses differ only in who learns, from which rows, and in what happens between
rounds. Every run has its own simulators, episodes and region of the data; all act
in one batched call, and learn as `population` says.
"""

import functools
import itertools
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax import experience
from dmg_jax.data.scaling import Scaling
from dmg_jax.online import rounds
from dmg_jax.online.exploration import Exploration
from dmg_jax.online.playing import Playing, rows_of
from dmg_jax.online.population import OnlinePopulation
from dmg_jax.training import ACTIVE, Program, Runs
from dmg_jax.types import Array, Metrics, Parameters, Transitions

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
    workers: threads that learn, on a CPU.
  """

  random_rounds: int = 0
  learn_every: int = 1
  updates: int = 1
  workers: int = 1


@functools.partial(jax.jit, static_argnames=("exploration", "random"))
def _act(
  parts: Sequence[Runs],
  scalings: Scaling,
  observations: Array,
  round_: Array,
  exploration: Exploration,
  random: bool,
) -> tuple[Array, Array]:
  """(R, E, A) actions in the environments' units, from (R, E, S), and (R,) `frozen_at`."""
  size = scalings.action_centre.shape[-1]

  def one(seed, parameters, scaling, rows):
    actions: Array
    if random:
      key = jax.random.fold_in(jax.random.key(seed), _RANDOM_STEPS)
      shape = (len(rows), size)
      actions = jax.random.uniform(jax.random.fold_in(key, round_), shape, minval=-1)
    else:
      actions = exploration.act(parameters, scaling.observe(rows), seed, round_)
    return scaling.act(actions)

  found = [
    (part.seeds, jax.vmap(exploration.parameters)(part.states), part.frozen_at) for part in parts
  ]
  seeds, parameters, frozen_at = _concatenated(found)
  return jax.vmap(one)(seeds, parameters, scalings, observations), frozen_at


@functools.partial(jax.jit, donate_argnums=(0, 1))
def _store(
  data: Transitions,
  owns: Sequence[experience.Region],
  transitions: Transitions,
  frozen_at: Sequence[Array],
) -> tuple[Transitions, list[experience.Region]]:
  """The data with (R, N, ...) transitions in the runs' regions, and these, as they are parted."""
  active = jnp.concatenate(frozen_at) == ACTIVE
  data, own = experience.append(data, _concatenated(owns), transitions, active)
  ends = np.cumsum([0] + [len(each.sizes) for each in owns])
  return data, [
    jax.tree.map(lambda leaf, start=start, end=end: leaf[start:end], own)
    for start, end in itertools.pairwise(ends)
  ]


def _concatenated(trees: Sequence[Any]) -> Any:
  return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *trees)


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
    self._settings, self._exploration = settings, exploration
    self._playing = playing
    self.round = self._stored = max(one.stream.size for one in playing)
    sizes = [one.stream.size * one.stream.environments for one in playing]
    offsets = len(shared.rewards) + np.cumsum([0] + [one.stream.rewards.size for one in playing])
    own = experience.Region(offsets[:-1].astype(np.int32), np.array(sizes, np.int32))
    self._population = OnlinePopulation(
      program,
      runs.replace(own=own),
      hyperparameters,
      rows_of(shared, playing, offsets),
      settings.workers,
    )
    # Frozen copies of the last run may fill up the devices.
    self._padding = sum(len(part.seeds) for part in self._population.placed) - self.count
    self._scalings = jax.device_put(
      self._padded([one.scaling for one in playing]), self._population.split
    )
    self._frozen_at = np.array(runs.frozen_at)
    self._observations: Any = None

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
    found: list[list[Metrics]] = []
    for _ in range(count):
      actions = self._explore()
      if not self.active().any():
        break
      self._play(actions)
      if metrics := self._learn():
        found.append(metrics)
    self._frozen_at = self._population.frozen_at()
    if not found:
      return {}
    means = [
      jax.tree.map(lambda *values: np.mean(np.stack(values), axis=0), *calls)
      for calls in zip(*jax.device_get(found), strict=True)
    ]
    return jax.tree.map(lambda *leaves: self._population.joined(leaves), *means)

  def prepare(self, count: int) -> float:
    """Compiles the training that `advance(count)` will call; seconds that it took."""
    started = time.monotonic()
    ahead = range(self.round + 1, self.round + count + 1)
    for phase in {self._phase(round_) for round_ in ahead if self._is_due(round_)}:
      self._population.compiled(phase, self._steps)
    return time.monotonic() - started

  def active(self) -> np.ndarray:
    """(R,) bool, the runs that did not diverge."""
    return self._frozen_at == ACTIVE

  def frozen_at(self) -> np.ndarray:
    """(R,) int32: the gradient step at which each run diverged, or `training.ACTIVE`."""
    return self._frozen_at.copy()

  def freeze(self, place: int, step: int) -> None:
    """Freezes a run at its state of now."""
    self._population.freeze(place, step)
    self._frozen_at[place] = step

  def learn_with(self, hyperparameters: Any) -> None:
    """From now on the agent has other hyperparameters; leaves (R,)."""
    self._population.learn_with(hyperparameters)

  @property
  def data(self) -> Transitions:
    """Rows of all runs, on the device."""
    return self._population.data

  def runs(self) -> Runs:
    """All runs, as NumPy arrays with a leading axis R: copies.

    Their regions count all that the streams hold, also what was not learned from yet.
    """
    found = self._population.runs()
    assert found.own is not None
    sizes = [one.stream.size * one.stream.environments for one in self._playing]
    return found.replace(own=found.own.replace(sizes=np.array(sizes, np.int32)))

  def policies(self) -> Parameters:
    """Parameters of all policies, leading axis R: NumPy arrays."""
    return self._population.policies()

  def close(self) -> None:
    """Frees the simulators and ends the threads."""
    self._population.close()
    for one in self._playing:
      for env in one.environments:
        env.close()

  def _explore(self) -> np.ndarray:
    """(R, E, A) actions of the next round; runs for which they are not finite freeze."""
    random = self.round < self._settings.random_rounds
    actions, frozen_at = jax.device_get(
      _act(
        self._population.placed,
        self._scalings,
        self._padded(self._observations),
        np.uint32(self.round),
        exploration=self._exploration,
        random=random,
      )
    )
    self._frozen_at = frozen_at[: self.count].copy()
    finite = np.isfinite(actions).all(axis=(1, 2))[: self.count]
    for place in np.flatnonzero(self.active() & ~finite):
      steps = self._population.joined([part.states.step for part in self._population.placed])
      self.freeze(int(place), int(steps[place]))
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

  def _learn(self) -> list[Metrics]:
    """Stores what is new, and learns, where that is due; the metrics of each part."""
    if not self._is_due(self.round):
      return []
    self._store_new()
    found = self._population.advance(self._phase(self.round), self._steps)
    return found if found[0] else []

  def _store_new(self) -> None:
    """Moves the rounds since the last call to the device."""
    population = self._population
    new = self._padded([one.transitions(self._stored, self.round) for one in self._playing])
    population.data, owns = _store(
      population.data,
      [part.own for part in population.placed],
      new,
      [part.frozen_at for part in population.placed],
    )
    population.own(owns)
    self._stored = self.round

  def _padded(self, of_runs: Sequence[Any]) -> Any:
    """A tree for each run, stacked; the last again for the copies that fill up the devices."""
    trees = list(of_runs)
    trees += trees[-1:] * self._padding
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)


def state_of(runs: Runs, place: int = 0) -> Any:
  """The agent's state of one run, without the run axis."""
  return jax.tree.map(lambda leaf: jnp.asarray(leaf)[place], runs.states)
