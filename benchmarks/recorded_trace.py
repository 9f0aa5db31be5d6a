"""Traces recorded from PyTorch: their content, and its names in our Flax trees.

A trace holds the parameters before some gradient steps, the minibatch and noise
of each, and the parameters after them. A network's parameters are a flat
mapping here, {"l1.weight": (out, in), "l1.bias": (out,), ...}.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from dmg_jax.errors import UserError
from dmg_jax.types import Transitions

Arrays = dict[str, np.ndarray]
Snapshot = dict[str, Arrays]

LEARNERS = ("actor", "critic", "value_critic")
TARGETS = ("actor_target", "critic_target")
NETWORKS = (*LEARNERS, *TARGETS)
# What every trace shares and therefore does not record.
LEARNING_RATE = 3e-4
SMOOTHING_NOISE = 0.2
SMOOTHING_CLIP = 0.5

# Name of the module that holds a network's perceptrons, and how many there are.
_PERCEPTRONS = {"actor": ("policy", 1), "critic": ("critics", 2), "value_critic": ("value", 1)}


@dataclasses.dataclass(frozen=True)
class Settings:
  """The `hyper_json` of a trace; field names are the file's own.

  Raises `UserError` for a field of a wrong kind.

  Attributes:
    S, A, B, N: sizes of observation, action and minibatch, number of steps.
    start_step: gradient steps before the first recorded one.
    mode: "offline" (the actor's rate follows a cosine) or "online" (constant
      rate; lambda and nu decay every 1000 steps).
    discount, expectile: gamma, and tau of the value regression.
    tau: target rate.
    policy_freq: gradient steps per step of the actor and the targets.
    temperature, max_weight: alpha and the clip of the advantage weights.
    lam, lam_end, nu, nu_end: lambda and nu, and their online limits.
    lr_actor_final: the actor's learning rate after the last step.
  """

  S: int
  A: int
  B: int
  N: int
  start_step: int
  mode: str
  discount: float
  tau: float
  policy_freq: int
  expectile: float
  temperature: float
  lam: float
  lam_end: float
  nu: float
  nu_end: float
  max_weight: float
  lr_actor_final: float

  @classmethod
  def at_point(
    cls, point: Mapping[str, Any], sizes: tuple[int, int], steps: int, mode: str
  ) -> "Settings":
    """Those of a run that begins, with lambda and nu where they are.

    Args:
      point: hyperparameters of a run, by our names.
      sizes: of observation and action.
      steps: N.
      mode: "offline" or "online".
    """
    return cls(
      S=sizes[0],
      A=sizes[1],
      B=point["batch_size"],
      N=steps,
      start_step=0,
      mode=mode,
      discount=point["discount"],
      tau=point["target_rate"],
      policy_freq=point["policy_delay"],
      expectile=point["expectile"],
      temperature=point["inverse_temperature"],
      lam=point["lam"],
      lam_end=point["lam"],
      nu=point["nu"],
      nu_end=point["nu"],
      max_weight=point["weight_clip"],
      lr_actor_final=point["actor_learning_rate"],
    )

  def __post_init__(self):
    if self.mode not in ("offline", "online"):
      raise UserError(f"hyper_json: mode is {self.mode!r}, but must be 'offline' or 'online'")
    for field in dataclasses.fields(self):
      number = getattr(self, field.name)
      if field.name == "mode":
        continue
      if isinstance(number, bool) or not isinstance(number, int | float):
        raise UserError(f"hyper_json: {field.name} is {number!r}, but must be a number")
      if not math.isfinite(number):
        raise UserError(f"hyper_json: {field.name} is {number}, but must be finite")
      if field.type is int:
        least = 0 if field.name == "start_step" else 1
        if number != int(number) or number < least:
          raise UserError(
            f"hyper_json: {field.name} is {number}, but must be an integer of at least {least}"
          )
        object.__setattr__(self, field.name, int(number))

  def updates_actor(self, step: int) -> bool:
    """Whether the recorded step `step`, from 0, moves the actor and the targets."""
    return (self.start_step + step + 1) % self.policy_freq == 0

  def actor_steps(self) -> int:
    """How often the actor moves within the trace."""
    return sum(self.updates_actor(step) for step in range(self.N))

  def cosine_steps(self) -> int:
    """Actor steps until the offline cosine reaches 0.

    500,000 at the paper's delay of 2. Whether another delay changes them, as it
    does where the horizon is 10^6 gradient steps, a trace does not say: of both
    readings this takes the one nearer to the recorded final rate.
    """
    return min((500_000, 1_000_000 // self.policy_freq), key=self._rate_error)

  def _rate_error(self, cosine_steps: int) -> float:
    progress = min(self.actor_steps() / cosine_steps, 1)
    rate = LEARNING_RATE * (1 + math.cos(math.pi * progress)) / 2
    return abs(rate - self.lr_actor_final)


@dataclasses.dataclass(frozen=True)
class Trace:
  """A recorded trace, float64 throughout.

  Attributes:
    settings: sizes and hyperparameters.
    batches: Transitions of numpy arrays with leading axes (N, B).
    noise: (N, B, A) standard normal draws.
    snapshots: parameters by mark ("init", "after1", ..., "final"), then network,
      then tensor; the marks in between may hold a part of the tensors.
  """

  settings: Settings
  batches: Transitions
  noise: np.ndarray
  snapshots: dict[str, Snapshot]


def flax_parameters(network: str, tensors: Mapping[str, np.ndarray]) -> dict:
  """A network's tensors as the parameters of our Flax module.

  Layers are numbered through both critics: l1, l2, l3 are the first, l4, l5, l6
  the second. A PyTorch weight is (out, in), a Flax kernel (in, out). Critics lie
  on a leading axis.

  Args:
    network: one of `NETWORKS`.
    tensors: of all its layers.
  """
  module, count = perceptrons(network)
  depth = _depth(network, tensors)

  def stacked(layer: int, name: str) -> np.ndarray:
    leaves = [tensors[f"l{place * depth + layer + 1}.{name}"].T for place in range(count)]
    return np.stack(leaves) if network.startswith("critic") else leaves[0]

  return {
    "params": {
      module: {
        f"layer_{layer}": {"kernel": stacked(layer, "weight"), "bias": stacked(layer, "bias")}
        for layer in range(depth)
      }
    }
  }


def torch_tensors(network: str, parameters: Mapping) -> Arrays:
  """The inverse of `flax_parameters`, as numpy arrays."""
  module, count = perceptrons(network)
  layers = parameters["params"][module]
  tensors = {}
  for number in range(count * len(layers)):
    place, layer = divmod(number, len(layers))
    for name, leaf in (("weight", "kernel"), ("bias", "bias")):
      values = np.asarray(layers[f"layer_{layer}"][leaf])
      tensors[f"l{number + 1}.{name}"] = (values[place] if count > 1 else values).T
  return tensors


def hidden_sizes(network: str, tensors: Mapping[str, np.ndarray]) -> tuple[int, ...]:
  """Widths of the hidden layers of each perceptron of a network."""
  depth = _depth(network, tensors)
  return tuple(len(tensors[f"l{layer}.bias"]) for layer in range(1, depth))


def deviations(recorded: Snapshot, replayed: Snapshot) -> dict[str, float]:
  """By network, the largest deviation relative to each tensor's largest magnitude.

  Where a recorded tensor is 0 throughout, the deviation is absolute. A NaN on
  either side gives NaN.
  """
  largest = {}
  for network, tensors in recorded.items():
    relative = []
    for name, tensor in tensors.items():
      scale = np.max(np.abs(tensor))
      difference = np.max(np.abs(replayed[network][name] - tensor))
      relative.append(difference / (1.0 if scale == 0 else scale))
    largest[network] = float(np.max(relative))
  return largest


def _depth(network: str, tensors: Mapping[str, np.ndarray]) -> int:
  """Dense layers of each perceptron of a network."""
  return len(tensors) // 2 // perceptrons(network)[1]


def perceptrons(network: str) -> tuple[str, int]:
  """Name of the module of ours that holds a network's perceptrons, and how many there are."""
  return _PERCEPTRONS[network.removesuffix("_target")]
