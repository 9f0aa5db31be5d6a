"""Settings of the paper for Gym-MuJoCo data (Table 5, App. C), and of its code.

  python launch/main.py --config=configs/mujoco.py                     # embedded data
  python launch/main.py --config=configs/mujoco.py:hopper-medium-v2    # D4RL, downloaded
  python launch/main.py --config=configs/mujoco.py --config.dataset=FILE.hdf5 --config.env=Hopper-v4
  python launch/main.py --config=configs/mujoco.py --config.methods=dmg,iql

Every field can be overridden as `--config.FIELD=VALUE`; `--help` lists them. A field
that is not set takes the paper's value for the data and the method, from
`dmg_jax/tasks.py`. A field of a run may name several values, separated by commas: the
job trains their product with data sets, methods and seeds.
"""

from ml_collections import ConfigDict

from dmg_jax.experiments import fields


def get_config(dataset: str = "") -> ConfigDict:
  """The paper's settings for `dataset`: D4RL names, Minari ids or paths; "" is the embedded one."""
  return fields.config(family="locomotion", dataset=dataset)
