"""Is DMG better than the data that it learned from, on every tier of data made here?

  python benchmarks/own_tiers.py
  python benchmarks/own_tiers.py --long --envs=Walker2d-v4 --tiers=medium

Collects each tier of three environments by `launch/collect.py` (with the policies
that come with the package; for the replays a training is recorded, or continued
where it was begun), and trains DMG on it by `launch/main.py`, seed by seed, at the
paper's settings except for fewer steps (over which the actor's learning rate falls
to 0) and the higher learning and target rates that fewer steps need; with
`--long`, more steps at the paper's rates. The scores of the last
evaluations go to benchmarks/results/own_tiers.json and, as a table, to
docs/own_data.md, after each data set. Started again, it continues.
"""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from absl import app, flags
from jobs import RESULTS, ROOT, run

from dmg_jax import run_directory
from dmg_jax.collect.request import default_dataset_id
from dmg_jax.collect.tiers import REPLAYS, TIERS
from dmg_jax.data import catalog
from dmg_jax.data.load import load

PAGE = ROOT / "docs" / "own_data.md"
RESULT = RESULTS / "own_tiers.json"


class Schedule(NamedTuple):
  """Gradient steps of a run, those between its evaluations, and its rates."""

  steps: int
  evaluation_interval: int
  learning_rate: float
  target_rate: float


SHORT = Schedule(24_000, 24_000, learning_rate=1e-3, target_rate=0.02)
LONG = Schedule(200_000, 20_000, learning_rate=3e-4, target_rate=0.005)
# Of the trainings whose replays these are: those of the policies that come with the
# package. Hopper's score rises from 30 to 90 within 2,500 steps, so that it is evaluated
# more often.
TRAININGS: dict[str, list[str]] = {
  "HalfCheetah-v4": ["--steps=1200000", "--annealed_steps=170000"],
  "Hopper-v4": ["--steps=400000", "--annealed_steps=160000"],
  "Walker2d-v4": ["--steps=2400000", "--annealed_steps=400000"],
}
LEVELS: dict[str, list[str]] = TRAININGS | {
  "Hopper-v4": ["--steps=200000", "--evaluate_every=500"],
}
# At the paper's 0.1 the policy on Walker2d's data left the data. On its medium-expert and
# expert data nu is the paper's.
NU = {("Walker2d-v4", tier): 1.0 for tier in ("random", "medium", *REPLAYS)}


class Plan(NamedTuple):
  """What to measure.

  Attributes:
    out: folder of the data and the runs.
    transitions: of each data set, about.
    seeds: runs on each data set.
    episodes: of an evaluation.
    schedule: of a run.
    workers: jobs at a time, of one thread each if there are several.
  """

  out: Path
  transitions: int
  seeds: int
  episodes: int
  schedule: Schedule
  workers: int


def collect_command(env_id: str, tier: str, plan: Plan) -> list[str]:
  """Of a data set, as a user would give it."""
  trainings = LEVELS if tier == "medium-replay" else TRAININGS
  return [
    "python",
    "launch/collect.py",
    f"--env={env_id}",
    f"--tier={tier}",
    *(["--train", *trainings[env_id]] if tier in REPLAYS else []),
    f"--keep={plan.transitions}",
    f"--root={plan.out / 'data'}",
  ]


def train_command(
  folder: Path, directory: Path, nu: float | None, seed: int, plan: Plan
) -> list[str]:
  """Of one run, as a user would give it; nu follows the data's name, if not given."""
  schedule = plan.schedule
  settings: dict[str, float] = {
    "seeds": 1,
    "first_seed": seed,
    "steps": schedule.steps,
    "target_rate": schedule.target_rate,
    "actor_schedule_steps": schedule.steps / 2,
    **{f"{name}_learning_rate": schedule.learning_rate for name in ("actor", "critic", "value")},
    "evaluation_interval": schedule.evaluation_interval,
    "evaluation_episodes": plan.episodes,
    **({} if nu is None else {"nu": nu}),
  }
  return [
    "python",
    "launch/main.py",
    f"--config=configs/mujoco.py:{folder}",
    *(f"--config.{name}={value}" for name, value in settings.items()),
    f"--run_dir={directory}",
  ]


