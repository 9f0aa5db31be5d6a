"""Steps environments together, and brings them back after an interruption."""

from collections.abc import Callable, Iterator, Sequence

import gymnasium
import numpy as np

from dmg_jax.data.stream import Stream
from dmg_jax.errors import UserError


def rounds(
  environments: Sequence[gymnasium.Env],
  stream: Stream,
  act: Callable[[int, np.ndarray], np.ndarray],
) -> Iterator[int]:
  """Steps N environments together until a stream is full, and yields each round's number.

  Every environment plays one episode after another. With a stream that holds
  rounds already it goes on from there, exactly: the actions of the unfinished
  episodes are repeated.

  Args:
    environments: N of one kind.
    stream: of N environments; what happens is appended.
    act: from the round's number and (N, S) observations to (N, A) actions, in
      the environments' units.

  Raises:
    UserError: if repeated actions lead elsewhere.
  """
  observations = np.stack(
    [_bring_back(env, stream, place) for place, env in enumerate(environments)]
  )
  for round_ in range(stream.size, len(stream.rewards)):
    _step(environments, stream, observations, act(round_, observations))
    yield round_
    observations = stream.next_observations[round_].copy()
    for place, ended in enumerate(stream.terminations[round_] | stream.truncations[round_]):
      if ended:
        observations[place] = _bring_back(environments[place], stream, place)


def _step(
  environments: Sequence[gymnasium.Env],
  stream: Stream,
  observations: np.ndarray,
  actions: np.ndarray,
) -> None:
  """One step of each environment, appended to the stream."""
  results = [env.step(action) for env, action in zip(environments, actions, strict=True)]
  next_observations, rewards, terminations, truncations, _ = zip(*results, strict=True)
  stream.append(
    observations=observations,
    actions=actions,
    rewards=np.array(rewards, np.float32),
    next_observations=np.array(next_observations, np.float32),
    terminations=np.array(terminations),
    truncations=np.array(truncations),
  )


def _bring_back(env: gymnasium.Env, stream: Stream, place: int) -> np.ndarray:
  """The observation of an environment's current episode, after its actions so far are repeated."""
  count, start = stream.under_way(place)
  observation, _ = env.reset(seed=stream.episode_seed(place, count))
  for round_ in range(start, stream.size):
    observation = env.step(stream.actions[round_, place])[0]
  observation = np.asarray(observation, np.float32)
  if start < stream.size and not np.array_equal(
    observation, stream.next_observations[stream.size - 1, place]
  ):
    raise UserError(
      f"environment {env.spec.id if env.spec else env!r} does not repeat itself from its seed; "
      "an interrupted recording cannot go on, start it again in another --run_dir"
    )
  return observation
