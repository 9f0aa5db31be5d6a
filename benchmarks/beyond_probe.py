"""Q off the data, with and without LayerNorm in critics and value.

  python benchmarks/beyond_probe.py --plain=RUN_DIR --normalised=RUN_DIR
  python benchmarks/beyond_probe.py --plain=RUN_DIR --normalised=RUN_DIR --data=data/medium

Takes two run directories of DMG whose runs differ in LayerNorm alone, and measures both as
benchmarks/generalisation.py does, in the same states and along the same directions. The numbers
go to benchmarks/results/beyond_probe.json; `python benchmarks/beyond.py page` shows them.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

import beyond_read
import generalisation
from absl import app, flags
from beyond_probe_page import PLAIN, RESULT, SIDES

from dmg_jax import run_config, run_directory, study_files
from dmg_jax.envs.workers import available_cores
from dmg_jax.errors import SimulatorError, UserError
from dmg_jax.probe import settings
from dmg_jax.probe.gather import Selection

_NORMS = ("critic_layer_norm", "value_layer_norm")
_KEPT = ("task", "lam", "nu", "seed", "step", "q", "returns")


def measure(run_dirs: dict[str, str], data: list[str], chosen: settings.Settings) -> dict[str, Any]:
  """Both sides' numbers, in the same states.

  Args:
    run_dirs: of each of `SIDES`.
    data: see `generalisation.measure`.
    chosen: how much is measured.

  Raises:
    UserError: if the two have different runs, or such as differ in more or less than LayerNorm; or
      for what `generalisation.measure` refuses.
  """
  configs = {side: _config(run_dir) for side, run_dir in run_dirs.items()}
  _check({side: _points(config) for side, config in configs.items()})
  found = {
    side: generalisation.measure([run_dir], data, Selection(), chosen, available_cores())
    for side, run_dir in run_dirs.items()
  }
  runs = {
    side: [{name: row[name] for name in _KEPT} for row in one["runs"]]
    for side, one in found.items()
  }
  left_out = [line for one in found.values() for line in one["left_out"]]
  identities = [
    sorted((row["task"], row["lam"], row["nu"], row["seed"], row["step"]) for row in rows)
    for rows in runs.values()
  ]
  if identities[0] != identities[1] or len({str(one["tasks"]) for one in found.values()}) > 1:
    raise UserError(
      "; ".join(["the two directories have different runs, steps or data", *left_out])
    )
  first = found[PLAIN]
  return {
    "command": " ".join(["python", *sys.argv]),
    **{name: first[name] for name in ("device", "versions", "settings", "tasks")},
    "left_out": left_out,
    "trained": {side: beyond_read.shown(config["invocation"]) for side, config in configs.items()},
    "runs": runs,
  }


def _config(run_dir: str) -> dict[str, Any]:
  return run_directory.read_config(run_directory.expand(run_dir), run_config.TRAININGS)


def _points(config: Mapping[str, Any]) -> dict[tuple[str, float, float, int], dict[str, Any]]:
  """Data set, lambda, nu and seed of each run of a job -> its point."""
  return {
    (run["task"], run["point"]["lam"], run["point"]["nu"], run["seed"]): run["point"]
    for run in config["runs"]
  }


def _check(points: Mapping[str, Mapping[Any, Mapping[str, Any]]]) -> None:
  """Refuses sides that differ in more than LayerNorm, or not in it."""
  plain, normalised = (points[side] for side in SIDES)
  for name in plain.keys() & normalised.keys():
    for side, point in ((False, plain[name]), (True, normalised[name])):
      if any(point[field] is not side for field in _NORMS):
        raise UserError(f"{', '.join(_NORMS)} must be False in the plain runs, else True")
    other = [
      field
      for field, value in plain[name].items()
      if field not in _NORMS and value != normalised[name].get(field)
    ]
    if other:
      raise UserError(f"the runs differ in more than LayerNorm: {', '.join(other)}")


def main(_) -> None:
  values = flags.FLAGS
  chosen = settings.Settings(starts=values.starts, horizon=values.horizon, episodes=1)
  try:
    found = measure({side: str(values[side].value) for side in SIDES}, values.data, chosen)
  except (UserError, SimulatorError) as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2 if isinstance(error, UserError) else 1)
  study_files.write({RESULT: (json.dumps(found) + "\n").encode()})
  print(RESULT)


if __name__ == "__main__":
  for name in SIDES:
    flags.DEFINE_string(name, None, f"Run directory of the {name} runs.", required=True)
  flags.DEFINE_list("data", [], "Data sets, if they lie elsewhere than when the runs trained.")
  flags.DEFINE_integer("starts", 32, "States of each data set to start from.")
  flags.DEFINE_integer("horizon", 400, "Steps of a return.")
  app.run(main)
