"""What online training brings in point-mass mazes that offline training leaves unsolved.

  python benchmarks/finetuning.py [--steps=100000] [--jobs=medium,medium-kept,...]

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
from typing import Any

import finetune_speed_page
import finetuning_figure
from absl import app, flags
from finetuning_figure import method
from jobs import RESULTS, ROOT, run

from dmg_jax import run_directory, run_log

RESULT = RESULTS / "finetuning.json"
PAGE = ROOT / "docs" / "finetuning.md"
FIGURE = PAGE.with_name("finetuning_curves.png")
TARGET_RATE, OFFLINE_STEPS, SEEDS, EPISODES = 0.05, 4_000, 3, 20
WIDTHS = "(64,64)"
FOLDER = Path("runs/finetune")
# Name -> maze, and what differs from going on with the maze's offline runs of DMG and IQL.
JOBS: Mapping[str, tuple[str, str]] = {
  "medium-online": ("Medium", "source"),
  "medium-kept": ("Medium", "kept"),
  "medium-td3": ("Medium", "td3"),
  "large-online": ("Large", "source"),
  "large-kept": ("Large", "kept"),
  "large-td3": ("Large", "td3"),
}


def data(maze: str) -> Path:
  """The folder of a maze's data set."""
  return FOLDER / "data" / "dmg" / f"pointmaze-{maze.lower()}" / "diverse-v0"


def offline_commands(maze: str) -> list[list[str]]:
  """The data and the runs that go on."""
  settings = {
    "normalise_observations": True,
    "methods": "dmg,iql",
    "seeds": SEEDS,
    "steps": OFFLINE_STEPS,
    "target_rate": TARGET_RATE,
    "evaluation_interval": OFFLINE_STEPS,
    "evaluation_episodes": EPISODES,
    "actor_hidden_sizes": WIDTHS,
    "critic_hidden_sizes": WIDTHS,
    "value_hidden_sizes": WIDTHS,
  }
  collect = [
    "python",
    "launch/collect.py",
    f"--env=dmg_jax/PointMaze-{maze}-v0",
    "--tier=diverse",
    "--steps=100000",
    f"--root={FOLDER / 'data'}",
  ]
  train = ["python", "launch/main.py", f"--config=configs/antmaze.py:{data(maze)}"]
  train += _fields(settings)
  return [collect, [*train, f"--run_dir={FOLDER / f'{maze.lower()}-offline'}"]]


def online_command(name: str, steps: int) -> list[str]:
  """Of one of the `JOBS`, as a user would give it."""
  maze, what = JOBS[name]
  common = {
    "steps": steps,
    "evaluation_interval": steps // 4,
    "evaluation_episodes": EPISODES,
    "checkpoint_interval": steps // 8,
  }
  source = {"source": FOLDER / f"{maze.lower()}-offline"}
  dmg = " ".join(f"dmg,seed={seed}" for seed in range(SEEDS))
  config = "--config=configs/finetune.py"
  settings: dict[str, Any] = source
  if what == "kept":
    settings = source | {"runs": dmg, "decay": False}
  if what == "td3":
    config += f":{data(maze)}"
    settings = {
      "family": "antmaze",
      "normalise_observations": True,
      "methods": "td3",
      "seeds": SEEDS,
      "target_rate": TARGET_RATE,
      "actor_hidden_sizes": WIDTHS,
      "critic_hidden_sizes": WIDTHS,
    }
  words = ["python", "launch/finetune.py", config, *_fields(settings | common)]
  return [*words, f"--run_dir={FOLDER / name}"]


def _fields(settings: Mapping[str, Any]) -> list[str]:
  return [f"--config.{name}={value}" for name, value in settings.items()]


def measure(name: str, steps: int) -> dict[str, Any]:
  """What a job scored before and after, and the commands that lead to it."""
  maze, _ = JOBS[name]
  commands = [*offline_commands(maze), online_command(name, steps)]
  if (ROOT / data(maze)).exists():
    run(commands[1])
  else:
    for command in commands[:2]:
      run(command)
  run(commands[2])
  directory = ROOT / FOLDER / name
  summary = json.loads((directory / run_directory.SUMMARY).read_text())
  return {
    "maze": maze,
    "groups": summary["online"],
    "evaluations": evaluations(directory),
    "commands": [shlex.join(command) for command in commands],
    "seconds": summary["seconds"],
    "devices": summary["devices"],
    "versions": summary["versions"],
  }


def evaluations(directory: Path) -> dict[str, dict[str, float]]:
  """Id of a run -> step -> mean score of that evaluation's episodes, from a job's log."""
  scores: dict[str, dict[str, list[float]]] = {}
  for row in run_log.read(directory, run_log.EVALUATIONS):
    scores.setdefault(row["run"], {}).setdefault(str(row["step"]), []).append(row["score"])
  return {
    run_id: {step: statistics.fmean(episodes) for step, episodes in curve.items()}
    for run_id, curve in scores.items()
  }


