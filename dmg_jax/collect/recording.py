"""Records an online training of our own, resumably, for data sets to be cut from."""

import functools
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from dmg_jax import networks, run_log
from dmg_jax.agents import dmg
from dmg_jax.checkpoints import Checkpoints
from dmg_jax.data import catalog, policies, scaling
from dmg_jax.data.stream import Stream
from dmg_jax.envs.make import make, spaces
from dmg_jax.evaluation import Policies, Simulators, episode_seeds, evaluate
from dmg_jax.online import learners, loop
from dmg_jax.types import Parameters

_EVALUATION_SEED = 2**31
_STREAM = "stream"
_SNAPSHOTS = "snapshots"


class Recipe(NamedTuple):
  """The training to record.

  Attributes:
    env_id: a Gymnasium id.
    seed: of everything.
    steps: environment steps at most, over all environments.
    learner: one of `learners.NAMES`.
    environments: that step side by side; one gradient step for a step of each.
    random_steps: first steps, with uniform actions and without learning.
    exploration_noise: of TD3, dealt out to the environments in turn: the standard
      deviation of the noise on actions in [-1, 1].
    noise_correlation: of TD3's noise from one step to the next.
    batch_size: of the learner.
    learning_rate: of its networks.
    target_rate: of its target networks.
    annealed_steps: last environment steps, over which the learning rate falls
      linearly to 0; 0 keeps it.
    evaluate_every: environment steps between evaluations.
    episodes: of each evaluation.
    checkpoint_every: environment steps between checkpoints.
  """

  env_id: str
  seed: int
  steps: int
  learner: str
  environments: int
  random_steps: int
  exploration_noise: tuple[float, ...]
  noise_correlation: float
  batch_size: int
  learning_rate: float
  target_rate: float
  annealed_steps: int
  evaluate_every: int
  episodes: int
  checkpoint_every: int


def may_grow(recipe: Recipe) -> frozenset[str]:
  """Fields that may differ when a recording is continued: an annealed training has its end."""
  return frozenset() if recipe.annealed_steps else frozenset({"steps"})


class Recording:
  """A training in its directory, as far as it has come.

  Args:
    recipe: see `Recipe`.
    directory: of the recording; claimed by the caller.

  Attributes:
    stream: what happened so far.
    evaluations: rows with the mean `return` (and `score`, where D4RL has
      reference returns) without noise, and the `round` and `step` it belongs to.
  """

  def __init__(self, recipe: Recipe, directory: Path):
    self.recipe, self._directory = recipe, directory
    count = recipe.environments
    self._environments = [make(recipe.env_id) for _ in range(count)]
    observation_size, low, high = spaces(self._environments[0])
    self.networks = networks.make(len(low))
    self._act = functools.partial(dmg.act, self.networks)
    self.learner = learners.make(
      recipe.learner,
      learners.Settings(
        observation_size,
        len(low),
        recipe.seed,
        recipe.batch_size,
        recipe.learning_rate,
        recipe.target_rate,
      ),
      tuple(np.resize(recipe.exploration_noise, recipe.environments).tolist()),
      recipe.noise_correlation,
    )
    self.units = scaling.for_actions(observation_size, low, high)
    self.reference = catalog.reference_returns(recipe.env_id)
    self._simulators = Simulators(recipe.env_id)
    self._checkpoints = Checkpoints(directory)
    self._rounds = -(-recipe.steps // count)
    capacity = max(self._rounds, self._checkpoints.latest() or 0)
    self.stream = Stream(capacity, count, observation_size, len(low), recipe.seed)
    self._state: Any = None
    restored = self._checkpoints.restore_latest(self.learner.initial())
    for notice in restored.notices:
      print(notice, flush=True)
    if restored.step:
      self._state = restored.tree
      self.stream.load(directory / _STREAM, restored.step)
    self._log = run_log.RunLog(directory, restored.positions)
    self.evaluations = run_log.read(directory, run_log.EVALUATIONS)
    (directory / _SNAPSHOTS).mkdir(exist_ok=True)

  def go_on(self) -> Iterator[dict[str, Any]]:
    """Trains on, and yields each new evaluation's row."""
    recipe, count = self.recipe, self.stream.environments
    if self.stream.size >= self._rounds:
      return
    rounds = loop.train(
      self._environments,
      self.learner,
      loop.Settings(recipe.random_steps, recipe.annealed_steps),
      self.stream,
      self._state,
    )
    started = time.monotonic()
    with tqdm(
      total=recipe.steps, initial=self.stream.size * count, unit="step", smoothing=0.02
    ) as progress:
      for state in rounds:
        progress.update(count)
        step = self.stream.size * count
        last = self.stream.size == self._rounds
        row = None
        if last or (step >= recipe.random_steps and _crosses(step, count, recipe.evaluate_every)):
          row = self._evaluate(state)
          progress.set_postfix_str(f"return {row['return']:.1f}")
        if row or _crosses(step, count, recipe.checkpoint_every):
          seconds = time.monotonic() - started
          self._log.append(run_log.TIMING, [{"step": step, "seconds": seconds}])
          started = time.monotonic()
          self._save(state)
        if row:
          yield row

  def regular(self, row: Mapping[str, Any]) -> bool:
    """Whether an evaluation's row is not only there because a shorter training ended with it."""
    return _crosses(row["step"], self.stream.environments, self.recipe.evaluate_every)

  def snapshot(self, row: Mapping[str, Any]) -> Parameters:
    """The actor that an evaluation's row belongs to."""
    return policies.load(self._directory / _SNAPSHOTS / f"{row['round']}.npz")

  def returns(self, actor: Parameters, round_: int, episodes: int) -> np.ndarray:
    """(E,) returns of an actor without noise."""
    actors, scalings = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], (actor, self.units))
    seeds = episode_seeds(_EVALUATION_SEED, [self.recipe.seed], round_, episodes)
    found = evaluate(self._simulators, Policies(self._act, actors, scalings), seeds)
    return found.returns[0]

  def seconds(self) -> float:
    """Training and evaluation so far, over all processes that took part."""
    return sum(row["seconds"] for row in run_log.read(self._directory, run_log.TIMING))

  def _evaluate(self, state: Any) -> dict[str, Any]:
    """Keeps the actor, and logs how well it does."""
    actor = jax.tree.map(np.asarray, self.learner.policy(state))
    round_ = self.stream.size
    policies.save(self._directory / _SNAPSHOTS / f"{round_}.npz", actor)
    mean = float(self.returns(actor, round_, self.recipe.episodes).mean())
    row: dict[str, Any] = {
      "step": round_ * self.stream.environments,
      "round": round_,
      "return": mean,
    }
    if self.reference is not None:
      row["score"] = float(catalog.normalised_score(mean, self.reference))
    self._log.append(run_log.EVALUATIONS, [row])
    self.evaluations.append(row)
    return row

  def _save(self, state: Any) -> None:
    """Commits the complete state: the stream's new rounds first."""
    self.stream.save(self._directory / _STREAM)
    self._state = jax.tree.map(np.array, state)
    self._checkpoints.save(self.stream.size, self._state, self._log.positions())

  def close(self) -> None:
    """Frees the simulators and the files."""
    self._log.close()
    self._simulators.close()
    for env in self._environments:
      env.close()


def _crosses(step: int, width: int, interval: int) -> bool:
  """Whether a round of `width` steps that ends at `step` passed a multiple of the interval."""
  return step // interval > (step - width) // interval
