"""Run directories as a job leaves them, made without training."""

import functools
from pathlib import Path
from typing import Any

import jax
import numpy as np

from dmg_jax import checkpoints, methods, run_config, run_directory, run_log, training
from dmg_jax.data.scaling import Scaling

SIZES = {"dmg/hopper/medium-v0": (5, 2), "mine": (3, 1)}
HIDDEN = {0: (8, 8), 1: (4, 6, 4)}
STEPS = (8, 16)


def config(**settings: Any) -> dict[str, Any]:
  """Three runs of two tasks, in two populations of other networks."""
  runs = [
    ("dmg,seed=0", "dmg/hopper/medium-v0", "dmg", 0, 0),
    ("dmg,seed=1", "dmg/hopper/medium-v0", "dmg", 1, 0),
    ("iql,mine,seed=0", "mine", "iql", 0, 1),
  ]
  return {
    "format": run_config.FORMAT,
    "kind": run_config.OFFLINE,
    "invocation": ["launch/main.py", "--config=configs/mujoco.py"],
    "settings": {
      "steps": 16,
      "evaluation_interval": 8,
      "evaluation_episodes": 2,
      "evaluation_seed": 0,
      "log_interval": 4,
      "checkpoint_interval": 8,
      "precision": "float32",
      "workers": 1,
      **settings,
    },
    "tasks": [
      {
        "name": name,
        "source": "",
        "kind": "npz",
        "sha256": "0" * 64,
        "env": "none",
        "env_kwargs": {},
        "step_limit": None,
        "normalise_observations": True,
        "clip_actions": False,
        "reward_shift": 0.0,
        "reference": [-20.0, 3000.0],
      }
      for name in SIZES
    ],
    "runs": [
      {
        "id": id_,
        "task": task,
        "method": method,
        "label": method.upper(),
        "point": point(population),
        "seed": seed,
        "population": population,
      }
      for id_, task, method, seed, population in runs
    ],
  }


def point(population: int) -> dict[str, Any]:
  hidden = list(HIDDEN[population])
  return {
    "lam": 0.25,
    "actor_schedule_steps": float("inf"),
    "batch_size": 8,
    "policy_delay": 2,
    "actor_hidden_sizes": hidden,
    "critic_hidden_sizes": hidden,
    "value_hidden_sizes": hidden,
  }


@functools.cache
def tree() -> dict[str, Any]:
  """What a checkpoint of these runs holds; each run and each scaling has its own numbers."""
  populations = {}
  members = [("dmg", (0, 1)), ("iql", (0,))]
  for population, (task, (method, seeds)) in enumerate(zip(SIZES, members, strict=True)):
    observation_size, action_size = SIZES[task]
    agent = methods.agent(method, point(population), action_size)
    shapes = jax.eval_shape(
      functools.partial(agent.init, observation_size=observation_size, action_size=action_size),
      jax.random.key(0),
    )
    generator = np.random.default_rng(population)
    count = len(seeds)
    populations[str(population)] = training.Runs(
      states=jax.tree.map(
        lambda leaf, generator=generator, count=count: np.asarray(
          generator.normal(size=(count, *leaf.shape)), leaf.dtype
        ),
        shapes,
      ),
      seeds=np.array(seeds, np.uint32),
      offsets=np.zeros(count, np.int32),
      sizes=np.full(count, 100, np.int32),
      frozen_at=np.full(count, training.ACTIVE, np.int32),
    )
  scalings = {
    str(place): Scaling(
      observation_mean=np.arange(size, dtype=np.float32) + place,
      observation_scale=np.arange(1, size + 1, dtype=np.float32),
      action_centre=np.full(actions, place, np.float32),
      action_scale=np.full(actions, 2 + place, np.float32),
    )
    for place, (size, actions) in enumerate(SIZES.values())
  }
  return {"populations": populations, "scalings": scalings}


def go_on(directory: Path, stored: dict[str, Any]) -> checkpoints.Restored:
  """What a job does when it is started, up to its first step."""
  claim = run_directory.claim(directory, stored)
  try:
    writer = checkpoints.Checkpoints(directory)
    restored = writer.restore_latest(tree(), stored["settings"]["steps"])
    run_log.check(directory, restored.positions, restored.digests)
    if restored.step < stored["settings"]["steps"]:
      run_log.RunLog(directory, restored.positions).close()
    claim.store_growth()
    return restored
  finally:
    claim.close()


def make(directory: Path, stored: dict[str, Any] | None = None, changed: Any = None) -> Path:
  """A finished job: two checkpoints, and logs that went on after the last.

  Args:
    directory: of the run.
    stored: its config.
    changed: the tree, if it is not `tree()`.
  """
  stored = config() if stored is None else stored
  claim = run_directory.claim(directory, stored)
  writer = checkpoints.Checkpoints(directory)
  log = run_log.RunLog(directory, {})
  for step in STEPS:
    for run in stored["runs"]:
      log.append(run_log.METRICS, [{"step": step, "run": run["id"], "q": 1.5}])
      log.append(run_log.EVALUATIONS, [{"step": step, "run": run["id"], "return": 2.0}])
    log.append(run_log.TIMING, [{"step": step, "what": "train", "seconds": 0.5}])
    writer.save(step, tree() if changed is None else changed, log.positions(), log.digests())
    log.append(run_log.TIMING, [{"step": step, "what": "checkpoint", "seconds": 0.1}])
  log.close()
  claim.close()
  return directory
