"""What is to be said of a comparison: what its numbers are, and which are missing."""

import itertools
from collections.abc import Iterable, Sequence

from dmg_jax import run_config
from dmg_jax.report.paper import exhibits
from dmg_jax.report.paper.comparison import REQUIRED, SEEDS
from dmg_jax.report.paper.comparison_parts import Comparison, Measured
from dmg_jax.report.units import WINDOW

STATISTICS = {
  "last": "score of the last evaluation",
  "last_ten": "mean score of the last ten evaluations",
  "best": "BEST evaluation of each run, picked by its score and so biased upwards",
}


def statistic_text(statistic: str, averaged: Iterable[int]) -> str:
  """What a statistic is, with the number of evaluations where a mean is of fewer than ten.

  Args:
    statistic: a key of `STATISTICS`.
    averaged: evaluations in the mean of each cell; 0 where unknown.
  """
  return STATISTICS[statistic].replace("last ten", f"last {last_few(averaged)}")


def last_few(averaged: Iterable[int]) -> str:
  """How many evaluations "the last ten" are: "ten", or such as "8" or "2 or ten"."""
  counts = sorted({*averaged} - {0})
  return " or ".join("ten" if n == WINDOW else str(n) for n in counts) if counts else "ten"


def missing(comparison: Comparison) -> list[str]:
  """What the table lacks and the command that makes it, one a line."""
  lines: list[str] = []
  for row in (row for section in comparison.sections for row in section.rows):
    for method in REQUIRED[comparison.table]:
      cell = row.entries[method].measured
      if cell and 0 < cell.steps < exhibits.STEPS:
        lines += _longer(comparison, row.name, method, cell)
      if absent := _absent(comparison, row.name, method, cell):
        lines.append(_more(comparison, row.name, method, absent))
  return lines


def _absent(comparison: Comparison, dataset: str, method: str, cell: Measured | None) -> list[int]:
  """The lowest seeds that were never run, as many as the table still wants.

  A seed that diverged was run: another in its place would leave a mean of
  survivors.
  """
  run = {*(cell.seeds if cell else ()), *comparison.diverged.get((dataset, method), ())}
  wanted = SEEDS[comparison.table]
  free = (seed for seed in itertools.count() if seed not in run)
  return list(itertools.islice(free, max(0, wanted - len(run))))


def _longer(comparison: Comparison, dataset: str, method: str, cell: Measured) -> Iterable[str]:
  """What trains a cell's runs on, a line for each of their directories."""
  what = f"{method} on {dataset}, {exhibits.STEPS - cell.steps:,} of {exhibits.STEPS:,} steps: "
  jobs = comparison.jobs.get((dataset, method), ())
  for job in jobs:
    yield what + job.longer(exhibits.STEPS)
  if not jobs:
    yield f"{what}train longer what {method} was read from"


def _more(comparison: Comparison, dataset: str, method: str, seeds: Sequence[int]) -> str:
  """What runs seeds as the cell's others were run; one command for each that are in a row."""
  wanted = SEEDS[comparison.table]
  job = next(iter(comparison.jobs.get((dataset, method), ())), None)
  commands = []
  for _, places in itertools.groupby(enumerate(seeds), lambda item: item[1] - item[0]):
    together = [seed for _, seed in places]
    # Seeds that go on online are those of another source.
    if job is None or job.config["kind"] != run_config.OFFLINE:
      commands.append(exhibits.command(dataset, len(together), together[0], method))
    else:
      commands.append(job.more(together[0], len(together), exhibits.STEPS))
  what = f"{len(seeds)} of {wanted} seeds" if len(seeds) < wanted else f"all {wanted} seeds"
  return f"{method} on {dataset}, {what}: {' && '.join(commands)}"


def caption(comparison: Comparison, episodes: Sequence[int] = ()) -> list[str]:
  """What a table's numbers are, sentence by sentence.

  Args:
    comparison: the table.
    episodes: of an evaluation of each seed, as far as known.
  """
  table, seeds = comparison.table, SEEDS[comparison.table]
  spread = (
    "half of the 95 % interval of the mean (Student's t over seeds)"
    if table == 6
    else "standard deviation over seeds (n - 1)"
  )
  statistic = statistic_text(comparison.statistic, _averaged(comparison))
  counted = " or ".join(map(str, sorted(set(episodes))))
  return [
    f"Table {table} of the DMG paper (arXiv 2411.07934), beside measured scores.",
    "Measured, as are methods that the paper's table does not have: "
    f"{statistic}, D4RL-normalised (mazes: success rate x 100)"
    + (f", episodes an evaluation: {counted}" if counted else "")
    + f"; mean ± {spread}, over the seeds counted (the paper's: {seeds}).",
    "Difference: measured less printed; within: no more than the paper's ±, or than the measured "
    "one where the paper prints none.",
    "The paper does not say which evaluation its numbers are. Totals are sums of the rows; the "
    "paper's own, of unrounded scores, differ by up to 0.1.",
    "A seed that diverged is in no mean: its line counts it, the notices name it, and no other "
    "replaces it.",
  ]


def _averaged(comparison: Comparison) -> list[int]:
  entries = (
    entry
    for section in comparison.sections
    for row in section.rows
    for entry in row.entries.values()
  )
  cells = [entry.measured for entry in entries if entry.measured]
  return [cell.averaged for cell in (*cells, *(beside.measured for beside in comparison.beside))]
