"""How a Minari data set appears whole among others: it is written elsewhere, and moved there."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dmg_jax.data.minari_files import local_ids
from dmg_jax.data.names import new_dataset
from dmg_jax.data.whole_files import made
from dmg_jax.errors import UserError

_STAGED = "datasets"


@contextmanager
def staged(root: Path, dataset_id: str) -> Iterator[Path]:
  """A folder of Minari data sets to write one in, which is then moved to `root` whole.

  Whoever looks into `root` finds the data set complete or not at all, whatever interrupts its
  writing. What a killed process left is removed by the next that writes the same data set.

  Args:
    root: folder of Minari data sets; made if it is not there.
    dataset_id: of the data set, which must be in the yielded folder at the end; other data
      sets there are moved too, unless `root` has them.

  Raises:
    UserError: if the id is malformed or leads out of `root`, there is such a data set, or
      another process is writing it.
    OSError: if the folders cannot be written.
  """
  new_dataset(root, dataset_id)
  with made(root):
    stage = root / f".{dataset_id.replace('/', '-')}.partial"
    lock = _lock(stage, dataset_id)
    try:
      yield stage / _STAGED
      _move(stage / _STAGED, root, dataset_id)
    finally:
      shutil.rmtree(stage, ignore_errors=True)
      os.close(lock)


def _lock(stage: Path, dataset_id: str) -> int:
  """An empty folder that no other process writes in, as long as the descriptor is open."""
  stage.mkdir(exist_ok=True)
  lock = os.open(stage, os.O_RDONLY)
  try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if not os.path.samestat(os.fstat(lock), stage.stat()):
      raise BlockingIOError  # The other one was done, and has removed the folder.
    shutil.rmtree(stage / _STAGED, ignore_errors=True)
  except (BlockingIOError, FileNotFoundError) as error:
    os.close(lock)
    raise UserError(f"{dataset_id} is being written by another process; wait for it") from error
  except BaseException:
    os.close(lock)
    raise
  return lock


def _move(stage: Path, root: Path, dataset_id: str) -> None:
  """Moves data sets from the stage to `root`, this one last."""
  for namespace in stage.glob("**/namespace_metadata.json"):
    place = root / namespace.relative_to(stage)
    if not place.exists():
      place.parent.mkdir(parents=True, exist_ok=True)
      namespace.rename(place)
  others = [name for name in local_ids(stage) if name != dataset_id]
  for name in (*(name for name in others if not (root / name).exists()), dataset_id):
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (stage / name).rename(root / name)
