"""Which ingredients `dmg_plus` has: the rule, written before the search was run.

1. A run's measure is the mean of its evaluations in the second half of its steps.
2. An ingredient's gain is the mean over the data sets of the difference between the mean
   measure of the runs that have it and of those that do not: LayerNorm's over plain DMG,
   the others' over LayerNorm alone. Its standard error is that of the seeds.
3. LayerNorm is taken if its gain is above zero; without it nothing is.
4. Of the others, those whose gain is above its standard error are taken, the two with the
   largest ratio at most. Of the two ways in which four critics count, only the better.
5. Where the two are measured together, the gain of both must be above the larger of the
   two alone; else that one is taken alone.
6. The target rate is measured, and not chosen: it goes with the learning rates, and those of
   the search are not the paper's.
7. A variant of which a run diverged, or that was not measured on all data sets, is out.
8. Added after the search, before a score of it was read: the jobs were cut by the time that
   there was. All count to the last evaluation that all but one of them had reached, as if their
   runs had ended there; the one is out.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from beyond_jobs import BASE, NORMALISED

from dmg_jax.report.scores import statistics

Measures = Mapping[str, Mapping[str, Sequence[float]]]
_PREFIX = NORMALISED + "_"
_MOST = 2
# One ingredient in two forms.
_FORMS = ("norm_critics", "norm_bound")
# The ten critics came after the choice.
_MEASURED_ONLY = ("norm_rate", "norm_ten_critics")
# Two ingredients that are measured together.
TOGETHER: Mapping[frozenset[str], str] = {
  frozenset({"norm_depth", "norm_critics"}): "norm_depth_critics"
}


class Gain(NamedTuple):
  """What an ingredient brings, in points of score, and its standard error."""

  mean: float
  error: float

  @property
  def ratio(self) -> float:
    """The gain in standard errors."""
    return self.mean / self.error if self.error > 0 else math.copysign(math.inf, self.mean)


def gain(ours: Mapping[str, Sequence[float]], theirs: Mapping[str, Sequence[float]]) -> Gain:
  """Of one variant over another, both: data set -> the seeds' measures.

  Raises:
    ValueError: if the data sets differ.
  """
  first, second = statistics.same_tasks(ours, theirs)
  differences = [first[task].mean() - second[task].mean() for task in first]
  variances = [
    group[task].var(ddof=1) / group[task].size for group in (first, second) for task in first
  ]
  count = len(first)
  return Gain(sum(differences) / count, math.sqrt(sum(variances)) / count)


def reference(name: str) -> str:
  """Over what a variant's gain is: LayerNorm alone, where it adds to it; else DMG."""
  return NORMALISED if name.startswith(_PREFIX) else BASE


def gains(measures: Measures) -> dict[str, Gain]:
  """Of each variant that is measured: LayerNorm's over DMG, others' over what they change."""
  return {
    name: gain(measures[name], measures[reference(name)])
    for name in measures
    if name != BASE and reference(name) in measures
  }


def chosen(measures: Measures) -> list[str]:
  """Names of the variants whose fields together make `dmg_plus`; none if LayerNorm is not.

  Args:
    measures: variant -> data set -> the seeds' measures; only variants that are complete.
  """
  found = gains(measures)
  if NORMALISED not in found or found[NORMALISED].mean <= 0:
    return []
  candidates = {
    name: one
    for name, one in found.items()
    if name.startswith(_PREFIX)
    and name not in (*TOGETHER.values(), *_MEASURED_ONLY)
    and one.mean > one.error
  }
  if all(form in candidates for form in _FORMS):
    del candidates[min(_FORMS, key=lambda form: candidates[form].mean)]
  best = sorted(candidates, key=lambda name: -candidates[name].ratio)[:_MOST]
  both = TOGETHER.get(frozenset(best))
  if both in found and found[both].mean <= max(candidates[name].mean for name in best):
    best = [max(best, key=lambda name: candidates[name].mean)]
  return [NORMALISED, *best]
