"""Lambda and nu: which are of use with the paper's setting, and which with `dmg_plus`.

  python benchmarks/beyond_jobs.py grid        # the jobs, to be run anywhere
  python benchmarks/beyond_grid.py DMG_RUN_DIR PLUS_RUN_DIR

The numbers go to benchmarks/results/beyond_grid.json; `python benchmarks/beyond.py page` shows
them.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import guidelines
from beyond_jobs import BASE, METHODS
from beyond_read import shown
from beyond_words import wrapped
from family_pages import row
from jobs import RESULTS
from regrets import Cells

from dmg_jax import run_directory, study_files
from dmg_jax.errors import UserError
from dmg_jax.report import learned

RESULT = RESULTS / "beyond_grid.json"
# The paper's, for locomotion.
_LAM, _NU = 0.25, 0.1


def gather(run_dirs: Sequence[str]) -> dict[str, Any]:
  """Of each method its jobs and cells, and the data's hashes; the first directory is DMG's.

  Raises:
    UserError: if there are not two, or for what `guidelines.gather` refuses; if the two have
      different data or points.
  """
  if len(run_dirs) != len(METHODS):
    raise UserError("name two run directories: of DMG, and of dmg_plus")
  found = {
    method: guidelines.gather([run_dir], method)
    for method, run_dir in zip(METHODS, run_dirs, strict=True)
  }
  points = [
    {name: {*guidelines.cells(one)} for name, one in side["data_sets"].items()}
    for side in found.values()
  ]
  if points[0] != points[1]:
    raise UserError("the two directories have different data sets or points; name two of one grid")
  hashes = [_hashes(run_dir) for run_dir in run_dirs]
  if hashes[0] != hashes[1]:
    raise UserError("the two directories have different data of one name; name two of one grid")
  for side in found.values():
    side["sha256"] = hashes[0]
    del side["command"]
    for job in side["jobs"]:
      job["command"] = shown(job.pop("invocation"))
  return found


def _hashes(run_dir: str) -> dict[str, str]:
  """Name of a data set -> hash of its arrays."""
  config = json.loads((Path(run_dir) / run_directory.CONFIG).read_text())
  return {task["name"]: task["sha256"] for task in config["tasks"]}


def useful(grid: Cells, data_score: float) -> set[tuple[float, float]]:
  """(lambda, nu) whose mean score is at least the data's, no seed of which diverged."""
  return {
    setting for setting, cell in grid.items() if cell.mean >= data_score and not cell.beyond_bound
  }


def section() -> Iterator[str]:
  """Lines of docs/beyond.md; none before the grid ran."""
  if RESULT.exists():
    yield from lines(json.loads(RESULT.read_text()))


def lines(result: Mapping[str, Any]) -> Iterator[str]:
  """A table for each data set, and what they say."""
  jobs = [job for side in result.values() for job in side["jobs"]]
  steps = " or ".join(dict.fromkeys(f"{job['steps']:,}" for job in jobs))
  devices = ", ".join(dict.fromkeys(device for job in jobs for device in job["devices"]))
  yield "## Lambda and nu"
  yield ""
  yield from wrapped(
    f"DMG / `dmg_plus`, mean score of the last evaluation after {steps} gradient steps at the "
    'search\'s rates, with layers of 64. "x 2" means that two seeds diverged: numbers stopped '
    f"being finite, or |Q| passed {learned.Q_BOUND_FACTOR:g} times max |reward| / (1 - discount). "
    f"`dmg_plus` was chosen on data of the same names, and few seeds tell little. On {devices}."
  )
  yield ""
  for name in result[BASE]["data_sets"]:
    sides = {method: side["data_sets"][name] for method, side in result.items()}
    yield from _of_data(name, result[BASE]["sha256"][name], sides)
  yield from _of_all(result)
  for job in jobs:
    yield from wrapped(f"* `{job['command']}`")
  yield ""


def _of_all(result: Mapping[str, Any]) -> Iterator[str]:
  """Over the data sets: points of use, and seeds that diverged."""
  told = []
  for method, side in result.items():
    grids = [(guidelines.cells(one), one["data_score"]) for one in side["data_sets"].values()]
    cells = [cell for grid, _ in grids for cell in grid.values()]
    diverged = sum(cell.diverged + cell.beyond_bound for cell in cells)
    told.append(
      f"{METHODS[method]} at {sum(len(useful(*one)) for one in grids)} of {len(cells)} points, "
      f"{diverged} of {sum(len(cell.scores) + cell.diverged for cell in cells)} seeds diverged"
    )
  yield from wrapped(
    f"Over the data sets, at least the data's mean and no seed diverged: {'; '.join(told)}."
  )
  yield ""


def _of_data(name: str, digest: str, sides: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
  grids = {method: guidelines.cells(side) for method, side in sides.items()}
  score = sides[BASE]["data_score"]
  lams, nus = (sorted({setting[place] for setting in grids[BASE]}) for place in (0, 1))
  seeds = {len(cell.scores) + cell.diverged for grid in grids.values() for cell in grid.values()}
  yield (
    f"`{name}` (SHA-256 `{digest[:16]}…`), the data's mean {score:.1f}, "
    f"{' or '.join(map(str, sorted(seeds)))} seeds:"
  )
  yield ""
  yield row("lambda", *(f"nu {nu:g}" for nu in nus))
  yield row(*["---"] * (1 + len(nus)))
  for lam in lams:
    yield row(
      f"{lam:g}",
      *(" / ".join(guidelines.shown_cell(grid[lam, nu]) for grid in grids.values()) for nu in nus),
    )
  yield ""
  for method, grid in grids.items():
    found = useful(grid, score)
    yield from wrapped(
      f"* {METHODS[method]}: at least the data's mean, and no seed diverged, at {len(found)} of "
      f"{len(grid)} points; at nu {_NU:g} with lambda "
      f"{_listed(lam for lam, nu in found if nu == _NU)}; at lambda {_LAM:g} with nu "
      f"{_listed(nu for lam, nu in found if lam == _LAM)}."
    )
  yield ""


def _listed(values: Iterable[float]) -> str:
  return ", ".join(f"{value:g}" for value in sorted(values)) or "(none)"


def main(words: list[str]) -> None:
  try:
    found = gather(words)
  except UserError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)
  study_files.write({RESULT: (json.dumps(found, indent=1) + "\n").encode()})
  print(RESULT)


if __name__ == "__main__":
  main(sys.argv[1:])
