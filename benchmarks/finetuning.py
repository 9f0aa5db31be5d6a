"""What online training brings in mazes, which offline training may leave unsolved, and in Hopper.

  python benchmarks/finetuning.py [--jobs=medium-online,medium-kept,...]

Collects data by `launch/collect.py`, trains DMG and IQL on them by `launch/main.py`, and goes on
with `launch/finetune.py`. What the jobs scored, and every command, go to
benchmarks/results/finetuning.json, docs/finetuning.md and its figure. Started again, it continues.
"""

import json
import shlex
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import finetune_speed_page
import finetuning_figure
import numpy as np
from absl import app, flags
from finetuning_figure import method
from finetuning_rules import RULES
from jobs import RESULTS, ROOT, run

from dmg_jax import methods, run_directory, run_log
from dmg_jax.data import catalog
from dmg_jax.report.scores.labels import FROM_SCRATCH
from dmg_jax.report.tables import job_table, online_table

RESULT = RESULTS / "finetuning.json"
PAGE = ROOT / "docs" / "finetuning.md"
FIGURE = PAGE.with_name("finetuning_curves.png")
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


def _maze(kind: str, maze: str, **changes: int) -> Task:
  sizes = {"data_steps": 100_000, "offline_steps": 4_000, "online_steps": 100_000, "width": 64}
  folder = FOLDER / "data" / "dmg" / f"{kind.lower()}-{maze.lower()}" / "diverse-v0"
  env = f"dmg_jax/{kind}-{maze}-v0"
  return Task(
    f"{kind}-{maze}", "configs/antmaze.py", "antmaze", str(folder), env, **(sizes | changes)
  )


TASKS: Mapping[str, Task] = {
  **{maze.lower(): _maze("PointMaze", maze) for maze in ("UMaze", "Medium", "Large")},
  "antmaze": _maze(
    "AntMaze", "UMaze", data_steps=200_000, offline_steps=20_000, online_steps=30_000, width=128
  ),
  "hopper": Task(
    "Hopper", "configs/mujoco.py", "locomotion", catalog.EMBEDDED, "", 0, 10_000, 30_000, 64
  ),
}
# How a job differs from going on with the offline runs of DMG and IQL. The longer one takes the
# gradient steps of both phases on the data alone.
SOURCE, KEPT, SCRATCH, LONGER = "online", "kept", "td3", "longer"
JOBS = tuple(f"{task}-{what}" for what in (SOURCE, KEPT, SCRATCH, LONGER) for task in TASKS)
_DATA_ALONE = "on the data alone"


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


def measure(job: str) -> dict[str, Any]:
  """What a job scored before and after, and the commands that lead to it."""
  task = TASKS[job.split("-")[0]]
  *collect, train = offline_commands(job.split("-")[0])
  if not (ROOT / task.data).exists():
    for command in collect:
      run(command)
  run(train)
  run(job_command(job))
  directory = ROOT / FOLDER / job
  summary = json.loads((directory / run_directory.SUMMARY).read_text())
  found = evaluations(directory)
  longer = job.endswith(LONGER)
  if longer:
    found = {run_id: since(curve, task.offline_steps) for run_id, curve in found.items()}
  return {
    "task": task._asdict(),
    "groups": alone(summary["groups"], found) if longer else summary["online"],
    "evaluations": found,
    "commands": commands(job),
    "seconds": summary["seconds"],
    "devices": summary["devices"],
    "versions": summary["versions"],
  }


def commands(job: str) -> list[str]:
  """Those that lead to a job's numbers."""
  return [shlex.join(words) for words in (*offline_commands(job.split("-")[0]), job_command(job))]


def since(curve: Mapping[str, float], offline_steps: int) -> dict[str, float]:
  """The evaluations from a step on, which is step 0 of the result."""
  return {
    str(int(step) - offline_steps): score
    for step, score in curve.items()
    if int(step) >= offline_steps
  }


def alone(
  groups: Sequence[Mapping[str, Any]], found: Mapping[str, Mapping[str, float]]
) -> list[dict[str, Any]]:
  """An offline job's groups in the form of an online job's.

  Args:
    groups: of its summary.
    found: id of a run -> step -> score, see `since`.
  """
  return [
    online_table.summarise(
      job_table.Results(
        task=group["task"],
        method=group["method"],
        label=f"{methods.find(group['method']).title} {_DATA_ALONE}",
        point=group["point"],
        runs=tuple(run["id"] for run in group["runs"]),
        seeds=np.array([run["seed"] for run in group["runs"]]),
        steps=np.array([int(step) for step in found[group["runs"][0]["id"]]]),
        scores=np.array([list(found[run["id"]].values()) for run in group["runs"]]),
        unit=group["unit"],
        episodes=group["episodes_per_evaluation"],
        frozen_at=np.array(
          [-1 if run["diverged_at"] is None else run["diverged_at"] for run in group["runs"]]
        ),
      )
    )
    for group in groups
  ]


