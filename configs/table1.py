"""The methods of the paper's Table 1, side by side: TD3, TD3+BC, AWAC, IQL and DMG, and cloning.

  python launch/main.py --config=configs/table1.py                      # embedded data
  python launch/main.py --config=configs/table1.py:hopper-medium-v2     # D4RL, downloaded

Settings are those of configs/mujoco.py, or of configs/antmaze.py for AntMaze's names.
"""

from ml_collections import ConfigDict

from dmg_jax import tasks
from dmg_jax.experiments import fields


def get_config(dataset: str = "") -> ConfigDict:
  """Six methods on `dataset`: names, ids or paths; "" is the embedded data set."""
  return fields.config(
    family=tasks.family(dataset), dataset=dataset, methods="td3,td3_bc,awac,iql,bc,dmg"
  )
