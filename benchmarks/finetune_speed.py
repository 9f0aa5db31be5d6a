"""How fast online training is, and what bounds it.

  python benchmarks/finetune_speed.py [--runs=1,5] [--rounds=300]

DMG with networks of the paper's size learns in a point-mass maze, one gradient step for each
environment step, from made-up rows and its own. Of a round, in which every run takes one step of
each kind, it tells the seconds of the simulators, of learning (measured alone, in the same
sitting), and of the rest: acting, storing and dispatch. The result goes to
benchmarks/results/finetune_speed.json.
"""

import json
import sys
import time
from importlib import metadata

import jax
import numpy as np
from absl import app, flags
from jobs import RESULTS
from machine import device_name

from dmg_jax import experience, methods, tasks, training
from dmg_jax.agents import decayed
from dmg_jax.data import scaling
from dmg_jax.data.stream import Stream
from dmg_jax.envs.make import make, spaces
from dmg_jax.envs.workers import available_cores
from dmg_jax.online import exploration
from dmg_jax.online.loop import Loop, Playing, Settings
from dmg_jax.types import Hyperparameters, Transitions

RESULT = RESULTS / "finetune_speed.json"
ENV, SHARED, NOISE, WARM_UP = "dmg_jax/PointMaze-UMaze-v0", 100_000, 0.1, 20


def made_up(rows: int, observation_size: int, action_size: int) -> Transitions:
  """Random transitions; values do not matter to speed."""
  generator = np.random.default_rng(0)
  return Transitions(
    observations=generator.normal(size=(rows, observation_size)).astype(np.float32),
    actions=generator.uniform(-1, 1, (rows, action_size)).astype(np.float32),
    rewards=-np.ones(rows, np.float32),
    next_observations=generator.normal(size=(rows, observation_size)).astype(np.float32),
    not_dones=np.ones(rows, np.float32),
  )


def measure(runs: int, rounds: int) -> dict[str, float]:
  """Seconds of a round and of its parts, and the steps of all runs in a second."""
  environments = [make(ENV) for _ in range(runs)]
  observation_size, low, high = spaces(environments[0])
  shared = made_up(SHARED, observation_size, len(low))
  point = tasks.paper_point("", tasks.ANTMAZE)
  agent = decayed.make(methods.agent("dmg", point, len(low)))
  start = Hyperparameters(**{name: np.full(runs, point[name], np.float32) for name in tasks.TRACED})
  nothing = np.zeros(runs, np.int32)
  decay = decayed.Decay(start, start.lam, start.nu, nothing)
  begun = training.start(range(runs), agent, shared).replace(
    own=experience.Region(nothing, nothing)
  )
  program = training.make_program(agent, runs, tasks.BATCH_SIZE)
  units = scaling.for_actions(observation_size, low, high)
  length = WARM_UP + rounds
  loop = Loop(
    program,
    begun,
    decay,
    exploration.gaussian(agent, (NOISE,), 0.0),
    [
      Playing([env], Stream(length, 1, observation_size, len(low), seed), units, -1.0)
      for seed, env in enumerate(environments)
    ],
    shared,
    Settings(),
  )
  loop.advance(WARM_UP)
  simulated, started = loop.seconds, time.perf_counter()
  loop.advance(rounds)
  whole = (time.perf_counter() - started) / rounds
  simulators = (loop.seconds - simulated) / rounds
  learning = _learning(program, loop.runs(), decay, loop.data, rounds)
  loop.close()
  return {
    "round": whole,
    "simulators": simulators,
    "learning": learning,
    "rest": whole - simulators - learning,
    "steps_per_second": runs / whole,
  }


def _learning(
  program: training.Program,
  runs: training.Runs,
  decay: decayed.Decay,
  data: Transitions,
  rounds: int,
) -> float:
  """Seconds of a gradient step of all runs, one in a call, without anything between the calls."""
  placed, points, data = training.place(runs, decay, data, program)
  started = 0.0
  for round_ in range(-WARM_UP, rounds):
    if round_ == 0:
      jax.block_until_ready(placed.frozen_at)
      started = time.perf_counter()
    phase = round_ % program.agent.cycle
    placed, _ = training.advance_steps(placed, points, data, program, phase, 1)
  jax.block_until_ready(placed.frozen_at)
  return (time.perf_counter() - started) / rounds


def main(_) -> None:
  values = flags.FLAGS
  found = {int(runs): measure(int(runs), values.rounds) for runs in values.runs}
  result = {
    "command": " ".join(["python", *sys.argv]),
    "unit": "seconds of a round, in which each run takes an environment and a gradient step",
    "environment": ENV,
    "rounds": values.rounds,
    "runs": found,
    "device": device_name(),
    "cores_used": available_cores(),
    "versions": {name: metadata.version(name) for name in ("dmg_jax", "jax", "mujoco")},
  }
  RESULT.write_text(json.dumps(result, indent=1) + "\n")
  print(json.dumps(found, indent=1))


if __name__ == "__main__":
  # Here, and not above: whoever imports this file has flags of their own.
  flags.DEFINE_list("runs", ["1", "5"], "How many runs learn together.")
  flags.DEFINE_integer("rounds", 300, "Rounds that are measured.")
  app.run(main)
