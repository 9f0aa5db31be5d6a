"""Beyond the paper: one setting of DMG, chosen on some of our data sets and judged on others.

  python benchmarks/beyond_jobs.py search       # the jobs, to be run anywhere
  python benchmarks/beyond.py search --data=ROOT [--to_step=7200 --device=NAME] RUN_DIR [RUN_DIR...]
  python benchmarks/beyond.py second|maze|report|calm --data=ROOT RUN_DIR [RUN_DIR...]
  python benchmarks/beyond.py page

Reads the folders of finished jobs; a job's folder is named as the job is. ROOT is the folder of
the data sets, whose provenance says how they were made. The numbers go to
benchmarks/results/beyond.json, the page to docs/beyond.md.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import beyond_page
import beyond_read
from absl import app, flags
from beyond_jobs import CALM, MAZE, REPORT, SEARCH, SECOND
from jobs import RESULTS

from dmg_jax import study_files
from dmg_jax.data import catalog
from dmg_jax.errors import UserError

RESULT = RESULTS / "beyond.json"
_PARTS, _PAGE = (SEARCH, SECOND, MAZE, REPORT, CALM), "page"


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


def main(words: Sequence[str]) -> None:
  part, *names = words[1:] or [_PAGE]
  result = json.loads(RESULT.read_text()) if RESULT.exists() else {}
  try:
    if part != _PAGE:
      if part not in _PARTS:
        raise UserError(f"there is no part {part!r}; name {', '.join(_PARTS)} or {_PAGE}")
      values = flags.FLAGS
      folders = [Path(name) for name in names]
      result[part] = gather(folders, Path(values.data), values.to_step, values.device)
      content = json.dumps(study_files.rounded(result), indent=1) + "\n"
      study_files.write({RESULT: content.encode()})
    beyond_page.write(json.loads(RESULT.read_text()))
  except UserError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
  flags.DEFINE_string("data", ".", "Folder of the data sets.")
  flags.DEFINE_integer("to_step", None, "Up to which evaluations count, where jobs were cut.")
  flags.DEFINE_string("device", "", "That cut jobs ran on; finished ones say it.")
  app.run(main)
