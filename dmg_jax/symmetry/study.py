"""The study of structured pessimism: its parts, their stored numbers, and the page."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dmg_jax import study_files
from dmg_jax.errors import UserError
from dmg_jax.symmetry import (
  circle_networks,
  costs,
  distillation,
  figures,
  mild,
  offline,
  page,
  reacher_facts,
  robots,
  teacher,
  walker,
)
from dmg_jax.symmetry.cells import WHOLE, Cells, Share, read


class Part(NamedTuple):
  """A part of the study.

  Attributes:
    settings: what its numbers depend on, beside the seed.
    fill: (seed, cells) computes what `cells` lacks.
  """

  settings: Mapping[str, Any]
  fill: Callable[[int, Cells], None]


PARTS: Mapping[str, Part] = {
  "circle": Part(circle_networks.SETTINGS, circle_networks.fill),
  "reacher": Part(reacher_facts.SETTINGS, reacher_facts.fill),
  "teacher": Part(teacher.SETTINGS, teacher.fill),
  "distillation": Part(distillation.SETTINGS, distillation.fill),
  "offline": Part(offline.SETTINGS, offline.fill),
  "mild": Part(mild.SETTINGS, mild.fill),
  "robots": Part(robots.SETTINGS, robots.fill),
  "walker": Part(walker.SETTINGS, walker.fill),
  "costs": Part(costs.SETTINGS, costs.fill),
}
PAGE = "page"


class Places(NamedTuple):
  """Where the study is written.

  Attributes:
    numbers: the folder of the JSON files.
    page: the Markdown file; its pictures lie beside it.
  """

  numbers: Path
  page: Path

  @classmethod
  def of_repository(cls, root: Path) -> "Places":
    return cls(root / "benchmarks" / "results", root / "docs" / "structure.md")

  @classmethod
  def of_folder(cls, folder: Path) -> "Places":
    return cls(folder, folder / "structure.md")

  def file(self, part: str) -> Path:
    """Of a part's numbers."""
    return self.numbers / f"structure_{part}.json"


def stored(places: Places) -> dict[str, Any]:
  """The numbers of all parts that there are, by their names."""
  return {part: read(places.file(part)) for part in PARTS if places.file(part).exists()}


def run(
  places: Places,
  command: str,
  part: str,
  seed: int,
  say: Callable[[str], None],
  share: Share = WHOLE,
) -> None:
  """Computes what a part lacks, and writes the page and its pictures anew.

  One of several shares writes its numbers alone.

  Args:
    places: where.
    command: that a person typed.
    part: a key of `PARTS`, or "page" for the page alone.
    seed: the first of all seeds.
    say: is told how far it is.
    share: of the part's computations; others are for other processes.

  Raises:
    UserError: for an unknown part, a share of the page, or where the places cannot be written.
  """
  if part != PAGE and part not in PARTS:
    raise UserError(f"{part} is no part of the study: name one of {', '.join((*PARTS, PAGE))}")
  if part == PAGE and share != WHOLE:
    raise UserError(f"--share is for a part that is computed; leave it out for {PAGE}")
  study_files.check_writable([places.page, *map(places.file, PARTS)])
  if part in PARTS:
    header = study_files.provenance(command, seed) | {"processes": share.of}
    PARTS[part].fill(seed, Cells(places.file(part), header, PARTS[part].settings, say, share))
  if share != WHOLE:
    say(f"share {share.number} of {share.of} is done; `structure {PAGE}` writes the page")
    return
  numbers = stored(places)
  if not numbers:
    raise UserError(f"{places.numbers} holds no numbers of the study yet: run one of its parts")
  files = {places.page: page.page(numbers).encode()}
  for name, picture in figures.draw_all(numbers).items():
    files[places.page.with_name(name)] = picture
  study_files.write(files)
  say("written:")
  for path in files:
    say(f"  {path}")
