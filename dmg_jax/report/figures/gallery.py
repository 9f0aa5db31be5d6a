"""All figures that a set of scores allows, each with its caption."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from dmg_jax.report import units
from dmg_jax.report.figures import (
  ablations,
  curve_figures,
  heat_maps,
  population_figures,
  style,
  two_axes,
)
from dmg_jax.report.learned import Q_BOUND_FACTOR
from dmg_jax.report.paper import exhibits, paper_scores
from dmg_jax.report.paper.comparison_text import last_few
from dmg_jax.report.scores import family as side_by_side
from dmg_jax.report.scores import lines
from dmg_jax.report.scores.labels import without_shared_settings
from dmg_jax.report.scores.method_names import order
from dmg_jax.report.scores.populations import FAMILIES, Compared, family
from dmg_jax.report.scores.score import Score
from dmg_jax.report.tables import words

_NAMES = {"lam": "lambda", "nu": "nu"}
# Stem of the files, what their steps count, the table and method of the dotted line, and a note.
_CURVES = (
  ("learning_curves", units.GRADIENT_STEPS, 2, "DMG", ""),
  (
    "online_curves",
    units.ENVIRONMENT_STEPS,
    4,
    f"DMG {exhibits.ONLINE_PHASE}",
    " online, at step 0 before the first step",
  ),
)
_CROSS = (
  "a cross where a seed diverged: numbers stopped being finite, or |Q| passed "
  f"{Q_BOUND_FACTOR:g} times max |reward| / (1 - discount)"
)


class Named(NamedTuple):
  """A figure, its file's stem and what it shows."""

  name: str
  caption: str
  figure: Figure


def draw(
  scores: Sequence[Score],
  compared: Sequence[Compared],
  statistic: str,
  width: float,
  diverged: Sequence[Score] = (),
) -> Iterator[Named]:
  """The figures, to be drawn within `style.style`.

  Args:
    scores: joined.
    compared: of the scores, from `populations.compared` with the same statistic.
    statistic: a key of `STATISTICS`; curves show every evaluation.
    width: inches.
    diverged: runs without a score, of which ablations show that they were run.
  """
  named, left_out = without_shared_settings(scores)
  looks = style.looks({s.method for s in (*scores, *named) if not s.is_variant})
  yield from _curves(named, left_out, width, looks)
  yield from _ablations(scores, diverged, statistic, width)
  if places := side_by_side.places(scores, statistic):
    shown = [score for score in scores if score.dataset in {place.dataset for place in places}]
    yield Named(
      words.stem("two_axes", statistic),
      "the methods on the two axes of the paper's Table 1, with the "
      f"{words.statistic_of(shown, statistic)}: mean over seeds, bars one standard deviation"
      f"{words.lengths(shown)}.",
      two_axes.two_axes(places, width, _unit(shown, statistic)),
    )
  for found in compared:
    shown = [s for s in scores if s.dataset in found.population.get(s.method, {})]
    yield from _over_tasks(found, shown, statistic, width, looks)


def _ablations(
  scores: Sequence[Score], diverged: Sequence[Score], statistic: str, width: float
) -> Iterator[Named]:
  for setting, name in _NAMES.items():
    if found := lines.lines(scores, diverged, (setting,), statistic):
      shown = lines.on_lines(scores, (setting,))
      yield Named(
        words.stem(f"ablation_{name}", statistic),
        f"{words.statistic_of(shown, statistic)}, and learned Q(s, a) at the end, against {name}: "
        "mean over seeds, dots the seeds, shaded the 95 % interval (Student's t) of the mean score "
        f"and the range of Q, {_CROSS}"
        f"{words.lengths(shown)}.",
        ablations.ablation(found, setting, width, _unit(shown, statistic)),
      )
  if grids := lines.lines(scores, diverged, (*_NAMES,), statistic):
    shown = lines.on_lines(scores, (*_NAMES,))
    named = {
      dataset if len(found) == 1 else f"{dataset}: {label}": grid
      for dataset, found in grids.items()
      for label, grid in found.items()
    }
    yield Named(
      words.stem("ablation_grid", statistic),
      f"{words.statistic_of(shown, statistic)} over lambda and nu: mean over seeds, {_CROSS}"
      f"{words.lengths(shown)}.",
      heat_maps.maps(named, width, _unit(shown, statistic)),
    )


def _unit(scores: Sequence[Score], statistic: str) -> str:
  """What an axis counts, and of which evaluations unless of the last."""
  names = {
    "last": "",
    "last_ten": f"\nmean of last {last_few(words.averaged(scores))} evaluations",
    "best": "\nbest evaluation",
  }
  return curve_figures.unit([score.dataset for score in scores]) + names[statistic]


def _curves(
  scores: Sequence[Score],
  left_out: Mapping[tuple[str, str], str],
  width: float,
  looks: style.Looks,
) -> Iterator[Named]:
  """Of offline training and, apart, of online training, whose steps are others."""
  for name, counted, table, method, note in _CURVES:
    cells: dict[tuple[str, str], list[Score]] = {}
    for score in scores:
      if score.evaluation_steps and not score.is_variant and score.counted == counted:
        cells.setdefault((score.dataset, score.method), []).append(score)
    printed = {
      dataset: cell for (dataset, of), cell in paper_scores.cells(table).items() if of == method
    }
    settings = {dataset: text for (dataset, of), text in left_out.items() if of == counted}
    yield from _curves_of(name, cells, printed, settings, note, width, looks)


def _curves_of(
  name: str,
  cells: curve_figures.Cells,
  printed: Mapping[str, paper_scores.PaperCell],
  settings: Mapping[str, str],
  note: str,
  width: float,
  looks: style.Looks,
) -> Iterator[Named]:
  places = {dataset: place for place, (dataset, _) in enumerate(paper_scores.cells(2))}
  ordered = sorted(cells, key=lambda key: (places.get(key[0], len(places)), key[0], order(key[1])))
  for kind in FAMILIES:
    of_kind = {key: cells[key] for key in ordered if family(key[0]) == kind}
    if of_kind:
      datasets = dict.fromkeys(dataset for dataset, _ in of_kind)
      shared = [f"; all on {name}: {settings[name]}" for name in datasets if name in settings]
      yield Named(
        f"{name}_{kind}",
        f"score of every evaluation{note}: mean over seeds, shaded its 95 % interval (Student's t);"
        f" {words.seed_counts(len(group) for group in of_kind.values())}{''.join(shared)}.",
        curve_figures.learning_curves(of_kind, width, looks, printed),
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
