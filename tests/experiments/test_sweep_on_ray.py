"""A sweep on a Ray cluster of two nodes that loses a worker, a node and a folder.

It runs where Ray is installed (the extra `ray`), and takes minutes of a small machine.
"""

import random

import numpy as np
import pytest
import sweep_loss
from small_jobs import ROOT, columns

from dmg_jax.experiments.sweep import state

pytest.importorskip("ray")

JOB = {
  "env": "Pendulum-v1",
  "env_kwargs": "{'max_episode_steps':7}",
  "methods": "dmg,td3_bc",
  "discount": "0.9,0.99",
  "seeds": 2,
  "batch_size": 8,
  "actor_hidden_sizes": "(8,8)",
  "critic_hidden_sizes": "(8,8)",
  "value_hidden_sizes": "(8,8)",
  "steps": 20_000,
  "log_interval": 200,
  "evaluation_interval": 10_000,
  "evaluation_episodes": 1,
  "checkpoint_interval": 1_000,
  "workers": 1,
}


def test_what_is_lost_on_the_way_changes_no_bit_and_no_table(tmp_path):
  for seed, name in enumerate("ab"):
    np.savez(tmp_path / f"{name}.npz", **columns(rows=100, seed=seed))
  arguments = [
    f"--config={ROOT / 'configs' / 'mujoco.py'}",
    f"--config.dataset={tmp_path / 'a.npz'},{tmp_path / 'b.npz'}",
    *(f"--config.{name}={value}" for name, value in JOB.items()),
    "--runs_per_task=4",
  ]
  undisturbed, directory = tmp_path / "undisturbed", tmp_path / "disturbed"
  sweep_loss.finish(
    sweep_loss.start(undisturbed, [*arguments, "--local", "--cpus_per_task=1"]), undisturbed
  )
  nodes = sweep_loss.Nodes()
  try:
    found = sweep_loss.disturbed(
      directory, arguments, nodes, iter(sweep_loss.KINDS), random.Random(0), pause=1.0
    )
  finally:
    nodes.close()
  assert [one["kind"] for one in found["losses"]] == list(sweep_loss.KINDS)
  assert max(found["attempts"].values()) > 1
  again = [row.get("again") for row in state.attempts(directory, found["losses"][-1]["part"])]
  assert "its folder was deleted" in again
  assert sweep_loss.compare(undisturbed, directory) == []
