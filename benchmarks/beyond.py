"""Beyond the paper: one setting of DMG, chosen on some of our data sets and judged on others.

  python benchmarks/beyond_jobs.py search       # the jobs, to be run anywhere
  python benchmarks/beyond.py search --data=ROOT RUN_DIR [RUN_DIR...]
  python benchmarks/beyond.py report --data=ROOT RUN_DIR [RUN_DIR...]
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
from beyond_jobs import REPORT, SEARCH
from jobs import RESULTS

from dmg_jax import study_files
from dmg_jax.errors import UserError

RESULT = RESULTS / "beyond.json"
_PAGE = "page"


def gather(directories: Sequence[Path], data: Path) -> dict[str, Any]:
  """A part of the result: its jobs by name, the data, and the jobs that were cut.

  Raises:
    UserError: if no job is finished, or the data's provenance is not there.
  """
  jobs = {directory.name: beyond_read.read(directory) for directory in directories}
  finished = {name: found for name, found in jobs.items() if found is not None}
  if not finished:
    raise UserError("none of the folders is a finished job; name folders with a summary.json")
  names = sorted({name for found in finished.values() for name in found["data"]})
  try:
    made = beyond_read.made(data, names)
  except OSError as error:
    raise UserError(
      f"{error.filename} cannot be read; name the data's folder with --data"
    ) from None
  for name in names:
    one = next(found for found in finished.values() if name in found["data"])
    made[name] |= {"sha256": one["sha256"][name], "score": one["data_score"][name]}
  for found in finished.values():
    if any(made[name]["sha256"] != digest for name, digest in found["sha256"].items()):
      raise UserError("the jobs have different data of one name; name jobs of one set of data")
    del found["sha256"], found["data_score"]
  return {"jobs": finished, "cut": sorted({*jobs} - {*finished}), "data": made}


def main(words: Sequence[str]) -> None:
  part, *names = words[1:] or [_PAGE]
  result = json.loads(RESULT.read_text()) if RESULT.exists() else {}
  try:
    if part != _PAGE:
      if part not in (SEARCH, REPORT):
        raise UserError(f"there is no part {part!r}; name {SEARCH}, {REPORT} or {_PAGE}")
      result[part] = gather([Path(name) for name in names], Path(flags.FLAGS.data))
      content = json.dumps(study_files.rounded(result), indent=1) + "\n"
      study_files.write({RESULT: content.encode()})
    beyond_page.write(json.loads(RESULT.read_text()))
  except UserError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
  flags.DEFINE_string("data", ".", "Folder of the data sets.")
  app.run(main)
