"""Lambda and nu together, a grid of five by five.

python launch/main.py --config=configs/ablation_grid.py               # embedded data
python launch/main.py --config=configs/ablation_grid.py:hopper-medium-v2
"""

from ml_collections import ConfigDict

from dmg_jax import tasks
from dmg_jax.experiments import fields
from dmg_jax.report.paper import exhibits


def get_config(dataset: str = "") -> ConfigDict:
  """DMG at 25 points on `dataset`; "" is the embedded data set."""
  return fields.config(
    family=tasks.family(dataset),
    dataset=dataset,
    lam=exhibits.ABLATED_LAMBDAS,
    nu=(10.0, 1.0, 0.1, 0.01, 0.001),
  )
