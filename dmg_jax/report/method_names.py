"""What the runs of a config are called in tables.

A run is called by the member of the family that it is (see `dmg_jax.methods`),
followed by the settings in which it departs from the usual ones, as in
"DMG (lam 0.5)". Settings without effect on a member are not mentioned.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from dmg_jax.data import catalog

HYPERPARAMETERS = (
  "lam", "nu", "q_coefficient", "expectile", "inverse_temperature", "weight_clip", "discount",
  "target_rate", "smoothing_noise", "smoothing_clip", "actor_learning_rate",
  "critic_learning_rate", "value_learning_rate", "actor_schedule_steps",
)  # fmt: skip
_EXPERT_TIER = re.compile(r"(^|[-/])(medium-)?expert(-v\d+)?$")
_USUAL: dict[str, Any] = {
  "lam": 0.25,
  "nu": 0.1,
  "q_coefficient": 1.0,
  "expectile": 0.7,
  "inverse_temperature": 3.0,
  "weight_clip": 3.0,
  "discount": 0.99,
  "target_rate": 0.005,
  "smoothing_noise": 0.2,
  "smoothing_clip": 0.5,
  "actor_learning_rate": 3e-4,
  "critic_learning_rate": 3e-4,
  "value_learning_rate": 3e-4,
  "actor_schedule_steps": 500_000.0,
  "batch_size": 256,
  "policy_delay": 2,
  "hidden_sizes": [256, 256],
  "precision": "float32",
  "normalise_observations": True,
  "clip_actions": False,
  "reward_shift": 0.0,
}
_ANTMAZE = {
  "nu": 0.5,
  "expectile": 0.9,
  "inverse_temperature": 10.0,
  "weight_clip": 100.0,
  "normalise_observations": False,
  "reward_shift": -1.0,
}
# Where they differ from DMG's, the usual settings of the other members.
_CHANGES: dict[str, dict[str, float]] = {
  "DMG": {},
  "TD3": {"actor_schedule_steps": math.inf},
  "TD3+BC": {"nu": 0.4, "actor_schedule_steps": math.inf},
  "IQL": {"weight_clip": 100.0},
  "BC": {},
}
_NO_VALUE = {"expectile", "inverse_temperature", "weight_clip", "value_learning_rate"}
# What makes a member what it is, or changes nothing in it: Adam does not see
# the scale of a loss of one term, V is not used at lambda 1, Q not by cloning.
_UNSEEN: dict[str, set[str]] = {
  "DMG": set(),
  "TD3": {"lam", "nu", "q_coefficient", *_NO_VALUE},
  "TD3+BC": {"lam", *_NO_VALUE},
  "IQL": {"lam", "nu", "q_coefficient", "smoothing_noise", "smoothing_clip"},
  "BC": {*HYPERPARAMETERS} - {"actor_learning_rate", "actor_schedule_steps"},
}


def is_antmaze(dataset: str) -> bool:
  """Whether a data set's name says that it is one of AntMaze's, whoever's it is."""
  return "antmaze" in dataset


def usual_settings(dataset: str) -> dict[str, Any]:
  """DMG's settings on a dataset: the paper's (Table 5, App. C.1) and its code's.

  On the embedded data the target rate is the one that its few steps need.

  Args:
    dataset: its name; the task and the tier in it decide.
  """
  usual = dict(_USUAL)
  if is_antmaze(dataset):
    usual |= _ANTMAZE
  elif _EXPERT_TIER.search(dataset):
    usual["nu"] = 10.0
  if dataset == catalog.EMBEDDED:
    usual["target_rate"] = 0.05
  return usual


def method_name(config: Mapping[str, Any]) -> str:
  """The name of a config's runs, such as "DMG", "BC" or "DMG (lam 0.5, nu 1)".

  Args:
    config: of a run directory; settings that it does not hold count as usual.
  """
  settings = usual_settings(config["dataset"])
  settings |= {field: config[field] for field in settings if field in config}
  member = _member(settings)
  usual = usual_settings(config["dataset"]) | _CHANGES[member]
  different = [
    f"{field} {_shown(settings[field])}"
    for field in usual
    if field not in _UNSEEN[member] and settings[field] != usual[field]
  ]
  return f"{member} ({', '.join(different)})" if different else member


def _member(settings: Mapping[str, Any]) -> str:
  lam, nu = settings["lam"], settings["nu"]
  # At a temperature of 0 all weights are 1, or the clip where that is less.
  weighted = settings["inverse_temperature"] > 0
  if settings["q_coefficient"] == 0 and nu > 0:
    if not weighted:
      return "BC"
    if lam == 0:
      return "IQL"
  elif lam == 1 and nu == 0:
    return "TD3"
  elif lam == 1 and not weighted and settings["weight_clip"] >= 1:
    return "TD3+BC"
  return "DMG"


def _shown(value: Any) -> str:
  if isinstance(value, list):
    return "x".join(str(width) for width in value)
  return f"{value:g}" if isinstance(value, float) else str(value)
