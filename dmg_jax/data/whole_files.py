"""Files and folders that appear whole or not at all."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dmg_jax.errors import StorageError, UserError


def writable(path: str | Path, suffixes: Sequence[str], may_replace: bool = False) -> Path:
  """A path that a file of this kind can be written to; writes nothing.

  Args:
    path: of the file; a leading ~ is the user's folder.
    suffixes: that its name may have, in lower case; case does not matter.
    may_replace: whether a file may be there already.

  Raises:
    UserError: if the suffix is another, the folder does not exist, or the path is a folder or
      an existing file.
  """
  try:
    path = Path(path).expanduser()
    is_folder, exists = path.is_dir(), path.exists()
    has_folder = path.absolute().parent.is_dir()
  except (OSError, RuntimeError) as error:
    raise UserError(f"{path} cannot be written: {error}; name another file") from error
  if is_folder:
    raise UserError(f"{path} is a folder; name a file that ends in {' or '.join(suffixes)}")
  if path.suffix.lower() not in suffixes:
    raise UserError(f"{path} must end in {' or '.join(suffixes)}")
  if not has_folder:
    raise UserError(f"{path}: there is no folder {path.absolute().parent}; make it first")
  if exists and not may_replace:
    raise UserError(f"{path} exists already; name another file")
  return path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
  """A file beside `path` to write in, which is then moved to `path`.

  What a killed process left is replaced by the next.

  Raises:
    StorageError: if the file cannot be written; nothing is left of it then.
  """
  partial = path.with_name(f".{path.name}.partial{path.suffix}")
  try:
    yield partial
    os.replace(partial, path)
  except (OSError, RuntimeError) as error:  # h5py raises either where a disk is full
    raise StorageError(f"{path} cannot be written: {error}; make room, or name another") from error
  finally:
    partial.unlink(missing_ok=True)


@contextmanager
def made(folder: Path) -> Iterator[None]:
  """A folder with its parents, made if it is not there.

  If the body fails, the folders that were made here are removed, unless they hold something.

  Raises:
    OSError: if the folder cannot be made.
  """
  missing = [path for path in (folder, *folder.parents) if not path.exists()]
  try:
    folder.mkdir(parents=True, exist_ok=True)
    yield
  except BaseException:
    for path in missing:
      with contextlib.suppress(OSError):
        path.rmdir()
    raise
