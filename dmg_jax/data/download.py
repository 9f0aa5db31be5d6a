"""D4RL's files, fetched once and checked."""

import hashlib
import http.client
import os
import sys
import urllib.request
import uuid
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from dmg_jax.data.catalog import D4RLFile
from dmg_jax.data.names import folder_of
from dmg_jax.data.whole_files import made
from dmg_jax.errors import UserError

_VARIABLE = "D4RL_DATASET_DIR"
_CHUNK = 2**20
_PATIENCE = 60  # seconds without a byte


def directory() -> Path:
  """Where D4RL's files lie: `$D4RL_DATASET_DIR`, else `~/.d4rl/datasets`."""
  return folder_of(_VARIABLE, "~/.d4rl/datasets")


def path(file: D4RLFile) -> Path:
  """Where a file of the catalog lies, or would: under D4RL's own name for it."""
  return directory() / PurePosixPath(file.url).name


def fetch(file: D4RLFile, directory: Path) -> Path:
  """The path of a file of the catalog, downloaded if it is not there yet.

  A file that is there is taken as it is: whether it is D4RL's is for its reader to tell.

  Args:
    file: of the catalog.
    directory: where the file lies or will lie, under the last part of its address, which is
      D4RL's own name for it.

  Returns:
    The file's path.

  Raises:
    UserError: if the folder's place is a file; or if the download fails, stops early or has
      another hash: then nothing is left, no folder either.
  """
  target = directory / PurePosixPath(file.url).name
  if target.is_file():
    return target
  nearest = next(p for p in (directory, *directory.absolute().parents) if os.path.lexists(p))
  if not nearest.is_dir():
    raise UserError(
      f"{target.name} is to lie in {directory}, but {nearest} is not a folder; set "
      f"{_VARIABLE} to another"
    )
  # In the same folder, because a rename is atomic only within a file system.
  partial = directory / f".{target.name}.{uuid.uuid4().hex}.part"
  try:
    with made(directory):
      try:
        sha256 = _download(file, partial)
        if file.sha256 is None:
          tqdm.write(
            f"{target.name}: no published hash to compare with; sha256 is {sha256}",
            file=sys.stderr,
          )
        elif sha256 != file.sha256:
          raise OSError(f"other bytes than published: sha256 {sha256}, expected {file.sha256}")
        os.replace(partial, target)
      finally:
        partial.unlink(missing_ok=True)
  except (OSError, http.client.HTTPException) as error:
    raise UserError(
      f"{target.name}: download from {file.url} failed ({error}); "
      f"try again, or place the file in {directory} by hand"
    ) from error
  return target


def _download(file: D4RLFile, partial: Path) -> str:
  digest = hashlib.sha256()
  with urllib.request.urlopen(file.url, timeout=_PATIENCE) as response, partial.open("xb") as out:
    size = file.size or int(response.headers.get("Content-Length") or 0) or None
    with tqdm(desc=file.name, total=size, unit="B", unit_scale=True) as progress:
      while chunk := response.read(_CHUNK):
        out.write(chunk)
        digest.update(chunk)
        progress.update(len(chunk))
    if size is not None and out.tell() != size:
      raise OSError(f"{out.tell()} of {size} bytes arrived")
    out.flush()
    os.fsync(out.fileno())
  return digest.hexdigest()
