"""All figures that a set of scores allows, each with its caption."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from dmg_jax.report.figures import ablations, curve_figures, population_figures, style
from dmg_jax.report.figures.population_figures import Population
from dmg_jax.report.paper import exhibits, paper_scores
from dmg_jax.report.paper.comparison import is_variant
from dmg_jax.report.paper.comparison_text import last_few, statistic_text
from dmg_jax.report.scores.score import Score
from dmg_jax.report.scores.selection import by_task
from dmg_jax.report.tables.job_table import WINDOW

_NAMES = {"lam": "lambda", "nu": "nu"}
_FAMILIES = ("locomotion", "antmaze", "own_data", "other_data")


class Named(NamedTuple):
  """A figure, its file's stem and what it shows."""

  name: str
  caption: str
  figure: Figure


class Populations(NamedTuple):
  """What may be compared over several data sets at once.

  Attributes:
    populations: kind of data -> method -> data set -> scores of its seeds.
    notices: which methods are not in them and why; one a line.
  """

  populations: dict[str, Population]
  notices: tuple[str, ...]


def family(dataset: str) -> str:
  """The figure that a data set's curves are in; the paper's and ours are never together."""
  if (dataset, "DMG") in paper_scores.cells(2):
    return "antmaze" if exhibits.is_antmaze(dataset) else "locomotion"
  return "own_data" if dataset.startswith("dmg/") else "other_data"


def populations(scores: Sequence[Score], statistic: str) -> Populations:
  """Methods that have scores on the same data sets: on all that the first, DMG, has.

  Args:
    scores: joined.
    statistic: a column of `selection.by_task`.
  """
  found: dict[str, Population] = {}
  notices = []
  tasks = by_task([score for score in scores if not is_variant(score)], statistic)
  methods = sorted(tasks, key=style.order)
  for kind in ("d4rl", "own_data"):
    of_kind = {
      method: {name: list(v) for name, v in tasks[method].items() if _kind(name) == kind}
      for method in methods
    }
    present = {method: numbers for method, numbers in of_kind.items() if numbers}
    if not present:
      continue
    wanted = next(iter(present.values())).keys()
    found[kind] = {
      method: {name: numbers[name] for name in wanted}
      for method, numbers in present.items()
      if wanted <= numbers.keys()
    }
    notices += [
      f"left out of the figures over several data sets: {method}: no scores on "
      + ", ".join(sorted(wanted - numbers.keys()))
      for method, numbers in present.items()
      if not wanted <= numbers.keys()
    ]
  return Populations(found, tuple(notices))


def _kind(dataset: str) -> str:
  return "d4rl" if family(dataset) in ("locomotion", "antmaze") else family(dataset)


def draw(scores: Sequence[Score], statistic: str, width: float) -> Iterator[Named]:
  """The figures, to be drawn within `style.style`.

  Args:
    scores: joined.
    statistic: a key of `STATISTICS`; curves show every evaluation.
    width: inches.
  """
  yield from _curves(scores, width)
  for setting, name in _NAMES.items():
    if lines := ablations.ablations(scores, setting, statistic):
      shown = ablations.on_lines(scores, setting)
      yield Named(
        _stem(f"ablation_{name}", statistic),
        f"{_statistic(shown, statistic)} against {name}: mean over seeds, shaded its 95 % interval "
        f"(Student's t), dots the seeds{_lengths(shown)}.",
        ablations.ablation(lines, setting, width, _unit(shown, statistic)),
      )
  for kind, population in populations(scores, statistic).populations.items():
    shown = [s for s in scores if s.dataset in population.get(s.method, {})]
    yield from _over_tasks(kind, population, shown, statistic, width)


def _stem(name: str, statistic: str) -> str:
  """Of a figure's files; those of two statistics may lie in one folder."""
  return name if statistic == "last" else f"{name}_{statistic}"


def _averaged(scores: Iterable[Score]) -> list[int]:
  return [min(WINDOW, len(score.evaluation_steps)) for score in scores]


def _statistic(scores: Iterable[Score], statistic: str) -> str:
  return statistic_text(statistic, _averaged(scores))


def _unit(scores: Sequence[Score], statistic: str) -> str:
  """What an axis counts, and of which evaluations unless of the last."""
  names = {
    "last": "",
    "last_ten": f"\nmean of last {last_few(_averaged(scores))} evaluations",
    "best": "\nbest evaluation",
  }
  return curve_figures.unit([score.dataset for score in scores]) + names[statistic]


def _lengths(scores: Iterable[Score]) -> str:
  """How long runs were trained, where not all for as long as the paper's."""
  steps = sorted({score.steps for score in scores} - {0})
  if all(length == exhibits.STEPS for length in steps):
    return ""
  return f"; gradient steps of the runs: {' or '.join(f'{length:,}' for length in steps)}"


def _curves(scores: Sequence[Score], width: float) -> Iterator[Named]:
  cells: dict[tuple[str, str], list[Score]] = {}
  for score in scores:
    if score.evaluation_steps and not is_variant(score):
      cells.setdefault((score.dataset, score.method), []).append(score)
  places = {dataset: place for place, (dataset, _) in enumerate(paper_scores.cells(2))}
  ordered = sorted(
    cells, key=lambda key: (places.get(key[0], len(places)), key[0], style.order(key[1]))
  )
  for kind in _FAMILIES:
    of_kind = {key: cells[key] for key in ordered if family(key[0]) == kind}
    if of_kind:
      yield Named(
        f"learning_curves_{kind}",
        "score of every evaluation: mean over seeds, shaded its 95 % interval (Student's t); "
        f"{_seed_counts(len(group) for group in of_kind.values())}.",
        curve_figures.learning_curves(of_kind, width),
      )


def _over_tasks(
  kind: str, population: Population, scores: Sequence[Score], statistic: str, width: float
) -> Iterator[Named]:
  tasks = next(iter(population.values()))
  unit = _unit(scores, statistic)
  what = (
    f"{_statistic(scores, statistic)}, {len(tasks)} data set{'s' * (len(tasks) != 1)}, "
    + _seed_counts(len(seeds) for numbers in population.values() for seeds in numbers.values())
    + _lengths(scores)
  )
  interval = "95 % intervals by a stratified bootstrap over seeds"
  yield Named(
    _stem(f"profiles_{kind}", statistic),
    f"share of runs above a score, {interval} shaded; {what}.",
    population_figures.performance_profiles(population, width, unit),
  )
  yield Named(
    _stem(f"aggregates_{kind}", statistic),
    f"interquartile mean (IQM) and optimality gap (to 100), {interval}; {what}.",
    population_figures.aggregate_intervals(population, width, unit),
  )
  if len(population) > 1:
    yield Named(
      _stem(f"improvement_{kind}", statistic),
      f"probability that a run scores more than one of another method, ties half, {interval}; "
      f"{what}.",
      population_figures.improvement(population, width, unit),
    )


def _seed_counts(counts: Iterable[int]) -> str:
  return f"seeds of each: {' or '.join(map(str, sorted(set(counts))))}"
