"""The environments of one process, which answer messages.

A message is the opening of a kind of environments (JSON), or one round of it: an
array of records, one for each place, each place an environment of its own.
"""

import json
import os
import signal
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec

from dmg_jax.envs.make import failure, make, spaces
from dmg_jax.errors import SimulatorError, UserError

# What a place does in a round.
IDLE, STEP, RESET = range(3)

# First bytes of messages, and of a process's replies.
OPEN, PLAY = b"o", b"p"
DONE, USER_ERROR, SIMULATOR_ERROR = b"d", b"u", b"s"


class Sizes(NamedTuple):
  """Numbers of an observation and of an action."""

  observation: int
  action: int

  def orders(self) -> np.dtype:
    """What a place is told: `IDLE`, `STEP` or `RESET`; the seed of a reset; the action."""
    return np.dtype([("command", "u1"), ("seed", "i8"), ("action", "f4", (self.action,))])

  def results(self) -> np.dtype:
    """What comes back; "ended" is terminated or truncated."""
    return np.dtype([("observation", "f4", (self.observation,)), ("reward", "f8"), ("ended", "?")])


class Host:
  """Environments of several kinds."""

  def __init__(self) -> None:
    self._kinds: list[_Environments] = []

  def answer(self, message: bytes) -> bytes:
    """The reply to one message: the number and the sizes of a new kind, or a round's results.

    Raises:
      UserError: if the environment cannot be made.
      SimulatorError: if it fails later.
    """
    if message[:1] == OPEN:
      self._kinds.append(_Environments(**json.loads(message[1:])))
      return json.dumps([len(self._kinds) - 1, self._kinds[-1].sizes]).encode()
    return self._kinds[message[1]].play(message[2:])

  def close(self) -> None:
    """Frees all environments."""
    for kind in self._kinds:
      kind.close()
    self._kinds.clear()


class _Environments:
  """Environments of one kind, made when a place is first reset, and kept.

  Args:
    env_id: a Gymnasium id.
    env_kwargs: of the environment.
    spec: its registration, as JSON, where this process may lack it.
    sizes: if known; else the first environment is made to learn them.
  """

  def __init__(
    self,
    env_id: str,
    env_kwargs: Mapping[str, Any],
    spec: str | None = None,
    sizes: tuple[int, int] | None = None,
  ):
    if spec is not None:
      gymnasium.registry[env_id] = EnvSpec.from_json(spec)
    self._env_id, self._env_kwargs = env_id, env_kwargs
    self._environments: list[gymnasium.Env] = []
    self._seeds: list[int] = []
    self.sizes = self._measure() if sizes is None else Sizes(*sizes)

  def _measure(self) -> Sizes:
    self._add()
    observation_size, low, _ = spaces(self._environments[0])
    return Sizes(observation_size, len(low))

  def _add(self) -> None:
    self._environments.append(make(self._env_id, self._env_kwargs))
    self._seeds.append(0)

  def play(self, body: bytes) -> bytes:
    """The results of a round."""
    orders = np.frombuffer(body, self.sizes.orders())
    results = np.zeros(len(orders), self.sizes.results())
    actions = orders["action"].copy()  # an environment may change its action
    for place in map(int, np.flatnonzero(orders["command"])):
      command, seed = int(orders["command"][place]), int(orders["seed"][place])
      try:
        result = self._one(place, command, seed, actions[place])
        observation, results["reward"][place], results["ended"][place] = result
        results["observation"][place] = observation
      except Exception as error:
        raise SimulatorError(self._failure(place, command, error)) from error
    return results.tobytes()

  def _one(
    self, place: int, command: int, seed: int, action: np.ndarray
  ) -> tuple[np.ndarray, float, bool]:
    """Observation, reward and end of one environment's step or reset."""
    if command == RESET:
      while len(self._environments) <= place:
        self._add()
      self._seeds[place] = seed
      return self._environments[place].reset(seed=seed)[0], 0.0, False
    observation, reward, terminated, truncated, _ = self._environments[place].step(action)
    return observation, float(reward), bool(terminated or truncated)

  def _failure(self, place: int, command: int, error: Exception) -> str:
    what = "reset" if command == RESET else "step"
    seed = self._seeds[place] if place < len(self._seeds) else None
    return failure(self._env_id, what, seed, error)

  def close(self) -> None:
    for env in self._environments:
      env.close()


def serve(descriptor: int) -> None:
  """A process's life: it answers until its parent closes the socket or dies.

  Args:
    descriptor: of the socket.
  """
  # The parent decides when to stop: it may have to finish an evaluation first.
  for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
  host = Host()
  connection = Connection(descriptor)
  reply = b""
  while True:
    try:
      if reply:
        connection.send_bytes(reply)
      message = connection.recv_bytes()
    except (EOFError, OSError):
      os._exit(0)  # at once: nobody waits for the environments to be closed
    try:
      reply = DONE + host.answer(message)
    except UserError as error:
      reply = USER_ERROR + str(error).encode()
    except SimulatorError as error:
      reply = SIMULATOR_ERROR + str(error).encode()
