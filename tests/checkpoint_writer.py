"""Saves one checkpoint after the other; run by test_checkpoints.

python tests/checkpoint_writer.py DIRECTORY COUNT [--grow]

It stops before COUNT where a file DIRECTORY.enough appears.
"""

import sys
from pathlib import Path

import made_runs
import numpy as np

from dmg_jax import checkpoints, run_directory
from dmg_jax.errors import StorageError


def main(directory: Path, count: int, grow: bool) -> None:
  claim = run_directory.claim(directory, made_runs.config(steps=count))
  writer = checkpoints.Checkpoints(directory)
  writer.restore_latest(made_runs.tree())
  generator = np.random.default_rng(0)
  for step in range(1, count + 1):
    tree = made_runs.tree()
    scaling = tree["scalings"]["0"]
    moved = scaling.replace(observation_mean=np.full_like(scaling.observation_mean, step))
    tree = tree | {"scalings": tree["scalings"] | {"0": moved}}
    if grow:
      tree["more"] = {"noise": generator.random(step * 25_000)}
    writer.save(step, tree, {}, {})
    if directory.with_suffix(".enough").exists():
      break
  claim.close()


if __name__ == "__main__":
  try:
    main(Path(sys.argv[1]), int(sys.argv[2]), "--grow" in sys.argv)
  except StorageError as error:
    sys.exit(f"error: {error}")
