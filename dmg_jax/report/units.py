"""What results are counted in, and over how many evaluations they are averaged."""

SCORE = "D4RL-normalised score"
RETURN = "return"
GRADIENT_STEPS, ENVIRONMENT_STEPS = "gradient steps", "environment steps"
# Evaluations in a "mean of the last"; fewer, where a run has fewer.
WINDOW = 10


def counts_successes(dataset: str) -> bool:
  """Whether a score on a data set is 100 times a share of successes: in mazes, by their names."""
  return "maze" in dataset.lower()