def measure(env_id: str, tier: str, plan: Plan) -> dict[str, Any]:
  """A data set's own returns, and DMG's on it.

  Raises:
    ValueError: if the data set that is there was collected by another command.
  """
  dataset_id = default_dataset_id(env_id, tier)
  folder = plan.out / "data" / dataset_id
  collect = collect_command(env_id, tier, plan)
  if not (ROOT / folder).exists():
    run(collect)
  provenance = json.loads((ROOT / folder / "provenance.json").read_text())
  if provenance["command"] != " ".join(collect):
    raise ValueError(
      f"{folder} was made by `{provenance['command']}`, not by `{' '.join(collect)}`; "
      "remove it, or name another --out"
    )
  name = dataset_id.removeprefix("dmg/").replace("/", "-")
  kind = "-long" if plan.schedule == LONG else ""
  directories = [plan.out / f"{name}{kind}-{seed}" for seed in range(plan.seeds)]
  commands = [
    train_command(folder, directory, NU.get((env_id, tier)), seed, plan)
    for seed, directory in enumerate(directories)
  ]
  with ThreadPoolExecutor(plan.workers) as pool:
    list(pool.map(lambda command: run(command, one_thread=plan.workers > 1), commands))
  summaries = [
    json.loads((ROOT / directory / run_directory.SUMMARY).read_text()) for directory in directories
  ]
  dataset = load(str(ROOT / folder))
  assert dataset.reference is not None
  recorded = list(provenance.get("mean_episode_return_with_noise", {}).values())
  if tier in REPLAYS:
    recorded = [provenance["recording_policy"]["return"]]
  scores = [float(catalog.normalised_score(value, dataset.reference)) for value in recorded]
  return {
    "dataset": dataset.name,
    "data_sha256": dataset.sha256,
    "transitions": len(dataset.transitions.rewards),
    "data_return": float(dataset.episode_returns.mean()),
    "data_score": float(
      catalog.normalised_score(dataset.episode_returns.mean(), dataset.reference)
    ),
    "best_policy_score": max(scores, default=None),
    "noise": provenance.get("noise"),
    **plan.schedule._asdict(),
    "evaluations": summaries[0]["groups"][0]["window"],
    "dmg_scores": [summary["groups"][0]["runs"][0]["last"] for summary in summaries],
    "dmg_means_of_evaluations": [
      summary["groups"][0]["runs"][0]["mean_of_window"] for summary in summaries
    ],
    "nu": summaries[0]["groups"][0]["point"]["nu"],
    "commands": [provenance["command"], *(" ".join(command) for command in commands)],
    "devices": summaries[0]["devices"],
    "versions": summaries[0]["versions"],
  }


def page(result: Mapping[str, Any]) -> str:
  """The table, in Markdown."""
  return "\n".join(
    [
      "# DMG on data made by this package",
      "",
      f"<!-- Made by `{result['command']}` from benchmarks/results/; not to be edited. -->",
      "",
      "Data sets of every tier, made by `launch/collect.py` and named `dmg/…`. They are not",
      "D4RL's, and no number here compares with the paper's. Scores are normalised by D4RL's",
      f"reference returns. DMG's are of the last evaluation ({result['episodes']} episodes),",
      "with the standard deviation over seeds where there are several. The paper trains for a",
      "million steps with learning rate 0.0003 and target rate 0.005; its nu is 0.1, and 10 for",
      "expert and medium-expert data. Here the steps are fewer, and the actor's learning rate",
      "falls to 0 over them, as in the paper. Other values than the paper's were chosen on these",
      "data, with seed 0. All other settings are the paper's.",
      "",
      "| data set | noise | transitions | data's mean | best recorded policy | DMG | steps "
      "| learning rate | target rate | nu | seeds |",
      "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
      *(_row(figures) for figures in result["datasets"]),
      "",
      "Noise is the standard deviation of the noise on the recorded policies' actions (from -1 to",
      "1). The best recorded policy is the best of those that made the data, with that noise; for",
      "a replay, it is the policy at its end, without noise.",
      *(
        f"DMG's mean over all {row['evaluations']} evaluations of the {row['steps']:,} steps on "
        f"`{row['dataset']}` is {np.mean(row['dmg_means_of_evaluations']):.1f}."
        for row in result["datasets"]
        if row["evaluations"] > 1
      ),
      "",
      f"Made by `{result['command']}` (`--long` for {LONG.steps:,} steps); the commands, versions,",
      "devices and hashes are in [`own_tiers.json`](../benchmarks/results/own_tiers.json).",
      "",
    ]
  )


