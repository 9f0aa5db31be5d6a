"""Records an online training, resumably, for data sets to be cut from."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax import run_log, training
from dmg_jax.checkpoints import Checkpoints
from dmg_jax.data import catalog, policies, scaling
from dmg_jax.data.stream import Stream
from dmg_jax.envs.make import make, spaces, step_limit
from dmg_jax.errors import StoppedError, storage
from dmg_jax.evaluation import Policies, Simulators, episode_seeds, evaluate
from dmg_jax.interruption import Interruption
from dmg_jax.online import alone, learners, loop
from dmg_jax.progress import Progress
from dmg_jax.types import Parameters

_EVALUATION_SEED = 2**31
_STREAM = "stream"
_SNAPSHOTS = "snapshots"


class Recipe(NamedTuple):
  """The training to record.

  Attributes:
    env_id: a Gymnasium id.
    env_kwargs: of the environment, as JSON can hold them.
    seed: of everything.
    steps: environment steps at most, of all environments together.
    learner: one of `learners.NAMES`.
    environments: stepped together; one gradient step for a step of each.
    random_steps: first steps, with uniform actions and without learning.
    exploration_noise: TD3 only: standard deviations of the noise on actions in
      [-1, 1], given to the environments in turn.
    noise_correlation: TD3 only: of the noise from one step to the next.
    batch_size: of a gradient step.
    learning_rate: of all networks.
    target_rate: of the target networks.
    annealed_steps: last environment steps, over which the learning rate falls
      linearly to 0; 0 keeps it.
    evaluate_every: environment steps between evaluations.
    episodes: of each evaluation.
    checkpoint_every: environment steps between checkpoints.
  """

  env_id: str
  env_kwargs: Mapping[str, Any]
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
    learner: see `learners`.
    units: of the environment's actions.
    reference: D4RL's reference returns, where the environment has them.
    step_limit: of an episode, where the environment has one.
    stream: what happened so far.
    evaluations: rows with the mean `return` (and `score`, where D4RL has
      reference returns) without noise, and the `round` and `step` it belongs to.
  """

  def __init__(self, recipe: Recipe, directory: Path):
    self.recipe, self._directory = recipe, directory
    count = recipe.environments
    self._environments = [make(recipe.env_id, recipe.env_kwargs) for _ in range(count)]
    observation_size, low, high = spaces(self._environments[0])
    self.learner = learners.make(
      recipe.learner,
      learners.Settings(
        len(low),
        recipe.learning_rate,
        recipe.target_rate,
        tuple(np.resize(recipe.exploration_noise, count).tolist()),
        recipe.noise_correlation,
      ),
    )
    self.step_limit = step_limit(self._environments[0])
    self.units = scaling.for_actions(observation_size, low, high)
    self.reference = catalog.reference_returns(recipe.env_id)
    self._simulators = Simulators(recipe.env_id, recipe.env_kwargs)
    self._checkpoints = Checkpoints(directory)
    self._rounds = -(-recipe.steps // count)
    capacity = max(self._rounds, self._checkpoints.latest() or 0)
    self.stream = Stream(capacity, count, observation_size, len(low), recipe.seed)
    restored = self._checkpoints.restore_latest(alone.initial(self.learner, self.stream))
    for notice in restored.notices:
      print(notice, flush=True)
    run_log.check(directory, restored.positions, restored.digests)
    self._runs: training.Runs = restored.tree
    self.stream.load(directory / _STREAM, restored.step)
    self._log = run_log.RunLog(directory, restored.positions)
    self.evaluations = run_log.read(directory, run_log.EVALUATIONS)
    with storage(directory / _SNAPSHOTS):
      (directory / _SNAPSHOTS).mkdir(exist_ok=True)

  def go_on(self) -> Iterator[dict[str, Any]]:
    """Trains on, and yields each new evaluation's row.

    Raises:
      UserError: see `alone.train`.
      StorageError: if something cannot be saved.
      StoppedError: after SIGINT, SIGTERM or SIGHUP; everything is saved.
    """
    recipe, count = self.recipe, self.stream.environments
    if self.stream.size >= self._rounds:
      return
    rounds = alone.train(
      self._environments,
      self.learner,
      alone.Settings(recipe.random_steps, recipe.batch_size, recipe.annealed_steps),
      self.stream,
      self._runs,
    )
    done = self.stream.size * count
    with Progress(recipe.steps, done, description="training", scaled=True) as progress:
      while self.stream.size < self._rounds:
        row = self._train_to_evaluation(rounds, progress)
        progress.note(f"return {row['return']:.1f}")
        yield row

  def _train_to_evaluation(self, rounds: Iterator[loop.Loop], progress: Progress) -> dict[str, Any]:
    """The next evaluation's row; checkpoints on the way, and after a signal."""
    recipe, count = self.recipe, self.stream.environments
    started = time.monotonic()
    with Interruption() as stop:
      for training_ in rounds:
        progress.update(count)
        step = self.stream.size * count
        due = step >= recipe.random_steps and _crosses(step, count, recipe.evaluate_every)
        row = self._evaluate(training_.runs()) if due or self.stream.size == self._rounds else None
        if row or stop.requested or _crosses(step, count, recipe.checkpoint_every):
          seconds = time.monotonic() - started
          self._log.append(run_log.TIMING, [{"step": step, "seconds": seconds}])
          started = time.monotonic()
          self._save(training_.runs())
        if stop.requested:
          raise StoppedError(f"stopped and saved after {step:,} steps", stop.exit_code)
        if row:
          return row
    raise AssertionError("the last round has an evaluation")

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
    policies_ = Policies(self.learner.agent.act, actors, scalings)
    return evaluate(self._simulators, policies_, seeds).returns[0]

  def seconds(self) -> float:
    """Training and evaluation so far, over all processes that took part."""
    return sum(row["seconds"] for row in run_log.read(self._directory, run_log.TIMING))

  def _evaluate(self, runs: training.Runs) -> dict[str, Any]:
    """Stores the actor, and logs its returns."""
    actor = jax.tree.map(np.asarray, self.learner.agent.policy(loop.state_of(runs)))
    round_ = self.stream.size
    path = self._directory / _SNAPSHOTS / f"{round_}.npz"
    with storage(path):
      policies.save(path, actor)
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

  def _save(self, runs: training.Runs) -> None:
    """Commits the complete state: the stream's new rounds first."""
    self.stream.save(self._directory / _STREAM)
    self._runs = runs
    self._checkpoints.save(self.stream.size, self._runs, self._log.positions(), self._log.digests())

  def close(self) -> None:
    """Frees the simulators and the files."""
    self._log.close()
    self._simulators.close()
    for env in self._environments:
      env.close()


def _crosses(step: int, width: int, interval: int) -> bool:
  """Whether a round of `width` steps that ends at `step` passed a multiple of the interval."""
  return step // interval > (step - width) // interval
