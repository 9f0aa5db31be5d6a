"""How fast online training is, what bounds it, and how fast a plain PyTorch script is.

  python benchmarks/finetune_speed.py [--rounds=6] [--steps=60]

DMG with networks of the paper's size learns in a point-mass maze, one gradient step for each
environment step, from made-up rows and its own. Of a step, which every run takes, it tells the
seconds of the simulators, of learning (measured alone), and of the rest: acting, storing and
dispatch. The same loop with the eager PyTorch step (extra `bench`) has one run in one process;
more runs are one after another. On a GPU it learns there as well as on the CPU. All is measured in
one sitting, in interleaved rounds: a number is the median of the rounds, and a ratio the median of
the ratios within each round. The result goes to benchmarks/results/finetune_speed.json, or
finetune_speed_gpu.json, and a table of it to docs/finetuning.md.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any

import finetuning_page
import jax
import numpy as np
from absl import app, flags
from finetune_speed_page import GPU_RESULT, RESULT
from machine import device_name

from dmg_jax import experience, methods, tasks, training
from dmg_jax.agents import decayed
from dmg_jax.data import scaling
from dmg_jax.data.stream import Stream
from dmg_jax.envs.make import make, spaces
from dmg_jax.envs.workers import available_cores
from dmg_jax.online import exploration
from dmg_jax.online.loop import Loop, Settings
from dmg_jax.online.playing import Playing
from dmg_jax.online.population import OnlinePopulation
from dmg_jax.types import Hyperparameters, Transitions

ENV, SHARED, NOISE, SEVERAL = "dmg_jax/PointMaze-UMaze-v0", 100_000, 0.1, 20
# Runs together, and environment steps with one policy.
CONFIGURATIONS = ((1, 1), (5, 1), (1, SEVERAL), (5, SEVERAL))

# Takes so many steps and returns seconds of one, of all and of parts.
Job = Callable[[int], dict[str, float]]


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


def ours(runs: int, learn_every: int, steps: int, rows: int = SHARED) -> Job:
  """Our loop; it takes at most `steps` steps in all its calls, and begins with made-up rows."""
  environments = [make(ENV) for _ in range(runs)]
  observation_size, low, high = spaces(environments[0])
  shared = made_up(rows, observation_size, len(low))
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
  loop = Loop(
    program,
    begun,
    decay,
    exploration.gaussian(agent, (NOISE,), 0.0),
    [
      Playing([env], Stream(steps, 1, observation_size, len(low), seed), units, -1.0)
      for seed, env in enumerate(environments)
    ],
    shared,
    Settings(learn_every=learn_every, workers=available_cores()),
  )
  loop.prepare(steps)
  alone = OnlinePopulation(program, begun, decay, shared, available_cores())

  def job(count: int) -> dict[str, float]:
    simulated, started = loop.seconds, time.perf_counter()
    loop.advance(count)
    whole = (time.perf_counter() - started) / count
    simulators = (loop.seconds - simulated) / count
    learning = _learning(alone, agent.cycle, learn_every, count)
    return {
      "step": whole,
      "simulators": simulators,
      "learning": learning,
      "rest": whole - simulators - learning,
      "steps_per_second": runs / whole,
    }

  return job


def _learning(population: OnlinePopulation, cycle: int, at_once: int, count: int) -> float:
  """Seconds of a gradient step of all runs, without anything between the calls."""
  started = 0.0
  for number in range(-1, count // at_once):
    if number == 0:
      jax.block_until_ready(population.placed)
      started = time.perf_counter()
    population.advance(number * at_once % cycle, at_once)
  jax.block_until_ready(population.placed)
  return (time.perf_counter() - started) / (count // at_once * at_once)


def pytorch(threads: int, steps: int, device: str = "cpu") -> Job:
  """The plain script; products on a CPU have so many threads."""
  import online_torch
  from recorded_trace import Settings as TorchSettings

  env = make(ENV)
  observation_size, low, _ = spaces(env)
  point = tasks.paper_point("", tasks.ANTMAZE)
  settings = TorchSettings.at_point(point, (observation_size, len(low)), steps, "online")
  shared = made_up(SHARED, observation_size, len(low))
  widths = point["actor_hidden_sizes"]
  loop = online_torch.Loop(env, shared, steps, settings, tuple(widths), NOISE, threads, device)

  def job(count: int) -> dict[str, float]:
    started = time.perf_counter()
    loop.advance(count)
    whole = (time.perf_counter() - started) / count
    return {"step": whole, "steps_per_second": 1 / whole}

  return job


def measured(jobs: Mapping[str, Job], rounds: int, steps: int) -> dict[str, list[dict[str, float]]]:
  """What each job took in each round; a round before the first only warms up."""
  found: dict[str, list[dict[str, float]]] = {name: [] for name in jobs}
  for number in range(rounds + 1):
    for name, job in jobs.items():
      took = job(steps)
      if number:
        found[name].append(took)
  return found


def summary(found: Mapping[str, list[dict[str, float]]]) -> dict[str, Any]:
  """Medians of each job's rounds; and of our rates over the better of PyTorch's."""
  medians = {
    name: {key: float(np.median([took[key] for took in rounds])) for key in rounds[0]}
    for name, rounds in found.items()
  }
  plain = [name for name in found if name.startswith("PyTorch")]
  best = max(plain, key=lambda name: medians[name]["steps_per_second"])
  ratios = {
    name: float(
      np.median(
        [
          ours_["steps_per_second"] / theirs["steps_per_second"]
          for ours_, theirs in zip(rounds, found[best], strict=True)
        ]
      )
    )
    for name, rounds in found.items()
    if name not in plain
  }
  return {"medians": medians, "compared_with": best, "ratios": ratios}


def _name(runs: int, learn_every: int) -> str:
  name = f"{runs} run{'s' * (runs > 1)}"
  return name if learn_every == 1 else f"{name}, learn_every {learn_every}"


def main(_) -> None:
  values = flags.FLAGS
  if values.steps % SEVERAL:
    raise app.UsageError(f"--steps must be a multiple of {SEVERAL}")
  total = (values.rounds + 1) * values.steps
  jobs = {_name(runs, every): ours(runs, every, total) for runs, every in CONFIGURATIONS}
  for threads in sorted({1, available_cores()}):
    jobs[f"PyTorch, {threads} thread{'s' * (threads > 1)}"] = pytorch(threads, total)
  on_gpu = jax.default_backend() == "gpu"
  if on_gpu:
    jobs["PyTorch, GPU"] = pytorch(1, total, "cuda")
  found = measured(jobs, values.rounds, values.steps)
  result = {
    "command": " ".join(["python", *sys.argv]),
    "unit": "seconds of a step, in which each run takes an environment and a gradient step",
    "environment": ENV,
    "rounds": values.rounds,
    "steps": values.steps,
    **summary(found),
    "all": found,
    "device": device_name(),
    "cores_used": available_cores(),
    "versions": {name: metadata.version(name) for name in ("dmg_jax", "jax", "mujoco", "torch")},
  }
  (GPU_RESULT if on_gpu else RESULT).write_text(json.dumps(result, indent=1) + "\n")
  finetuning_page.write()
  print(json.dumps({name: result[name] for name in ("medians", "ratios")}, indent=1))


if __name__ == "__main__":
  # Here, and not above: whoever imports this file has flags of their own.
  flags.DEFINE_integer("rounds", 6, "Rounds, after one that warms up.", lower_bound=1)
  flags.DEFINE_integer("steps", 60, "Steps of each job in a round.", lower_bound=SEVERAL)
  app.run(main)
