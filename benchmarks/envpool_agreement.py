"""Compares EnvPool's MuJoCo tasks with Gymnasium's, from equal states under equal actions.

  python benchmarks/envpool_agreement.py [--output=FILE.json]

Needs `envpool` beside `gymnasium[mujoco]`, and nothing else of this project.
"""

import importlib.metadata
import json
import platform
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import envpool
import gymnasium
import numpy as np
from absl import app, flags

_OUTPUT = flags.DEFINE_string(
  "output",
  str(Path(__file__).parent / "results" / "envpool_agreement.json"),
  "Where the findings go.",
)

TASKS = ("HalfCheetah-v4", "Hopper-v4", "Walker2d-v4")
# These end when the body falls, and clip the velocities that they show.
FALLING = TASKS[1:]
EPISODES = 5
STEPS = 1000
TIMED_STEPS = 2000
BATCH = 16
ROUNDS = 3
# Two Gymnasium simulations this far apart at first show how fast any rounding grows.
NUDGE = 1e-15
# Deviations are kept for these steps, counted from 1.
MARKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def _make_envpool(task: str, environments: int, **options) -> Any:
  return envpool.make(
    task, env_type="gymnasium", num_envs=environments, num_threads=1, seed=0, **options
  )


def _observe(simulation: Any, task: str) -> np.ndarray:
  """Positions, and velocities as the task shows them."""
  velocities = simulation.data.qvel
  if task in FALLING:
    velocities = np.clip(velocities, -10, 10)
  return np.concatenate([simulation.data.qpos, velocities])


def _follow_episode(pool: Any, simulation: Any, nudged: Any, task: str, random: Any, whole: bool):
  """Deviations by step, until either ends the episode or the step limit."""
  observations, _ = pool.reset()
  simulation.reset()
  nudged.reset()
  positions = simulation.model.nq
  # Velocities after a reset are far from the bound at which observations clip them.
  simulation.set_state(observations[0, :positions], observations[0, positions:])
  nudged.set_state(observations[0, :positions] + NUDGE, observations[0, positions:])
  states, controls, rewards = [], [], []
  ends_agree = True
  for _ in range(STEPS):
    action = random.uniform(-1, 1, simulation.action_space.shape)
    observations, pool_reward, pool_ended, _, _ = pool.step(action[None])
    _, reward, ended, _, _ = simulation.step(action)
    nudged.step(action)
    shown = _observe(simulation, task)
    states.append(float(np.max(np.abs(observations[0] - shown))))
    controls.append(float(np.max(np.abs(_observe(nudged, task) - shown))))
    rewards.append(abs(float(pool_reward[0]) - float(np.float32(reward))))
    ends_agree &= bool(pool_ended[0]) == bool(ended)
    if not whole and (ended or pool_ended[0]):
      break
  return {"state": states, "control": controls, "reward": rewards, "ends_agree": ends_agree}


def agreement(task: str, whole: bool) -> dict[str, Any]:
  """The largest absolute deviation, over episodes of random actions, at some steps.

  Args:
    task: an id that both know.
    whole: go on to the step limit after a fall.
  """
  options: dict[str, bool] = {"exclude_current_positions_from_observation": False}
  if whole:
    options["terminate_when_unhealthy"] = False
  pool = _make_envpool(task, 1, **options)
  simulation, nudged = (gymnasium.make(task, **options).unwrapped for _ in range(2))
  random = np.random.default_rng(0)
  episodes = [
    _follow_episode(pool, simulation, nudged, task, random, whole) for _ in range(EPISODES)
  ]

  def largest(kind: str, step: int) -> float:
    return max(max(episode[kind][:step]) for episode in episodes)

  length = max(len(episode["state"]) for episode in episodes)
  marks = [step for step in MARKS if step < length] + [length]
  return {
    "lengths": [len(episode["state"]) for episode in episodes],
    "ends_agree": all(episode["ends_agree"] for episode in episodes),
    "largest_state_deviation_by_step": {step: largest("state", step) for step in marks},
    "same_between_nudged_gymnasiums": {step: largest("control", step) for step in marks},
    "largest_reward_deviation": largest("reward", length),
  }


def _rate(take_step: Callable[[], None], steps: int, environments: int) -> dict[str, float]:
  wall, processor = time.perf_counter(), time.process_time()
  for _ in range(steps):
    take_step()
  return {
    "per_second": environments * steps / (time.perf_counter() - wall),
    "per_processor_second": environments * steps / (time.process_time() - processor),
  }


def speeds(task: str) -> dict[str, dict[str, float]]:
  """Environment steps per second on one thread: the best of interleaved rounds."""
  simulation: Any = gymnasium.make(task)
  single, batched = _make_envpool(task, 1), _make_envpool(task, BATCH)
  for each in (simulation, single, batched):
    each.reset()
  size = simulation.action_space.shape[0]
  actions = np.random.default_rng(0).uniform(-1, 1, (BATCH, size))

  def step_gymnasium() -> None:
    _, _, ended, truncated, _ = simulation.step(actions[0])
    if ended or truncated:
      simulation.reset()

  cases = {
    "gymnasium": (step_gymnasium, 1),
    "envpool": (lambda: single.step(actions[:1]), 1),
    f"envpool_{BATCH}_environments": (lambda: batched.step(actions), BATCH),
  }
  best: dict[str, dict[str, float]] = {name: {} for name in cases}
  for _ in range(ROUNDS):
    for name, (take_step, environments) in cases.items():
      for key, rate in _rate(take_step, TIMED_STEPS // environments, environments).items():
        best[name][key] = round(max(rate, best[name].get(key, 0)), 1)
  return best


def _processor() -> str:
  for line in Path("/proc/cpuinfo").read_text().splitlines():
    if line.startswith("model name"):
      return line.split(":", 1)[1].strip()
  return platform.processor()


def main(_) -> None:
  findings = {
    "command": shlex.join(["python", *sys.argv]),
    "device": _processor(),
    "python": platform.python_version(),
    "versions": {
      name: importlib.metadata.version(name) for name in ("envpool", "gymnasium", "mujoco", "numpy")
    },
    "actions": "uniform in [-1, 1]",
    "episodes": EPISODES,
    "tasks": {
      task: {
        "until_the_episode_ends": agreement(task, whole=False),
        **({"past_falls": agreement(task, whole=True)} if task in FALLING else {}),
        "environment_steps": speeds(task),
      }
      for task in TASKS
    },
  }
  path = Path(_OUTPUT.value)
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_text(json.dumps(findings, indent=2) + "\n")
  print(path)


if __name__ == "__main__":
  app.run(main)
