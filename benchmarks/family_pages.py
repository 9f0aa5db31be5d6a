"""Tables and figures of the jobs in benchmarks/results/family_h100.tar.gz, for docs/family.md.

  python benchmarks/family_pages.py

draws the figures; `pages.py` writes the tables. The archive holds config, summary and logs
of jobs that were trained on a lent accelerator; `tar xzf` it and `launch/report.py` reads them.
"""

import functools
import json
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from absl import app

from dmg_jax.errors import UserError
from dmg_jax.report.figures import gallery, style
from dmg_jax.report.scores import family, gather
from dmg_jax.report.tables import family_grids
from dmg_jax.report.tables.grids import Grid

ROOT = Path(__file__).parents[1]
ARCHIVE = ROOT / "benchmarks" / "results" / "family_h100.tar.gz"
FIGURES = ROOT / "docs"
_LINES = ("lambda_walker2d", "nu_walker2d", "lambda_halfcheetah", "nu_halfcheetah")
# Figure of docs/ -> the jobs that it shows, and which of a report's figures it is.
DRAWN = {
  "family_table1": (("table1_hopper", "table1_embedded"), "two_axes"),
  "family_table3": (("table3_hopper", "table3_walker"), "two_axes"),
  "family_lambda": (("lambda_walker2d", "lambda_halfcheetah"), "ablation_lambda"),
  "family_nu": (("nu_walker2d", "nu_halfcheetah"), "ablation_nu"),
  "family_grid": (("grid",), "ablation_grid"),
  "family_grid_nu": (("grid",), "ablation_nu"),
}


def row(*cells: object) -> str:
  """A line of a Markdown table."""
  return f"| {' | '.join(map(str, cells))} |"


@functools.cache
def unpacked(path: Path) -> tempfile.TemporaryDirectory[str]:
  """The jobs of the archive, in a folder that goes with the process.

  Args:
    path: of the archive.

  Raises:
    UserError: if the archive is missing or damaged.
  """
  folder = tempfile.TemporaryDirectory(prefix="family.")
  try:
    with tarfile.open(path, "r:gz") as archive:
      archive.extractall(folder.name, filter="data")
  except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
    raise UserError(f"{path} is damaged or missing ({error}); restore it from git") from error
  return folder


def directories(*jobs: str) -> list[str]:
  """The run directories of jobs."""
  return [str(Path(unpacked(ARCHIVE).name, "family_h100", job)) for job in jobs]


def job(name: str) -> tuple[list[dict[str, Any]], Mapping[str, Any]]:
  """The groups of a job, and its summary."""
  summary = json.loads(Path(*directories(name), "summary.json").read_text())
  return summary["groups"], summary


def score(group: Mapping[str, Any]) -> str:
  """Mean and deviation over seeds of the last evaluation; how many diverged."""
  diverged = sum(run["diverged_at"] is not None for run in group["runs"])
  found = f"{group['last']['mean']:.1f} ± {group['last']['sd']:.1f}"
  return found + (f" ({diverged} diverged)" if diverged else "")


def lines() -> Iterable[str]:
  """Lambda at nu 0.1, and nu at lambda 0.25, on two data sets."""
  yield row("data set", "its mean", "lambda", "nu", "score", "seeds")
  yield row(*["---"] * 6)
  for name in _LINES:
    for group in job(name)[0]:
      point = group["point"]
      yield row(
        f"`{group['task']}`", f"{group['data_score']:.1f}", f"{point['lam']:g}",
        f"{point['nu']:g}", score(group), len(group["runs"]),
      )  # fmt: skip


def methods() -> Iterable[str]:
  """The methods of Table 1 on two data sets, where they stand and what they score."""
  jobs = DRAWN["family_table1"][0]
  scores = gather.gather(directories(*jobs)).scores
  for name in jobs:
    group = job(name)[0][0]
    yield f"`{group['task']}`: the data's mean {group['data_score']:.1f}."
  places = family.places(scores, "last")
  yield ""
  yield from _table(family_grids.places_grid(places, "Last evaluation"))
  yield ""
  for dataset in dict.fromkeys(place.dataset for place in places):
    here = [place for place in places if place.dataset == dataset]
    ordered = sorted(here, key=lambda place: -np.mean(place.scores))
    yield f"By the mean on `{dataset}`: {', '.join(place.method for place in ordered)}."
  for found in family.differences(scores, "last"):
    if found.dataset and found.interval is not None:
      low, high = found.interval
      yield (
        f"On `{found.dataset}` DMG less {found.alone} is {found.difference:+.1f}, with 95 %"
        f" confidence from {low:.1f} to {high:.1f}."
      )


def differences() -> Iterable[str]:
  """What DMG adds to each in-sample learner on four data sets."""
  scores = gather.gather(directories(*DRAWN["family_table3"][0])).scores
  found = family.differences(scores, "last")
  yield from _table(family_grids.differences_grid(found, "Last evaluation"))
  yield ""
  means = [one.interval for one in found if not one.dataset and one.interval is not None]
  higher = sum(interval.low > 0 for interval in means)
  lower = sum(interval.high < 0 for interval in means)
  yield (
    f"Over the data sets together DMG raises the score of {higher} of {len(means)} learners, lowers"
    f" that of {lower}, and the interval holds 0 for {len(means) - higher - lower}."
  )


def _table(grid: Grid) -> Iterator[str]:
  yield row(*grid.header)
  yield row(*["---"] * len(grid.header))
  for group in grid.groups:
    for line in group:
      yield row(*line)


def precisions() -> Iterable[str]:
  """DMG on the embedded data with three precisions of products."""
  main_job = json.loads((ARCHIVE.parent / "main_job.json").read_text())
  found = [("float32", main_job)]
  found += [
    (name, job(file)[1])
    for name, file in (("tensorfloat32", "precision_tf32"), ("bfloat16", "precision_bf16"))
  ]
  yield row("precision", "device", "mean ± sd", "IQM, 95 % interval", "seeds")
  yield row(*["---"] * 5)
  for name, summary in found:
    (group,) = summary["groups"]
    low, high = group["last"]["iqm_interval"]
    yield row(
      name, summary["devices"][0], score(group),
      f"{group['last']['iqm']:.1f} [{low:.1f}, {high:.1f}]",
      ", ".join(f"{run['last']:.1f}" for run in group["runs"]),
    )  # fmt: skip


def draw(folder: Path) -> list[Path]:
  """Writes the figures of `DRAWN` as PNG; their paths."""
  written = []
  for stem, (jobs, name) in DRAWN.items():
    found = gather.gather(directories(*jobs))
    width = style.WIDTHS["full"]
    with style.style():
      for named in gallery.draw(found.scores, [], "last", width, found.diverged):
        if named.name == name:
          named.figure.savefig(folder / f"{stem}.png", dpi=150)
          written.append(folder / f"{stem}.png")
  return written


def main(_) -> None:
  for path in draw(FIGURES):
    print(path)


if __name__ == "__main__":
  app.run(main)