_RULES = """# Online: fine-tuning and training from scratch

<!-- Made by `python benchmarks/finetuning.py`; not to be edited. -->

```bash
python launch/main.py --config=configs/antmaze.py:antmaze-umaze-v2 --run_dir=runs/offline
python launch/finetune.py --config=configs/finetune.py --config.source=runs/offline \\
  --run_dir=runs/online
python launch/report.py runs/offline runs/online --table=4 --out=report
```

The second command goes on with all runs of a finished offline job, together. Each run has its own
simulator, its own episodes and its own rows; the data's rows are held once. The run directory has
the files of [an offline job](jobs.md), and `streams/`, what each run went through. The same
command continues a job that was killed, to the same bits. Unfinished episodes are brought back by
repeating their actions.

## Rules

They are those of the paper (App. C.2) and of its code:

* λ moves from 0.25 to 0.5, and ν from its value to 1 % of it: the distance left is multiplied by
  0.99 every 1000 gradient steps. The paper has end points for AntMaze alone; for other data the
  same rule is taken, and printed. IQL and TD3 keep what they fix.
* Networks, target networks and the state of Adam are carried over; the actor's rate is constant.
* One gradient step for each environment step, from the first. Gaussian noise of 0.1 on actions.
* Minibatches are drawn uniformly from the data and the run's own rows.
* The discount is 0.995 where the data's name has "maze" and "large" in it.
* The reward is -1 for each step of a maze, and 0 where the goal is reached, which ends the episode,
  also on the last step that is allowed. (The released code stores such a last step as a failure.)

| field | what |
| --- | --- |
| `source`, `runs` | the offline job, and which of its runs; without a source, `methods` begin from scratch |
| `decay`, `lam_end`, `nu_end` | whether λ and ν move, and to where |
| `sampling` | `uniform`; `symmetric`: half of a minibatch from the data, half from the run's rows; `online`: the run's rows alone |
| `updates_per_step` | gradient steps for each environment step |
| `learn_every` | environment steps with one policy, before all their gradient steps in one call |
| `random_steps`, `exploration_noise` | how a run explores |

From scratch in the simulator of a data set, which also says how observations are normalised:

```bash
python launch/finetune.py --config=configs/finetune.py:antmaze-umaze-v2 --config.family=antmaze \\
  --config.methods=td3,sac                               # learn from their own rows alone
python launch/finetune.py --config=configs/finetune.py:antmaze-umaze-v2 --config.family=antmaze \\
  --config.methods=dmg --config.sampling=symmetric       # half of each minibatch is the data's
```

SAC (soft actor-critic) learns online alone: it explores by its policy's own randomness, and takes
no `exploration_noise`. `launch/collect.py` makes data through the same loop.
"""  # noqa: E501, RUF001 - tables of a page, and its symbols


def page(result: Mapping[str, Any]) -> str:
  """Rules, the table and the commands that make its numbers, in Markdown."""
  jobs = result["jobs"].values()
  commands = dict.fromkeys(command for job in jobs for command in job["commands"])
  return "\n".join(
    [
      _RULES,
      "## What was measured",
      "",
      f"Point-mass mazes of our own data (not D4RL's), {SEEDS} seeds, {result['steps']:,} online "
      f"steps, {EPISODES} episodes an evaluation.",
      f"The offline phase is short: {OFFLINE_STEPS:,} gradient steps with networks of 64 x 64 and a"
      f" target rate of {TARGET_RATE:g},",
      "so these numbers say what this code does, and do not compare with the paper's. Online steps "
      "are also further",
      "gradient steps on the data; what these alone would bring was not measured.",
      "",
      "| maze | method | success before | after | by seed | regret |",
      "| --- | --- | ---: | ---: | --- | ---: |",
      *(_row(job["maze"], group) for job in jobs for group in job["groups"]),
      "",
      "Success is in per cent, mean ± standard deviation over seeds. Regret is 1 - success,"
      " averaged over all evaluations,",
      "the one before the first step included; less is better.",
      "",
      *_figure(result),
      "```bash",
      *commands,
      "```",
      "",
      "Versions and devices are in [`finetuning.json`](../benchmarks/results/finetuning.json).",
      "",
      *finetune_speed_page.section(),
    ]
  )


def _row(maze: str, group: Mapping[str, Any]) -> str:
  seeds = ", ".join(_whole(row["end"]) for row in group["runs"])
  over = [
    f"{_whole(group[name]['mean'])} ± {_whole(group[name]['sd'])}" for name in ("start", "end")
  ]
  regret = group["regret"]["mean"]
  cells = [maze, method(group["label"]), *over, seeds, "-" if regret is None else f"{regret:.2f}"]
  return f"| {' | '.join(cells)} |"


def _whole(value: float | None) -> str:
  return "-" if value is None else f"{value:.0f}"


def _figure(result: Mapping[str, Any]) -> list[str]:
  """The curves, and what they show; nothing for a result from before they were stored."""
  if not _has_curves(result):
    return []
  return [
    f"![Success against online steps]({FIGURE.name})",
    "",
    "Lines are means over seeds, shaded from the least to the largest seed. Step 0 is the policy "
    "before the first",
    "online step: the offline one, or an untrained one from scratch.",
    "",
  ]


def _has_curves(result: Mapping[str, Any]) -> bool:
  return all("evaluations" in job for job in result["jobs"].values())


def write(result: Mapping[str, Any]) -> None:
  """Stores the result, and makes the page and its figure from it."""
  RESULT.write_text(json.dumps(result, indent=1) + "\n")
  write_page()
  if _has_curves(result):
    finetuning_figure.draw(result, FIGURE)


def write_page() -> None:
  """Makes the page from the stored results."""
  PAGE.write_text(page(json.loads(RESULT.read_text())), encoding="utf-8")


def collected(command: str, names: Iterable[str], steps: int) -> dict[str, Any]:
  """The whole result."""
  return {
    "command": command,
    "steps": steps,
    "jobs": {name: measure(name, steps) for name in names},
  }


def main(_: Sequence[str]) -> None:
  values = flags.FLAGS
  result = collected(" ".join(["python", *sys.argv]), values.jobs, values.steps)
  write(result)
  print(page(result))


if __name__ == "__main__":
  # Here, and not above: whoever imports this file has flags of their own.
  flags.DEFINE_integer("steps", 100_000, "Online steps.")
  flags.DEFINE_list("jobs", list(JOBS), f"Of {', '.join(JOBS)}.")
  app.run(main)
