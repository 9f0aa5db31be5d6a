"""Why mild generalisation works: Q, policies and scores off the data, of finished runs.

  python benchmarks/generalisation.py RUN_DIR [RUN_DIR...]
  python benchmarks/generalisation.py runs/grid runs/others --data=data/medium,data/expert
  python benchmarks/generalisation.py runs/grid --lam=0,0.25,1 --nu=0.1,1 --seeds=0,1
  python benchmarks/generalisation.py --page

Takes run directories of Hopper, Walker2d and HalfCheetah, with any methods, lambda, nu
and seeds, and measures (a) Q against the simulator's return at actions a fixed distance
from the data's, (b) how Q's error gathers along the chain, (c) the distance of the
policy's actions to the data's, (d) scores in changed worlds. The numbers go to
benchmarks/results/generalisation.json, the pictures beside it, and the page to
docs/generalisation.md. With `--page` pictures and page are made anew from the stored
numbers.
"""

import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from absl import app, flags
from jobs import RESULTS, ROOT
from machine import device_name

from dmg_jax.envs.workers import available_cores
from dmg_jax.errors import SimulatorError, UserError
from dmg_jax.probe import figures, page, settings, study, summary
from dmg_jax.probe.gather import Selection, gather

RESULT = RESULTS / "generalisation.json"
PAGE = ROOT / "docs" / "generalisation.md"
_PACKAGES = ("jax", "flax", "gymnasium", "mujoco", "numpy", "scipy")


def measure(
  run_dirs: list[str],
  data: list[str],
  selection: Selection,
  chosen: settings.Settings,
  workers: int,
) -> dict[str, Any]:
  """The numbers, with what they were made by and on."""
  started = time.monotonic()
  settings.check(chosen)
  if workers < 1:
    raise UserError(f"--workers is {workers}, but it must be at least 1")
  results = study.measure(gather(run_dirs, data, selection), chosen, workers)
  return {
    "command": " ".join(["python", *sys.argv]),
    "device": device_name(),
    "versions": {package: version(package) for package in _PACKAGES},
    "seconds": round(time.monotonic() - started, 1),
    **results,
  }


def publish(result: Path, target: Path) -> None:
  """Pictures, beside the stored numbers, and the page.

  Raises:
    UserError: if there are no numbers yet.
  """
  if not result.exists():
    raise UserError(f"{result} is missing; measure first, by naming run directories")
  results = json.loads(result.read_text())
  found = summary.summarise(results)
  pictures = figures.draw_all(results, found, result.parent)
  links = {
    robot: [_link(result.parent / name, target) for name in names]
    for robot, names in pictures.items()
  }
  target.write_text(page.page(results, found, links, _link(result, target)), encoding="utf-8")


def _link(path: Path, target: Path) -> str:
  return Path(os.path.relpath(path, target.parent)).as_posix()


def _numbers(flag: str, values: list[str]) -> list[float]:
  try:
    return [float(value) for value in values]
  except ValueError as error:
    raise UserError(f"--{flag} is {','.join(values)!r}; write numbers, such as 0.25,1") from error


def main(argv: list[str]) -> None:
  values = flags.FLAGS
  result, target = Path(values.out), Path(values.page_out)
  try:
    if values.page and argv[1:]:
      raise UserError("--page takes no run directories; leave one of them out")
    for path in (result, target):
      if not path.parent.is_dir():
        raise UserError(f"the folder {path.parent} is missing; make it, or name another file")
    if not values.page:
      names = settings.Settings._fields
      chosen = settings.Settings(**{name: getattr(values, name) for name in names})
      selection = Selection(
        _numbers("lam", values.lam), _numbers("nu", values.nu), _numbers("seeds", values.seeds)
      )
      results = measure(argv[1:], values.data, selection, chosen, values.workers)
      result.write_text(json.dumps(results) + "\n")
    publish(result, target)
  except (UserError, SimulatorError) as error:
    print(error, file=sys.stderr)
    sys.exit(2 if isinstance(error, UserError) else 1)
  print(target)


if __name__ == "__main__":
  # Here, and not above: whoever imports this file has flags of their own.
  _DEFAULTS = settings.Settings()
  flags.DEFINE_string("out", str(RESULT), "File of the numbers; the pictures lie beside it.")
  flags.DEFINE_string("page_out", str(PAGE), "The page.")
  flags.DEFINE_list("data", [], "Data sets, if they lie elsewhere than when the runs trained.")
  flags.DEFINE_list("lam", [], "Take only these lambdas of methods that can choose; all if empty.")
  flags.DEFINE_list("nu", [], "Take only these nus of methods that can choose; all if empty.")
  flags.DEFINE_list("seeds", [], "Take only these seeds; all if empty.")
  flags.DEFINE_bool("page", False, "Make pictures and page from the stored numbers alone.")
  flags.DEFINE_integer("starts", _DEFAULTS.starts, "States of each data set to start from.")
  flags.DEFINE_integer("horizon", _DEFAULTS.horizon, "Steps of a return.")
  flags.DEFINE_integer("rows", _DEFAULTS.rows, "Rows of the data at which distances are taken.")
  flags.DEFINE_integer("neighbours", _DEFAULTS.neighbours, "Nearest rows of each.")
  flags.DEFINE_integer("episodes", _DEFAULTS.episodes, "Of each run in each changed world.")
  flags.DEFINE_integer("seed", _DEFAULTS.seed, "Of all draws.")
  flags.DEFINE_integer("workers", available_cores(), "Simulator processes.")
  app.run(main)
