"""The paper's Figure 1: lambda from 0 to 1 at nu 0.1.

python launch/main.py --config=configs/ablation_lambda.py             # four D4RL sets
python launch/main.py --config=configs/ablation_lambda.py:hopper-medium-v2
"""

from ml_collections import ConfigDict

from dmg_jax import tasks
from dmg_jax.experiments import fields
from dmg_jax.report.paper import exhibits

DATASETS = ",".join(exhibits.ABLATED_DATASETS)


def get_config(dataset: str = DATASETS) -> ConfigDict:
  """DMG with five values of lambda on `dataset`."""
  return fields.config(
    family=tasks.family(dataset), dataset=dataset, lam=exhibits.ABLATED_LAMBDAS, nu=0.1
  )
