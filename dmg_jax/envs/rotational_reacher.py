"""The rotational reacher for Gymnasium, over the functions of `dmg_jax.envs.reacher`."""

from collections.abc import Sequence
from typing import Any

import gymnasium
import jax
import numpy as np
from gymnasium.spaces import Box, Discrete

from dmg_jax.envs import reacher
from dmg_jax.errors import UserError

_STEP = jax.jit(
  lambda arm, torques: ((out := reacher.step(arm, torques)), reacher.observe(out.arm))
)
_START = jax.jit(lambda context: ((arm := reacher.start(context)), reacher.observe(arm)))


class RotationalReacher(gymnasium.Env):
  """Bring the hand to the origin, from a shoulder anywhere on the unit circle.

  Observations (10,) are those of `reacher.observe`; actions are torques (2,) in [-2, 2], or
  with `discrete` a number from 0 to 8, see `reacher.TORQUES`. The episode ends at the goal,
  with reward 1; registered, it is cut after 200 steps.

  Args:
    contexts: angles of the shoulder in degrees, of which a reset draws one; by default
      any angle.
    shaped: whether new smallest distances are paid too, see `reacher.Outcome`.
    discrete: the kind of actions.

  Raises:
    UserError: where the contexts are not angles.
  """

  metadata = {"render_modes": []}  # noqa: RUF012 - Gymnasium's own form

  def __init__(
    self, contexts: Sequence[float] | None = None, shaped: bool = False, discrete: bool = False
  ):
    if contexts is not None and not (
      len(contexts) and all(isinstance(angle, int | float) for angle in contexts)
    ):
      raise UserError(f"contexts are {contexts!r}; give a list of angles in degrees, or none")
    self._contexts, self._shaped, self._discrete = contexts, shaped, discrete
    self._arm: reacher.Arm | None = None
    self.observation_space = Box(-2.0, 2.0, (reacher.OBSERVATION_SIZE,), np.float32)
    torque = reacher.MAX_TORQUE
    self.action_space = (
      Discrete(reacher.ACTIONS) if discrete else Box(-torque, torque, (2,), np.float32)
    )

  def reset(
    self, *, seed: int | None = None, options: dict[str, Any] | None = None
  ) -> tuple[np.ndarray, dict[str, Any]]:
    """Begins an episode; {"context": degrees} is in the last dictionary.

    Raises:
      UserError: on any option.
    """
    super().reset(seed=seed)
    if options:
      raise UserError(f"reset has no options here, but was given {', '.join(options)}")
    if self._contexts is None:
      context = float(self.np_random.uniform(0, 360))
    else:
      context = float(self._contexts[int(self.np_random.integers(len(self._contexts)))])
    self._arm, observation = _START(np.float32(np.deg2rad(context)))
    return np.asarray(observation), {"context": context}

  def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
    """Applies torques for 0.05 s; the usual five."""
    torques = reacher.torques_of(np.asarray(action)) if self._discrete else action
    outcome, observation = _STEP(self._arm, np.asarray(torques, np.float32))
    self._arm = outcome.arm
    reward = outcome.shaped if self._shaped else outcome.sparse
    return np.asarray(observation), float(reward), bool(outcome.terminated), False, {}
