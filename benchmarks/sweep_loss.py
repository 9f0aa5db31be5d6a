"""Takes away what a sweep runs on, at random moments, and checks that its table is the same.

  python benchmarks/sweep_loss.py --losses=10 -- --config=configs/quick.py --config.seeds=2 ...

What follows `--` are arguments of `launch/sweep.py`. One sweep runs here, undisturbed, without
Ray. Others run on a Ray cluster of two nodes on this machine, one after another, until so much was
taken from them: in turn, a worker's process (SIGKILL), a whole node (in whose place another
joins), the folder of a part that trains. Parameters, logs and the printed table must be the same as
without a loss. The result is printed and stored.
"""

import contextlib
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import machine
from absl import app, flags, logging
from finished_jobs import differences

from dmg_jax.experiments.sweep import state

_LOSSES = flags.DEFINE_integer("losses", 10, "How many.", lower_bound=1)
_SEED = flags.DEFINE_integer("moments_seed", 0, "Of the random moments.")
_PAUSE = flags.DEFINE_float("pause", 20.0, "Seconds between two losses, at most.")
_OUT = flags.DEFINE_string("sweeps", "runs/sweep_loss", "Folder of the sweeps; emptied first.")

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


def at_work(directory: Path) -> dict[str, int]:
  """Name -> process of each part that has logged a step and has not ended."""
  found = {}
  for path in sorted((directory / state.ATTEMPTS).glob("*.jsonl")):
    rows = state.attempts(directory, path.stem)
    if rows and "pid" in rows[-1] and state.trained(directory, path.stem):
      found[path.stem] = rows[-1]["pid"]
  return found


def lose(kind: str, directory: Path, nodes: Nodes) -> dict[str, Any] | None:
  """Takes something away from a sweep; what it was, or None if no part is at work."""
  parts = at_work(directory)
  if not parts:
    return None
  name, process = next(iter(parts.items()))
  hit = {"kind": kind, "at_work": {part: state.trained(directory, part) for part in parts}}
  if kind == "node":
    nodes.lose()
    nodes.replace()
    return hit
  if kind == "worker":
    # One that ended meanwhile is no loss.
    with contextlib.suppress(ProcessLookupError):
      os.kill(process, signal.SIGKILL)
      return hit | {"part": name}
    return None
  shutil.rmtree(state.part(directory, name), ignore_errors=True)
  return hit | {"part": name}


def compare(undisturbed: Path, directory: Path) -> list[str]:
  """What differs between two finished sweeps: parts' files, parameters, and the table."""
  found = []
  for path in sorted((undisturbed / state.PARTS).iterdir()):
    other = state.part(directory, path.name)
    found += [f"{path.name}: {name}" for name in differences(path, other)]
  tables = [Path(f"{one}.out").read_text() for one in (undisturbed, directory)]
  first, second = (text[text.index("\ndata set") : text.index("\nreport: ")] for text in tables)
  return found + ["the table"] * (first != second)


def disturbed(
  directory: Path,
  arguments: list[str],
  nodes: Nodes,
  kinds: Iterator[str],
  moments: random.Random,
  pause: float,
) -> dict[str, Any]:
  """Runs a sweep from which something is taken again and again; what happened.

  Args:
    directory, arguments: of the sweep.
    nodes: of the cluster.
    kinds: of the losses, in turn.
    moments, pause: of the seconds between them, and how many at most.
  """
  started = time.monotonic()
  process = start(directory, [*arguments, f"--address={nodes.address}"])
  losses: list[dict[str, Any]] = []
  for kind in kinds:
    wait = time.monotonic() + moments.uniform(0, pause)
    hit = None
    while hit is None and process.poll() is None:
      time.sleep(0.2)
      hit = lose(kind, directory, nodes) if time.monotonic() >= wait else None
    if hit is None:
      break
    losses.append({"second": time.monotonic() - started, **hit})
    print(json.dumps(losses[-1]), flush=True)
  finish(process, directory)
  attempts = {
    path.stem: sum("host" in row for row in state.attempts(directory, path.stem))
    for path in sorted((directory / state.ATTEMPTS).glob("*.jsonl"))
  }
  return {"seconds": time.monotonic() - started, "losses": losses, "attempts": attempts}


def main(arguments: list[str]) -> None:
  logging.set_verbosity(logging.WARNING)
  out = Path(_OUT.value).absolute()
  shutil.rmtree(out, ignore_errors=True)
  undisturbed = out / "undisturbed"
  finish(start(undisturbed, ["--local", "--cpus_per_task=1", *arguments[1:]]), undisturbed)
  print("undisturbed: finished", flush=True)
  nodes, moments = Nodes(), random.Random(_SEED.value)
  sweeps: list[dict[str, Any]] = []
  try:
    while (done := sum(len(one["losses"]) for one in sweeps)) < _LOSSES.value:
      directory = out / f"{len(sweeps)}"
      kinds = (KINDS[number % len(KINDS)] for number in range(done, _LOSSES.value))
      found = disturbed(directory, arguments[1:], nodes, kinds, moments, _PAUSE.value)
      sweeps.append(found | {"different": compare(undisturbed, directory)})
      print(json.dumps(sweeps[-1]), flush=True)
      _store(sweeps, undisturbed_times(undisturbed))
  finally:
    nodes.close()
  print(_RESULT)
  sys.exit(1 if any(one["different"] for one in sweeps) else 0)


def undisturbed_times(directory: Path) -> dict[str, float]:
  """Seconds from the first part's begin to the last one's end, and of the parts alone."""
  spans = []
  for path in (directory / state.ATTEMPTS).glob("*.jsonl"):
    begun, ended = (row["time"] for row in state.attempts(directory, path.stem))
    spans.append((begun, ended))
  begins, ends = zip(*spans, strict=True)
  return {
    "seconds": max(ends) - min(begins),
    "seconds_of_parts": sum(end - begin for begin, end in spans),
  }


def _store(sweeps: list[dict[str, Any]], times: dict[str, float]) -> None:
  result = {
    "command": shlex.join(["python", "benchmarks/sweep_loss.py", *sys.argv[1:]]),
    "losses": sum(len(one["losses"]) for one in sweeps),
    "undisturbed": times,
    "sweeps": sweeps,
    "device": machine.device_name(),
    "versions": {name: metadata.version(name) for name in ("dmg_jax", "jax", "ray")},
  }
  _RESULT.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
  app.run(main)
