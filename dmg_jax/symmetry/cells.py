"""The stored numbers of a part of the study: cells that are computed once."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dmg_jax import study_files
from dmg_jax.errors import UserError


class Cells:
  """A JSON file of named cells; an interrupted part goes on where it was.

  Args:
    path: of the file.
    header: command, seed and versions; of the latest call.
    settings: what the cells depend on; JSON values.
    say: is told of each cell that is computed.

  Raises:
    UserError: where the file holds cells of other settings or another seed, or is no JSON.
  """

  def __init__(
    self,
    path: Path,
    header: Mapping[str, Any],
    settings: Mapping[str, Any],
    say: Callable[[str], None],
  ):
    self._path, self._say = path, say
    settings = study_files.rounded(json.loads(json.dumps(settings)))
    self._stored = {**header, "settings": settings, "cells": {}}
    if path.exists():
      before = read(path)
      if before["settings"] != settings or before["seed"] != header["seed"]:
        raise UserError(
          f"{path} holds numbers of other settings or another seed; remove it or name another --out"
        )
      self._stored["cells"] = before["cells"]

  def __contains__(self, name: str) -> bool:
    return name in self._stored["cells"]

  def __getitem__(self, name: str) -> Mapping[str, Any]:
    return self._stored["cells"][name]

  def fill(self, name: str, compute: Callable[[], Mapping[str, Any]]) -> None:
    """Computes a cell, unless it is there, and stores it with the seconds that it took."""
    if name in self:
      return
    started, processor = time.perf_counter(), time.process_time()
    found = dict(compute())
    found["seconds"] = round(time.perf_counter() - started, 1)
    found["processor_seconds"] = round(time.process_time() - processor, 1)
    self._stored["cells"][name] = study_files.rounded(found)
    study_files.write({self._path: (json.dumps(self._stored, indent=1) + "\n").encode()})
    self._say(f"{self._path.stem}: {name}, {found['seconds']:.0f} s")


def read(path: Path) -> dict[str, Any]:
  """A part's stored numbers.

  Raises:
    UserError: where the file is no JSON of a part.
  """
  try:
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored["cells"], stored["settings"], stored["seed"]
  except (ValueError, KeyError, TypeError, OSError) as error:
    raise UserError(f"{path} cannot be read as stored numbers; remove it") from error
  return stored
