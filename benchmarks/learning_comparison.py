"""Does it learn what the reference learns? DMG here, DMG in PyTorch, and cloning.

  python benchmarks/learning_comparison.py

On the embedded data, at the steps and seeds of `configs/mujoco.py`: DMG and
behaviour cloning by one job of `launch/main.py`, and DMG through the eager
PyTorch step, whose final actors are evaluated by the same code in the same
episodes. Scores, per seed, and the curves go to
benchmarks/results/learning_comparison.{json,png}. Started again, it continues.
"""

import functools
import json
import multiprocessing
import platform
import shutil
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags

from dmg_jax import run_directory
from dmg_jax.data import catalog
from dmg_jax.report.scores import intervals, statistics

_OUT = flags.DEFINE_string("out", "runs/learning_comparison", "Folder of the runs.")
_WORKERS = flags.DEFINE_integer("workers", 2, "PyTorch processes, of one thread each.")

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "learning_comparison.json"


def command(directory: Path) -> list[str]:
  """Of our job, as a user would give it."""
  return [
    "python",
    "launch/main.py",
    "--config=configs/mujoco.py",
    "--config.methods=dmg,bc",
    f"--run_dir={directory}",
  ]


def run_ours(directory: Path) -> tuple[dict, dict]:
  """The summary of our job, run to its end, and its config."""
  subprocess.run([sys.executable, *command(directory)[1:]], check=True, cwd=ROOT)
  summary = json.loads((ROOT / directory / run_directory.SUMMARY).read_text())
  return summary, run_directory.read_config(ROOT / directory)


def train_torch(directory: Path, steps: int, point: dict, seed: int) -> None:
  """Trains one seed in PyTorch and stores its actor, in our layout."""
  import recorded_trace
  import torch
  import torch_step

  from dmg_jax.data import load, scaling

  path = directory / f"actor_{seed}.npz"
  if path.exists():
    return
  torch.set_num_threads(1)
  torch.manual_seed(seed)
  dataset = load.load(catalog.EMBEDDED)
  low, high = dataset.action_low, dataset.action_high
  assert low is not None
  assert high is not None
  raw = dataset.transitions
  units = scaling.with_statistics(
    scaling.for_actions(raw.observations.shape[1], low, high), np.asarray(raw.observations)
  )
  sizes = raw.observations.shape[1], raw.actions.shape[1]
  settings = recorded_trace.Settings.at_point(point, sizes, steps, "offline")
  started = time.monotonic()
  agent = torch_step.Agent(settings, tuple(point["actor_hidden_sizes"]), torch.float32)
  agent.train(units.apply(raw), steps)
  tensors: dict[str, Any] = agent.snapshot()["actor"]
  print(f"PyTorch, seed {seed}: {time.monotonic() - started:.0f} s", flush=True)
  np.savez(path, **tensors, **{f"scaling_{k}": v for k, v in vars(units).items()})


def evaluate_torch(directory: Path, settings: dict, env: str, seed: int) -> float:
  """The score of a stored actor, in the episodes of our own last evaluation."""
  import jax
  import recorded_trace

  from dmg_jax import networks
  from dmg_jax.agents import dmg
  from dmg_jax.data.scaling import Scaling
  from dmg_jax.evaluation import Policies, Simulators, episode_seeds, evaluate

  with np.load(directory / f"actor_{seed}.npz") as file:
    stored = dict(file)
  units = Scaling(**{k.removeprefix("scaling_"): v for k, v in stored.items() if "scaling_" in k})
  tensors = {name: array for name, array in stored.items() if "scaling_" not in name}
  actor = recorded_trace.flax_parameters("actor", tensors)
  modules = networks.make(len(units.action_scale))
  stacked = jax.tree.map(lambda leaf: np.asarray(leaf)[None], (actor, units))
  policies = Policies(functools.partial(dmg.act, modules), *stacked)
  seeds = episode_seeds(
    settings["evaluation_seed"], [seed], settings["steps"], settings["evaluation_episodes"]
  )
  returns = evaluate(Simulators(env), policies, seeds).returns
  reference = catalog.reference_returns(env)
  assert reference is not None
  return float(catalog.normalised_score(returns.mean(), reference))


def last_scores(summary: dict, method: str) -> list[float]:
  """Each seed's score in the last evaluation."""
  (group,) = (group for group in summary["groups"] if group["method"] == method)
  return [run["last"] for run in group["runs"]]


def main(_) -> None:
  out = Path(_OUT.value)
  (ROOT / out / "torch").mkdir(parents=True, exist_ok=True)
  summary, config = run_ours(out / "ours")
  settings, (task,) = config["settings"], config["tasks"]
  runs = [run for run in config["runs"] if run["method"] == "dmg"]
  seeds = [run["seed"] for run in runs]
  trainings = [(ROOT / out / "torch", settings["steps"], runs[0]["point"], seed) for seed in seeds]
  with multiprocessing.get_context("spawn").Pool(_WORKERS.value) as pool:
    pool.starmap(train_torch, trainings, 1)
  torch_scores = [
    evaluate_torch(ROOT / out / "torch", settings, task["env"], seed) for seed in seeds
  ]
  provenance = json.loads(
    (ROOT / "dmg_jax/data/embedded" / catalog.EMBEDDED / "provenance.json").read_text()
  )
  scores = {
    "dmg_jax": last_scores(summary, "dmg"),
    "pytorch": torch_scores,
    "bc": last_scores(summary, "bc"),
  }
  interval = intervals.difference_interval(scores["dmg_jax"], scores["pytorch"])
  iqm = {name: statistics.interquartile_mean(values) for name, values in scores.items()}
  recorded = provenance["recording_policy"]["score"]
  result = {
    "command": "python benchmarks/learning_comparison.py",
    "job": " ".join(command(out / "ours")),
    "dataset": task["name"],
    "data_sha256": task["sha256"],
    "steps": settings["steps"],
    "episodes": settings["evaluation_episodes"],
    "seeds": seeds,
    "unit": "D4RL-normalised score of the last evaluation",
    "scores": scores,
    "iqm": iqm,
    "difference_dmg_jax_minus_pytorch": {
      "mean": float(np.mean(scores["dmg_jax"]) - np.mean(scores["pytorch"])),
      "interval_95": list(interval),
      "contains_zero": interval.low <= 0 <= interval.high,
    },
    "recording_policy_score": recorded,
    "data_score": summary["groups"][0]["data_score"],
    "dmg_exceeds_recording_policy": iqm["dmg_jax"] > recorded,
    "dmg_exceeds_cloning": iqm["dmg_jax"] > iqm["bc"],
    "devices": summary["devices"],
    "versions": summary["versions"]
    | {"torch": metadata.version("torch"), "platform": platform.platform()},
  }
  shutil.copy(ROOT / out / "ours" / run_directory.CURVES, RESULT.with_suffix(".png"))
  RESULT.write_text(json.dumps(result, indent=2) + "\n")
  print(json.dumps({key: result[key] for key in ("scores", "iqm")}, indent=1))
  print(f"difference to PyTorch: {result['difference_dmg_jax_minus_pytorch']}")
  print(f"recording policy {recorded:.1f}, the data's own mean {result['data_score']:.1f}")
  print(RESULT)


if __name__ == "__main__":
  app.run(main)
