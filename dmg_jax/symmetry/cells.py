"""The stored numbers of a part of the study: cells, each computed once, by one process of many."""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dmg_jax import study_files
from dmg_jax.errors import UserError

Cell = Mapping[str, Any]


class Share(NamedTuple):
  """What one of several processes computes: every `of`-th of a part's computations.

  Attributes:
    number: from 1 to `of`.
    of: how many processes there are.
  """

  number: int
  of: int


WHOLE = Share(1, 1)


def share(text: str) -> Share:
  """Such as "2/4", the second of four.

  Raises:
    UserError: for another form, or a number that is not from 1 to that of the shares.
  """
  found = re.fullmatch(r"(\d+)/(\d+)", text)
  if found is None or not 1 <= int(found[1]) <= int(found[2]):
    raise UserError(f"--share={text} is no share: write --share=2/4 for the second of four")
  return Share(int(found[1]), int(found[2]))


class Cells:
  """A JSON file of named cells; an interrupted part goes on where it was.

  Several processes may fill one file. Each cell keeps the number of its entry in the file's list
  `made_by`: command, versions, device, and how many processes filled the part together.

  Args:
    path: of the file.
    header: of this call: the seed, and what goes into `made_by`.
    settings: what the cells depend on; JSON values.
    say: is told of each cell that is computed.
    share: of the computations.

  Raises:
    UserError: where the file holds cells of other settings or another seed, or is no JSON.
  """

  def __init__(
    self,
    path: Path,
    header: Mapping[str, Any],
    settings: Mapping[str, Any],
    say: Callable[[str], None],
    share: Share = WHOLE,
  ):
    self._path, self._say, self._share = path, say, share
    self._made_by = {name: value for name, value in header.items() if name != "seed"}
    settings = study_files.rounded(json.loads(json.dumps(settings)))
    self._empty = {"seed": header["seed"], "settings": settings, "made_by": [], "cells": {}}
    self._asked = 0
    self._stored = self._read()

  def __contains__(self, name: str) -> bool:
    return name in self._stored["cells"]

  def __getitem__(self, name: str) -> Cell:
    return self._stored["cells"][name]

  def fill(self, name: str, compute: Callable[[], Cell]) -> None:
    """Computes a cell, unless it is there or another share's, and stores it with the seconds
    that it took."""
    self.fill_together([name], lambda: {name: compute()})

  def fill_together(self, names: Sequence[str], compute: Callable[[], Mapping[str, Cell]]) -> None:
    """As `fill`, for cells of one computation; each is given an equal part of its seconds."""
    mine = self._asked % self._share.of == self._share.number - 1
    self._asked += 1
    if mine:
      self._fill(names, compute)

  def fill_for_all(self, name: str, compute: Callable[[], Cell]) -> None:
    """As `fill`, for a cell that others are made from: each share computes it, if it is missing."""
    self._fill([name], lambda: {name: compute()})

  def _fill(self, names: Sequence[str], compute: Callable[[], Mapping[str, Cell]]) -> None:
    if all(name in self for name in names):
      return
    started, processor = time.perf_counter(), time.process_time()
    found = compute()
    if set(found) != set(names):
      raise ValueError(f"{sorted(found)} were computed, not {sorted(names)}")
    took = {
      "seconds": round((time.perf_counter() - started) / len(names), 1),
      "processor_seconds": round((time.process_time() - processor) / len(names), 1),
    }
    self._store({name: study_files.rounded({**found[name], **took}) for name in names})
    self._say(f"{self._path.stem}: {', '.join(names)}, {took['seconds'] * len(names):.0f} s")

  def _store(self, cells: Mapping[str, dict[str, Any]]) -> None:
    """Adds cells to those that the file has by now; one that is there stays."""
    with study_files.locked(self._path.parent):
      stored = self._read()
      if self._made_by not in stored["made_by"]:
        stored["made_by"].append(self._made_by)
      mark = {"made_by": stored["made_by"].index(self._made_by)}
      for name, cell in cells.items():
        stored["cells"].setdefault(name, cell | mark)
      study_files.write({self._path: (json.dumps(stored, indent=1) + "\n").encode()})
    self._stored = stored

  def _read(self) -> dict[str, Any]:
    """What the file holds now."""
    if not self._path.exists():
      return json.loads(json.dumps(self._empty))
    stored = read(self._path)
    if any(stored[name] != self._empty[name] for name in ("settings", "seed")):
      raise UserError(
        f"{self._path} holds numbers of other settings or another seed; remove it or name "
        "another --out"
      )
    return stored


def read(path: Path) -> dict[str, Any]:
  """A part's stored numbers.

  Raises:
    UserError: where the file is no JSON of a part.
  """
  try:
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored["cells"], stored["settings"], stored["seed"], stored["made_by"]
  except (ValueError, KeyError, TypeError, OSError) as error:
    raise UserError(f"{path} cannot be read as stored numbers; remove it") from error
  return stored
