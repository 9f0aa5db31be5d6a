"""The methods that a run can have: points of the family that `dmg.update` spans.

Each is DMG's program at other coefficients, so it keeps DMG's networks,
optimisers, delay and targets; the descriptions say where it therefore departs
from the method as published.
"""

import difflib
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from dmg_jax import networks
from dmg_jax.agents import dmg
from dmg_jax.errors import UserError
from dmg_jax.types import Agent, Hyperparameters


class Method(NamedTuple):
  """A named method.

  Attributes:
    title: its name in tables.
    description: what it is, and where it departs from the method as published.
    fixed: fields that make it what it is; no config may change them.
    usual: other fields in which its usual setting is not DMG's.
    unused: fields that have no effect on its policy.
  """

  title: str
  description: str
  fixed: Mapping[str, float] = {}
  usual: Mapping[str, float] = {}
  unused: frozenset[str] = frozenset()


_CONSTANT_RATE = {"actor_schedule_steps": math.inf}
_UNWEIGHTED = {"inverse_temperature": 0.0, "weight_clip": 1.0}
_VALUE = frozenset({"expectile", "value_learning_rate", "value_hidden_sizes", "value_layer_norm"})
_SMOOTHING = frozenset({"smoothing_noise", "smoothing_clip"})
_CRITIC = frozenset({"critic_learning_rate", "critic_hidden_sizes", "critics", "critic_layer_norm"})

METHODS: Mapping[str, Method] = {
  "dmg": Method("DMG", "Doubly Mild Generalization, as in the paper and the authors' code"),
  "td3": Method(
    "TD3",
    "TD3 with a min-Q, scale-normalised actor (TD3: the first critic, unscaled)",
    fixed={"lam": 1.0, "nu": 0.0, "q_coefficient": 1.0},
    usual=_CONSTANT_RATE,
    # Adam does not see the scale of a loss of one term; V is not used at lambda 1.
    unused=_VALUE | {"inverse_temperature", "weight_clip"},
  ),
  "td3_bc": Method(
    "TD3+BC",
    "TD3+BC with a min-Q actor; its loss divided by 2.5, which Adam does not see",
    fixed={"lam": 1.0, "q_coefficient": 1.0, **_UNWEIGHTED},
    usual={"nu": 0.4, **_CONSTANT_RATE},
    unused=_VALUE,
  ),
  "iql": Method(
    "IQL",
    "IQL with a deterministic policy, regressed with clipped weights",
    fixed={"lam": 0.0, "nu": 1.0, "q_coefficient": 0.0},
    usual={"weight_clip": 100.0},
    unused=_SMOOTHING,
  ),
  "bc": Method(
    "BC",
    "behaviour cloning: squared error of a deterministic policy",
    fixed={"lam": 0.0, "nu": 1.0, "q_coefficient": 0.0, **_UNWEIGHTED},
    unused=_VALUE | _SMOOTHING | _CRITIC | {"discount", "target_rate"},
  ),
}


def find(name: str) -> Method:
  """The method of a name.

  Raises:
    UserError: for an unknown name; it lists the near ones.
  """
  if name not in METHODS:
    near = difflib.get_close_matches(str(name).lower().replace("+", "_"), METHODS) or METHODS
    raise UserError(f"there is no method {name!r}; name one or several of {', '.join(near)}")
  return METHODS[name]


def point(method: str, hyperparameters: Hyperparameters) -> Hyperparameters:
  """`hyperparameters` with the coefficients that make them `method`, and its usual ones.

  Args:
    method: a key of `METHODS`.
    hyperparameters: DMG's for the task; what the method shares, it keeps.

  Raises:
    UserError: for any other method.
  """
  found = find(method)
  return hyperparameters.replace(**found.usual, **found.fixed)


def agent(point: Mapping[str, Any], action_size: int, precision: str = "float32") -> Agent:
  """The agent that trains a run, from the static fields of its point.

  Args:
    point: of a run; see `plan.Run`.
    action_size: A.
    precision: of matrix products, see `networks.Architecture`.
  """
  fields = {name: point[name] for name in networks.Architecture._fields if name in point}
  sizes = {name: tuple(value) for name, value in fields.items() if name.endswith("sizes")}
  architecture = networks.Architecture(**(fields | sizes | {"precision": precision}))
  return dmg.make(networks.make(action_size, architecture), point["policy_delay"])
