"""From a config, as the user gave it, to settings without gaps."""

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from dmg_jax.data.dataset import Dataset
from dmg_jax.errors import UserError
from dmg_jax.types import Hyperparameters

NO_ENVIRONMENT = "none"
# A finished job may be continued with more of these.
MAY_GROW = frozenset({"steps"})
_HYPERPARAMETERS = tuple(field.name for field in dataclasses.fields(Hyperparameters))
_KNOWN_TIER = re.compile(r"(^|[-/])(random|medium|medium-replay|full-replay|simple)(-v\d+)?$")
_ANT_MAZE = "dmg_jax/AntMaze-"
_EXPERT_TIER = re.compile(r"(^|[-/])(medium-)?expert(-v\d+)?$")
_EMBEDDED_STEPS, _EMBEDDED_EVALUATION_INTERVAL = 22_400, 2_800
# At the paper's rate the target networks see 22,400 / 2 * 0.005 = 56 Bellman
# backups in all: too few for a return over a thousand steps.
_EMBEDDED_TARGET_RATE, _PAPER_TARGET_RATE = 0.05, 0.005
_PAPER_STEPS, _PAPER_EVALUATION_INTERVAL = 1_000_000, 20_000


class Settings(NamedTuple):
  """A job, fully determined.

  Attributes:
    config: field -> value, JSON-able, nothing left open.
    reasons: field -> why a value that depends on the data is what it is.
  """

  config: dict[str, Any]
  reasons: dict[str, str]

  def hyperparameters(self) -> Hyperparameters:
    """The point of hyperparameters, with a leading axis over the seeds."""
    return Hyperparameters(
      **{name: np.full(self.config["seeds"], self.config[name]) for name in _HYPERPARAMETERS}
    )

  def seeds(self) -> list[int]:
    """The seeds of the runs."""
    first = self.config["first_seed"]
    return list(range(first, first + self.config["seeds"]))

  def digest(self) -> str:
    """Ten hexadecimal digits that name the config, but for what may grow."""
    fixed = {name: value for name, value in self.config.items() if name not in MAY_GROW}
    return hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()[:10]


def check(config: Mapping[str, Any]) -> None:
  """Refuses values that no job can have, before any data is read.

  Raises:
    UserError: naming the field, what is wrong with it and what it may be.
  """

  def refuse(name: str, requirement: str):
    raise UserError(f"config.{name} is {config[name]!r}, but it must be {requirement}")

  if config["dataset"] is None:
    raise UserError(
      "no data set is named, and none comes with this package for these settings; name one, "
      "as in --config=configs/antmaze.py:antmaze-umaze-v2 or with --config.dataset=FILE"
    )
  if not math.isfinite(config["reward_shift"]):
    refuse("reward_shift", "finite")
  for name in _HYPERPARAMETERS:
    value = config[name]
    if value is not None and (math.isnan(value) or value < 0):
      refuse(name, "a number that is not negative")
  for name in ("lam", "discount", "target_rate"):
    if config[name] is not None and config[name] > 1:
      refuse(name, "between 0 and 1")
  if not 0 < config["expectile"] < 1:
    refuse("expectile", "between 0 and 1, both excluded")
  if config["actor_schedule_steps"] == 0:
    refuse("actor_schedule_steps", "positive (inf keeps the rate constant)")
  for name in _HYPERPARAMETERS:
    if name != "actor_schedule_steps" and config[name] is not None and math.isinf(config[name]):
      refuse(name, "finite")
  for name in (
    "seeds",
    "steps",
    "batch_size",
    "policy_delay",
    "evaluation_interval",
    "evaluation_episodes",
    "log_interval",
    "checkpoint_interval",
  ):
    if config[name] is not None and config[name] < 1:
      refuse(name, "at least 1")
  for name in ("first_seed", "evaluation_seed"):
    if not 0 <= config[name] <= 2**32 - 1 - config["seeds"]:
      refuse(name, f"between 0 and {2**32 - 1 - config['seeds']}")
  for name in ("steps", "evaluation_interval", "log_interval", "checkpoint_interval"):
    if config[name] is not None and config[name] % config["policy_delay"]:
      refuse(name, f"a multiple of config.policy_delay ({config['policy_delay']})")
  if not config["hidden_sizes"] or min(config["hidden_sizes"]) < 1:
    refuse("hidden_sizes", "one or more positive widths, such as (256,256)")
  if config["precision"] not in ("float32", "default", "bfloat16"):
    refuse("precision", "'float32', 'default' or 'bfloat16'")


def resolve(config: Mapping[str, Any], dataset: Dataset) -> Settings:
  """Fills in what depends on the data.

  nu follows the paper's App. C.1; the steps, the evaluation interval and the
  target rate are the paper's but for the embedded data, which should be done in
  minutes. What a config states is left alone: that of AntMaze leaves only the
  simulator open.

  Args:
    config: checked.
    dataset: that it names.

  Raises:
    UserError: if the batch is larger than the data.
  """
  values, reasons = dict(config), {}
  values["hidden_sizes"] = list(values["hidden_sizes"])
  values["dataset"] = dataset.name
  embedded = dataset.kind == "embedded"

  def fill(name: str, value: Any, reason: str) -> None:
    if values[name] is None:
      values[name], reasons[name] = value, reason

  if any((env or "").startswith(_ANT_MAZE) for env in (values["env"], dataset.env_id)):
    fill("nu", 0.5, "the paper's for AntMaze; its other settings are in configs/antmaze.py")
  elif _EXPERT_TIER.search(dataset.name):
    fill("nu", 10.0, "the paper's for -expert and -medium-expert data")
  elif _KNOWN_TIER.search(dataset.name):
    fill("nu", 0.1, "the paper's for -medium, -medium-replay and -random data")
  else:
    fill("nu", 0.1, f"the quality of {dataset.name!r} is not known; for expert data try 10")
  if embedded:
    fill("steps", _EMBEDDED_STEPS, "the embedded data; the paper's is 1,000,000")
    fill("evaluation_interval", _EMBEDDED_EVALUATION_INTERVAL, "an eighth of the embedded steps")
    fill(
      "target_rate",
      _EMBEDDED_TARGET_RATE,
      f"for so few steps; the paper's is {_PAPER_TARGET_RATE} for 1,000,000",
    )
  else:
    fill("steps", _PAPER_STEPS, "the paper's")
    fill("evaluation_interval", _PAPER_EVALUATION_INTERVAL, "the paper's code's")
    fill("target_rate", _PAPER_TARGET_RATE, "the paper's")
  if dataset.env_id is None:
    fill("env", NO_ENVIRONMENT, "the data names no simulator; --config.env=ID would evaluate")
  else:
    fill("env", dataset.env_id, "named by the data")
  rows = len(dataset.transitions.rewards)
  if values["batch_size"] > rows:
    raise UserError(
      f"config.batch_size is {values['batch_size']}, more than the {rows} transitions of "
      f"{dataset.name}; lower it or bring more data"
    )
  values["data_sha256"] = dataset.sha256
  return Settings(values, reasons)
