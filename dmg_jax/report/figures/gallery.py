"""All figures that a set of scores allows, each with its caption."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from dmg_jax.report.figures import ablations, curve_figures, population_figures, style
from dmg_jax.report.paper import paper_scores
from dmg_jax.report.paper.comparison_text import last_few
from dmg_jax.report.scores.method_names import order
from dmg_jax.report.scores.populations import FAMILIES, Compared, family
from dmg_jax.report.scores.score import Score
from dmg_jax.report.tables import words

_NAMES = {"lam": "lambda", "nu": "nu"}


class Named(NamedTuple):
  """A figure, its file's stem and what it shows."""

  name: str
  caption: str
  figure: Figure


def draw(
  scores: Sequence[Score], compared: Sequence[Compared], statistic: str, width: float
) -> Iterator[Named]:
  """The figures, to be drawn within `style.style`.

  Args:
    scores: joined.
    compared: of the scores, from `populations.compared` with the same statistic.
    statistic: a key of `STATISTICS`; curves show every evaluation.
    width: inches.
  """
  looks = style.looks({score.method for score in scores if not score.is_variant})
  yield from _curves(scores, width, looks)
  for setting, name in _NAMES.items():
    if lines := ablations.ablations(scores, setting, statistic):
      shown = ablations.on_lines(scores, setting)
      yield Named(
        words.stem(f"ablation_{name}", statistic),
        f"{words.statistic_of(shown, statistic)} against {name}: mean over seeds, shaded its 95 % "
        f"interval (Student's t), dots the seeds{words.lengths(shown)}.",
        ablations.ablation(lines, setting, width, _unit(shown, statistic)),
      )
  for found in compared:
    shown = [s for s in scores if s.dataset in found.population.get(s.method, {})]
    yield from _over_tasks(found, shown, statistic, width, looks)


def _unit(scores: Sequence[Score], statistic: str) -> str:
  """What an axis counts, and of which evaluations unless of the last."""
  names = {
    "last": "",
    "last_ten": f"\nmean of last {last_few(words.averaged(scores))} evaluations",
    "best": "\nbest evaluation",
  }
  return curve_figures.unit([score.dataset for score in scores]) + names[statistic]


def _curves(scores: Sequence[Score], width: float, looks: style.Looks) -> Iterator[Named]:
  cells: dict[tuple[str, str], list[Score]] = {}
  for score in scores:
    if score.evaluation_steps and not score.is_variant:
      cells.setdefault((score.dataset, score.method), []).append(score)
  places = {dataset: place for place, (dataset, _) in enumerate(paper_scores.cells(2))}
  ordered = sorted(cells, key=lambda key: (places.get(key[0], len(places)), key[0], order(key[1])))
  for kind in FAMILIES:
    of_kind = {key: cells[key] for key in ordered if family(key[0]) == kind}
    if of_kind:
      yield Named(
        f"learning_curves_{kind}",
        "score of every evaluation: mean over seeds, shaded its 95 % interval (Student's t); "
        f"{words.seed_counts(len(group) for group in of_kind.values())}.",
        curve_figures.learning_curves(of_kind, width, looks),
      )


def _over_tasks(
  found: Compared, scores: Sequence[Score], statistic: str, width: float, looks: style.Looks
) -> Iterator[Named]:
  unit, what = _unit(scores, statistic), words.over_tasks(found, scores, statistic)
  interval = "95 % intervals by a stratified bootstrap over seeds"
  yield Named(
    words.stem(f"profiles_{found.kind}", statistic),
    f"share of runs above a score, {interval} shaded; {what}",
    population_figures.performance_profiles(found.population, width, unit, looks),
  )
  yield Named(
    words.stem(f"aggregates_{found.kind}", statistic),
    f"interquartile mean (IQM) and optimality gap (to 100), {interval}; {what}",
    population_figures.aggregate_intervals(found.aggregates, width, unit, looks),
  )
  if found.aggregates.improvement:
    yield Named(
      words.stem(f"improvement_{found.kind}", statistic),
      f"probability that a run scores more than one of another method, ties half, {interval}; "
      f"{what}",
      population_figures.improvement(found.aggregates, width, unit, looks),
    )
