"""Simulators by name."""

import contextlib
import json
import traceback
import warnings
from collections.abc import Iterator, Mapping
from textwrap import shorten
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict

from dmg_jax.envs.dict_observations import JoinedObservations, flat_box
from dmg_jax.errors import UserError

# The argument that cuts episodes, of every environment.
LIMIT = "max_episode_steps"
# A window for each of many simulators; it fails only at the first reset where there is no screen.
_RENDERING = "render_mode"


class Spaces(NamedTuple):
  """What an environment shows and takes.

  Attributes:
    observation_size: S.
    action_low, action_high: (A,), bounds of the actions.
  """

  observation_size: int
  action_low: np.ndarray
  action_high: np.ndarray


def make(env_id: str, kwargs: Mapping[str, Any] | None = None) -> gymnasium.Env:
  """A Gymnasium environment with vector observations and a bounded action box.

  Observations in named parts (a Dict of Boxes) are joined in sorted order, see
  `dict_observations`.

  Args:
    env_id: a Gymnasium id with its version, such as "Hopper-v4".
    kwargs: arguments of the environment, such as {"use_contact_forces": True}; also
      `max_episode_steps`.

  Raises:
    UserError: if there is no such environment, its version is not given, it does not take
      these arguments, it would render, or its spaces are of another kind.
  """
  name = f"environment {env_id!r}" + (f" with {dict(kwargs)}" if kwargs else "")
  if kwargs and kwargs.get(_RENDERING) is not None:
    raise UserError(f"{name}: no picture is shown or kept; leave {_RENDERING} out")
  with warnings.catch_warnings():
    # D4RL's locomotion is evaluated in -v4 on purpose: -v5 has other rewards.
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="gymnasium")
    warnings.filterwarnings("ignore", message=".*instead of the unversioned")
    try:
      with quiet_about_models():
        env = gymnasium.make(env_id, **(kwargs or {}))
    except UserError:
      raise
    except Exception as error:  # Environments of other packages raise whatever they like.
      raise UserError(
        f"{name} cannot be made: {shorten(str(error), 300)} (name an installed Gymnasium "
        "environment with its version, and arguments that it takes)"
      ) from error
  if env.spec is not None and env.spec.id != env_id.rpartition(":")[2]:
    env.close()
    raise UserError(f"{name}: the version is missing; write it out, such as {env.spec.id}")
  if flat_box(env.observation_space) is not None:
    env = JoinedObservations(env)
  observations, actions = env.observation_space, env.action_space
  if not (isinstance(observations, Box) and len(observations.shape) == 1):
    what = "a vector, or vectors by name" if isinstance(observations, Dict) else "a vector"
    raise UserError(f"{name}: observations must be {what}, not {_shown(observations)}")
  if not (isinstance(actions, Box) and len(actions.shape) == 1 and actions.is_bounded()):
    raise UserError(f"{name}: actions must be a bounded continuous box, not {_shown(actions)}")
  return env


@contextlib.contextmanager
def quiet_about_models() -> Iterator[None]:
  """MuJoCo's warnings are Python's while the block makes a simulator.

  MuJoCo prints them for each simulator anew, and into a file MUJOCO_LOG.TXT of the working
  directory. What it says of attributes of Gymnasium's own robots is left out: a user cannot
  change them.
  """
  # Here, and not above: data without a simulator need no MuJoCo.
  import mujoco

  def told(text: str) -> None:
    if not text.startswith("compiler attribute"):
      warnings.warn(f"MuJoCo: {text}", RuntimeWarning, stacklevel=2)

  former = mujoco.get_mju_user_warning()
  mujoco.set_mju_user_warning(told)
  try:
    yield
  finally:
    mujoco.set_mju_user_warning(former)


def step_limit(env: gymnasium.Env) -> int | None:
  """Steps after which an environment's episodes are cut; None if nothing cuts them."""
  limit = env.spec.max_episode_steps if env.spec else None
  # Gymnasium takes -1 for "no limit".
  return limit if limit is not None and limit > 0 else None


def limited(env_id: str, kwargs: Mapping[str, Any], steps: int | None) -> dict[str, Any]:
  """Arguments of an environment with which its episodes end.

  Args:
    env_id: a Gymnasium id.
    kwargs: arguments of the environment.
    steps: of an episode at most, where neither the registration nor the arguments say.

  Raises:
    UserError: see `make`; also if there is no limit at all: an evaluation might never end.
  """
  env = make(env_id, kwargs)
  known = step_limit(env)
  env.close()
  if known is not None:
    return dict(kwargs)
  if steps is None:
    raise UserError(
      f"environment {env_id!r} has no step limit, so that an evaluation might never end; name one "
      "with --config.step_limit=STEPS, or evaluate nowhere with --config.env=none"
    )
  return {**kwargs, LIMIT: steps}


def _shown(space: gymnasium.Space) -> str:
  return shorten(str(space), 200)


def spaces(env: gymnasium.Env) -> Spaces:
  """The spaces of an environment from `make`."""
  observations, actions = env.observation_space, env.action_space
  assert isinstance(observations, Box)
  assert isinstance(actions, Box)
  return Spaces(observations.shape[0], actions.low, actions.high)


def check_sizes(name: str, env_id: str, found: Spaces, observations: int, actions: int) -> None:
  """Refuses data whose observations or actions do not have the environment's sizes.

  Args:
    name: of the data, for the message.
    env_id: of the environment.
    found: its spaces.
    observations, actions: numbers of each in the data.

  Raises:
    UserError: naming both sizes.
  """
  for field, ours, theirs in (
    ("observations", observations, found.observation_size),
    ("actions", actions, len(found.action_low)),
  ):
    if ours != theirs:
      raise UserError(
        f"{name}: {field} have {ours} numbers, but those of {env_id} have {theirs}; name the "
        "environment that the data come from (settings env and env_kwargs)"
      )


def read_kwargs(text: str) -> dict[str, Any]:
  """Arguments of an environment, written as a JSON object.

  Raises:
    UserError: if the text is not a JSON object.
  """
  try:
    kwargs = json.loads(text)
  except ValueError:
    kwargs = None
  if not isinstance(kwargs, dict):
    raise UserError(
      f"the environment's arguments are {text!r}, not a JSON object; write them like "
      '{"use_contact_forces": true}'
    )
  return kwargs


def failure(env_id: str, what: str, seed: int | None, error: Exception) -> str:
  """One line on an environment's own error.

  Args:
    env_id: of the environment.
    what: "reset" or "step".
    seed: of the episode, None if it is not known.
    error: caught where it was called.
  """
  where = traceback.extract_tb(error.__traceback__)[-1]
  told = " ".join(str(error).split())
  return (
    f"environment {env_id!r} failed in {what}, in the episode of seed "
    f"{'unknown' if seed is None else seed}: {type(error).__name__}: {told} "
    f"({where.filename}:{where.lineno})"
  )
