"""Beyond the paper: one setting of DMG, chosen on some of our data sets and judged on others.

  python benchmarks/beyond_jobs.py search       # the jobs, to be run anywhere
  python benchmarks/beyond.py search --data=ROOT [--to_step=7200 --device=NAME] RUN_DIR [RUN_DIR...]
  python benchmarks/beyond.py second|maze|robots|costly|report --data=ROOT RUN_DIR [RUN_DIR...]
  python benchmarks/beyond.py page

Reads the folders of finished jobs; a job's folder is named as the job is. ROOT is the folder of
the data sets, whose provenance says how they were made. The numbers go to
benchmarks/results/beyond.json, where a part keeps its jobs of other names, and the page to
docs/beyond.md.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import beyond_page
import beyond_read
import beyond_scores
from absl import app, flags
from beyond_jobs import BASE, COSTLY, MAZE, REPORT, ROBOTS, SEARCH, SECOND
from jobs import RESULTS

from dmg_jax import study_files
from dmg_jax.data import catalog
from dmg_jax.errors import UserError

RESULT = RESULTS / "beyond.json"
_COMPARED, _PAGE = (SEARCH, SECOND, MAZE, ROBOTS, COSTLY), "page"
_PARTS = (*_COMPARED, REPORT)


def gather(
  directories: Sequence[Path], data: Path, to_step: int | None = None, device: str = ""
) -> dict[str, Any]:
  """A part of the result: its jobs by name, the data, and the jobs that were cut.

  Args:
    directories: of the jobs.
    data: folder of the data sets.
    to_step: up to which evaluations count, of jobs that were cut; their last, if not given.
    device: that the jobs ran on, where they were cut and do not say it.

  Raises:
    UserError: if no job is finished, or the data's provenance is not there.
  """
  try:
    jobs = {directory.name: beyond_read.read(directory, to_step) for directory in directories}
  except OSError as error:
    raise UserError(f"{error.filename} cannot be read; name run directories of jobs") from None
  finished = {name: found for name, found in jobs.items() if found is not None}
  if not finished:
    raise UserError("no job reached its last step; name other folders, or a smaller --to_step")
  names = sorted({name for found in finished.values() for name in found["data"]})
  try:
    made = beyond_read.made(data, names)
  except OSError as error:
    raise UserError(
      f"{error.filename} cannot be read; name the data's folder with --data"
    ) from None
  for name in names:
    one = next(found for found in finished.values() if name in found["data"])
    digest, reference = one["tasks"][name]
    score = catalog.normalised_score(made[name].pop("return"), reference)
    made[name] |= {"sha256": digest, "score": float(score)}
  for found in finished.values():
    if any(made[name]["sha256"] != digest for name, (digest, _) in found["tasks"].items()):
      raise UserError("the jobs have different data of one name; name jobs of one set of data")
    del found["tasks"]
    found.setdefault("devices", [device])
  return {"jobs": finished, "cut": sorted({*jobs} - {*finished}), "data": made}


def merged(stored: Mapping[str, Any] | None, new: Mapping[str, Any]) -> dict[str, Any]:
  """A part with the jobs of both; of one name, the new one.

  Raises:
    UserError: if a stored job that stays has other data of one name.
  """
  if stored is None:
    return dict(new)
  kept = {name: job for name, job in stored["jobs"].items() if name not in new["jobs"]}
  data = {task: stored["data"][task] for job in kept.values() for task in job["data"]}
  for task in sorted(data.keys() & new["data"].keys()):
    if data[task]["sha256"] != new["data"][task]["sha256"]:
      users = ", ".join(name for name, job in kept.items() if task in job["data"])
      raise UserError(
        f"{task} is not the same data as that of the stored jobs ({users}); run them on it too, "
        "and name them as well"
      )
  return {
    "jobs": kept | new["jobs"],
    "cut": sorted({*stored["cut"], *new["cut"]} - {*kept, *new["jobs"]}),
    "data": dict(sorted((data | new["data"]).items())),
  }


def check(name: str, part: Mapping[str, Any]) -> None:
  """Refuses what has no differences or intervals.

  Raises:
    UserError: if a job has one seed, or a part that compares with DMG has no whole job of it.
  """
  for job, found in part["jobs"].items():
    for methods in found["data"].values():
      if any(len(one["seeds"]) + len(one["diverged"]) < 2 for one in methods.values()):
        raise UserError(f"{job} has one seed; intervals need two")
  if name in _COMPARED and BASE not in beyond_scores.measures(beyond_scores.searched(part)):
    raise UserError(f"{name} compares with DMG, whose job is missing or has runs that diverged")


def main(words: Sequence[str]) -> None:
  part, *names = words[1:] or [_PAGE]
  result = json.loads(RESULT.read_text()) if RESULT.exists() else {}
  try:
    if part != _PAGE:
      if part not in _PARTS:
        raise UserError(f"there is no part {part!r}; name {', '.join(_PARTS)} or {_PAGE}")
      values = flags.FLAGS
      folders = [Path(name) for name in names]
      new = gather(folders, Path(values.data), values.to_step, values.device)
      result[part] = merged(result.get(part), study_files.rounded(new))
      check(part, result[part])
      beyond_page.page(result)  # what it refuses is not stored
      study_files.write({RESULT: (json.dumps(result, indent=1) + "\n").encode()})
    beyond_page.write(result)
  except UserError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
  flags.DEFINE_string("data", ".", "Folder of the data sets.")
  flags.DEFINE_integer("to_step", None, "Up to which evaluations count, where jobs were cut.")
  flags.DEFINE_string("device", "", "That cut jobs ran on; finished ones say it.")
  app.run(main)
