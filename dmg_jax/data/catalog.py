"""Data sets and reference returns, by name."""

import csv
import re
from functools import cache
from importlib import resources
from pathlib import PurePosixPath
from typing import NamedTuple

# D4RL recorded locomotion with -v2, whose physics and rewards -v4 has kept and -v5 has not.
_ENVIRONMENTS = {
  "hopper": "Hopper-v4",
  "halfcheetah": "HalfCheetah-v4",
  "walker2d": "Walker2d-v4",
  "antmaze-umaze": "dmg_jax/AntMaze-UMaze-v0",
  "antmaze-medium": "dmg_jax/AntMaze-Medium-v0",
  "antmaze-large": "dmg_jax/AntMaze-Large-v0",
}
_OURS = "dmg_jax/"

# Comes with the package; recorded by `launch/collect.py`.
EMBEDDED = "dmg/hopper/medium-replay-v0"


class D4RLFile(NamedTuple):
  """A row of D4RL's v2 catalog.

  Attributes:
    name: such as "hopper-medium-v2".
    url: of its HDF5 file.
    size: bytes, or None where unknown.
    sha256: of the file, or None where unknown.
    reference_min, reference_max: the returns that score 0 and 100.
  """

  name: str
  url: str
  size: int | None
  sha256: str | None
  reference_min: float
  reference_max: float


@cache
def d4rl_files() -> dict[str, D4RLFile]:
  """D4RL's locomotion and AntMaze files, by name."""
  text = (resources.files("dmg_jax.data") / "d4rl_files.tsv").read_text()
  rows = csv.DictReader(text.splitlines(), delimiter="\t")
  return {
    row["name"]: D4RLFile(
      row["name"],
      row["url"],
      int(row["bytes"]) if row["bytes"] else None,
      row["sha256"] or None,
      float(row["ref_min_score"]),
      float(row["ref_max_score"]),
    )
    for row in rows
  }


def d4rl_name(stem: str) -> str | None:
  """The catalog's name for a file's stem, spelled as in the catalog or as published."""
  return _stems().get(stem.lower().replace("_", "-"))


def d4rl_env_id(name: str) -> str | None:
  """The Gymnasium environment that a D4RL data set is evaluated in, if there is one."""
  if name not in d4rl_files():
    return None
  return next((env for task, env in _ENVIRONMENTS.items() if name.startswith(f"{task}-")), None)


def d4rl_step_limit(name: str) -> int | None:
  """The step limit of the environment that a D4RL data set was recorded in."""
  if name not in d4rl_files():
    return None
  return 700 if name.startswith("antmaze-umaze") else 1000


@cache
def _stems() -> dict[str, str]:
  spellings = (
    (spelling, file.name)
    for file in d4rl_files().values()
    for spelling in (file.name, PurePosixPath(file.url).stem)
  )
  return {spelling.lower().replace("_", "-"): name for spelling, name in spellings}


def reference_returns(env_id: str) -> tuple[float, float] | None:
  """D4RL's returns of a random and of an expert policy in an environment, if it has any.

  Versions of an environment share them: D4RL's own are older than all of ours.
  """
  task = re.sub(r"-v\d+$", "", env_id.removeprefix(_OURS)).lower()
  for file in d4rl_files().values():
    if file.name.startswith(f"{task}-"):
      return file.reference_min, file.reference_max
  return None


def normalised_score(returns, reference: tuple[float, float]):
  """100 * (return - random) / (expert - random), D4RL's score; elementwise."""
  low, high = reference
  return 100 * (returns - low) / (high - low)
