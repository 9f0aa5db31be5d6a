"""Jobs of several processes on this machine, each group started together.

  python tests/distributed_launches.py < GROUPS > RESULTS

GROUPS are a JSON list of objects: "argv" of every process; "processes", their number; "traps",
index of a process -> see `traps.arm`. RESULTS are a list of lists of objects: "code", negative
for a signal; "out"; "err". This process imports what the launcher does, and is forked for each.
"""

import contextlib
import gc
import json
import os
import socket
import sys
import tempfile

import forked_launches


def free_port() -> int:
  """Of this machine, for a moment."""
  with socket.socket() as listener:
    listener.bind(("localhost", 0))
    return listener.getsockname()[1]


def launch(argv: list[str], processes: int, traps: dict[str, dict]) -> list[dict]:
  """Forks all, waits, and tells."""
  meeting = []
  if processes > 1:
    meeting = [
      "--distributed",
      f"--coordinator_address=localhost:{free_port()}",
      f"--num_processes={processes}",
    ]
  children = []
  for index in range(processes):
    words = [*argv, *meeting, *([f"--process_id={index}"] if meeting else [])]
    out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - read below
    child = os.fork()
    if child == 0:
      trap = traps.get(str(index))
      forked_launches.work(words, os.getcwd(), trap, out.fileno(), err.fileno())
    children.append((child, out, err))
  found = []
  for child, *files in children:
    result = {"code": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}
    for name, file in zip(("out", "err"), files, strict=True):
      file.seek(0)
      result[name] = file.read().decode()
      file.close()
    found.append(result)
  return found


def main() -> None:
  groups = json.load(sys.stdin)
  gc.freeze()
  results = sys.stdout
  with contextlib.redirect_stdout(sys.stderr):
    found = [launch(**group) for group in groups]
  json.dump(found, results)


if __name__ == "__main__":
  main()
