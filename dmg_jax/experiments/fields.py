"""The fields of a config: what each means, and which values it takes."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ml_collections import ConfigDict, config_dict

from dmg_jax import tasks
from dmg_jax.errors import UserError
from dmg_jax.methods import METHODS, ONLINE
from dmg_jax.networks import PRODUCTS

_LARGEST_SEED = 2**32 - 2
# Steps are counted in int32.
_LARGEST_COUNT = 2**31 - 1
_LARGEST_WIDTH = 2**16


class Field(NamedTuple):
  """A field of the config.

  Attributes:
    meaning: for `--help`.
    requirement: what its value must be, in words.
    accepts: whether a value, not None, is one; of a field of a point, one of the values.
  """

  meaning: str
  requirement: str
  accepts: Callable[[Any], bool]


def _number(value: Any, low: float = 0.0, high: float = math.inf) -> bool:
  return (
    isinstance(value, int | float)
    and not isinstance(value, bool)
    and low <= value <= high
    and math.isfinite(value)
  )


def _whole(value: Any, low: int = 1, high: int = _LARGEST_COUNT) -> bool:
  return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _count(meaning: str, most: int) -> Field:
  """A field that takes a whole number which no machine could take larger."""
  return Field(meaning, f"a whole number from 1 to {most}", lambda value: _whole(value, 1, most))


def _share(value: Any) -> bool:
  return _number(value, 0, 1)


def _switch(value: Any) -> bool:
  return isinstance(value, bool)


def _sizes(value: Any) -> bool:
  return (
    isinstance(value, tuple | list)
    and len(value) > 0
    and all(_whole(width, 1, _LARGEST_WIDTH) for width in value)
  )


def _text(value: Any) -> bool:
  return isinstance(value, str)


def _storable(value: Any) -> bool:
  """Whether JSON gives the value back as it was, but for tuples, which become lists."""
  if isinstance(value, Mapping):
    return all(map(_text, value)) and all(map(_storable, value.values()))
  if isinstance(value, list | tuple):
    return all(map(_storable, value))
  return value is None or isinstance(value, str | bool) or _number(value, -math.inf)


_A_NUMBER = "a finite number that is not negative"
_A_SHARE = "a number from 0 to 1"
_A_COUNT = f"a whole number from 1 to {_LARGEST_COUNT:,}, such as 1000"
_A_SWITCH = "True or False"
_WIDTHS = f"one or more whole widths from 1 to {_LARGEST_WIDTH}, such as (256,256)"
_A_SEED = f"a whole number from 0 to {_LARGEST_SEED}"

# One value of each; a config may name several, which gives a grid.
POINT: Mapping[str, Field] = {
  "lam": Field("lambda: share of generalised values in the Bellman target", _A_SHARE, _share),
  "nu": Field("nu: weight of the regression to the data's actions", _A_NUMBER, _number),
  "q_coefficient": Field("weight of the scaled Q term in the actor's loss", _A_NUMBER, _number),
  "expectile": Field(
    "tau of the value's expectile regression",
    "a number between 0 and 1, both excluded",
    lambda value: _share(value) and 0 < value < 1,
  ),
  "inverse_temperature": Field("alpha of the weights exp(alpha * A)", _A_NUMBER, _number),
  "value_temperature": Field(
    "beta of XQL's loss of V, alpha of SQL's and EQL's, in units of return",
    "a positive number",
    lambda value: _number(value) and value > 0,
  ),
  "weight_clip": Field("upper bound of the weights", _A_NUMBER, _number),
  "discount": Field("gamma", _A_SHARE, _share),
  "reward_scale": Field(
    "multiplies the data's rewards",
    "a positive number",
    lambda value: _number(value) and value > 0,
  ),
  "target_rate": Field("share of new parameters in a target update", _A_SHARE, _share),
  "smoothing_noise": Field("standard deviation of the target policy's noise", _A_NUMBER, _number),
  "smoothing_clip": Field("bound of that noise", _A_NUMBER, _number),
  "actor_learning_rate": Field("of Adam, before the actor's cosine", _A_NUMBER, _number),
  "critic_learning_rate": Field("of Adam, for the critics", _A_NUMBER, _number),
  "value_learning_rate": Field("of Adam, for the value network", _A_NUMBER, _number),
  "actor_schedule_steps": Field(
    "actor steps until the cosine reaches 0; inf keeps the rate constant",
    "a positive number, or inf",
    lambda value: value == math.inf or (_number(value) and value > 0),
  ),
  "batch_size": Field("transitions in a minibatch", _A_COUNT, _whole),
  "policy_delay": _count("gradient steps for each step of the actor", 100),
  "lower_confidence_bound": Field(
    "whether critics count by their mean less their deviation, not by the smallest",
    _A_SWITCH,
    _switch,
  ),
  "averaged_policy": Field(
    "whether the target policy, an average of the actor's parameters, is evaluated",
    _A_SWITCH,
    _switch,
  ),
  "actor_hidden_sizes": Field("widths of the actor's hidden layers", _WIDTHS, _sizes),
  "critic_hidden_sizes": Field("widths of the critics' hidden layers", _WIDTHS, _sizes),
  "value_hidden_sizes": Field("widths of the value network's hidden layers", _WIDTHS, _sizes),
  "critics": _count("number of critics; the smallest value counts", 100),
  "actor_layer_norm": Field("whether the actor's layers are normalised", _A_SWITCH, _switch),
  "critic_layer_norm": Field("whether the critics' layers are normalised", _A_SWITCH, _switch),
  "value_layer_norm": Field("whether the value's layers are normalised", _A_SWITCH, _switch),
}

# Of the whole job.
JOB: Mapping[str, Field] = {
  "dataset": Field(
    "data set, or several: D4RL names, Minari ids, .hdf5 or .npz files; '' is the embedded one",
    "the name of a data set, or several, separated by commas",
    lambda value: _text(value) or (isinstance(value, tuple | list) and all(map(_text, value))),
  ),
  "methods": Field(
    f"method, or several: {', '.join(METHODS)}; online from scratch also {', '.join(ONLINE)}",
    "the name of a method, or several, separated by commas",
    lambda value: _text(value) or (isinstance(value, tuple | list) and all(map(_text, value))),
  ),
  "family": Field(
    "row of the paper's settings: locomotion or antmaze",
    f"{tasks.LOCOMOTION!r} or {tasks.ANTMAZE!r}",
    lambda value: value in tasks.SCHEDULES,
  ),
  "env": Field("Gymnasium id of the simulator; none trains without evaluation", "text", _text),
  "env_kwargs": Field(
    "keyword arguments of the simulator, such as {'use_contact_forces': True}",
    "a dictionary of text, numbers, lists and dictionaries",
    lambda value: isinstance(value, Mapping) and _storable(value),
  ),
  "step_limit": Field(
    "steps of an episode at most, where the data or the simulator do not say", _A_COUNT, _whole
  ),
  "normalise_observations": Field("whether observations are standardised", _A_SWITCH, _switch),
  "clip_actions": Field("whether actions outside the box are clipped", _A_SWITCH, _switch),
  "reward_shift": Field(
    "added to the data's rewards",
    "a finite number",
    lambda value: _number(value, -math.inf),
  ),
  "seeds": _count("number of seeds of each point", 10_000),
  "first_seed": Field("the first of them", _A_SEED, lambda v: _whole(v, 0, _LARGEST_SEED)),
  "steps": Field("gradient steps of each run", _A_COUNT, _whole),
  "evaluation_interval": Field("gradient steps between evaluations", _A_COUNT, _whole),
  "evaluation_episodes": _count("episodes of each run in an evaluation", 100_000),
  "evaluation_seed": Field("of all episodes", _A_SEED, lambda v: _whole(v, 0, _LARGEST_SEED)),
  "log_interval": Field("gradient steps between rows of metrics.jsonl", _A_COUNT, _whole),
  "checkpoint_interval": Field("gradient steps between checkpoints", _A_COUNT, _whole),
  "precision": Field(
    f"of matrix products: {', '.join(PRODUCTS)}; float32 is full, the others need an accelerator",
    " or ".join(map(repr, PRODUCTS)),
    lambda value: value in tuple(PRODUCTS),
  ),
  "workers": _count(
    "threads that train, on a CPU, and most processes of simulators; one for each core by default",
    1_000,
  ),
}


# What a config has if nobody says otherwise. None takes the paper's value for the data
# and the method (`tasks`), or what the data or the machine say.
DEFAULTS: Mapping[str, Any] = {
  **dict.fromkeys((*JOB, *POINT)),
  "family": tasks.LOCOMOTION,
  "dataset": "",
  "methods": "dmg",
  "clip_actions": False,
  "seeds": 5,
  "first_seed": 0,
  "precision": "float32",
  "evaluation_seed": 0,
  # Training stops at the ends of all intervals, and each distance between two stops is
  # compiled once: multiples of the smallest interval cost one compilation.
  "log_interval": 400,
  "checkpoint_interval": 6_000,
}


def config(**changes: Any) -> ConfigDict:
  """A config with the default of every field, and some changes.

  Its fields take values of any type: `check` and `values` say what is wrong.
  """
  made = ConfigDict()
  for name, value in {**DEFAULTS, **changes}.items():
    made[name] = config_dict.FieldReference(value, field_type=object)
  return made


def values(name: str, value: Any) -> tuple[Any, ...]:
  """The values that a config names for a field of a point: one, or several.

  Raises:
    UserError: naming the field and what its values may be.
  """
  field = POINT[name]
  if isinstance(value, tuple | list) and not field.accepts(value):
    several = tuple(value)
  elif isinstance(value, str):
    several = tuple(map(_read, value.split(",")))
  else:
    several = (value,)
  if not several:
    raise refused(name, value)
  for one in several:
    if not field.accepts(one):
      raise refused(name, one)
  kind = float if name in tasks.TRACED else tuple if name.endswith("sizes") else type(several[0])
  return tuple(kind(one) for one in several)


def _read(text: str) -> Any:
  """A number that ml_collections leaves as text: inf has no literal."""
  try:
    return float(text)
  except ValueError:
    return text


def check(settings: Mapping[str, Any]) -> None:
  """Refuses values of the job's fields that no job can have.

  Raises:
    UserError: naming the field, its value and what it may be.
  """
  for name, field in JOB.items():
    value = settings[name]
    left_open = value is None and (DEFAULTS[name] is None or name == "dataset")
    if not left_open and not field.accepts(value):
      raise refused(name, value)


def refused(name: str, value: Any) -> UserError:
  """What is said of a value that a field does not take."""
  requirement = {**POINT, **JOB}[name].requirement
  return UserError(f"config.{name} is {value!r}, but it must be {requirement}")
