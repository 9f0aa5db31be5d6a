"""The methods that a run can have: points and forms of the family that `dmg.update` spans,
and what learns online alone.

What a method fixes at the end of its range decides its form (`agents.form.Form`), so it
does not compute what it does not use. It keeps DMG's networks, optimisers, delay
and targets; the descriptions say where it therefore departs from the method as
published.
"""

import difflib
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from dmg_jax import in_sample, networks
from dmg_jax.agents import dmg, sac
from dmg_jax.agents.form import DMG, Form
from dmg_jax.errors import UserError
from dmg_jax.types import Agent, Hyperparameters


class Method(NamedTuple):
  """A named method.

  Attributes:
    title: its name in tables.
    description: what it is, and where it departs from the method as published.
    fixed: fields that make it what it is; no config may change them.
    usual: other fields in which its usual setting is not DMG's.
    learner: of V.
    first_critic: whether the policy climbs the first critic alone, see `agents.form.Form`.
    soft: whether it is soft actor-critic, which is not of the family: it has no `form`.
  """

  title: str
  description: str
  fixed: Mapping[str, float] = {}
  usual: Mapping[str, Any] = {}
  learner: in_sample.Learner = in_sample.EXPECTILE
  first_critic: bool = False
  soft: bool = False

  @property
  def form(self) -> Form:
    """Which parts of Algorithm 1 it has."""
    return Form(
      learner=self.learner,
      generalises=self.fixed.get("lam") != 0,
      bootstraps_in_sample=self.fixed.get("lam") != 1,
      maximises=self.fixed.get("q_coefficient") != 0,
      weighted=self.fixed.get("inverse_temperature") != 0 and self.fixed.get("nu") != 0,
      first_critic=self.first_critic,
    )

  @property
  def unused(self) -> frozenset[str]:
    """Fields that have no effect on its policy."""
    if self.soft:
      return _NOT_SOFT
    form, fields = self.form, _LEARNERS_FIELDS - self.learner.fields
    if not form.value:
      fields |= _VALUE
    if not form.weighted:
      fields |= _WEIGHTS
    if not form.target_actor:
      fields |= _TARGET_POLICY
    if not form.critics:
      fields |= _CRITIC
    return fields


_LEARNERS_FIELDS = frozenset({"expectile", "value_temperature", "inverse_temperature"})
_VALUE = frozenset(
  {
    "expectile", "value_temperature", "value_learning_rate", "value_hidden_sizes",
    "value_layer_norm",
  }
)  # fmt: skip
_WEIGHTS = frozenset({"inverse_temperature", "weight_clip"})
_TARGET_POLICY = frozenset({"smoothing_noise", "smoothing_clip", "averaged_policy"})
_CRITIC = frozenset(
  {
    "critic_learning_rate", "critic_hidden_sizes", "critics", "critic_layer_norm", "discount",
    "target_rate", "reward_scale", "lower_confidence_bound",
  }
)  # fmt: skip
# Static fields of a `Form` that no method decides.
_OPTIONS = frozenset({"lower_confidence_bound", "averaged_policy", "reward_scale"})
_NOT_SOFT = (frozenset(vars(Hyperparameters())) | {*networks.Architecture._fields} | _OPTIONS) - {
  "discount", "target_rate", "actor_learning_rate", "critic_learning_rate", "actor_hidden_sizes",
  "critic_hidden_sizes",
}  # fmt: skip

_CONSTANT_RATE = {"actor_schedule_steps": math.inf}
_UNWEIGHTED = {"inverse_temperature": 0.0, "weight_clip": 1.0}
_IN_SAMPLE = {"lam": 0.0, "nu": 1.0, "q_coefficient": 0.0}
_WIDE_CLIP = {"weight_clip": 100.0}

