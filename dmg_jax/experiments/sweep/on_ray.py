"""The slices of a sweep as tasks of a Ray cluster, which places them and tries them again."""

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dmg_jax.errors import UserError
from dmg_jax.experiments.sweep import marker, state

EXTRA = "pip install 'dmg_jax[ray]'"
_PAUSE = 2.0
# Seconds for a machine to say what it sees, and for the tasks to save when a sweep is stopped.
_ANSWER, _GRACE = 300.0, 120.0
# What decides the numbers, the device and where data are, wherever a task runs.
_PASSED_ON = ("JAX_", "XLA_", "MUJOCO_", "MINARI_", "D4RL_", "DMG_")


class Resources(NamedTuple):
  """What each task needs.

  Attributes:
    cpus: whole cores; as many threads train.
    gpus: may be a part of one.
    others: name -> amount, as the nodes of the cluster state them: TPU hosts, for instance.
  """

  cpus: int
  gpus: float
  others: Mapping[str, float]

  def of_task(self) -> dict[str, float]:
    """As Ray's tables name them."""
    found = {"CPU": float(self.cpus), "GPU": self.gpus, **self.others}
    return {name: amount for name, amount in found.items() if amount}


def read_resources(text: str) -> dict[str, float]:
  """Names and amounts from "TPU=4,NAME=AMOUNT".

  Raises:
    UserError: if it is something else.
  """
  found: dict[str, float] = {}
  for part in filter(None, text.split(",")):
    name, _, amount = (word.strip() for word in part.partition("="))
    try:
      found[name] = float(amount)
    except ValueError:
      found[name] = 0.0
    if not name or not 0 < found[name] < math.inf:
      raise UserError(
        f"--resources_per_task is {text!r}, but it must be names with numbers above 0, such as "
        "TPU=4 or TPU=4,fast_disk=1"
      )
  return found


def installed() -> bool:
  """Whether Ray can be imported."""
  try:
    import ray  # noqa: F401
  except ImportError:
    return False
  return True


def connect(address: str | None, resources: Resources) -> None:
  """Joins a cluster, or starts one of this machine.

  Args:
    address: as `ray.init` takes it: "auto" or "host:port" of a cluster, "local" for one that
      begins and ends here; the cluster of this machine, or else "local", if not given.
    resources: of each task; without an accelerator among them, tasks compute on CPUs.

  Raises:
    UserError: if there is no such cluster, or it does not let this process in.
  """
  import ray

  passed = {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}
  if not resources.gpus and not resources.others:
    passed.setdefault("JAX_PLATFORMS", "cpu")
  try:
    ray.init(
      address=address,
      log_to_driver=False,
      logging_level="warning",
      runtime_env={"env_vars": passed},
    )
  except (ConnectionError, RuntimeError, ValueError) as error:
    line = " ".join(str(error).split())
    raise UserError(f"there is no Ray cluster at {address or 'this machine'}: {line}") from error
  except ray.exceptions.RayError as error:
    line = " ".join(str(error).split())
    raise UserError(f"Ray refuses the cluster at {address or 'this machine'}: {line}") from error


def check(directory: Path, token: str) -> list[str]:
  """Lets every node read the marker and say its versions; lines on the nodes.

  Args:
    directory: of the sweep.
    token: of the marker that was just written.

  Raises:
    UserError: naming the nodes that do not see it, do not answer, or run other versions.
  """
  import ray
  from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

  nodes = [node for node in ray.nodes() if node["Alive"]]
  look = ray.remote(num_cpus=0, max_retries=0)(marker.look)
  asked = [
    look.options(
      scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
    ).remote(str(directory))
    for node in nodes
  ]
  seen = [marker.look(directory)]
  until = time.monotonic() + _ANSWER
  for node, answer in zip(nodes, asked, strict=True):
    try:
      seen.append(ray.get(answer, timeout=max(0.0, until - time.monotonic())))
    except ray.exceptions.GetTimeoutError as error:
      raise UserError(
        f"node {node['NodeManagerHostname']} does not answer within {_ANSWER:.0f} s; repair it, or "
        "take it out of the cluster"
      ) from error
    except ray.exceptions.RayError as error:
      line = (str(error).strip().splitlines() or [type(error).__name__])[-1]
      raise UserError(
        f"node {node['NodeManagerHostname']} cannot run dmg_jax ({line}); install it there, or "
        "take the node out of the cluster"
      ) from error
  marker.check(directory, token, seen)
  return [f"node        {node['NodeManagerHostname']}: {_amounts(node)}" for node in nodes]


def _amounts(node: Mapping[str, Any]) -> str:
  found = node["Resources"]
  others = [name for name in found if ":" not in name and not name.endswith("memory")]
  return ", ".join(f"{found[name]:g} {name}" for name in sorted(others)) or "no resources"


def unplaced(resources: Resources) -> str:
  """A line if no node that is there now could take a task; "" otherwise."""
  import ray

  needed = resources.of_task()
  for node in ray.nodes():
    if node["Alive"] and all(node["Resources"].get(k, 0) >= v for k, v in needed.items()):
      return ""
  wanted = ", ".join(f"{amount:g} {name}" for name, amount in needed.items())
  return f"no node has {wanted} now: the parts wait until one joins the cluster"


def run(
  directory: Path,
  names: Sequence[str],
  *,
  resources: Resources,
  retries: int,
  stopped: Callable[[], bool],
  look: Callable[[], None],
) -> dict[str, str]:
  """Trains slices, one task each; Ray tries those again that fail or whose node dies.

  Args:
    directory: of the sweep, in storage that all nodes see.
    names: of the slices.
    resources: of each task.
    retries: attempts beyond the first, of each slice.
    stopped: whether to end; the tasks at work save, within limits.
    look: called every few seconds.

  Returns:
    Name of a slice that did not end -> why.
  """
  import ray

  task = ray.remote(_work).options(
    num_cpus=resources.cpus,
    num_gpus=resources.gpus,
    resources=dict(resources.others),
    max_retries=retries,
    retry_exceptions=True,
  )
  waiting = {task.remote(str(directory), name, resources.cpus): name for name in names}
  failures: dict[str, str] = {}
  while waiting and not stopped():
    done, _ = ray.wait(list(waiting), timeout=_PAUSE)
    look()
    for one in done:
      if why := _why(directory, waiting.pop(one), one):
        failures[why[0]] = why[1]
  if waiting:
    for one in waiting:
      ray.cancel(one)
    ray.wait(list(waiting), num_returns=len(waiting), timeout=_GRACE)
    look()
  return failures


def _why(directory: Path, name: str, answer: Any) -> tuple[str, str] | None:
  """Name of a slice and why it did not end; None if it did."""
  import ray

  try:
    refused = ray.get(answer)
  except ray.exceptions.RayError as error:
    _, why = state.ended(directory, name)
    return name, why or str(error).strip().splitlines()[0]
  return (name, refused) if refused else None


def _work(directory: str, name: str, workers: int) -> str:
  # Imported where it runs: the machine that only watches needs no JAX.
  from dmg_jax.experiments.sweep import part

  return part.work(directory, name, workers)


def close() -> None:
  """Leaves the cluster; one that `connect` started ends."""
  import ray

  ray.shutdown()
