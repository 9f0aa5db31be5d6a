"""Which lambda and nu are robust: regrets over grids of finished jobs, and what the hints said.

  python benchmarks/guidelines.py RUN_DIR [RUN_DIR...]
  python benchmarks/guidelines.py --page

Takes run directories of DMG over lambda x nu, any data sets. The numbers go to
benchmarks/results/guidelines.json, the page to docs/guidelines.md; with `--page` the page
is made anew from the stored numbers.
"""

import itertools
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags
from jobs import RESULTS, ROOT
from regrets import (
  Cell,
  Cells,
  Setting,
  best,
  chosen_by_other_seeds,
  defaults,
  mean_regrets,
  one_for_all,
  regret,
  warnings,
)

from dmg_jax import methods, run_directory
from dmg_jax.errors import UserError
from dmg_jax.report import learned
from dmg_jax.report.scores.intervals import difference_interval

RESULT = RESULTS / "guidelines.json"
PAGE = ROOT / "docs" / "guidelines.md"
# Signs that need no simulator: the logs alone show them.
LOGGED = ("not_finite", "diverging_q", "clipped_weights")


def gather(run_dirs: Sequence[str], method: str = "dmg") -> dict[str, Any]:
  """The cells of all data sets, with what they were made by.

  Args:
    run_dirs: of finished jobs.
    method: whose runs are taken.

  Raises:
    UserError: for a directory that holds no finished grid, or grids of too few seeds or
      without a common point.
  """
  data: dict[str, Any] = {}
  jobs = []
  for name in run_dirs:
    try:
      config, summary = (
        json.loads((Path(name) / file).read_text())
        for file in (run_directory.CONFIG, run_directory.SUMMARY)
      )
      jobs.append({"invocation": config["invocation"], **_made_by(summary)})
      for group in summary["groups"]:
        if group["method"] == method and group["data_score"] is not None:
          found = data.setdefault(group["task"], {"data_score": group["data_score"], "cells": []})
          found["cells"].append(_stored(group))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
      raise UserError(
        f"{name} is no finished run directory of this version ({type(error).__name__}: {error})"
      ) from error
  _check(data, method)
  return {"command": " ".join(["python", *sys.argv]), "jobs": jobs, "data_sets": data}


def _made_by(summary: Mapping[str, Any]) -> dict[str, Any]:
  return {name: summary[name] for name in ("steps", "devices", "versions")}


def _stored(group: Mapping[str, Any]) -> dict[str, Any]:
  """What is kept of a group of a summary."""
  return {
    "lam": group["point"]["lam"],
    "nu": group["point"]["nu"],
    "scores": [run["last"] for run in group["runs"] if run["last"] is not None],
    "diverged": sum(run["diverged_at"] is not None for run in group["runs"]),
    "beyond_bound": sum(map(learned.is_beyond_bound, group["learned"].values())),
    "signs": sorted(group["hints"]),
  }


def _check(data: Mapping[str, Any], method: str) -> None:
  """Refuses what has no regrets."""
  if not data:
    title = methods.find(method).title
    raise UserError(f"no run of {title} with a score is in these directories")
  grids = {name: cells(found) for name, found in data.items()}
  for name, grid in grids.items():
    lams, nus = ({setting[place] for setting in grid} for place in (0, 1))
    if len(grid) != len(data[name]["cells"]) or grid.keys() != {*itertools.product(lams, nus)}:
      raise UserError(f"{name}: the points are no grid of lambda and nu, each once")
    whole = [len(cell.scores) for cell in grid.values() if not cell.diverged]
    if not whole or min(whole) < 2:
      raise UserError(
        f"{name}: regrets need two scored seeds at each point, and a point at which none diverged"
      )
  if not set.intersection(*map(set, grids.values())):
    raise UserError("the grids of these data sets have no point in common; name them apart")


def cells(found: Mapping[str, Any]) -> dict[Setting, Cell]:
  """The stored cells of a data set."""
  return {
    (cell["lam"], cell["nu"]): Cell(
      tuple(cell["scores"]), cell["diverged"], cell["beyond_bound"], tuple(cell["signs"])
    )
    for cell in found["cells"]
  }


def page(result: Mapping[str, Any]) -> str:
  """docs/guidelines.md, from the stored numbers."""
  grids = {name: cells(found) for name, found in result["data_sets"].items()}
  return "\n".join(
    [
      *_introduction(result),
      "",
      *_regrets(grids),
      "",
      *_robust(grids),
      "",
      *_hints(result, grids),
      "",
      *_maps(result, grids),
      "",
    ]
  )


def _introduction(result: Mapping[str, Any]) -> Iterator[str]:
  yield "# Guidelines for lambda and nu"
  yield ""
  yield (
    "<!-- Made by `python benchmarks/guidelines.py` from"
    " benchmarks/results/guidelines.json; not to be edited. -->"
  )
  yield ""
  yield (
    "DMG over a grid of lambda and nu on data that we recorded (`dmg/...`, not D4RL's). Scores are"
    " D4RL-normalised, of the last evaluation. The jobs:"
  )
  yield ""
  for job in result["jobs"]:
    yield (
      f"* `python {' '.join(job['invocation'])}`, {job['steps']:,} steps on"
      f" {', '.join(job['devices'])}, jax {job['versions']['jax']}"
    )
  yield ""
  yield (
    "Far fewer steps than the paper's million, at higher rates: what is robust here need not be"
    " so there."
  )


