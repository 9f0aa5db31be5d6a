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
import weakref
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.connection import Connection, Pipe
from typing import Any, NamedTuple

import gymnasium
import numpy as np

from dmg_jax.envs import host
from dmg_jax.envs.host import Host, Sizes
from dmg_jax.errors import SimulatorError, UserError

# A worker needs about a second to start. With fewer episodes than this for each of two
# workers, a job of a few evaluations is done sooner without them.
EPISODES_PER_WORKER = 8
_SECONDS_TO_END = 5


def automatic_workers(episodes: int, cores: int | None = None) -> int:
  """The number of workers for evaluations of so many episodes (all runs together).

  One per core that this process may use, but not more than one per
  `EPISODES_PER_WORKER` episodes. 1 means no worker process at all.

  Args:
    episodes: of all policies in an evaluation.
    cores: to share; those that this process may use, if not given.
  """
  cores = available_cores() if cores is None else cores
  return max(1, min(cores, episodes // EPISODES_PER_WORKER))


def available_cores() -> int:
  """Cores that this process may use: of its affinity where the system has one, else all."""
  if hasattr(os, "sched_getaffinity"):
    return len(os.sched_getaffinity(0))
  return os.cpu_count() or 1


class Kind(NamedTuple):
  """Environments of one kind, from `Workers.open`.

  Attributes:
    number: of the kind.
    sizes: of observations and actions.
    here: whether they live in this process.
  """

  number: int
  sizes: Sizes
  here: bool


class Workers:
  """Processes that simulators live in; several kinds of environments can share them.

  They start when first needed. Calls from several threads take turns.

  Args:
    count: of processes. 1 makes none: all simulators live in this process, as
      those always do that are registered by a class, which others cannot import.

  Raises:
    UserError: if the count is below 1.
  """

  def __init__(self, count: int):
    if count < 1:
      raise UserError(f"simulators need at least 1 worker, not {count}")
    self.count = count
    self._lock = threading.Lock()
    self._here = Host()
    self._processes: list[subprocess.Popen] = []
    self._connections: list[Connection] = []
    # Also called at exit, and when nothing refers to this object any more.
    self._stop = weakref.finalize(self, _stop, self._processes, self._connections)

  def open(self, env_id: str, env_kwargs: Mapping[str, Any]) -> Kind:
    """Prepares a kind of environments.

    Args:
      env_id: a Gymnasium id.
      env_kwargs: of the environment, as JSON can hold them.

    Raises:
      UserError: if there is no such environment.
      SimulatorError: if a worker ends.
    """
    here = self.count == 1 or not _is_portable(env_id)
    request = {"env_id": env_id, "env_kwargs": dict(env_kwargs)}
    if not here and (spec := gymnasium.registry.get(env_id)) is not None:
      request["spec"] = spec.to_json()
    with self._lock:
      if not here and not self._processes:
        self._start()
      # The first worker makes an environment, to learn its sizes; the others wait with theirs.
      others: list[bytes | None] = [None] * (0 if here else self.count - 1)
      first = self._ask([_opening(request), *others], here)[0]
      number, sizes = json.loads(first or b"")
      self._ask([None, *[_opening(request | {"sizes": sizes}) for _ in others]], here)
      return Kind(number, Sizes(*sizes), here)

  def play(self, kind: Kind, orders: np.ndarray) -> np.ndarray:
    """One round: steps and resets in N places, each an environment of its own.

    Places are dealt to the workers in turn. What a place returns depends on its
    orders, now and before, and not on the number of workers.

    Args:
      kind: from `open`.
      orders: (N,) of `kind.sizes.orders()`.

    Returns:
      (N,) of `kind.sizes.results()`; zeros where a place is idle.
    """
    results = np.zeros(len(orders), kind.sizes.results())
    count = 1 if kind.here else self.count
    shares = [orders[worker::count] for worker in range(count)]
    head = host.PLAY + bytes([kind.number])
    messages = [head + share.tobytes() if share["command"].any() else None for share in shares]
    with self._lock:
      replies = self._ask(messages, kind.here)
    for worker, reply in enumerate(replies):
      if reply is not None:
        results[worker::count] = np.frombuffer(reply, results.dtype)
    return results

  def process_ids(self) -> list[int]:
    """Of the workers that were started."""
    return [process.pid for process in self._processes]

  def close(self) -> None:
    """Frees the simulators and ends the processes. Nothing can be played afterwards."""
    self._here.close()
    self._stop()

  def _start(self) -> None:
    for _ in range(self.count):
      ours, theirs = Pipe()
      with theirs:
        self._connections.append(ours)
        self._processes.append(_launch(theirs))

  def _ask(self, messages: Sequence[bytes | None], here: bool) -> list[bytes | None]:
    """Each worker's reply to its message, if it gets one.

    Any failure or interruption ends all workers: a reply that was not read would
    be taken for that of the next round.
    """
    if not self._stop.alive:
      raise SimulatorError("the simulators were closed, or failed before")
    if here:
      return [None if message is None else self._here.answer(message) for message in messages]
    try:
      for worker, message in enumerate(messages):
        if message is not None:
          with self._naming(worker):
            self._connections[worker].send_bytes(message)
      return [
        None if message is None else self._receive(worker)
        for worker, message in enumerate(messages)
      ]
    except BaseException:
      self._stop()
      raise

  def _receive(self, worker: int) -> bytes:
    with self._naming(worker):
      reply = self._connections[worker].recv_bytes()
    if reply[:1] == host.USER_ERROR:
      raise UserError(reply[1:].decode())
    if reply[:1] == host.SIMULATOR_ERROR:
      raise SimulatorError(reply[1:].decode())
    return reply[1:]

  @contextlib.contextmanager
  def _naming(self, worker: int) -> Iterator[None]:
    """Turns the end of a worker's socket into one line."""
    try:
      yield
    except (EOFError, OSError) as error:
      process = self._processes[worker]
      with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_SECONDS_TO_END)
      raise SimulatorError(
        f"simulator process {worker + 1} of {self.count} {_ended(process.returncode)}; start the "
        "same command again to go on from the last checkpoint (if memory ran out, with fewer "
        "workers)"
      ) from error


def _is_portable(env_id: str) -> bool:
  """Whether another process can make an environment as it is registered in this one."""
  spec = gymnasium.registry.get(env_id)
  if spec is None:
    return True
  try:
    spec.to_json()
  except (TypeError, ValueError):
    return False
  return True


def _opening(request: Mapping[str, Any]) -> bytes:
  return host.OPEN + json.dumps(request).encode()


def _launch(theirs: Connection) -> subprocess.Popen:
  """A worker process at the other end of a socket."""
  paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
  call = f"from {host.__name__} import serve; serve({theirs.fileno()})"
  return subprocess.Popen(
    [sys.executable, "-P", "-c", call],
    pass_fds=[theirs.fileno()],
    stdin=subprocess.DEVNULL,
    env={**os.environ, "PYTHONPATH": paths},
    # Ctrl-C in a terminal reaches the parent alone.
    process_group=0,
  )


def _stop(processes: Sequence[subprocess.Popen], connections: Sequence[Connection]) -> None:
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


def _ended(code: int | None) -> str:
  if code is None:
    return "does not answer"
  if code < 0:
    return f"was killed by {signal.Signals(-code).name}"
  return f"ended with exit code {code}"
