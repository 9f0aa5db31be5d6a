"""Run directories of jobs that never ran."""

import json

import numpy as np

from dmg_jax.report import units
from dmg_jax.report.tables import job_table
from dmg_jax.run_config import FORMAT

TASK = "dmg/hopper/medium-v0"
VERSIONS = {"dmg_jax": "0.1.0", "jax": "0.10.2", "gymnasium": "1.4.0", "mujoco": "4.0.0"}
POINT = {
  "lam": 0.25, "nu": 0.1, "q_coefficient": 1.0, "expectile": 0.7, "inverse_temperature": 3.0,
  "weight_clip": 3.0, "discount": 0.99, "target_rate": 0.005, "smoothing_noise": 0.2,
  "smoothing_clip": 0.5, "actor_learning_rate": 3e-4, "critic_learning_rate": 3e-4,
  "value_learning_rate": 3e-4, "actor_schedule_steps": 500_000.0, "batch_size": 256,
  "policy_delay": 2, "actor_hidden_sizes": [256, 256], "critic_hidden_sizes": [256, 256],
  "value_hidden_sizes": [256, 256], "critics": 2, "critic_layer_norm": False,
  "value_layer_norm": False,
}  # fmt: skip


def task(name=TASK, **changes):
  """A task of a config."""
  return {
    "name": name, "source": name, "kind": "minari", "sha256": "ab" * 32, "env": "Hopper-v4",
    "env_kwargs": {}, "step_limit": None, "normalise_observations": True, "clip_actions": False,
    "reward_shift": 0.0, "reference": [-20.27, 3234.3],
  } | changes  # fmt: skip


def runs(method="dmg", label="DMG", seeds=(0, 1), name=TASK, **point):
  """The runs of one group."""
  return [
    {
      "id": f"{name.replace('/', '-')},{label},seed={seed}", "task": name, "method": method,
      "label": label, "point": POINT | point, "seed": seed, "population": 0,
    }
    for seed in seeds
  ]  # fmt: skip


def config(tasks, members, invocation=None, **settings):
  """A job's config."""
  return {
    "format": FORMAT,
    "kind": "offline",
    "invocation": invocation or ["launch/main.py", "--config=configs/mujoco.py"],
    "settings": {
      "steps": 20, "evaluation_interval": 10, "evaluation_episodes": 2, "evaluation_seed": 0,
      "log_interval": 10, "checkpoint_interval": 10, "precision": "float32", "workers": 1,
    } | settings,
    "tasks": tasks,
    "runs": members,
  }  # fmt: skip


def evaluation_rows(members, scores, steps, episodes=2):
  """Rows of a log: the mean of a run's episodes at a step is its score."""
  return [
    {"step": step, "run": run["id"], "episode": episode, "return": score, "score": score}
    for place, step in enumerate(steps)
    for run, line in zip(members, scores, strict=True)
    if np.isfinite(line[place])
    for episode, score in enumerate(line[place] + np.linspace(-1, 1, episodes) * (episodes > 1))
  ]


def write(directory, *groups, versions=VERSIONS, **settings):
  """A finished directory of one group, or of several given as dicts of `group`'s arguments."""
  return write_groups(directory, groups or ({},), versions, settings)


def write_groups(directory, groups, versions=VERSIONS, settings=None, invocation=None):
  tasks, members, rows, summaries = {}, [], [], []
  job = config([], [], **(settings or {}))["settings"]
  for group in groups:
    arguments = {"scores": ((1.0, 5.0), (2.0, 6.0)), "first_seed": 0, "frozen_at": None} | group
    named = task(**arguments.pop("task", {}))
    tasks[named["name"]] = named
    scores = np.array(arguments.pop("scores"), np.float64)
    steps = [job["steps"] * (k + 1) // scores.shape[1] for k in range(scores.shape[1])]
    first, frozen_at = arguments.pop("first_seed"), arguments.pop("frozen_at")
    mine = runs(seeds=range(first, first + len(scores)), name=named["name"], **arguments)
    rows += evaluation_rows(mine, scores, steps, job["evaluation_episodes"])
    members += mine
    summaries.append(
      job_table.summarise(
        job_table.Results(
          named["name"], mine[0]["method"], mine[0]["label"], mine[0]["point"],
          tuple(run["id"] for run in mine), np.array([run["seed"] for run in mine]),
          np.array(steps), scores, units.SCORE, job["evaluation_episodes"],
          np.array(frozen_at if frozen_at is not None else [-1] * len(mine)),
          named["env"] != "none",
        )
      )
    )  # fmt: skip
  directory.mkdir(parents=True)
  written = config(list(tasks.values()), members, invocation, **(settings or {}))
  (directory / "config.json").write_text(json.dumps(written))
  (directory / "evaluations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
  summary = {"steps": job["steps"], "groups": summaries, "versions": versions}
  (directory / "summary.json").write_text(json.dumps(summary))
  return directory
