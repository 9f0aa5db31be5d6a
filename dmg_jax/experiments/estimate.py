"""What a plan will take: hours and memory, here and on devices whose rates are stored."""

import math
from collections.abc import Mapping
from typing import Any, Protocol

import jax
import jax.numpy as jnp

from dmg_jax import cost, methods, networks, plan, stored_rates
from dmg_jax.data.dataset import Dataset
from dmg_jax.stored_rates import Work
from dmg_jax.types import Transitions


class Planned(Protocol):
  """A job, offline or online."""

  @property
  def plan(self) -> plan.Plan: ...

  @property
  def settings(self) -> Mapping[str, Any]: ...


def here(job: Planned, datasets: Mapping[str, Dataset]) -> list[str]:
  """Lines on the time and the memory of a job on this process's devices.

  The time is from a rate that is measured now on a CPU, and from a stored one on an
  accelerator of the same kind; where there is none, nothing is said of it.
  """
  works, device = _works(job, datasets), jax.devices()[0]
  lines = []
  if device.platform == "cpu":
    rate, workers = cost.matmul_rate(), job.settings["workers"]
    flops = sum(work.flops * work.steps * work.runs / min(workers, work.runs) for work in works)
    lines.append(
      f"time        about {_duration(flops / rate)} of training, from {rate / 1e9:.0f} GFLOP/s of a"
      " core now; evaluation and compilation come on top"
    )
  for measured in stored_rates.load():
    if measured.device == f"1 x {device.device_kind}" and _same_precision(job, measured):
      seconds = stored_rates.seconds(measured, works) / len(jax.devices())
      lines.append(
        f"time        about {_duration(seconds)} of training, from a stored rate of this device; "
        "evaluation and compilation come on top"
      )
  states, data = memory(job, datasets)
  lines.append(f"memory      {_size(states)} of states, {_size(data)} of data on each device")
  return lines


def elsewhere(job: Planned, datasets: Mapping[str, Dataset], collected: int = 0) -> list[str]:
  """Lines on the hours and the memory of a job on devices whose rates are stored.

  Args:
    job: offline or online; of SAC's runs, whose operations are not counted, nothing is said.
    datasets: by name of the task.
    collected: bytes of the rows that an online job adds to the data.
  """
  if any(run.method in methods.ONLINE for run in job.plan.runs):
    return []
  works = _works(job, datasets)
  _, data = memory(job, datasets)
  data += collected
  runs = len(job.plan.runs)
  lines = []
  for measured in stored_rates.load():
    needed = ""
    if measured.bytes_per_run is not None:
      needed = (
        f", at most about {_size(measured.bytes_per_run * runs + data)} (at the paper's sizes)"
      )
    time = _duration(stored_rates.seconds(measured, works))
    lines.append(f"elsewhere   {measured.name}: {time} of training{needed}")
  return lines


def memory(job: Planned, datasets: Mapping[str, Dataset]) -> tuple[int, int]:
  """Bytes of all runs' states, and of the data; what a step needs meanwhile comes on top."""
  states = 0
  data: dict[tuple[str, ...], int] = {}
  for runs in job.plan.populations():
    transitions = datasets[runs[0].task].transitions
    size = transitions.actions.shape[1]
    agent = methods.agent(runs[0].method, runs[0].point, size, job.settings["precision"])
    made = jax.eval_shape(
      lambda key, agent=agent, transitions=transitions, size=size: agent.init(
        key, transitions.observations.shape[1], size, jnp.float32
      ),
      jax.random.key(0),
    )
    states += len(runs) * _bytes(made)
    tasks = tuple(dict.fromkeys(run.task for run in runs))
    # Populations on the same data share them; on the device all numbers are float32.
    data[tasks] = sum(4 * _numbers(datasets[name].transitions) for name in tasks)
  return states, sum(data.values())


def _works(job: Planned, datasets: Mapping[str, Dataset]) -> list[Work]:
  steps = job.settings["steps"] * job.settings.get("updates_per_step", 1)
  return [
    Work(len(runs), steps, _step_flops(runs[0], datasets[runs[0].task].transitions))
    for runs in job.plan.populations()
  ]


def _step_flops(run: plan.Run, transitions: Transitions) -> float:
  names = [name for name in networks.Architecture._fields if name in run.point]
  return cost.step_flops(
    networks.Architecture(**{name: run.point[name] for name in names}),
    transitions.observations.shape[1],
    transitions.actions.shape[1],
    run.point["batch_size"],
    run.point["policy_delay"],
    methods.find(run.method).form,
  )


def _same_precision(job: Planned, measured: stored_rates.Measured) -> bool:
  return job.settings["precision"] == measured.precision


def _bytes(tree: Any) -> int:
  return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def _numbers(tree: Any) -> int:
  return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))


def _size(size: float) -> str:
  return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _duration(seconds: float) -> str:
  if seconds < 90:
    return f"{seconds:.0f} s"
  return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{stored_rates.hours(seconds)} h"
