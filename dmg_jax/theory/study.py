"""The whole study of the theory: numbers, page and pictures."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax

from dmg_jax import study_files
from dmg_jax.theory import (
  broken,
  contraction,
  figures,
  lower_bound,
  one_step,
  overestimation,
  page,
  performance,
  practice,
)


class Places(NamedTuple):
  """Where the study is written.

  Attributes:
    numbers: the JSON file.
    page: the Markdown file; its pictures lie beside it.
  """

  numbers: Path
  page: Path

  @classmethod
  def of_repository(cls, root: Path) -> "Places":
    return cls(root / "benchmarks" / "results" / "theory.json", root / "docs" / "theory.md")

  @classmethod
  def of_folder(cls, folder: Path) -> "Places":
    return cls(folder / "theory.json", folder / "theory.md")


def measure(seed: int, say: Callable[[str], None]) -> dict[str, Any]:
  """All numbers of the study; `say` is told of each part when it is done.

  Everything is float64 but the networks of the practical objective.
  """
  theorems: dict[str, Callable[[int], dict[str, Any]]] = {
    "1": one_step.measure,
    "2": contraction.measure,
    "3": performance.measure,
    "4": overestimation.measure,
    "5": lower_bound.measure,
  }
  results: dict[str, Any] = {"theorems": {}}
  seconds, processor_seconds = {}, {}

  def timed(name: str, part: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
    start, processor_start = time.perf_counter(), time.process_time()
    numbers = part(seed)
    seconds[name] = round(time.perf_counter() - start, 1)
    # What it takes where nobody else uses the cores.
    processor_seconds[name] = round(time.process_time() - processor_start, 1)
    margin = numbers.get("worst_margin")
    tail = "" if margin is None else f", worst margin {margin:.3g}"
    say(f"{name}: {seconds[name]:.0f} s{tail}")
    return numbers

  with jax.enable_x64(True):
    for number, part in theorems.items():
      results["theorems"][number] = timed(f"Theorem {number}", part)
    results["assumptions"] = timed("assumptions", broken.measure)
  results["practice"] = timed("practice", practice.measure)
  return results | {"seconds": seconds, "processor_seconds": processor_seconds}


def run(places: Places, command: str, seed: int, say: Callable[[str], None]) -> None:
  """Measures and writes everything; `say` is told how far it is.

  All files are made before the first is written, and each is replaced whole.

  Raises:
    UserError: where the places cannot be written.
  """
  study_files.check_writable(places)
  say("measuring Theorems 1 to 5, their assumptions and the practical objective")
  stored = study_files.rounded(study_files.provenance(command, seed) | measure(seed, say))
  files = {places.numbers: (json.dumps(stored, indent=1) + "\n").encode()}
  link = os.path.relpath(places.numbers, places.page.parent)
  files[places.page] = page.page(stored, Path(link).as_posix()).encode()
  for name, picture in figures.draw_all(stored).items():
    files[places.page.with_name(name)] = picture
  study_files.write(files)
  say("written:")
  for path in files:
    say(f"  {path}")
