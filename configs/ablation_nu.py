"""The paper's Figure 2: nu from 10 to 0.001 at lambda 0.25.

python launch/main.py --config=configs/ablation_nu.py                 # four D4RL sets
python launch/main.py --config=configs/ablation_nu.py:hopper-medium-v2
"""

from ml_collections import ConfigDict

from dmg_jax import tasks
from dmg_jax.experiments import fields
from dmg_jax.report.paper import exhibits

DATASETS = ",".join(exhibits.ABLATED_DATASETS)


def get_config(dataset: str = DATASETS) -> ConfigDict:
  """DMG with seven values of nu on `dataset`."""
  return fields.config(
    family=tasks.family(dataset),
    dataset=dataset,
    lam=0.25,
    nu=exhibits.ABLATED_NUS,
  )
