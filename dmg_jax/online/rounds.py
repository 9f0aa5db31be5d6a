"""Steps environments together, and brings them back after an interruption."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

import gymnasium
import numpy as np

from dmg_jax.data.stream import Stream
from dmg_jax.envs.make import failure
from dmg_jax.errors import SimulatorError, UserError


def rounds(
  environments: Sequence[gymnasium.Env],
  stream: Stream,
  act: Callable[[int, np.ndarray], np.ndarray],
) -> Iterator[int]:
  """Steps N environments together until a stream is full, and yields each round's number.

  Args:
    environments: N of one kind; each plays one episode after another.
    stream: of N environments; what happens is appended.
    act: from the round's number and (N, S) observations to (N, A) actions, in
      the environments' units.

  Raises:
    UserError: see `begin`.
  """
  observations = begin(environments, stream)
  for round_ in range(stream.size, len(stream.rewards)):
    take(environments, stream, observations, act(round_, observations))
    yield round_
    observations = go_on(environments, stream)


def begin(environments: Sequence[gymnasium.Env], stream: Stream) -> np.ndarray:
  """(N, S) observations from which environments go on; their first, of an empty stream.

  Where a stream holds rounds already, the actions of the unfinished episodes are
  repeated: they go on exactly.

  Raises:
    UserError: if repeated actions lead elsewhere.
    SimulatorError: if an environment fails.
  """
  return np.stack([_bring_back(env, stream, place) for place, env in enumerate(environments)])


def take(
  environments: Sequence[gymnasium.Env],
  stream: Stream,
  observations: np.ndarray,
  actions: np.ndarray,
) -> None:
  """One step of each environment, appended to the stream.

  Raises:
    SimulatorError: if an environment fails; the stream has nothing of the round then.
  """
  results = [
    _step(env, stream, place, action)
    for place, (env, action) in enumerate(zip(environments, actions, strict=True))
  ]
  next_observations, rewards, terminations, truncations = zip(*results, strict=True)
  stream.append(
    observations=observations,
    actions=actions,
    rewards=np.array(rewards, np.float32),
    next_observations=np.stack(next_observations),
    terminations=np.array(terminations),
    truncations=np.array(truncations),
  )


def _step(
  env: gymnasium.Env, stream: Stream, place: int, action: np.ndarray
) -> tuple[np.ndarray, float, bool, bool]:
  """Observation, reward, and whether the episode ended, and how."""
  with _one_line(env, stream, place, "step"):
    # An environment may change its action.
    observation, reward, terminated, truncated, _ = env.step(action.copy())
    seen = np.asarray(observation, np.float32).reshape(stream.observations.shape[2:])
    return seen, float(reward), bool(terminated), bool(truncated)


@contextlib.contextmanager
def _one_line(env: gymnasium.Env, stream: Stream, place: int, what: str) -> Iterator[None]:
  """Turns an environment's own error into one line."""
  try:
    yield
  except Exception as error:
    seed = stream.episode_seed(place, stream.under_way(place)[0])
    name = env.spec.id if env.spec else repr(env)
    raise SimulatorError(failure(name, what, seed, error)) from error


def go_on(environments: Sequence[gymnasium.Env], stream: Stream) -> np.ndarray:
  """(N, S) observations after the stream's last round; where an episode ended, the next begins."""
  last = stream.size - 1
  observations = stream.next_observations[last].copy()
  for place in map(int, np.flatnonzero(stream.terminations[last] | stream.truncations[last])):
    observations[place] = _bring_back(environments[place], stream, place)
  return observations


def _bring_back(env: gymnasium.Env, stream: Stream, place: int) -> np.ndarray:
  """The observation of an environment's current episode, after its actions so far are repeated."""
  count, start = stream.under_way(place)
  with _one_line(env, stream, place, "reset"):
    seen, _ = env.reset(seed=stream.episode_seed(place, count))
    observation = np.asarray(seen, np.float32).reshape(stream.observations.shape[2:])
  for round_ in range(start, stream.size):
    observation = _step(env, stream, place, stream.actions[round_, place])[0]
  if start < stream.size and not np.array_equal(
    observation, stream.next_observations[stream.size - 1, place]
  ):
    raise UserError(
      f"environment {env.spec.id if env.spec else env!r} does not repeat itself from its seed; "
      "an interrupted recording cannot go on, start it again in another --run_dir"
    )
  return observation
