"""Tasks: what is learned from and judged in; and the table of the paper's settings.

The settings are those of Table 5 and App. C.1 of the paper and of its code.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from dmg_jax import in_sample, networks
from dmg_jax.data import catalog
from dmg_jax.types import Hyperparameters

LOCOMOTION, ANTMAZE = "locomotion", "antmaze"
NO_ENVIRONMENT = "none"

# Static fields of a run, beside its networks'.
BATCH_SIZE, POLICY_DELAY = 256, 2
_ARCHITECTURE = {
  name: value for name, value in networks.PAPER._asdict().items() if name != "precision"
}
# Every field of a run's point, at the paper's locomotion settings.
_LOCOMOTION: Mapping[str, Any] = {
  **vars(Hyperparameters()),
  "batch_size": BATCH_SIZE,
  "policy_delay": POLICY_DELAY,
  "reward_scale": 1.0,
  "lower_confidence_bound": False,
  "averaged_policy": False,
  **_ARCHITECTURE,
}
_ANTMAZE_CHANGES = {"nu": 0.5, "expectile": 0.9, "inverse_temperature": 10.0, "weight_clip": 100.0}
_EXPERT_NU = 10.0
# App. C.1, for XQL+DMG and SQL+DMG; SQL's second is for medium-expert data. The paper
# has no EQL: it takes SQL's.
_GUMBEL_TEMPERATURE = 5.0
_SPARSE_TEMPERATURE, _MEDIUM_EXPERT_SPARSE_TEMPERATURE = 2.0, 5.0
FIELDS = tuple(_LOCOMOTION)
# Fields that a run of an earlier version does not name, at what it had.
LATER: Mapping[str, Any] = {
  name: _LOCOMOTION[name] for name in ("reward_scale", "lower_confidence_bound", "averaged_policy")
}
TRACED = tuple(vars(Hyperparameters()))

# What a whole job has: gradient steps, and how it is evaluated.
SCHEDULES: Mapping[str, Mapping[str, int]] = {
  LOCOMOTION: {"steps": 1_000_000, "evaluation_interval": 20_000, "evaluation_episodes": 10},
  ANTMAZE: {"steps": 1_000_000, "evaluation_interval": 50_000, "evaluation_episodes": 100},
}
# What is done to the data of a task.
PREPARATION: Mapping[str, Mapping[str, Any]] = {
  LOCOMOTION: {"normalise_observations": True, "reward_shift": 0.0},
  # D4RL's reward is 1 at the goal; with the shift, every step before it costs 1.
  ANTMAZE: {"normalise_observations": False, "reward_shift": -1.0},
}
# The embedded data set should be done in minutes. At the paper's rate the target
# networks would see 22,400 / 2 * 0.005 = 56 Bellman backups: too few for a return
# over a thousand steps.
EMBEDDED_SCHEDULE = {"steps": 22_400, "evaluation_interval": 2_800, "evaluation_episodes": 10}
EMBEDDED_TARGET_RATE = 0.05

# D4RL's names, others that separate words alike, and plain ones.
_EXPERT_TIER = re.compile(r"(^|[-_/])(medium[-_])?expert([-_]v\d+)?$")
_MEDIUM_EXPERT_TIER = re.compile(r"(^|[-_/])medium[-_]expert([-_]v\d+)?$")
_KNOWN_TIER = re.compile(r"(^|[-_/])(random|medium|(medium|full)[-_]replay|simple)([-_]v\d+)?$")


class Task(NamedTuple):
  """A data set and the simulator in which its policies are evaluated.

  Attributes:
    name: of the data set.
    source: the data set as the user named it; "" is the embedded one.
    kind: of the data, see `data.dataset.Dataset`.
    sha256: of its arrays.
    env: a Gymnasium id, or "none".
    env_kwargs: keyword arguments of the simulator.
    step_limit: of the environment, where the user states it; else None. It cuts the
      episodes of a simulator that has no limit.
    normalise_observations: whether observations are standardised.
    clip_actions: whether actions outside of the simulator's box are clipped.
    reward_shift: added to the data's rewards.
    reference: the returns that score 0 and 100, or None.
  """

  name: str
  source: str
  kind: str
  sha256: str
  env: str
  env_kwargs: Mapping[str, Any]
  step_limit: int | None
  normalise_observations: bool
  clip_actions: bool
  reward_shift: float
  reference: tuple[float, float] | None


def is_antmaze(name: str) -> bool:
  """Whether a data set's name says that it is one of AntMaze's."""
  return "antmaze" in name.lower()


def family(name: str) -> str:
  """The row of the paper's settings that a data set's name suggests."""
  return ANTMAZE if is_antmaze(name) else LOCOMOTION


def nu(name: str, row: str) -> tuple[float, str]:
  """nu for a data set (App. C.1), and the reason.

  Args:
    name: of the data set.
    row: of the paper's settings, LOCOMOTION or ANTMAZE.
  """
  if row == ANTMAZE:
    return _ANTMAZE_CHANGES["nu"], "the paper's for AntMaze"
  if is_antmaze(name):
    return _ANTMAZE_CHANGES["nu"], "the paper's for AntMaze; use --config=configs/antmaze.py"
  lower = name.lower()
  usual = _LOCOMOTION["nu"]
  if _EXPERT_TIER.search(lower):
    return _EXPERT_NU, "the paper's for -expert and -medium-expert data"
  if _KNOWN_TIER.search(lower):
    return usual, "the paper's for -medium, -medium-replay and -random data"
  return usual, f"the quality of {name!r} is not known; for expert data try {_EXPERT_NU:g}"


def value_temperature(learner: in_sample.Learner, name: str) -> float:
  """The temperature of an in-sample learner on a data set (App. C.1).

  Args:
    learner: of V.
    name: of the data set.
  """
  if learner == in_sample.GUMBEL:
    return _GUMBEL_TEMPERATURE
  if learner in (in_sample.SPARSE, in_sample.EXPONENTIAL):
    expert = _MEDIUM_EXPERT_TIER.search(name.lower())
    return _MEDIUM_EXPERT_SPARSE_TEMPERATURE if expert else _SPARSE_TEMPERATURE
  return _LOCOMOTION["value_temperature"]


def paper_point(name: str, row: str | None = None) -> dict[str, Any]:
  """Every field of DMG's point on a data set, at the paper's settings.

  Args:
    name: of the data set; the embedded one has a target rate of its own.
    row: LOCOMOTION or ANTMAZE; by the name, if not given.
  """
  row = family(name) if row is None else row
  point = dict(_LOCOMOTION)
  if row == ANTMAZE:
    point |= _ANTMAZE_CHANGES
  point["nu"] = nu(name, row)[0]
  if name == catalog.EMBEDDED:
    point["target_rate"] = EMBEDDED_TARGET_RATE
  return point
