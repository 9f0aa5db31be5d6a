"""Which methods may be compared over several data sets at once, and which may not."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dmg_jax.data import catalog
from dmg_jax.report.scores.aggregates import Aggregates, Population, aggregate
from dmg_jax.report.scores.method_names import order
from dmg_jax.report.scores.score import Score
from dmg_jax.report.scores.selection import by_task
from dmg_jax.tasks import is_antmaze

FAMILIES = ("locomotion", "antmaze", "own_data", "other_data")
_KINDS = {"d4rl": ("locomotion", "antmaze"), "own_data": ("own_data",), "other_data": FAMILIES[3:]}
_OUR_NAMESPACE = "dmg/"
_NAMED = 3  # data sets in a reason; more are counted


class Compared(NamedTuple):
  """Methods on the same data sets.

  Attributes:
    kind: of the data: "d4rl", "own_data" or "other_data"; never mixed.
    population: method -> data set -> scores of its seeds; the first method decides
      on which data sets.
    left_out: method -> why it is not among them.
    aggregates: the numbers over all data sets.
  """

  kind: str
  population: Population
  left_out: Mapping[str, str]
  aggregates: Aggregates

  @property
  def datasets(self) -> tuple[str, ...]:
    """That all methods have."""
    return tuple(next(iter(self.population.values())))


def family(dataset: str) -> str:
  """What a data set is: one of `FAMILIES`."""
  if dataset in catalog.d4rl_files():
    return "antmaze" if is_antmaze(dataset) else "locomotion"
  return "own_data" if dataset.startswith(_OUR_NAMESPACE) else "other_data"


def compared(scores: Sequence[Score], statistic: str) -> list[Compared]:
  """For each kind of data the methods that have scores on all data sets of the first, DMG.

  Runs of ours at other settings than their method's usual ones stand aside.

  Args:
    scores: joined.
    statistic: a column of `selection.by_task`.
  """
  usual = [score for score in scores if not score.is_variant]
  found = []
  for kind, families in _KINDS.items():
    of_kind = [score for score in usual if family(score.dataset) in families]
    known = by_task(of_kind, statistic)
    if not known:
      continue
    wanted = tuple(known[min(known, key=order)])
    methods = sorted({score.method for score in of_kind}, key=order)
    whole = [method for method in methods if {*wanted} <= known.get(method, {}).keys()]
    population = {m: {name: known[m][name].tolist() for name in wanted} for m in whole}
    left_out = {
      method: _reason(method, wanted, of_kind, known.get(method, {}))
      for method in methods
      if method not in population
    }
    found.append(Compared(kind, population, left_out, aggregate(population)))
  return found


def _reason(
  method: str, wanted: Sequence[str], scores: Sequence[Score], known: Mapping[str, object]
) -> str:
  there = {score.dataset for score in scores if score.method == method}
  absent = [name for name in wanted if name not in there]
  final = [name for name in wanted if name in there and name not in known]
  reasons = [f"no scores on {_listed(absent)}"] * bool(absent)
  reasons += [f"only final scores on {_listed(final)}"] * bool(final)
  return ", ".join(reasons)


def _listed(names: Sequence[str]) -> str:
  rest = len(names) - _NAMED
  return ", ".join(names[:_NAMED]) + f" and {rest} more" * (rest > 0)
