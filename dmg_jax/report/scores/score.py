"""What a report is made of: the scores of one seed of one method on one data set."""

from collections.abc import Mapping
from typing import NamedTuple


class Score(NamedTuple):
  """One run, as reports see it.

  Attributes:
    method: its name in tables.
    dataset: its name; a D4RL name only where the data are D4RL's.
    seed: of the run.
    steps: gradient steps at its last evaluation; 0 where unknown.
    last: mean over the episodes of the last evaluation, D4RL-normalised or, for
      AntMaze, 100 times the share of successes.
    last_ten: mean of `last` over the last ten evaluations (all, if fewer); NaN
      where only final scores are known.
    evaluation_steps, evaluation_scores: the learning curve, oldest first; empty
      where only final scores are known.
    settings: the numbers of the method (lambda, nu, ...); empty where unknown.
    source: the run directory or file it was read from, for messages.
  """

  method: str
  dataset: str
  seed: int
  steps: int
  last: float
  last_ten: float
  evaluation_steps: tuple[int, ...]
  evaluation_scores: tuple[float, ...]
  settings: Mapping[str, float]
  source: str
