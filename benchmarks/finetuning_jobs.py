"""The jobs of benchmarks/finetuning.py, and their commands."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dmg_jax.data import catalog

FOLDER = Path("runs/finetune")
TARGET_RATE, SEEDS, EPISODES = 0.05, 3, 20


class Task(NamedTuple):
  """What the runs of a job learn in, and for how long.

  Attributes:
    title: of the table.
    config: of the offline job.
    family: whose settings the runs have.
    data: a name, or the folder of what is collected in `env`.
    env: where data are collected, for so many steps; none for data that there are.
    data_steps: see above.
    offline_steps, online_steps: gradient steps; environment steps.
    width: of the two hidden layers of every network.
    offline_changes, online_changes: fields of both jobs that are not those of the other tasks.
  """

  title: str
  config: str
  family: str
  data: str
  env: str
  data_steps: int
  offline_steps: int
  online_steps: int
  width: int
  offline_changes: Mapping[str, Any] = {}
  online_changes: Mapping[str, Any] = {}


_RATE = 1e-3


def _maze(kind: str, maze: str, **changes: Any) -> Task:
  usual = {"data_steps": 100_000, "offline_steps": 4_000, "online_steps": 100_000, "width": 64}
  folder = FOLDER / "data" / "dmg" / f"{kind.lower()}-{maze.lower()}" / "diverse-v0"
  env = f"dmg_jax/{kind}-{maze}-v0"
  return Task(
    f"{kind}-{maze}", "configs/antmaze.py", "antmaze", str(folder), env, **(usual | changes)
  )


TASKS: Mapping[str, Task] = {
  **{maze.lower(): _maze("PointMaze", maze) for maze in ("UMaze", "Medium", "Large")},
  "antmaze": _maze(
    "AntMaze", "UMaze", data_steps=200_000, offline_steps=20_000, online_steps=30_000, width=128
  ),
  "antlonger": _maze(
    "AntMaze",
    "UMaze",
    data_steps=200_000,
    offline_steps=100_000,
    online_steps=20_000,
    width=128,
    offline_changes={
      "evaluation_interval": 10_000,
      "evaluation_episodes": 10,
      "checkpoint_interval": 5_000,
      **{f"{network}_learning_rate": _RATE for network in ("actor", "critic", "value")},
    },
    online_changes={"evaluation_interval": 5_000},
  )._replace(title=f"AntMaze-UMaze (rates of {_RATE:g})"),
  "hopper": Task(
    "Hopper", "configs/mujoco.py", "locomotion", catalog.EMBEDDED, "", 0, 10_000, 30_000, 64
  ),
}
# How a job differs from going on with the offline runs of DMG and IQL. The longer one takes the
# gradient steps of both phases on the data alone.
SOURCE, KEPT, SCRATCH, LONGER = "online", "kept", "td3", "longer"
JOBS = tuple(f"{task}-{what}" for what in (SOURCE, KEPT, SCRATCH, LONGER) for task in TASKS)
# Of a label.
DATA_ALONE = "on the data alone"


def offline_commands(name: str) -> list[list[str]]:
  """The data of one of the `TASKS`, if they are not there, and the runs that go on."""
  task = TASKS[name]
  commands = [_offline_command(name, task.offline_steps, f"{name}-offline")]
  if not task.env:
    return commands
  collect = ["python", "launch/collect.py", f"--env={task.env}", "--tier=diverse"]
  collect += [f"--steps={task.data_steps}", f"--root={FOLDER / 'data'}"]
  return [collect, *commands]


def _offline_command(name: str, steps: int, run_dir: str) -> list[str]:
  task = TASKS[name]
  settings = {
    "methods": "dmg,iql",
    "seeds": SEEDS,
    "steps": steps,
    "evaluation_interval": task.offline_steps,
    **_common(task, "actor", "critic", "value"),
    **task.offline_changes,
  }
  train = ["python", "launch/main.py", f"--config={task.config}:{task.data}", *_fields(settings)]
  return [*train, f"--run_dir={FOLDER / run_dir}"]


def job_command(job: str) -> list[str]:
  """Of one of the `JOBS`, as a user would give it."""
  name, what = job.split("-")
  task = TASKS[name]
  if what == LONGER:
    return _offline_command(name, task.offline_steps + task.online_steps, job)
  common = {
    "steps": task.online_steps,
    "evaluation_interval": task.online_steps // 10,
    "evaluation_episodes": EPISODES,
    "checkpoint_interval": task.online_steps // 8,
    **task.online_changes,
  }
  config = "configs/finetune.py"
  settings: dict[str, Any] = {"source": FOLDER / f"{name}-offline"}
  if what == KEPT:
    dmg = " ".join(f"dmg,seed={seed}" for seed in range(SEEDS))
    settings |= {"runs": dmg, "decay": False}
  if what == SCRATCH:
    config += f":{task.data}"
    settings = {"methods": "td3", "seeds": SEEDS, "family": task.family}
    settings |= _common(task, "actor", "critic")
  words = ["python", "launch/finetune.py", f"--config={config}", *_fields(settings | common)]
  return [*words, f"--run_dir={FOLDER / job}"]


def _common(task: Task, *networks: str) -> dict[str, Any]:
  """Fields that offline runs and runs from scratch share."""
  widths = f"({task.width},{task.width})"
  return {
    "normalise_observations": True,
    "target_rate": TARGET_RATE,
    "evaluation_episodes": EPISODES,
    **{f"{network}_hidden_sizes": widths for network in networks},
  }


def _fields(settings: Mapping[str, Any]) -> list[str]:
  return [f"--config.{name}={value}" for name, value in settings.items()]


def commands(job: str) -> list[str]:
  """Those that lead to a job's numbers."""
  return [shlex.join(words) for words in (*offline_commands(job.split("-")[0]), job_command(job))]