def _regrets(grids: Mapping[str, Cells]) -> Iterator[str]:
  whole = one_for_all(grids)
  yield "## Regret"
  yield ""
  yield (
    "Regret is the best mean on the data set less that of the setting. One setting for all, the"
    f' one of the smallest mean regret, is {_named(whole)}. "By the others" is the setting of the'
    " smallest mean regret on the other data sets. The best of many means of few seeds is too"
    ' high; "chosen by other seeds" is not: it is the mean score of each seed at the setting that'
    " is best by the other seeds. In brackets: 95 % intervals of the regret (Welch), without a"
    " correction for picking the best."
  )
  yield ""
  yield _row(
    "data set", "best", "its mean", "chosen by other seeds", "the paper's", "its regret",
    "regret of one for all", "by the others", "its regret",
  )  # fmt: skip
  yield _row(*["---"] * 9)
  for name, grid in grids.items():
    usual = defaults(grid, name)
    rest = {other: found for other, found in grids.items() if other != name}
    by_others = one_for_all(rest) if rest else None
    yield _row(
      f"`{name}`", _named(best(grid)), f"{grid[best(grid)].mean:.1f}",
      f"{chosen_by_other_seeds(grid):.1f}", _named(usual), _regret(grid, usual),
      _regret(grid, whole), "" if by_others is None else _named(by_others),
      "" if by_others is None else _regret(grid, by_others),
    )  # fmt: skip


def _robust(grids: Mapping[str, Cells]) -> Iterator[str]:
  regrets = mean_regrets(grids)
  yield "## Mean regret over the data sets"
  yield ""
  yield "x: where a seed's numbers stopped being finite on one of them."
  yield ""
  yield from _table({setting: _shown(value) for setting, value in regrets.items()})


def _table(cells_of_table: Mapping[Setting, str]) -> Iterator[str]:
  """A row for each lambda, a column for each nu."""
  lams, nus = (sorted({setting[place] for setting in cells_of_table}) for place in (0, 1))
  yield _row("lambda", *(f"nu {nu:g}" for nu in nus))
  yield _row(*["---"] * (1 + len(nus)))
  for lam in lams:
    yield _row(f"{lam:g}", *(cells_of_table.get((lam, nu), "") for nu in nus))


def _hints(result: Mapping[str, Any], grids: Mapping[str, Cells]) -> Iterator[str]:
  yield "## Do the printed hints warn where the method fails, and only there?"
  yield ""
  yield (
    "A cell of the grid fails where its mean score is below the data's own, or a seed diverged."
    " Hits and misses are failing cells with and without a hint; false alarms are others with"
    ' one. "Logs alone" are the signs that need no simulator: numbers that are not finite, |Q|'
    " beyond what any policy could earn, weights at their clip. The other signs use the same"
    " scores that decide whether a cell fails, so their hits are expected."
  )
  yield ""
  yield _row("data set", "its mean", "hints", "hits", "misses", "false alarms", "quiet")
  yield _row(*["---"] * 7)
  total: dict[str, np.ndarray] = {}
  for name, grid in grids.items():
    data_score = result["data_sets"][name]["data_score"]
    for kind, signs in (("any", None), ("logs alone", LOGGED)):
      counts = [*warnings(grid, data_score, signs).values()]
      total[kind] = total.get(kind, np.zeros(4, int)) + counts
      yield _row(f"`{name}`", f"{data_score:.1f}", kind, *counts)
  for kind, sums in total.items():
    yield _row("all", "", kind, *sums)


def _maps(result: Mapping[str, Any], grids: Mapping[str, Cells]) -> Iterator[str]:
  yield "## The grids"
  yield ""
  yield (
    "Mean score; x and how many seeds diverged: numbers stopped being finite, or |Q| passed"
    f" {learned.Q_BOUND_FACTOR:g} times max |reward| / (1 - discount)."
  )
  for name, grid in grids.items():
    seeds = {len(cell.scores) + cell.diverged for cell in grid.values()}
    yield ""
    yield (
      f"`{name}`, the data's mean {result['data_sets'][name]['data_score']:.1f}, seeds of each"
      f" cell: {' or '.join(map(str, sorted(seeds)))}"
    )
    yield ""
    yield from _table({setting: shown_cell(cell) for setting, cell in grid.items()})


def shown_cell(cell: Cell) -> str:
  """Mean score, and how many seeds diverged."""
  mean = f"{np.mean(cell.scores):.1f}" if cell.scores else ""
  count = cell.diverged + cell.beyond_bound
  return f"{mean} x {count}".strip() if count else mean


def _regret(grid: Cells, setting: Setting) -> str:
  top, here = grid[best(grid)], grid[setting]
  if here.mean == -np.inf:
    return "diverged"
  if setting == best(grid) or min(len(top.scores), len(here.scores)) < 2:
    return f"{regret(grid, setting):.1f}"
  low, high = difference_interval(top.scores, here.scores)
  return f"{regret(grid, setting):.1f} [{low:.1f}, {high:.1f}]"


def _shown(value: float) -> str:
  return "x" if value == np.inf else f"{value:.1f}"


def _named(setting: Setting) -> str:
  return f"lambda {setting[0]:g}, nu {setting[1]:g}"


def _row(*cells_of_row: object) -> str:
  return f"| {' | '.join(map(str, cells_of_row))} |"


def main(argv: list[str]) -> None:
  try:
    if not flags.FLAGS.page:
      if not argv[1:]:
        raise UserError("name run directories, or --page to make the page from stored numbers")
      RESULT.write_text(json.dumps(gather(argv[1:])) + "\n")
    PAGE.write_text(page(json.loads(RESULT.read_text())), encoding="utf-8")
  except (UserError, OSError) as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)
  print(PAGE)


if __name__ == "__main__":
  flags.DEFINE_bool("page", False, "Make the page from the stored numbers alone.")
  app.run(main)
