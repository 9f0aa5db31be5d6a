"""What a folder holds, to tell whether anything in it changed."""

import hashlib
import os
from pathlib import Path


def snapshot(folder: str | os.PathLike[str]) -> dict[str, str]:
  """Path below the folder -> "folder", the target of a link, or the hash of a file."""
  found = {}
  for path in sorted(Path(folder).rglob("*")):
    content = "folder"
    if path.is_symlink():
      content = os.readlink(path)
    elif path.is_file():
      content = hashlib.sha256(path.read_bytes()).hexdigest()
    found[str(path.relative_to(folder))] = content
  return found


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
  """What differs between two snapshots, in alphabetical order."""
  return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
