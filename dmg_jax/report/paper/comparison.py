"""A table of the paper, its printed numbers beside those measured."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from dmg_jax.report.paper import paper_scores
from dmg_jax.report.paper.comparison_parts import Beside, Comparison, Entry, Measured, Row, Section
from dmg_jax.report.paper.exhibits import ONLINE_PHASE
from dmg_jax.report.paper.paper_scores import PaperCell
from dmg_jax.report.scores.commands import Job
from dmg_jax.report.scores.intervals import mean_interval
from dmg_jax.report.scores.labels import FINE_TUNED
from dmg_jax.report.scores.score import Score
from dmg_jax.report.scores.selection import by_task, join
from dmg_jax.report.scores.statistics import mean_and_deviation
from dmg_jax.report.units import WINDOW
from dmg_jax.tasks import is_antmaze

SEEDS = {2: 5, 3: 5, 4: 5, 6: 10}
REQUIRED = {
  2: ("DMG",),
  3: ("XQL", "XQL+DMG", "SQL", "SQL+DMG"),
  4: ("DMG offline", "DMG after 1M online steps"),
  6: ("DMG",),
}
# A run of ours of the offline phase alone is the first half of Table 4.
_OFFLINE = {"DMG": "DMG offline", "IQL": "IQL offline"}


def compare(
  table: int,
  scores: Sequence[Score],
  statistic: str = "last",
  diverged: Iterable[tuple[str, str, int]] = (),
) -> Comparison:
  """Puts scores beside the numbers that the paper prints.

  Data sets that the paper does not have, ours among them, and a method's runs at other
  settings than the paper's stand apart, without printed numbers. In Tables 2 to 4 "±" is
  the standard deviation over seeds (n - 1), in Table 6 half of Student's 95 % interval
  of the mean.

  Args:
    table: of the paper: 2, 3, 4 or 6.
    scores: joined, see `selection.join`.
    statistic: a key of `STATISTICS`.
    diverged: method, data set and number of each seed that did.

  Raises:
    ValueError: for any other table or statistic.
    UserError: if the table's names would have one seed twice.
  """
  cells = paper_scores.cells(table)
  renamed = [
    score._replace(method=_name(table, score.method, score.dataset)) if score.job else score
    for score in scores
  ]
  # Two parts: a method that has the paper's name already is not one of the same runs.
  pairs = list(zip(scores, renamed, strict=True))
  scores = join(
    [new for old, new in pairs if old == new], [new for old, new in pairs if old != new]
  )
  measured = _measured(scores, statistic, interval=table == 6)
  rows = _rows(cells)
  printed = tuple(dict.fromkeys(method for _, method in cells))
  variants = {score.method for score in scores if score.is_variant}
  shown = {method for dataset, method in measured if dataset in rows} - variants
  extra = sorted(shown - {*printed})
  here = [method for method in (*printed, *extra) if method in {*shown, *REQUIRED[table]}]
  unknown = dict.fromkeys((s.dataset, s.method) for s in scores) - measured.keys()
  elsewhere = sorted(
    {dataset for dataset, _ in measured} & {*_rows(paper_scores.cells(2))} - {*rows}
  )
  return Comparison(
    table,
    statistic,
    printed,
    tuple(here),
    tuple(_sections(rows, cells, measured, (*printed, *extra))),
    tuple(_beside(measured, rows, elsewhere, variants)),
    (
      *(
        f"left out: {method} on {dataset}: only its final scores are known"
        for dataset, method in sorted(unknown)
      ),
      *(f"left out: {dataset}: not in Table {table}" for dataset in elsewhere),
    ),
    _diverged(table, diverged),
    _jobs(scores),
  )


def _name(table: int, method: str, dataset: str) -> str:
  """What a table calls a method of ours."""
  if table != 4 or not is_antmaze(dataset):
    return method
  title = method.removesuffix(f" {FINE_TUNED}")
  return f"{title} {ONLINE_PHASE}" if title != method else _OFFLINE.get(method, method)


def _diverged(
  table: int, seeds: Iterable[tuple[str, str, int]]
) -> dict[tuple[str, str], tuple[int, ...]]:
  found: dict[tuple[str, str], set[int]] = {}
  for method, dataset, seed in seeds:
    found.setdefault((dataset, _name(table, method, dataset)), set()).add(seed)
  return {cell: tuple(sorted(numbers)) for cell, numbers in found.items()}


def _jobs(scores: Sequence[Score]) -> dict[tuple[str, str], tuple[Job, ...]]:
  """(data set, method) -> the jobs that its runs are of, each once."""
  found: dict[tuple[str, str], dict[str, Job]] = {}
  for score in scores:
    if score.job is not None:
      jobs = found.setdefault((score.dataset, score.method), {})
      jobs.setdefault(score.job.directory, score.job)
  return {cell: tuple(jobs.values()) for cell, jobs in found.items()}


def _rows(cells: Iterable[tuple[str, str]]) -> list[str]:
  """The data sets of a table, in the order of Table 2."""
  places = {dataset: place for place, (dataset, _) in enumerate(paper_scores.cells(2))}
  return sorted({dataset for dataset, _ in cells}, key=lambda dataset: places[dataset])


def _measured(
  scores: Sequence[Score], statistic: str, *, interval: bool
) -> dict[tuple[str, str], Measured]:
  """(data set, method) -> what it scored."""
  seeds: dict[tuple[str, str], list[int]] = {}
  for score in scores:
    seeds.setdefault((score.dataset, score.method), []).append(score.seed)
  steps = {(score.dataset, score.method): score.steps for score in scores}
  averaged = {
    (score.dataset, score.method): min(WINDOW, len(score.evaluation_steps)) for score in scores
  }
  others = by_task(scores, "last_ten" if statistic == "last" else "last")
  return {
    (dataset, method): Measured(
      float(np.mean(values)),
      _spread(values, interval),
      tuple(sorted(seeds[dataset, method])),
      steps[dataset, method],
      float(np.mean(others[method][dataset])) if dataset in others.get(method, {}) else None,
      averaged[dataset, method],
    )
    for method, tasks in by_task(scores, statistic).items()
    for dataset, values in tasks.items()
  }


def _spread(values: np.ndarray, interval: bool) -> float | None:
  if len(values) == 1:
    return None
  mean, deviation = mean_and_deviation(values)
  return mean_interval(values).high - mean if interval else deviation


def _if_all(numbers: Sequence[float | None], summary: Callable) -> float | None:
  """A summary of the numbers, or None if one of them is not known."""
  return None if None in numbers else float(summary(numbers))


def _sections(
  rows: Sequence[str],
  cells: Mapping[tuple[str, str], PaperCell],
  measured: Mapping[tuple[str, str], Measured],
  methods: Sequence[str],
) -> Iterable[Section]:
  parts = (
    ("locomotion", [name for name in rows if not is_antmaze(name)]),
    ("AntMaze", [name for name in rows if is_antmaze(name)]),
  )
  for title, names in parts:
    if names:
      lines = tuple(
        Row(
          name,
          {
            method: Entry(measured.get((name, method)), cells.get((name, method)))
            for method in methods
          },
        )
        for name in names
      )
      yield Section(title, lines, _total(lines, methods))


def _beside(
  measured: Mapping[tuple[str, str], Measured],
  rows: Sequence[str],
  elsewhere: Sequence[str],
  variants: set[str],
) -> Iterable[Beside]:
  for (dataset, method), cell in sorted(measured.items()):
    if dataset in rows and method in variants:
      yield Beside("other settings", dataset, method, cell)
    elif dataset.startswith("dmg/"):
      yield Beside("our own data", dataset, method, cell)
    elif dataset not in (*rows, *elsewhere):
      yield Beside("other data", dataset, method, cell)


def _total(rows: Sequence[Row], methods: Sequence[str]) -> Row:
  def entry(method: str) -> Entry:
    ours = [row.entries[method].measured for row in rows]
    theirs = [row.entries[method].printed for row in rows]
    whole = [cell for cell in ours if cell is not None]
    printed = [cell for cell in theirs if cell is not None]
    return Entry(
      Measured(
        sum(cell.mean for cell in whole),
        None,
        (),
        min(cell.steps for cell in whole),
        _if_all([cell.other for cell in whole], np.sum),
        min(cell.averaged for cell in whole),
      )
      if len(whole) == len(rows)
      else None,
      PaperCell(sum(cell.mean for cell in printed), None, None, printed[0].seeds)
      if len(printed) == len(rows)
      else None,
    )

  return Row(f"total ({len(rows)})", {method: entry(method) for method in methods})
