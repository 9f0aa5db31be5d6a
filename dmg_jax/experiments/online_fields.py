"""The fields that fine-tuning's config has beside those of offline training."""

from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from dmg_jax.errors import UserError
from dmg_jax.experiments import fields
from dmg_jax.experiments.fields import Field

# Which rows a run learns from.
UNIFORM, SYMMETRIC, ONLINE = SAMPLINGS = ("uniform", "symmetric", "online")

FIELDS: Mapping[str, Field] = {
  "source": Field(
    "run directory of the offline job that is continued; '' begins from scratch",
    "the path of a run directory",
    lambda value: isinstance(value, str),
  ),
  "runs": Field(
    "ids of the source's runs that are continued, separated by spaces; all by default",
    "ids of runs, such as 'dmg,seed=0 dmg,seed=1'",
    lambda value: isinstance(value, str) and bool(value.split()),
  ),
  "sampling": Field(
    "rows of a minibatch: uniform (the data and the run's own alike), symmetric (half and half), "
    "online (the run's own alone); uniform with a source, else online",
    " or ".join(map(repr, SAMPLINGS)),
    lambda value: value in SAMPLINGS,
  ),
  "decay": Field(
    "whether lambda and nu move to their ends, by 0.99 each 1000 gradient steps",
    "True or False",
    lambda value: isinstance(value, bool),
  ),
  "lam_end": Field(
    "what lambda moves to; 0.5 by default, as in the paper",
    "a number from 0 to 1",
    lambda value: _number(value) and value <= 1,
  ),
  "nu_end": Field(
    "what nu moves to; 1 % of nu by default, as in the paper",
    "a number of at least 0",
    lambda value: _number(value),
  ),
  "exploration_noise": Field(
    "standard deviation of the noise on actions in [-1, 1]",
    "a number of at least 0",
    lambda value: _number(value),
  ),
  "updates_per_step": Field(
    "gradient steps for each environment step",
    "a whole number from 1 to 100",
    lambda value: _whole(value, 100),
  ),
  "learn_every": Field(
    "environment steps with one policy, before their gradient steps in one call",
    "a whole number from 1 to 10000",
    lambda value: _whole(value, 10_000),
  ),
  "random_steps": Field(
    "first environment steps, with uniform actions and without learning",
    "a whole number of at least 0",
    lambda value: value == 0 or _whole(value, 2**31 - 1),
  ),
}
DEFAULTS: Mapping[str, Any] = {
  **dict.fromkeys(FIELDS),
  "source": "",
  "decay": True,
  "exploration_noise": 0.1,
  "updates_per_step": 1,
  "learn_every": 1,
  "random_steps": 0,
}
# The source says them; None from scratch is offline training's default.
_OF_SOURCE = ("methods", "seeds", "first_seed", "family", "clip_actions")


def _number(value: Any) -> bool:
  return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9


def _whole(value: Any, most: int) -> bool:
  return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def config(**changes: Any) -> ConfigDict:
  """A config with the default of every field, and some changes; see `fields.config`."""
  open_ = dict.fromkeys((*_OF_SOURCE, "dataset", "log_interval", "checkpoint_interval"))
  return fields.config(**{**DEFAULTS, **open_, **changes})


def check(settings: Mapping[str, Any]) -> None:
  """Refuses values of these fields that no job can have.

  Raises:
    UserError: naming the field, its value and what it may be.
  """
  for name, field in FIELDS.items():
    value = settings[name]
    if not (value is None and DEFAULTS[name] is None) and not field.accepts(value):
      raise UserError(f"config.{name} is {value!r}, but it must be {field.requirement}")
  if not settings["decay"]:
    for name in ("lam_end", "nu_end"):
      if settings[name] is not None:
        raise UserError(
          f"config.{name} has no effect with config.decay=False; leave one of them out"
        )


def from_scratch(settings: Mapping[str, Any]) -> dict[str, Any]:
  """The config with offline training's default where a field is left to the source.

  Raises:
    UserError: for a field that only a source gives a meaning.
  """
  if settings["runs"] is not None:
    raise UserError(
      "config.runs names runs of a source, and there is none; add --config.source=DIR"
    )
  return {
    name: fields.DEFAULTS[name] if value is None and name in _OF_SOURCE else value
    for name, value in settings.items()
  }


def refuse_beside_source(settings: Mapping[str, Any], kept: Mapping[str, Any]) -> None:
  """Refuses fields that the source says otherwise.

  Args:
    settings: the config.
    kept: field -> the source's value; those of a network's shape, of the data, and others.

  Raises:
    UserError: naming the field and both values.
  """
  for name in _OF_SOURCE[:-1]:
    if settings[name] is not None:
      raise UserError(
        f"config.{name} is {settings[name]!r}, but the runs are the source's; leave it out"
        " (config.runs chooses among them)"
      )
  for name, value in kept.items():
    ours = settings[name]
    if ours is not None and ours != (list(value) if isinstance(ours, list) else value):
      raise UserError(
        f"config.{name} is {ours!r}, but the source was trained with {value!r}; leave it out, or "
        "train a source with it"
      )
