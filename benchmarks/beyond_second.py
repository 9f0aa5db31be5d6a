"""The second search of `dmg_plus`, and its rule, written before a run of it on the robots began.

1. LayerNorm, a third layer and the scale of rewards, each there or not: eight settings, all on
   one kind of device. The maze's scores of four of them were known by then, and a fifth's first
   ones; none on the robots was, with these networks. No run of the report that was to be judged
   had ended.
2. A run's measure is as in the first search. A setting's mean is over the environments, each of
   which is the mean over its data sets: Hopper, HalfCheetah and the maze count alike.
3. The setting with the largest mean is taken, if its gain over DMG is above the gain's standard
   error; else there is no `dmg_plus`. One of which a run diverged is out.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from beyond_choice import Measures
from beyond_jobs import BASE, FACTORS
from scipy import stats

INGREDIENTS: Mapping[str, str] = {
  "norm": "LayerNorm",
  "depth": "the third layer",
  "scale": "the scale of rewards",
}


class Difference(NamedTuple):
  """Points of score, the standard error of the seeds, and its degrees of freedom."""

  mean: float
  error: float
  freedom: float

  @property
  def interval(self) -> tuple[float, float]:
    """95 %: what other seeds would give on these data."""
    half = self.error * float(stats.t.ppf(0.975, self.freedom)) if self.error else 0.0
    return self.mean - half, self.mean + half


def weights(tasks: Sequence[str]) -> dict[str, float]:
  """Of each data set in a mean over environments; they sum to 1."""
  environments = [task.split("/")[1] for task in tasks]
  count = len({*environments})
  return {
    task: 1 / (count * environments.count(environment))
    for task, environment in zip(tasks, environments, strict=True)
  }


def contrast(found: Measures, signs: Mapping[str, float]) -> Difference:
  """A sum of settings' means, each times its sign; the seeds of all are independent."""
  shares = weights(list(found[next(iter(signs))]))
  mean, parts, freedoms = 0.0, [], []
  for name, sign in signs.items():
    for task, share in shares.items():
      group = np.asarray(found[name][task])
      mean += sign * share * float(group.mean())
      parts.append((sign * share) ** 2 * float(group.var(ddof=1)) / group.size)
      freedoms.append(group.size - 1)
  variance = float(np.sum(parts))
  # Welch and Satterthwaite's.
  squares = float(np.sum(np.square(parts) / freedoms))
  return Difference(mean, variance**0.5, variance**2 / squares if squares else 1.0)


def gain(found: Measures, name: str, reference: str = BASE) -> Difference:
  """What a setting has more than another."""
  return contrast(found, {name: 1.0, reference: -1.0})


def effect(found: Measures, ingredient: str) -> Difference:
  """What an ingredient brings, averaged over all sets of the others.

  Args:
    found: of all of `FACTORS`.
    ingredient: one of `INGREDIENTS`.
  """
  half = len(FACTORS) / 2
  return contrast(
    found,
    {name: (1 if ingredient in has else -1) / half for name, has in FACTORS.items()},
  )


def without(name: str) -> dict[str, str]:
  """Ingredient of a setting -> the setting that has all of its others."""
  return {
    ingredient: next(other for other, has in FACTORS.items() if has == FACTORS[name] - {ingredient})
    for ingredient in INGREDIENTS
    if ingredient in FACTORS[name]
  }


def chosen(found: Measures) -> str | None:
  """The setting that the rule takes; None if it takes none."""
  others = [name for name in FACTORS if name in found and name != BASE]
  best = max(others, key=lambda name: gain(found, name).mean, default=None)
  if best is None:
    return None
  one = gain(found, best)
  return best if one.mean > one.error else None
