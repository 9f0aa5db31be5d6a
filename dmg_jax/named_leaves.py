"""Trees of arrays by the names of their leaves, whatever containers hold them."""

import hashlib
import io
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np


def leaves(tree: Any) -> dict[str, Any]:
  """Name -> leaf.

  A name is the path of a leaf. It is the same for a key of a dict and for a field
  of a NamedTuple or a dataclass, so that a tree keeps its names in storage.
  """
  return {_name(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def digest(tree: Any) -> str:
  """SHA-256 of the names, dtypes, shapes and bytes of all leaves, 64 hexadecimal digits."""
  sha = hashlib.sha256()
  for name, leaf in sorted(leaves(tree).items()):
    array = np.ascontiguousarray(leaf)
    sha.update(f"{name}\n{array.dtype}\n{np.shape(leaf)}\n".encode())
    sha.update(array.tobytes())
  return sha.hexdigest()


def to_bytes(named: Mapping[str, Any]) -> bytes:
  """Arrays by name, as `from_bytes` reads them."""
  file = io.BytesIO()
  np.savez(file, **named)
  return file.getvalue()


def from_bytes(content: bytes) -> dict[str, np.ndarray]:
  """The arrays that `to_bytes` was given."""
  with np.load(io.BytesIO(content), allow_pickle=False) as stored:
    return {name: stored[name] for name in stored.files}


def restructure(tree: Any, like: Any) -> Any:
  """The leaves of a tree, in the containers of another.

  Raises:
    ValueError: if names, dtypes or shapes differ, naming the first leaf.
  """
  theirs, ours = leaves(tree), leaves(like)
  for name in sorted({*theirs, *ours}):
    there, here = _described(theirs, name), _described(ours, name)
    if there != here:
      raise ValueError(f"{name} is {there}, not {here}")
  return jax.tree_util.tree_map_with_path(lambda path, _: theirs[_name(path)], like)


def _name(path: tuple[Any, ...]) -> str:
  return jax.tree_util.keystr(path, simple=True, separator="/")


def _described(named: dict[str, Any], name: str) -> str:
  """Such as float32 (3, 2)."""
  if name not in named:
    return "missing"
  leaf = named[name]
  dtype = leaf.dtype if hasattr(leaf, "dtype") else np.asarray(leaf).dtype
  return f"{dtype} {np.shape(leaf)}"
