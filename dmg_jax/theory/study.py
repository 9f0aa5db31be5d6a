"""The whole study of the theory: numbers, page and pictures."""

import json
import os
import platform
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import jax

from dmg_jax.errors import UserError
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

_PACKAGES = ("dmg_jax", "jax", "jaxlib", "flax", "optax", "numpy", "matplotlib")
# Six digits in the stored numbers, so that they are read with ease.
_DIGITS = 6


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


def check_writable(places: Places) -> None:
  """Before any work is done.

  Raises:
    UserError: where a folder is a file or cannot be written.
  """
  for path in places:
    folder = path.parent
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir():
      raise UserError(f"{there} is a file, but the study writes into a folder: name another --out")
    if not os.access(there, os.W_OK | os.X_OK):
      raise UserError(f"{there} cannot be written: permission denied; name another --out")
    if path.is_dir():
      raise UserError(f"{path} is a folder; remove it or name another --out")


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


def provenance(command: str, seed: int) -> dict[str, Any]:
  """What made the numbers."""
  device = jax.devices()[0]
  return {
    "command": command,
    "seed": seed,
    "versions": {name: metadata.version(name) for name in _PACKAGES}
    | {"python": platform.python_version()},
    "device": f"{device.platform}: {device.device_kind}, {os.cpu_count()} cores",
  }


def run(places: Places, command: str, seed: int, say: Callable[[str], None]) -> None:
  """Measures and writes everything; `say` is told how far it is.

  All files are made before the first is written, and each is replaced whole.

  Raises:
    UserError: where the places cannot be written.
  """
  check_writable(places)
  say("measuring Theorems 1 to 5, their assumptions and the practical objective")
  stored = _rounded(provenance(command, seed) | measure(seed, say))
  files = {places.numbers: (json.dumps(stored, indent=1) + "\n").encode()}
  link = os.path.relpath(places.numbers, places.page.parent)
  files[places.page] = page.page(stored, Path(link).as_posix()).encode()
  for name, picture in figures.draw_all(stored).items():
    files[places.page.with_name(name)] = picture
  try:
    for path, content in files.items():
      path.parent.mkdir(parents=True, exist_ok=True)
      # Named after the process, so that two studies at once do not write into one file.
      partial = path.with_name(f".{path.name}.{os.getpid()}")
      partial.write_bytes(content)
      os.replace(partial, path)
  except OSError as error:
    raise UserError(f"{path} cannot be written: {error.strerror}; name another --out") from error
  say("written:")
  for path in files:
    say(f"  {path}")


def _rounded(value: Any) -> Any:
  if isinstance(value, dict):
    return {name: _rounded(item) for name, item in value.items()}
  if isinstance(value, list | tuple):
    return [_rounded(item) for item in value]
  return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
