"""What is said of the scores in a table or figure: which number, of how many seeds and steps."""

from collections.abc import Iterable, Sequence

from dmg_jax.report.paper import exhibits
from dmg_jax.report.paper.comparison_text import statistic_text
from dmg_jax.report.scores.populations import Compared
from dmg_jax.report.scores.score import Score
from dmg_jax.report.units import ENVIRONMENT_STEPS, GRADIENT_STEPS, WINDOW


def stem(name: str, statistic: str) -> str:
  """Of a file; those of two statistics may lie in one folder."""
  return name if statistic == "last" else f"{name}_{statistic}"


def averaged(scores: Iterable[Score]) -> list[int]:
  """Evaluations in each score's mean of the last ten."""
  return [min(WINDOW, len(score.evaluation_steps)) for score in scores]


def statistic_of(scores: Iterable[Score], statistic: str) -> str:
  """What a statistic of these scores is, see `comparison_text.statistic_text`."""
  return statistic_text(statistic, averaged(scores))


def lengths(scores: Iterable[Score]) -> str:
  """How long runs were trained, where not all for as long as the paper's."""
  found: dict[str, set[int]] = {GRADIENT_STEPS: set(), ENVIRONMENT_STEPS: set()}
  for score in scores:
    found[score.counted] |= {score.steps} - {0}
  return "".join(
    f"; {counted} of the runs: {' or '.join(f'{length:,}' for length in sorted(steps))}"
    for counted, steps in found.items()
    if steps - {exhibits.STEPS}
  )


def over_tasks(found: Compared, scores: Sequence[Score], statistic: str) -> str:
  """What a comparison over several data sets is of, and which methods are not in it and why.

  Args:
    found: the comparison.
    scores: that are in it.
    statistic: a key of `STATISTICS`.
  """
  names = found.datasets
  counts = (len(seeds) for tasks in found.population.values() for seeds in tasks.values())
  text = (
    f"{statistic_of(scores, statistic)}, {len(names)} data set{'s' * (len(names) != 1)}, "
    + seed_counts(counts)
    + lengths(scores)
  )
  left_out = "; ".join(f"{method} ({reason})" for method, reason in found.left_out.items())
  return f"{text}. Left out: {left_out}." if left_out else f"{text}."


def seed_counts(counts: Iterable[int]) -> str:
  """How many seeds there are of each method on each data set."""
  return f"seeds of each: {' or '.join(map(str, sorted(set(counts))))}"