def _row(figures: Mapping[str, Any]) -> str:
  scores = figures["dmg_scores"]
  dmg = f"{np.mean(scores):.1f}"
  if len(scores) > 1:
    dmg += f" ± {np.std(scores, ddof=1):.1f}"
  best, noise = figures["best_policy_score"], figures["noise"]
  cells = [
    f"`{figures['dataset']}`",
    "" if noise is None else f"{noise:g}",
    f"{figures['transitions']:,}",
    f"{figures['data_score']:.1f}",
    "" if best is None else f"{best:.1f}",
    dmg,
    f"{figures['steps']:,}",
    f"{figures['learning_rate']:g}",
    f"{figures['target_rate']:g}",
    f"{figures['nu']:g}",
    str(len(scores)),
  ]
  return f"| {' | '.join(cells)} |"


def store(row: dict[str, Any], plan: Plan) -> None:
  """Adds what was measured to the result, or puts it in an older one's place, and writes the page.

  Raises:
    ValueError: if the others were measured otherwise.
  """
  fixed: dict[str, Any] = {
    "command": "python benchmarks/own_tiers.py",
    "unit": "D4RL-normalised score of the last evaluation",
    "episodes": plan.episodes,
  }
  rows = {}
  if RESULT.exists():
    stored = json.loads(RESULT.read_text())
    rows = {_identity(other): other for other in stored.pop("datasets")}
    if stored != fixed:
      raise ValueError(f"{RESULT} was measured otherwise: {stored}, now {fixed}; remove it first")
  rows[_identity(row)] = row
  result = fixed | {"datasets": [rows[identity] for identity in sorted(rows)]}
  RESULT.write_text(json.dumps(result, indent=1) + "\n")
  PAGE.write_text(page(result), encoding="utf-8")


def _identity(row: Mapping[str, Any]) -> tuple[str, int]:
  return row["dataset"], row["steps"]


def main(_) -> None:
  values = flags.FLAGS
  plan = Plan(
    Path(values.out),
    values.transitions,
    values.seeds,
    values.episodes,
    LONG if values.long else SHORT,
    values.workers,
  )
  for env_id in values.envs:
    for tier in values.tiers:
      row = measure(env_id, tier, plan)
      store(row, plan)
      print(_row(row), flush=True)
  print(PAGE)


if __name__ == "__main__":
  # Here, and not above: whoever imports this file has flags of their own.
  flags.DEFINE_string("out", "runs/own_tiers", "Folder of the data and the runs.")
  flags.DEFINE_list("envs", list(TRAININGS), "Of HalfCheetah-v4, Hopper-v4 and Walker2d-v4.")
  flags.DEFINE_list("tiers", list(TIERS), "Tiers.")
  flags.DEFINE_integer("transitions", 200_000, "To keep in each data set, about.")
  flags.DEFINE_integer("seeds", 2, "Runs on each data set.")
  flags.DEFINE_integer("episodes", 10, "Episodes of an evaluation.")
  flags.DEFINE_bool("long", False, f"{LONG.steps} steps at the paper's rates.")
  flags.DEFINE_integer("workers", 2, "Jobs at a time.")
  app.run(main)
