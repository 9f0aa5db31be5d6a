"""A small offline job on disk, and the config of an online one that goes on with it."""

import runpy
from pathlib import Path
from typing import Any

import numpy as np
from small_jobs import EPISODE, ROOT, SMALL, columns, make_config

from dmg_jax.experiments import job

SMALL_ONLINE = {
  "steps": 12,
  "log_interval": 4,
  "evaluation_interval": 6,
  "evaluation_episodes": 2,
  "checkpoint_interval": 6,
  "workers": 1,
}


def make_source(folder: Path, name: str = "source", **changes: Any) -> Path:
  """The run directory of a finished offline job: two seeds of DMG in Pendulum, 12 steps."""
  data = folder / "pendulum.npz"
  if not data.exists():
    np.savez(data, **columns(rows=100))
  config = make_config(
    **{**SMALL, "dataset": str(data), "env": "Pendulum-v1", "workers": 1, **changes}
  )
  job.run(config, str(folder / name), lambda _: None, invocation=["launch/main.py"])
  return folder / name


def online_config(source: Path | str = "", **changes: Any) -> dict[str, Any]:
  """The config of configs/finetune.py for a few steps."""
  made = runpy.run_path(str(ROOT / "configs" / "finetune.py"))["get_config"]().to_dict()
  assert set(changes) <= set(made)
  return made | SMALL_ONLINE | {"source": str(source)} | changes


def from_scratch(data: Path, **changes: Any) -> dict[str, Any]:
  """The config of an online job without a source, in Pendulum."""
  # TD3 has no value network.
  sizes = {name: SMALL[name] for name in ("actor_hidden_sizes", "critic_hidden_sizes")}
  return online_config(
    **{
      "dataset": str(data),
      "env": "Pendulum-v1",
      "env_kwargs": {"max_episode_steps": EPISODE},
      "batch_size": 8,
      "seeds": 2,
      "methods": "td3",
      **sizes,
      **changes,
    }
  )
