"""Whether two finished jobs are the same to the bit."""

import json
from pathlib import Path

import jax
import numpy as np

from dmg_jax import checkpoints, run_directory, run_log


def differences(first: Path, second: Path) -> list[str]:
  """What differs between two finished run directories: names of files or parameters."""
  different = [
    name
    for name in (run_log.METRICS, run_log.EVALUATIONS)
    if (first / name).read_bytes() != (second / name).read_bytes()
  ]
  summaries = [
    json.loads((directory / run_directory.SUMMARY).read_text()) for directory in (first, second)
  ]
  for summary in summaries:
    del summary["seconds"]
  if summaries[0] != summaries[1]:
    different.append(run_directory.SUMMARY)
  trees = [_final(directory) for directory in (first, second)]
  for (path, one), other in zip(
    jax.tree_util.tree_leaves_with_path(trees[0]), jax.tree.leaves(trees[1]), strict=True
  ):
    if not np.array_equal(one, other):
      different.append(jax.tree_util.keystr(path))
  return different


def _final(directory: Path):
  restored = checkpoints.restore_latest(directory)
  assert restored is not None
  return restored.tree
