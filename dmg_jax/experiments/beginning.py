"""How a population begins: its agent, its data and its runs at step 0."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from dmg_jax import methods, training
from dmg_jax.plan import Run
from dmg_jax.population import Population
from dmg_jax.tasks import TRACED
from dmg_jax.training import Runs
from dmg_jax.types import Agent, Hyperparameters, Transitions


class Beginning:
  """What the runs of one population start from.

  Args:
    runs: of the population, in the plan's order.
    transitions: name of a task -> its data, as the networks see them; observations and
      actions of a population have one size.
    settings: of the job.
    places: of the runs, those that this process trains; all, if not given.

  Attributes:
    tasks: names of the population's tasks, each once: they tell which data it needs.
    agent: of all runs.
    places: of the runs that this process trains.
  """

  def __init__(
    self,
    runs: Sequence[Run],
    transitions: Mapping[str, Transitions],
    settings: Mapping[str, Any],
    places: Sequence[int] | None = None,
  ):
    self._members, self._settings = runs, settings
    self.places = list(range(len(runs)) if places is None else places)
    self.tasks = tuple(dict.fromkeys(run.task for run in runs))
    self._parts = [transitions[name] for name in self.tasks]
    action_size = self._parts[0].actions.shape[1]
    self.agent: Agent = methods.agent(
      runs[0].method, runs[0].point, action_size, settings["precision"]
    )

  def runs(self) -> Runs:
    """The runs at step 0, as NumPy arrays."""
    sizes = [len(part.rewards) for part in self._parts]
    offsets = np.cumsum([0, *sizes[:-1]]).tolist()
    spans = dict(zip(self.tasks, zip(offsets, sizes, strict=True), strict=True))
    return training.start(
      [run.seed for run in self._members],
      self.agent,
      self._parts[0],
      [spans[run.task] for run in self._members],
    )

  def turns(self, steps: int) -> int:
    """Cycles of so many gradient steps."""
    return steps // self._members[0].point["policy_delay"]

  def save(self) -> None:
    """A checkpoint holds everything."""

  def population(self, runs: Runs, data: Transitions | None) -> Population:
    """The runs that this process trains, at least one, placed on its devices.

    Args:
      runs: all, from `runs` or a checkpoint.
      data: of an earlier population of the same tasks, which is then shared.
    """
    batch_size = self._members[0].point["batch_size"]
    program = training.make_program(self.agent, len(self.places), batch_size)
    rows = np.array(self.places)
    mine = jax.tree.map(lambda leaf: np.asarray(leaf)[rows], runs)
    if data is None:
      data = jax.tree.map(lambda *parts: np.concatenate(parts), *self._parts)
    return Population(program, mine, self._hyperparameters(), data, self._settings["workers"])

  def _hyperparameters(self) -> Hyperparameters:
    points = [self._members[place].point for place in self.places]
    return Hyperparameters(
      **{name: np.array([point[name] for point in points], np.float32) for name in TRACED}
    )
