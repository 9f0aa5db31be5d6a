"""What evaluation takes of the wall clock at the paper's protocol.

  python benchmarks/evaluation_share.py

Measured are steps of the simulators for each second of processor time, with a policy of
the paper's size acting, in this process and in two worker processes: so that a busy machine
changes little. What 75 runs take follows from them and from the stored rates of training.
Every episode counts with its full length, which is the most that it can take; eight act
in one call, where a job's calls hold up to 256: so the hours are upper bounds. The result
goes to benchmarks/results/evaluation_share.json.
"""

import json
import resource
from importlib import metadata
from typing import Any

import jax
import numpy as np
from absl import app
from jobs import RESULTS
from machine import device_name

from dmg_jax import methods, stored_rates, tasks
from dmg_jax.data import scaling
from dmg_jax.envs.make import make, spaces
from dmg_jax.evaluation import Policies, Simulators, evaluate
from dmg_jax.stored_rates import Work

RUNS, LENGTH = 75, 1000
CORES = (1, 2, 16)
# Family of the paper's settings -> simulators, and how they play to the full length.
ENVIRONMENTS: dict[str, dict[str, dict[str, Any]]] = {
  tasks.LOCOMOTION: {
    "HalfCheetah-v4": {},
    "Hopper-v4": {"terminate_when_unhealthy": False},
    "Walker2d-v4": {"terminate_when_unhealthy": False},
  },
  tasks.ANTMAZE: {"dmg_jax/AntMaze-Large-v0": {}},
}
_POLICIES, _STEPS, _WORKERS = 8, 250, (1, 2)


def _processor_seconds() -> float:
  """Of this process and of its children that have ended."""
  used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
  return sum(one.ru_utime + one.ru_stime for one in used)


def rate(env_id: str, env_kwargs: dict[str, Any], workers: int) -> float:
  """Simulator steps for each second of processor time, all processes together.

  What a second evaluation takes beyond the first, in which the simulators are made.
  """
  kwargs = {**env_kwargs, "max_episode_steps": _STEPS}
  env = make(env_id, kwargs)
  size, low, high = spaces(env)
  env.close()
  point = tasks.paper_point("hopper-medium-v2")
  agent = methods.agent("dmg", point, len(low), "float32")
  states = [agent.init(jax.random.key(seed), size, len(low)) for seed in range(_POLICIES)]
  actors = jax.tree.map(lambda *leaves: np.stack(leaves), *map(agent.policy, states))
  units = scaling.for_actions(size, low, high)
  scalings = jax.tree.map(lambda leaf: np.stack([leaf] * _POLICIES), units)
  policies = Policies(agent.act, actors, scalings)

  def played(evaluations: int) -> tuple[int, float]:
    began, steps = _processor_seconds(), 0
    simulators = Simulators(env_id, kwargs, workers=workers)
    for number in range(evaluations):
      seeds = np.arange(_POLICIES)[:, None] + number
      steps += int(evaluate(simulators, policies, seeds).lengths.sum())
    simulators.close()
    return steps, _processor_seconds() - began

  played(1)  # compiles
  (few, short), (many, long) = played(1), played(2)
  return (many - few) / (long - short)


def share(family: str, per_core: float, measured: stored_rates.Measured, cores: int) -> dict:
  """Hours of training and evaluation of 75 runs, and what evaluation is of their sum."""
  schedule = tasks.SCHEDULES[family]
  evaluations = schedule["steps"] // schedule["evaluation_interval"]
  steps = RUNS * evaluations * schedule["evaluation_episodes"] * LENGTH
  evaluation = steps / per_core / cores / 3600
  work = Work(RUNS, schedule["steps"], measured.flops_per_step)
  training = stored_rates.seconds(measured, [work]) / 3600
  beside = measured.bytes_per_run is not None  # an accelerator
  return {
    "family": family,
    "device": measured.name,
    "cores": cores,
    "training_hours": training,
    "evaluation_hours": evaluation,
    "share_if_training_waits": evaluation / (evaluation + training),
    # What is left over when the shorter of the two is hidden behind the longer one.
    "share_beside_training": max(0.0, 1 - training / evaluation) if beside else None,
  }


def main(_) -> None:
  rates: dict[str, dict[str, dict[str, float]]] = {}
  for family, environments in ENVIRONMENTS.items():
    rates[family] = {
      name: {str(workers): rate(name, kwargs, workers) for workers in _WORKERS}
      for name, kwargs in environments.items()
    }
    print(rates[family], flush=True)
  shares = []
  for family, found in rates.items():
    # Steps are dealt evenly to the environments of a family.
    per_core = {
      workers: 1 / np.mean([1 / one[workers] for one in found.values()])
      for workers in map(str, _WORKERS)
    }
    for measured in stored_rates.load():
      for cores in CORES:
        # On a CPU training and evaluation take turns on the cores that were measured.
        if measured.bytes_per_run is not None or cores == 2:
          steps = per_core["1" if cores == 1 else "2"]
          shares.append(share(family, float(steps), measured, cores))
  result = {
    "command": "python benchmarks/evaluation_share.py",
    "device": device_name(),
    "versions": {
      name: metadata.version(name) for name in ("dmg_jax", "jax", "gymnasium", "mujoco", "ogbench")
    },
    "runs": RUNS,
    "episode_length": LENGTH,
    "steps_per_processor_second": rates,
    "shares": shares,
  }
  (RESULTS / "evaluation_share.json").write_text(json.dumps(result, indent=2) + "\n")
  for one in shares:
    print(one)


if __name__ == "__main__":
  app.run(main)
