"""Simulators in worker processes.

A worker is a new Python process that imports Gymnasium and `dmg_jax.envs`, and
not JAX. It is not started by `multiprocessing`: its "fork" is unsafe beside
JAX's threads, and its "spawn" imports the main program again in each worker.
Worker and parent exchange one message per round, a whole batch of steps. A
worker ends when the parent closes its socket, or dies.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection, Pipe
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec

from dmg_jax.envs.make import make, spaces
from dmg_jax.errors import SimulatorError, UserError

# What a place does in a round.
IDLE, STEP, RESET = range(3)

# First bytes of messages: to a worker, and from it.
_OPEN, _PLAY = b"o", b"p"
_DONE, _USER_ERROR, _SIMULATOR_ERROR = b"d", b"u", b"s"

# A worker needs about a second to start; below this many episodes for each of two
# workers, one process is done sooner in a job of a few evaluations.
EPISODES_PER_WORKER = 8
_SECONDS_TO_END = 5


def automatic_workers(episodes: int, cores: int | None = None) -> int:
  """The number of workers for evaluations of so many episodes (all runs together).

  One per core that this process may use, but not more than one per
  `EPISODES_PER_WORKER` episodes. 1 means no worker process at all.

  Args:
    episodes: of all policies in an evaluation.
    cores: of the machine, if known otherwise.
  """
  cores = _cores() if cores is None else cores
  return max(1, min(cores, episodes // EPISODES_PER_WORKER))


def _cores() -> int:
  if hasattr(os, "sched_getaffinity"):
    return len(os.sched_getaffinity(0))
  return os.cpu_count() or 1


class Kind(NamedTuple):
  """Environments of one kind, as the workers know them.

  Attributes:
    number: of the kind.
    orders: record type of what a place is told: "command" (`IDLE`, `STEP` or
      `RESET`), "seed" (of a reset), "action" (A,).
    results: record type of what comes back: "observation" (S,), "reward", "ended"
      (terminated or truncated).
  """

  number: int
  orders: np.dtype
  results: np.dtype


class Host:
  """The environments of one worker; a place in a round is an environment of its own."""

  def __init__(self) -> None:
    self._kinds: list[_Environments] = []

  def answer(self, message: bytes) -> bytes:
    """The reply to one message.

    Raises:
      UserError: if the environment cannot be made.
      SimulatorError: if it fails later.
    """
    if message[:1] == _OPEN:
      self._kinds.append(_Environments(**json.loads(message[1:])))
      return json.dumps(self._kinds[-1].sizes).encode()
    return self._kinds[message[1]].play(message[2:])

  def close(self) -> None:
    """Frees all environments."""
    for kind in self._kinds:
      kind.close()
    self._kinds.clear()


class _Environments:
  """Environments of one kind, made when a place is first reset, and kept."""

  def __init__(
    self,
    env_id: str,
    env_kwargs: Mapping[str, Any],
    spec: str | None,
    sizes: tuple[int, int] | None,
  ):
    if spec is not None:
      gymnasium.registry[env_id] = EnvSpec.from_json(spec)
    self._env_id, self._env_kwargs = env_id, env_kwargs
    self._environments: list[gymnasium.Env] = []
    self._seeds: list[int] = []
    self.sizes = self._measure() if sizes is None else sizes

  def _measure(self) -> tuple[int, int]:
    """Numbers of an observation and of an action, from the first environment."""
    self._add()
    observation_size, low, _ = spaces(self._environments[0])
    return observation_size, len(low)

  def _add(self) -> None:
    self._environments.append(make(self._env_id, self._env_kwargs))
    self._seeds.append(0)

  def play(self, body: bytes) -> bytes:
    """The results of a round."""
    observation_size, action_size = self.sizes
    orders = np.frombuffer(body, _orders(action_size))
    results = np.zeros(len(orders), _results(observation_size))
    actions = orders["action"].copy()  # an environment may change its action
    for place in np.flatnonzero(orders["command"]):
      command, seed = int(orders["command"][place]), int(orders["seed"][place])
      try:
        result = self._one(int(place), command, seed, actions[place])
      except Exception as error:
        raise SimulatorError(self._failure(int(place), command, error)) from error
      observation, results["reward"][place], results["ended"][place] = result
      results["observation"][place] = observation
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
    where = traceback.extract_tb(error.__traceback__)[-1]
    what = "reset" if command == RESET else "step"
    seed = self._seeds[place] if place < len(self._seeds) else "unknown"
    told = " ".join(str(error).split())
    return (
      f"environment {self._env_id!r} failed in {what}, in the episode of seed {seed}: "
      f"{type(error).__name__}: {told} ({where.filename}:{where.lineno})"
    )

  def close(self) -> None:
    for env in self._environments:
      env.close()


class Workers:
  """Processes that simulators live in; several kinds of environments can share them.

  Calls from several threads take turns.

  Args:
    count: of processes; 1 makes none: the simulators live in this process.

  Raises:
    UserError: if the count is below 1.
  """

  def __init__(self, count: int):
    if count < 1:
      raise UserError(f"simulators need at least 1 worker, not {count}")
    self.count = count
    self._lock = threading.Lock()
    self._kinds = 0
    self._here = Host() if count == 1 else None
    self._processes: list[subprocess.Popen] = []
    self._connections: list[Connection] = []
    # Also called at exit, and when nothing refers to this object any more.
    self._stop = weakref.finalize(self, _stop, self._processes, self._connections)

  def open(self, env_id: str, env_kwargs: Mapping[str, Any]) -> Kind:
    """Prepares a kind of environments in every worker.

    Raises:
      UserError: if there is no such environment.
      SimulatorError: if a worker ends.
    """
    if self.count > 1 and not portable(env_id):
      raise UserError(
        f"environment {env_id!r} is not registered by name, so that another process cannot make "
        "it; register it with entry_point='module:Class', or use 1 worker"
      )
    spec = _registered(env_id) if self.count > 1 else None
    request = {"env_id": env_id, "env_kwargs": dict(env_kwargs), "spec": spec}
    with self._lock:
      if self.count > 1 and not self._processes:
        self._start()
      # The first worker makes an environment to measure; the others make none before they need it.
      others: list[bytes | None] = [None] * (self.count - 1)
      sizes = json.loads(self._ask([_opening(request, None), *others])[0] or b"")
      self._ask([None, *[_opening(request, sizes) for _ in others]])
      self._kinds += 1
      observation_size, action_size = sizes
      return Kind(self._kinds - 1, _orders(action_size), _results(observation_size))

  def play(self, kind: Kind, orders: np.ndarray) -> np.ndarray:
    """One round: steps and resets in N places, each an environment of its own.

    Places are dealt to the workers in turn. What a place returns depends on its
    orders, now and before, and not on the number of workers.

    Args:
      kind: from `open`.
      orders: (N,) of `kind.orders`.

    Returns:
      (N,) of `kind.results`; zeros where a place is idle.
    """
    results = np.zeros(len(orders), kind.results)
    shares = [orders[worker :: self.count] for worker in range(self.count)]
    with self._lock:
      replies = self._ask(
        [
          _PLAY + bytes([kind.number]) + share.tobytes() if share["command"].any() else None
          for share in shares
        ]
      )
    for worker, reply in enumerate(replies):
      if reply is not None:
        results[worker :: self.count] = np.frombuffer(reply, kind.results)
    return results

  def process_ids(self) -> list[int]:
    """Of the workers that were started."""
    return [process.pid for process in self._processes]

  def close(self) -> None:
    """Frees the simulators and ends the processes. Nothing can be played afterwards."""
    if self._here is not None:
      self._here.close()
    self._stop()

  def _start(self) -> None:
    for _ in range(self.count):
      ours, theirs = Pipe()
      with theirs:
        self._connections.append(ours)
        self._processes.append(_launch(theirs))

  def _ask(self, messages: Sequence[bytes | None]) -> list[bytes | None]:
    """Each worker's reply to its message; on any failure or interruption, all end."""
    if not self._stop.alive:
      raise SimulatorError("the simulators were closed, or failed before")
    if self._here is not None:
      return [None if message is None else self._here.answer(message) for message in messages]
    try:
      asked = [worker for worker, message in enumerate(messages) if message is not None]
      for worker in asked:
        with self._ending(worker):
          self._connections[worker].send_bytes(messages[worker] or b"")
      replies: list[bytes | None] = [None] * len(messages)
      for worker in asked:
        with self._ending(worker):
          reply = self._connections[worker].recv_bytes()
        if reply[:1] == _USER_ERROR:
          raise UserError(reply[1:].decode())
        if reply[:1] == _SIMULATOR_ERROR:
          raise SimulatorError(reply[1:].decode())
        replies[worker] = reply[1:]
      return replies
    except BaseException:
      # A reply that was not read would be taken for that of the next round.
      self._stop()
      raise

  @contextlib.contextmanager
  def _ending(self, worker: int):
    """Turns the end of a worker's socket into one clear line."""
    try:
      yield
    except (EOFError, OSError) as error:
      with contextlib.suppress(subprocess.TimeoutExpired):
        self._processes[worker].wait(_SECONDS_TO_END)
      raise SimulatorError(
        f"simulator process {worker + 1} of {self.count} {_ended(self._processes[worker])}; "
        "start the job again to go on from its last checkpoint, with fewer workers if memory ran "
        "out"
      ) from error


