"""Settings of the paper for AntMaze data (Table 5, App. C), and of its code.

  python launch/main.py --config=configs/antmaze.py:antmaze-umaze-v2    # D4RL, downloaded
  python launch/main.py --config=configs/antmaze.py --config.dataset=FILE.hdf5 \
    --config.env=dmg_jax/AntMaze-UMaze-v0

The fields are those of configs/mujoco.py. Evaluation needs the extra `antmaze`;
`--config.env=none` does without.
"""

from ml_collections import ConfigDict

from dmg_jax.experiments import fields


def get_config(dataset: str = "") -> ConfigDict:
  """The paper's settings for `dataset`: D4RL names, Minari ids or paths; none is embedded."""
  return fields.config(family="antmaze", dataset=dataset or None)
