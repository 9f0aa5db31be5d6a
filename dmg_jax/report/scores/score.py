"""What a report is made of: the scores of one seed of one method on one data set."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from dmg_jax import run_config
from dmg_jax.report.scores.commands import Job
from dmg_jax.report.units import ENVIRONMENT_STEPS, GRADIENT_STEPS


class Score(NamedTuple):
  """One run, as reports see it.

  Attributes:
    method: its name in tables: the label stored with a run, "DMG" or "DMG (lam 0.5)".
    dataset: its name; a D4RL name only where the data are D4RL's and were evaluated in
      the simulator that belongs to them.
    seed: of the run.
    steps: at its last evaluation, see `counted`; 0 where unknown.
    last: mean over the episodes of the last evaluation, D4RL-normalised or, for
      AntMaze, 100 times the share of successes.
    last_ten: mean of `last` over the last ten evaluations (all, if fewer); NaN
      where only final scores are known.
    evaluation_steps, evaluation_scores: the learning curve, oldest first; empty
      where only final scores are known.
    settings: the hyperparameters (lambda, nu, ..., sizes as tuples); empty where unknown.
    source: the run directory or file it was read from, for messages.
    job: of a run of this package; None for scores from elsewhere.
    learned: what its log says at the end, see `report.learned.at_the_end`; empty where
      unknown.
  """

  method: str
  dataset: str
  seed: int
  steps: int
  last: float
  last_ten: float
  evaluation_steps: tuple[int, ...]
  evaluation_scores: tuple[float, ...]
  settings: Mapping[str, Any]
  source: str
  job: Job | None = None
  learned: Mapping[str, float] = {}

  @property
  def member(self) -> str:
    """Its method without the settings: "DMG" of "DMG (lam 0.5)"."""
    return self.method.partition(" (")[0]

  @property
  def counted(self) -> str:
    """What its steps are: gradient steps or, of a run that learns online, environment steps."""
    online = self.job is not None and self.job.config["kind"] == run_config.ONLINE
    return ENVIRONMENT_STEPS if online else GRADIENT_STEPS

  @property
  def is_variant(self) -> bool:
    """Whether it is of a run of ours at other settings than the usual ones of its method."""
    return self.job is not None and " (" in self.method
