"""The processes of a job that runs on several hosts, and what they tell one another.

Each process trains runs of its own on its own devices; the first alone reads and writes
the run directory. They meet in `exchange`, a collective call: all processes make the same
calls in the same order. Without `begin` there is one process, and nothing is sent.
"""

import os
import sys
import time
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from dmg_jax.errors import PartnerError, UserError

# What is longer is sent in several pieces: each lies on a device once for every process.
_PIECE = 2**26
_SMALLEST = 2**8
_FAILED = -1
_SECONDS_TO_END = 2.0


def begin(address: str | None = None, number: int | None = None, index: int | None = None) -> None:
  """Meets the other processes; to be called before anything of JAX is used.

  Args:
    address: HOST:PORT of the first process.
    number: of processes.
    index: of this one, from 0.

  What is None, JAX finds out where it can: under Slurm or Open MPI, and on a TPU pod.

  Raises:
    UserError: if the three do not fit together, or JAX cannot find out.
  """
  given = (address, number, index)
  if None in given and given != (None, None, None):
    raise UserError(
      "--coordinator_address, --num_processes and --process_id belong together; name all three, "
      "or none where Slurm, Open MPI or a TPU pod says them"
    )
  if number is not None and index is not None and not 0 <= index < number:
    raise UserError(f"--process_id is {index}, but it must be from 0 to {number - 1}")
  if address is not None and not address.rpartition(":")[2].isdecimal():
    raise UserError(f"--coordinator_address is {address!r}, but it must be HOST:PORT")
  try:
    jax.distributed.initialize(address, number, index)
  except (RuntimeError, ValueError, OSError) as error:
    raise UserError(
      f"the processes could not meet ({' '.join(str(error).split())}); name "
      "--coordinator_address=HOST:PORT of the first process, --num_processes and --process_id"
    ) from error


def count() -> int:
  """Of the job's processes."""
  return jax.process_count() if jax.distributed.is_initialized() else 1


def index() -> int:
  """Of this process, from 0."""
  return jax.process_index() if jax.distributed.is_initialized() else 0


def first() -> bool:
  """Whether this is the process that reads and writes the run directory."""
  return index() == 0


def places(start: int, runs: int, process: int) -> list[int]:
  """Which runs of a population a process trains: they are dealt out like cards.

  Args:
    start: runs of all populations before this one. So several small populations are
      dealt out evenly, too.
    runs: of the population.
    process: index of the process.
  """
  return [place for place in range(runs) if (start + place) % count() == process]


def exchange(content: bytes) -> list[bytes]:
  """What each process gave, in the order of the processes.

  Raises:
    PartnerError: if another process ended or failed.
  """
  if count() == 1:
    return [content]
  sizes = _sizes(len(content))
  if min(sizes) < 0:
    stopped = f"process {sizes.index(min(sizes))} of {count()} stopped; its own message says why"
    raise _partner_error(stopped, lost=False)
  received = [bytearray() for _ in sizes]
  for begun in range(0, max(sizes), _PIECE):
    # Powers of two: each length is a compilation.
    width = min(_PIECE, max(_SMALLEST, 1 << (max(sizes) - begun - 1).bit_length()))
    piece = np.zeros(width, np.uint8)
    mine = content[begun : begun + width]
    piece[: len(mine)] = np.frombuffer(mine, np.uint8)
    for part, size, row in zip(received, sizes, _gathered(piece), strict=True):
      part += row[: max(0, size - begun)].tobytes()
  return [bytes(part) for part in received]


def largest(number: int) -> int:
  """The largest of the numbers that the processes give; see `exchange`."""
  return max(int(text) for text in exchange(str(number).encode()))


def smallest(number: int) -> int:
  """The smallest of the numbers that the processes give; see `exchange`."""
  return -largest(-number)


def end() -> None:
  """Waits until all processes are done, and takes leave of them."""
  if count() > 1:
    exchange(b"")
    jax.distributed.shutdown()


def leave(code: int, error: BaseException | None = None) -> None:
  """Ends this process after a failure, and with it the others; does nothing if there are none.

  Args:
    code: of the process.
    error: why it ends.
  """
  if count() == 1:
    return
  sys.stdout.flush()
  sys.stderr.flush()
  lost = isinstance(error, PartnerError) and error.lost
  try:
    if not isinstance(error, PartnerError):
      _sizes(_FAILED)
  except PartnerError:
    lost = True
  if not lost:
    jax.distributed.shutdown()
  elif first():
    # Without it, JAX ends the others at once and in its own words.
    time.sleep(_SECONDS_TO_END)
  # JAX would wait for what is lost at the end of the interpreter.
  os._exit(code)


def _sizes(mine: int) -> list[int]:
  rows = _gathered(np.frombuffer(np.int64(mine).tobytes(), np.uint8))
  return [int(np.frombuffer(row.tobytes(), np.int64)[0]) for row in rows]


def _gathered(array: np.ndarray) -> Sequence[Any]:
  """(P, N) of bytes (N,), N the same in all processes."""
  try:
    return multihost_utils.process_allgather(array)
  # Each kind of device has its own error for a lost connection.
  except (RuntimeError, ValueError) as error:
    raise _partner_error("another process ended", lost=True) from error


def _partner_error(what: str, lost: bool) -> PartnerError:
  return PartnerError(
    f"{what}; start all processes again with the same commands: the job goes on from its last "
    "checkpoint",
    lost,
  )
