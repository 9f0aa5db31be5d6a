"""Data sets and reference returns, by name."""

import csv
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, NamedTuple


class _Task(NamedTuple):
  """What D4RL recorded: the environment that stands for it here, and its arguments."""

  env_id: str
  kwargs: Mapping[str, Any] = MappingProxyType({})


# D4RL recorded locomotion with -v2, whose physics and rewards -v4 has kept and -v5 has not.
_TASKS = {
  "hopper": _Task("Hopper-v4"),
  "halfcheetah": _Task("HalfCheetah-v4"),
  "walker2d": _Task("Walker2d-v4"),
  # D4RL's ant observes 84 contact forces after the 27 other numbers. Its MuJoCo left them at 0
  # and took nothing for them from the reward (D4RL's issue 143), as does the range 0 to 0.
  "ant": _Task("Ant-v4", {"use_contact_forces": True, "contact_force_range": [0.0, 0.0]}),
  "antmaze-umaze": _Task("dmg_jax/AntMaze-UMaze-v0"),
  "antmaze-medium": _Task("dmg_jax/AntMaze-Medium-v0"),
  "antmaze-large": _Task("dmg_jax/AntMaze-Large-v0"),
}
# Environments with the rewards of D4RL's. Its ant is left out: the id alone does not tell
# whether it has contact forces.
_COMPARABLE = re.compile(
  r"(?P<locomotion>Hopper|HalfCheetah|Walker2d)-v[0-4]"
  r"|dmg_jax/(?P<maze>AntMaze-(?:UMaze|Medium|Large))-v\d+"
)
_POINT_MAZE = "dmg_jax/PointMaze-"
_XY_FIRST = re.compile(r"(?:dmg_jax/)?(?:Ant|Point)Maze[-_]")

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
  """D4RL's locomotion and AntMaze files, by name.

  Addresses and reference returns are those of D4RL's `infos.py`. Sizes and hashes of the ant
  files and of one AntMaze file are not known.
  """
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
  task = _d4rl_task(name)
  return task.env_id if task else None


def d4rl_env_kwargs(name: str) -> dict[str, Any]:
  """The arguments of that environment; {} for all but the ant."""
  task = _d4rl_task(name)
  return dict(task.kwargs) if task else {}


def is_d4rl_env(name: str, env_id: str, kwargs: Mapping[str, Any]) -> bool:
  """Whether an environment with arguments is the one that a D4RL data set is evaluated in."""
  task = _d4rl_task(name)
  return task is not None and env_id == task.env_id and dict(kwargs) == dict(task.kwargs)


def _d4rl_task(name: str) -> _Task | None:
  if name not in d4rl_files():
    return None
  return next((task for prefix, task in _TASKS.items() if name.startswith(f"{prefix}-")), None)


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

  They hold for Hopper, HalfCheetah and Walker2d up to -v4, which share rewards and physics
  with D4RL's -v2, and for this package's AntMaze. -v5 has other rewards: it has no reference.
  """
  found = _COMPARABLE.fullmatch(env_id)
  if found is None:
    return None
  task = (found["locomotion"] or found["maze"]).lower()
  file = next(file for file in d4rl_files().values() if file.name.startswith(f"{task}-"))
  return file.reference_min, file.reference_max


def normalised_score(returns, reference: tuple[float, float]):
  """100 * (return - random) / (expert - random), D4RL's score; elementwise."""
  low, high = reference
  return 100 * (returns - low) / (high - low)


def score_name(env_id: str | None, reference: tuple[float, float]) -> str:
  """What `normalised_score` is called, for tables and axes.

  Args:
    env_id: of the environment that the returns come from, where it is known.
    reference: the returns that score 0 and 100.
  """
  if env_id is not None and env_id.startswith(_POINT_MAZE) and reference == (0, 1):
    return "success rate (%)"
  if env_id is not None and reference == reference_returns(env_id):
    return "D4RL-normalised score"
  return "normalised score"


def observes_position_first(env_id: str | None) -> bool:
  """Whether the first two numbers of an observation are x and y in a maze.

  So it is in this package's mazes; in Gymnasium-Robotics', whose observations are joined in
  sorted order, the first part is `achieved_goal`, the position.
  """
  return env_id is not None and _XY_FIRST.match(env_id) is not None