METHODS: Mapping[str, Method] = {
  "dmg": Method("DMG", "Doubly Mild Generalization, as in the paper and the authors' code"),
  "td3": Method(
    "TD3",
    "TD3 with its actor's loss divided by mean |Q| (TD3: undivided)",
    fixed={"lam": 1.0, "nu": 0.0, "q_coefficient": 1.0},
    usual=_CONSTANT_RATE,
    first_critic=True,
  ),
  "td3_bc": Method(
    "TD3+BC",
    "TD3+BC; its actor's loss divided by 2.5, which Adam does not see",
    fixed={"lam": 1.0, "q_coefficient": 1.0, **_UNWEIGHTED},
    usual={"nu": 0.4, **_CONSTANT_RATE},
    first_critic=True,
  ),
  "awac": Method(
    "AWAC",
    "AWAC with a deterministic policy, targets as TD3's, and advantages over DMG's V (AWAC: a "
    "stochastic policy, advantages over Q at its own actions)",
    fixed={"lam": 1.0, "nu": 1.0, "q_coefficient": 0.0},
    usual=_WIDE_CLIP,
  ),
  "iql": Method(
    "IQL",
    "IQL with a deterministic policy, regressed with clipped weights",
    fixed=_IN_SAMPLE,
    usual=_WIDE_CLIP,
  ),
  "bc": Method(
    "BC",
    "behaviour cloning: squared error of a deterministic policy",
    fixed={**_IN_SAMPLE, **_UNWEIGHTED},
  ),
  "xql": Method(
    "XQL",
    "XQL with a deterministic policy, DMG's batch and rewards, and squared errors of Q (XQL: "
    "batches of 1024, rescaled rewards, a Huber loss)",
    fixed=_IN_SAMPLE,
    usual=_WIDE_CLIP,
    learner=in_sample.GUMBEL,
  ),
  "sql": Method(
    "SQL",
    "SQL with a deterministic policy and DMG's rewards (SQL: rescaled rewards)",
    fixed=_IN_SAMPLE,
    usual=_WIDE_CLIP,
    learner=in_sample.SPARSE,
  ),
  "eql": Method(
    "EQL",
    "EQL with a deterministic policy and DMG's rewards (EQL: rescaled rewards)",
    fixed=_IN_SAMPLE,
    usual=_WIDE_CLIP,
    learner=in_sample.EXPONENTIAL,
  ),
  "xql_dmg": Method(
    "XQL+DMG",
    "DMG with XQL's loss of V in place of the expectile's",
    learner=in_sample.GUMBEL,
  ),
  "sql_dmg": Method(
    "SQL+DMG",
    "DMG with SQL's loss of V and weights in place of the expectile's",
    learner=in_sample.SPARSE,
  ),
  "eql_dmg": Method(
    "EQL+DMG",
    "DMG with EQL's loss of V and weights in place of the expectile's",
    learner=in_sample.EXPONENTIAL,
  ),
  "dmg_plus": Method(
    "DMG plus",
    "DMG with LayerNorm in critics and value, and rewards times 0.1: a setting of this package "
    "(docs/beyond.md), not the paper's",
    usual={"critic_layer_norm": True, "value_layer_norm": True, "reward_scale": 0.1},
  ),
}
# No data are enough for these.
ONLINE: Mapping[str, Method] = {
  "sac": Method(
    "SAC",
    "soft actor-critic, its critics' layers normalised, its policy averaged for evaluation",
    soft=True,
  ),
}


def find(name: str) -> Method:
  """The method of a name.

  Raises:
    UserError: for an unknown name; it lists the near ones.
  """
  known = {**METHODS, **ONLINE}
  if name not in known:
    near = difflib.get_close_matches(str(name).lower().replace("+", "_"), known) or known
    raise UserError(f"there is no method {name!r}; name one or several of {', '.join(near)}")
  return known[name]


def point(method: str, hyperparameters: Hyperparameters) -> Hyperparameters:
  """`hyperparameters` with the coefficients that make them `method`, and its usual ones.

  Args:
    method: a key of `METHODS`.
    hyperparameters: DMG's for the task; what the method shares, it keeps.

  Raises:
    UserError: for any other method.
  """
  found = find(method)
  traced = {name: value for name, value in found.usual.items() if hasattr(hyperparameters, name)}
  return hyperparameters.replace(**traced, **found.fixed)


def agent(
  method: str, point: Mapping[str, Any], action_size: int, precision: str = "float32"
) -> Agent:
  """The agent that trains a run: methods that differ in numbers alone share it.

  Args:
    method: a key of `METHODS` or `ONLINE`.
    point: of a run, whose static fields count; see `plan.Run`.
    action_size: A.
    precision: of matrix products, see `networks.Architecture`.
  """
  if find(method).soft:
    return sac.make(soft_networks(point, action_size, precision), point["policy_delay"])
  # A run that was stored before there was an option does not have it.
  options = {name: point.get(name, getattr(DMG, name)) for name in _OPTIONS}
  return dmg.make(
    networks.make(action_size, _architecture(point, precision)),
    point["policy_delay"],
    _shared(find(method).form)._replace(**options),
  )


def soft_networks(
  point: Mapping[str, Any], action_size: int, precision: str = "float32"
) -> sac.SoftNetworks:
  """Those of soft actor-critic; arguments as of `agent`."""
  architecture = _architecture(point, precision)
  return sac.make_networks(
    action_size, architecture.actor_hidden_sizes, architecture.critic_hidden_sizes, precision
  )


def _architecture(point: Mapping[str, Any], precision: str) -> networks.Architecture:
  fields = {name: point[name] for name in networks.Architecture._fields if name in point}
  sizes = {name: tuple(value) for name, value in fields.items() if name.endswith("sizes")}
  return networks.Architecture(**(fields | sizes | {"precision": precision}))


def _shared(form: Form) -> Form:
  """The form of all methods that compute the same: without V, its learner does not matter."""
  return form if form.value else form._replace(learner=in_sample.EXPECTILE)