def _opening(request: Mapping[str, Any], sizes: Sequence[int] | None) -> bytes:
  return _OPEN + json.dumps({**request, "sizes": sizes}).encode()


def _orders(action_size: int) -> np.dtype:
  return np.dtype([("command", "u1"), ("seed", "i8"), ("action", "f4", (action_size,))])


def _results(observation_size: int) -> np.dtype:
  return np.dtype([("observation", "f4", (observation_size,)), ("reward", "f8"), ("ended", "?")])


def portable(env_id: str) -> bool:
  """Whether a worker process can make an environment as it is registered in this one."""
  try:
    _registered(env_id)
  except (TypeError, ValueError):
    return False
  return True


def _registered(env_id: str) -> str | None:
  """The JSON by which another process can register an environment.

  Raises:
    TypeError, ValueError: if the registration holds what JSON does not, such as a class.
  """
  spec = gymnasium.registry.get(env_id)
  return None if spec is None else spec.to_json()


def _launch(theirs: Connection) -> subprocess.Popen:
  """A worker process at the other end of a socket."""
  paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
  return subprocess.Popen(
    [sys.executable, "-P", "-c", f"from {__name__} import serve; serve({theirs.fileno()})"],
    pass_fds=[theirs.fileno()],
    stdin=subprocess.DEVNULL,
    env={**os.environ, "PYTHONPATH": paths},
    # Ctrl-C in a terminal reaches the parent alone, which decides when to stop.
    process_group=0,
  )


def serve(descriptor: int) -> None:
  """A worker: answers messages until its parent closes the socket or dies."""
  signal.signal(signal.SIGINT, signal.SIG_IGN)
  signal.signal(signal.SIGTERM, signal.SIG_IGN)
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
      reply = _DONE + host.answer(message)
    except UserError as error:
      reply = _USER_ERROR + str(error).encode()
    except SimulatorError as error:
      reply = _SIMULATOR_ERROR + str(error).encode()


def _stop(processes: list[subprocess.Popen], connections: list[Connection]) -> None:
  """Ends all workers and waits for them."""
  for connection in connections:
    connection.close()
  deadline = time.monotonic() + _SECONDS_TO_END
  for process in processes:
    try:
      process.wait(max(0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
      process.kill()
      process.wait()


def _ended(process: subprocess.Popen) -> str:
  code = process.returncode
  if code is None:
    return "does not answer"
  if code < 0:
    return f"was killed by {signal.Signals(-code).name}"
  return f"ended with exit code {code}"
