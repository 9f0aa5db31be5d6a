"""Trains DMG offline: `python launch/main.py --config=configs/mujoco.py[:DATASET]`."""

import sys
from pathlib import Path

import jax
from absl import app, flags, logging
from ml_collections import config_flags

from dmg_jax.data.catalog import EMBEDDED
from dmg_jax.data.load import load
from dmg_jax.errors import StorageError, UserError
from dmg_jax.experiments import offline, settings

_CONFIG = config_flags.DEFINE_config_file("config", "configs/mujoco.py", "Settings of the job.")
_RUN_DIR = flags.DEFINE_string(
  "run_dir", None, "Where the job lives; default runs/<dataset>/<hash of the config>."
)


def main(_) -> None:
  logging.set_verbosity(logging.WARNING)
  try:
    _run(_CONFIG.value.to_dict(), _RUN_DIR.value)
  except (UserError, StorageError) as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2 if isinstance(error, UserError) else 1)


def _run(config: dict, run_dir: str | None) -> None:
  settings.check(config)
  name = config["dataset"] or EMBEDDED
  dataset = load(name, config["env"])
  job = settings.resolve(config, dataset)
  directory = Path(run_dir) if run_dir else Path("runs", dataset.name, job.digest())
  if not config["dataset"]:
    print(
      "No data set was named: this is the embedded one, recorded by dmg_jax itself (not D4RL's).\n"
      "The paper's are named like --config=configs/mujoco.py:hopper-medium-replay-v2"
    )
  transitions = dataset.transitions
  print(f"data        {dataset.name}: {len(transitions.rewards):,} transitions")
  for notice in dataset.notices:
    print(f"            {notice}")
  for field, reason in job.reasons.items():
    print(f"{field:<11} {job.config[field]} ({reason})")
  print(f"device      {len(jax.devices())} x {jax.devices()[0].device_kind}")
  print(f"run         {directory}", flush=True)
  result = offline.train(job, dataset, directory, print)
  print(f"\n{result.table}\n")
  for hint in result.hints:
    print(f"hint: {hint}")
  print(f"curves: {result.curves}")


if __name__ == "__main__":
  app.run(main)