def evaluations(directory: Path) -> dict[str, dict[str, float]]:
  """Id of a run -> step -> mean score of that evaluation's episodes, from a job's log."""
  scores: dict[str, dict[str, list[float]]] = {}
  for row in run_log.read(directory, run_log.EVALUATIONS):
    scores.setdefault(row["run"], {}).setdefault(str(row["step"]), []).append(row["score"])
  return {
    run_id: {step: statistics.fmean(episodes) for step, episodes in curve.items()}
    for run_id, curve in scores.items()
  }


_SHORT = """The offline phase is short and the networks are small, so these numbers say what
this code does, and do not compare with the paper's. Online steps are also further gradient steps on
the data: what these bring alone has rows of its own.
"""
_COLUMNS = """Of mazes, success in per cent; of Hopper, the normalised score: mean ± standard
deviation over seeds. Regret is 1 - success, averaged over all evaluations, the one before the first
step included; less is better. *Kept*: λ and ν do not move. What has 0 steps offline began from
scratch. *On the data alone*: both phases' gradient steps without a simulator; before is where the
others go online.
"""  # noqa: RUF001 - the paper's symbol


def page(result: Mapping[str, Any]) -> str:
  """Rules, the table and the commands that make its numbers, in Markdown."""
  jobs = result["jobs"].values()
  found = dict.fromkeys(command for job in jobs for command in job["commands"])
  return "\n".join(
    [
      RULES,
      "## What was measured",
      "",
      f"Data of our own (not D4RL's), {SEEDS} seeds, {EPISODES} episodes an evaluation, a target "
      f"rate of {TARGET_RATE:g}.",
      _SHORT,
      "| task | method | steps offline, online | before | after | by seed | regret |",
      "| --- | --- | ---: | ---: | ---: | --- | ---: |",
      *(_row(job["task"], group) for job in jobs for group in job["groups"]),
      "",
      _COLUMNS,
      f"![Scores against online steps]({FIGURE.name})",
      "",
      "Lines are means over seeds, shaded from the least to the largest seed. Step 0 is the policy "
      "before the first",
      "online step: the offline one, or an untrained one from scratch.",
      "",
      "```bash",
      *found,
      "```",
      "",
      "Versions and devices are in [`finetuning.json`](../benchmarks/results/finetuning.json).",
      "",
      *finetune_speed_page.section(),
    ]
  )


def _row(task: Mapping[str, Any], group: Mapping[str, Any]) -> str:
  seeds = ", ".join(_whole(row["end"]) for row in group["runs"])
  over = [
    f"{_whole(group[name]['mean'])} ± {_whole(group[name]['sd'])}" for name in ("start", "end")
  ]
  regret = group["regret"]["mean"]
  offline, online = task["offline_steps"], task["online_steps"]
  if FROM_SCRATCH in group["label"]:
    offline = 0
  if group["label"].endswith(_DATA_ALONE):
    offline, online = offline + online, 0
  cells = [
    task["title"], method(group["label"]), f"{offline:,}, {online:,}", *over, seeds,
    "-" if regret is None else f"{regret:.2f}",
  ]  # fmt: skip
  return f"| {' | '.join(cells)} |"


def _whole(value: float | None) -> str:
  return "-" if value is None else f"{value:.0f}"


def write(result: Mapping[str, Any]) -> None:
  """Stores the result, and makes the page and its figure from it."""
  RESULT.write_text(json.dumps(result, indent=1) + "\n")
  write_page()
  finetuning_figure.draw(result, FIGURE)


def write_page() -> None:
  """Makes the page from the stored results."""
  PAGE.write_text(page(json.loads(RESULT.read_text())), encoding="utf-8")


def collected(command: str, names: Iterable[str], before: Mapping[str, Any]) -> dict[str, Any]:
  """The result: jobs that are named, and of those before all that the same commands make."""
  kept = {
    job: found
    for job, found in before.get("jobs", {}).items()
    if job in JOBS and found["commands"] == commands(job)
  }
  jobs = kept | {job: measure(job) for job in names}
  return {"command": command, "jobs": {job: jobs[job] for job in JOBS if job in jobs}}


def main(_: Sequence[str]) -> None:
  values = flags.FLAGS
  result = json.loads(RESULT.read_text()) if RESULT.exists() else {}
  for job in values.jobs:
    result = collected(" ".join(["python", *sys.argv]), [job], result)
    write(result)
  print(page(result))


if __name__ == "__main__":
  # Here, and not above: whoever imports this file has flags of their own.
  flags.DEFINE_list("jobs", list(JOBS), f"Of {', '.join(JOBS)}.")
  app.run(main)
