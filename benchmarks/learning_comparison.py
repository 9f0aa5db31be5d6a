"""Does it learn what the reference learns? DMG here, DMG in PyTorch, and cloning.

  python benchmarks/learning_comparison.py

On the embedded data, at the steps and seeds of `configs/mujoco.py`: DMG and
behaviour cloning (lambda 0, q 0, nu 1, alpha 0) through `launch/main.py`, and
DMG through the eager PyTorch step, whose final actors are evaluated by the same
code in the same episodes. Scores, per seed, and the curves of DMG go to
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
CLONING: dict[str, float] = {"lam": 0, "q_coefficient": 0, "nu": 1, "inverse_temperature": 0}


def command(directory: Path, overrides: dict[str, float]) -> list[str]:
  """Of a job of ours, as a user would give it."""
  return [
    "python",
    "launch/main.py",
    "--config=configs/mujoco.py",
    *(f"--config.{name}={value}" for name, value in overrides.items()),
    f"--run_dir={directory}",
  ]


def run_ours(directory: Path, overrides: dict[str, float]) -> dict:
  """The summary of a job of ours, run to its end."""
  arguments = [sys.executable, *command(directory, overrides)[1:]]
  subprocess.run(arguments, check=True, cwd=ROOT)
  return json.loads((ROOT / directory / run_directory.SUMMARY).read_text())


def train_torch(directory: Path, config: dict, seed: int) -> None:
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
  settings = recorded_trace.Settings(
    S=raw.observations.shape[1],
    A=raw.actions.shape[1],
    B=config["batch_size"],
    N=config["steps"],
    start_step=0,
    mode="offline",
    discount=config["discount"],
    tau=config["target_rate"],
    policy_freq=config["policy_delay"],
    expectile=config["expectile"],
    temperature=config["inverse_temperature"],
    lam=config["lam"],
    lam_end=config["lam"],
    nu=config["nu"],
    nu_end=config["nu"],
    max_weight=config["weight_clip"],
    lr_actor_final=config["actor_learning_rate"],
  )
  started = time.monotonic()
  agent = torch_step.Agent(settings, tuple(config["hidden_sizes"]), torch.float32)
  agent.train(units.apply(raw), config["steps"])
  tensors: dict[str, Any] = agent.snapshot()["actor"]
  print(f"PyTorch, seed {seed}: {time.monotonic() - started:.0f} s", flush=True)
  np.savez(path, **tensors, **{f"scaling_{k}": v for k, v in vars(units).items()})


def evaluate_torch(directory: Path, config: dict, seed: int) -> float:
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
    config["evaluation_seed"], [seed], config["steps"], config["evaluation_episodes"]
  )
  returns = evaluate(Simulators(config["env"]), policies, seeds).returns
  reference = catalog.reference_returns(config["env"])
  assert reference is not None
  return float(catalog.normalised_score(returns.mean(), reference))


def last_scores(summary: dict) -> list[float]:
  """Each seed's score in the last evaluation."""
  return [row["last"] for row in summary["results"]["seeds"]]


def main(_) -> None:
  out = Path(_OUT.value)
  (ROOT / out / "torch").mkdir(parents=True, exist_ok=True)
  dmg = run_ours(out / "dmg", {})
  config = dmg["config"]
  seeds = [row["seed"] for row in dmg["results"]["seeds"]]
  with multiprocessing.get_context("spawn").Pool(_WORKERS.value) as pool:
    pool.starmap(train_torch, [(ROOT / out / "torch", config, seed) for seed in seeds], 1)
  torch_scores = [evaluate_torch(ROOT / out / "torch", config, seed) for seed in seeds]
  cloning = run_ours(out / "bc", CLONING)
  provenance = json.loads(
    (ROOT / "dmg_jax/data/embedded" / catalog.EMBEDDED / "provenance.json").read_text()
  )
  scores = {"dmg_jax": last_scores(dmg), "pytorch": torch_scores, "bc": last_scores(cloning)}
  interval = intervals.difference_interval(scores["dmg_jax"], scores["pytorch"])
  iqm = {name: statistics.interquartile_mean(values) for name, values in scores.items()}
  recorded = provenance["recording_policy"]["score"]
  result = {
    "command": "python benchmarks/learning_comparison.py",
    "commands": {
      "dmg_jax": " ".join(command(out / "dmg", {})),
      "bc": " ".join(command(out / "bc", CLONING)),
    },
    "dataset": config["dataset"],
    "data_sha256": config["data_sha256"],
    "steps": config["steps"],
    "episodes": config["evaluation_episodes"],
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
    "data_score": dmg["results"]["data_score"],
    "dmg_exceeds_recording_policy": iqm["dmg_jax"] > recorded,
    "dmg_exceeds_cloning": iqm["dmg_jax"] > iqm["bc"],
    "devices": dmg["devices"],
    "versions": dmg["versions"]
    | {"torch": metadata.version("torch"), "platform": platform.platform()},
  }
  shutil.copy(ROOT / out / "dmg" / run_directory.CURVES, RESULT.with_suffix(".png"))
  RESULT.write_text(json.dumps(result, indent=2) + "\n")
  print(json.dumps({key: result[key] for key in ("scores", "iqm")}, indent=1))
  print(f"difference to PyTorch: {result['difference_dmg_jax_minus_pytorch']}")
  print(f"recording policy {recorded:.1f}, the data's own mean {result['data_score']:.1f}")
  print(RESULT)


if __name__ == "__main__":
  app.run(main)
