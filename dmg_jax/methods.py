"""Named points of the family that `dmg.update` spans.

Each is DMG's program at other coefficients, so it keeps DMG's networks,
optimisers, delay and targets; the descriptions say where it therefore departs
from the method as published.
"""

from dmg_jax.types import Hyperparameters

DESCRIPTIONS = {
  "dmg": "Doubly Mild Generalization, as in the paper and the authors' code",
  "td3": "TD3 with a min-Q, scale-normalised actor (TD3: the first critic, unscaled)",
  "td3_bc": "TD3+BC with a min-Q actor; its loss divided by 2.5, which Adam does not see",
  "iql": "IQL with a deterministic policy, regressed with clipped weights",
  "bc": "behaviour cloning: squared error of a deterministic policy",
}


def point(method: str, hyperparameters: Hyperparameters) -> Hyperparameters:
  """`hyperparameters` with the coefficients that make them `method`.

  Args:
    method: a key of `DESCRIPTIONS`.
    hyperparameters: DMG's for the task; what the method shares, it keeps.

  Raises:
    KeyError: for any other method.
  """
  changes = {
    "dmg": {},
    "td3": {"lam": 1.0, "nu": 0.0, "actor_schedule_steps": float("inf")},
    "td3_bc": {
      "lam": 1.0,
      "nu": 0.4,
      "inverse_temperature": 0.0,
      "weight_clip": 1.0,
      "actor_schedule_steps": float("inf"),
    },
    "iql": {"lam": 0.0, "q_coefficient": 0.0, "nu": 1.0, "weight_clip": 100.0},
    "bc": {
      "q_coefficient": 0.0,
      "nu": 1.0,
      "inverse_temperature": 0.0,
      "weight_clip": 1.0,
    },
  }[method]
  return hyperparameters.replace(**changes)
