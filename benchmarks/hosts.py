"""One job trained by one, two and three processes in turn, killed and stopped in between.

  python benchmarks/hosts.py

One process trains a small job undisturbed. Then processes that meet on this machine's
loopback train the same: two, of which the second is killed (SIGKILL); three, of which the
last is sent SIGTERM; one, which is killed; and two, to the end. Each goes on from the last
one's checkpoint. Final parameters must be the same bits, and the logs the same bytes. The
result goes to benchmarks/results/hosts.json.
"""

import json
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
from absl import app
from finished_jobs import differences
from jobs import RESULTS, ROOT
from machine import device_name

from dmg_jax import run_directory, run_log
from dmg_jax.run_log import METRICS

JOB = [
  "launch/main.py", "--config=configs/quick.py", "--config.seeds=3", "--config.steps=800",
  "--config.log_interval=100", "--config.checkpoint_interval=100",
  "--config.evaluation_interval=400", "--config.evaluation_episodes=1", "--config.workers=1",
]  # fmt: skip
# Processes, and which of them gets which signal once so many new steps are checkpointed.
STAGES: list[tuple[int, tuple[int, int] | None]] = [
  (2, (1, signal.SIGKILL)),
  (3, (2, signal.SIGTERM)),
  (1, (0, signal.SIGKILL)),
  (2, None),
]
_CHECKPOINT_STEPS = 100


def _start(directory: Path, count: int) -> list[tuple[subprocess.Popen, Any]]:
  """The processes of a job, with the files that they write to."""
  meeting = []
  if count > 1:
    with socket.socket() as listener:
      listener.bind(("localhost", 0))
      address = f"localhost:{listener.getsockname()[1]}"
    meeting = ["--distributed", f"--coordinator_address={address}", f"--num_processes={count}"]
  started = []
  for index in range(count):
    words = [*JOB, f"--run_dir={directory}", *meeting]
    words += [f"--process_id={index}"] if meeting else []
    output = tempfile.TemporaryFile("w+")  # noqa: SIM115 - read at the end of the process
    command = [sys.executable, *words]
    process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    started.append((process, output))
  return started


def _checkpointed(directory: Path) -> int:
  """The step of the newest checkpoint; 0 if there is none."""
  steps = [int(path.name) for path in directory.glob("checkpoints/*") if path.name.isdecimal()]
  return max(steps, default=0)


def stage(directory: Path, count: int, signalled: tuple[int, int] | None) -> dict[str, Any]:
  """Starts processes, sends the signal, waits; what happened."""
  before, began = _checkpointed(directory), time.monotonic()
  started = _start(directory, count)
  if signalled is not None:
    index, number = signalled
    while _checkpointed(directory) < before + _CHECKPOINT_STEPS:
      if any(process.poll() is not None for process, _ in started):
        break
      time.sleep(0.05)
    started[index][0].send_signal(number)
  codes = [process.wait() for process, _ in started]
  said = []
  for _, output in started:
    output.seek(0)
    said.append([line for line in output.read().splitlines() if line.startswith("error:")])
  return {
    "processes": count,
    "signal": None if signalled is None else signal.Signals(signalled[1]).name,
    "to_process": None if signalled is None else signalled[0],
    "exit_codes": codes,
    "errors": said,
    "checkpoint_before": before,
    "checkpoint_after": _checkpointed(directory),
    "seconds": round(time.monotonic() - began, 1),
  }


def main(_) -> None:
  folder = ROOT / "runs" / "hosts"
  shutil.rmtree(folder, ignore_errors=True)
  alone = stage(folder / "alone", 1, None)
  print(alone, flush=True)
  stages = []
  for count, signalled in STAGES:
    stages.append(stage(folder / "shared", count, signalled))
    print(stages[-1], flush=True)
  different = differences(folder / "alone", folder / "shared")
  # It lists the devices of all processes.
  different = [name for name in different if name != run_directory.SUMMARY]
  rows = len(run_log.read(folder / "shared", METRICS))
  result = {
    "command": "python benchmarks/hosts.py",
    "job": shlex.join(["python", *JOB]),
    "device": device_name(),
    "versions": {name: metadata.version(name) for name in ("dmg_jax", "jax", "jaxlib")},
    "collectives": jax.config.values["jax_cpu_collectives_implementation"],
    "undisturbed": alone,
    "stages": stages,
    "rows_of_metrics": rows,
    "different": different,
  }
  (RESULTS / "hosts.json").write_text(json.dumps(result, indent=2) + "\n")
  print("different:", different)
  sys.exit(1 if different else 0)


if __name__ == "__main__":
  app.run(main)
