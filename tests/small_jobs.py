"""Jobs of seconds: made-up data, tiny networks, short episodes; all of one compiled program."""

import runpy
from pathlib import Path

import numpy as np

from dmg_jax.data import dataset as data_set
from dmg_jax.experiments import offline, outcome, settings
from dmg_jax.types import Transitions

ROOT = Path(__file__).parents[1]
EPISODE = 7
# Of networks and batches: with the data's 100 rows, what decides the compilation.
SIZES = {
  "batch_size": 8,
  "actor_hidden_sizes": (8, 8),
  "critic_hidden_sizes": (8, 8),
  "value_hidden_sizes": (8, 8),
}
SMALL = {
  **SIZES,
  "env_kwargs": {"max_episode_steps": EPISODE},
  "seeds": 2,
  "steps": 12,
  "log_interval": 4,
  "evaluation_interval": 4,
  "evaluation_episodes": 2,
  "checkpoint_interval": 8,
  "workers": 2,
}


def make_config(domain="mujoco", dataset="", **changes) -> dict:
  """The config of a file in configs/, with some fields changed."""
  config = runpy.run_path(str(ROOT / "configs" / f"{domain}.py"))["get_config"](dataset).to_dict()
  assert set(changes) <= set(config)
  return config | changes


def columns(rows=100, seed=0) -> dict[str, np.ndarray]:
  """Arrays of an .npz file, of Pendulum's sizes."""
  generator = np.random.default_rng(seed)
  return {
    "observations": 3 + 2 * generator.normal(size=(rows, 3)),
    "actions": generator.uniform(-2, 2, (rows, 1)),
    "rewards": generator.normal(size=rows),
    "next_observations": 3 + 2 * generator.normal(size=(rows, 3)),
    "terminals": np.zeros(rows),
  }


def pendulum(name="pendulum", rows=100, seed=0, env_id="Pendulum-v1", **changes):
  """Such arrays as a data set, with some fields of its transitions changed."""
  made = {key: np.float32(value) for key, value in columns(rows, seed).items()}
  transitions = Transitions(not_dones=1 - made.pop("terminals"), **made)
  return data_set.build(
    transitions.replace(**changes),
    name=name,
    kind="npz",
    env_id=env_id,
    episode_returns=np.array([-10.0, -12.0]),
  )


def job_for(*datasets, **changes) -> settings.Job:
  """A small job on some data sets."""
  names = [dataset.name for dataset in datasets]
  config = make_config(**{**SMALL, "dataset": names, **changes})
  settings.check(config)
  return settings.resolve(config, dict(zip(names, datasets, strict=True)))


def train(datasets, directory, announce=lambda _: None, **changes) -> outcome.Outcome:
  """Trains a small job in this process."""
  by_name = {dataset.name: dataset for dataset in datasets}
  invocation = ["launch/main.py", "--config=configs/mujoco.py"]
  return offline.train(job_for(*datasets, **changes), by_name, directory, invocation, announce)
