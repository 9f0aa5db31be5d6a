"""Takes away what a sweep runs on, at random moments, and checks that its table is the same.

  python benchmarks/sweep_loss.py --losses=10 -- --config=configs/quick.py --config.seeds=2 ...

What follows `--` are arguments of `launch/sweep.py`. One sweep runs here, undisturbed, without
Ray. Others run on a Ray cluster of two nodes on this machine. From each something is taken, in
turn: a worker's process (SIGKILL), a whole node, the folder of a part. Parameters, logs and the
printed table must be the same as without a loss. The result is printed and stored.
"""

import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import machine
from absl import app, flags, logging
from finished_jobs import differences

from dmg_jax.experiments.sweep import state

_LOSSES = flags.DEFINE_integer("losses", 10, "How many.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", 0, "Of the random moments.")
_OUT = flags.DEFINE_string("out", "runs/sweep_loss", "Folder of the sweeps; emptied first.")

_RESULT = Path(__file__).parent / "results" / "sweep_loss.json"
SWEEP = Path(__file__).parents[1] / "launch" / "sweep.py"
KINDS = ("worker", "node", "folder")
# Ray's workers are nice by default, and get nothing of a busy machine.
ENVIRONMENT = {"RAY_worker_niceness": "0", "RAY_DEDUP_LOGS": "0"}
_NODE: dict[str, Any] = {
  "num_cpus": 1,
  "include_dashboard": False,
  "object_store_memory": 100 * 2**20,
}


class Nodes:
  """A Ray cluster of two nodes on this machine; the second may be taken away."""

  def __init__(self) -> None:
    from ray.cluster_utils import Cluster

    os.environ.update(ENVIRONMENT)
    self._cluster = Cluster(initialize_head=True, head_node_args=_NODE)
    self._second = self._cluster.add_node(**_NODE)
    self.address = self._cluster.address

  def lose(self) -> None:
    """Kills all processes of the second node."""
    self._cluster.remove_node(self._second, allow_graceful=False)

  def replace(self) -> None:
    """Adds a node in place of the lost one."""
    self._second = self._cluster.add_node(**_NODE)

  def close(self) -> None:
    """Ends the cluster."""
    self._cluster.shutdown()


def start(directory: Path, arguments: list[str]) -> subprocess.Popen:
  """Starts a sweep in a folder; what it prints goes to files beside the folder."""
  directory.parent.mkdir(parents=True, exist_ok=True)
  with open(f"{directory}.out", "w") as out, open(f"{directory}.err", "w") as errors:
    command = [sys.executable, str(SWEEP), f"--sweep_dir={directory}", *arguments]
    return subprocess.Popen(command, stdout=out, stderr=errors)


def finish(process: subprocess.Popen, directory: Path) -> None:
  """Waits for a sweep.

  Raises:
    RuntimeError: if it fails.
  """
  if process.wait() != 0:
    errors = Path(f"{directory}.err").read_text()
    raise RuntimeError(f"the sweep in {directory} failed:\n{errors}")


def lose(kind: str, directory: Path, nodes: Nodes) -> str:
  """Takes something away from a sweep that runs; which part it hit, or "" if there was none."""
  at_work = {}
  for path in sorted((directory / state.ATTEMPTS).glob("*.jsonl")):
    rows = state.attempts(directory, path.stem)
    if rows and "pid" in rows[-1]:
      at_work[path.stem] = rows[-1]["pid"]
  if kind == "node":
    nodes.lose()
    return ", ".join(at_work)
  for name, process in at_work.items():
    if kind == "worker":
      os.kill(process, signal.SIGKILL)
    else:
      shutil.rmtree(state.part(directory, name), ignore_errors=True)
    return name
  return ""


def compare(undisturbed: Path, directory: Path) -> list[str]:
  """What differs between two finished sweeps: parts' files, parameters, and the table."""
  found = []
  for path in sorted((undisturbed / state.PARTS).iterdir()):
    other = state.part(directory, path.name)
    found += [f"{path.name}: {name}" for name in differences(path, other)]
  tables = [Path(f"{one}.out").read_text() for one in (undisturbed, directory)]
  first, second = (text[text.index("\ndata set") : text.index("\nreport: ")] for text in tables)
  return found + ["the table"] * (first != second)


def loss(
  kind: str, moment: float, directory: Path, arguments: list[str], nodes: Nodes
) -> dict[str, Any]:
  """Runs a sweep from which something is taken after so many seconds; what happened.

  The moment waits until a part is at work.
  """
  started = time.monotonic()
  process = start(directory, [*arguments, f"--address={nodes.address}"])
  time.sleep(moment)
  hit = ""
  while not hit and process.poll() is None:
    hit = lose(kind, directory, nodes) if _at_work(directory) else ""
    time.sleep(0 if hit else 0.2)
  lost = time.monotonic() - started
  finish(process, directory)
  if kind == "node" and hit:
    nodes.replace()
  attempts = {
    path.stem: sum("host" in row for row in state.attempts(directory, path.stem))
    for path in sorted((directory / state.ATTEMPTS).glob("*.jsonl"))
  }
  return {
    "kind": kind,
    "parts_at_work": hit,
    "second": lost if hit else None,
    "seconds": time.monotonic() - started,
    "attempts": attempts,
  }


def _at_work(directory: Path) -> bool:
  paths = (directory / state.ATTEMPTS).glob("*.jsonl")
  return any("pid" in (state.attempts(directory, path.stem) or [{}])[-1] for path in paths)


def main(arguments: list[str]) -> None:
  logging.set_verbosity(logging.WARNING)
  out = Path(_OUT.value).absolute()
  shutil.rmtree(out, ignore_errors=True)
  undisturbed = out / "undisturbed"
  finish(start(undisturbed, ["--local", "--cpus_per_task=1", *arguments[1:]]), undisturbed)
  print("undisturbed: finished", flush=True)
  nodes, moments, losses = Nodes(), random.Random(_SEED.value), []
  try:
    started = time.monotonic()
    whole = out / "on_ray"
    finish(start(whole, [*arguments[1:], f"--address={nodes.address}"]), whole)
    seconds = time.monotonic() - started
    different = compare(undisturbed, whole)
    print(f"on Ray without a loss: {seconds:.0f} s, different: {different}", flush=True)
    for number in range(_LOSSES.value):
      kind = KINDS[number % len(KINDS)]
      directory = out / f"{number}"
      found = loss(kind, moments.uniform(0, seconds), directory, arguments[1:], nodes)
      found["different"] = compare(undisturbed, directory)
      losses.append(found)
      print(json.dumps(found), flush=True)
      _store(losses, seconds, different)
  finally:
    nodes.close()
  print(_RESULT)
  sys.exit(1 if different or any(one["different"] for one in losses) else 0)


def _store(losses: list[dict[str, Any]], seconds: float, different: list[str]) -> None:
  result = {
    "command": shlex.join(["python", "benchmarks/sweep_loss.py", *sys.argv[1:]]),
    "seconds_without_loss": seconds,
    "different_without_loss": different,
    "losses": losses,
    "device": machine.device_name(),
    "versions": {name: metadata.version(name) for name in ("dmg_jax", "jax", "ray")},
  }
  _RESULT.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
  app.run(main)
