"""In-sample learners alone and with DMG, as in the paper's Table 3.

  python launch/main.py --config=configs/table3.py                      # nine D4RL sets
  python launch/main.py --config=configs/table3.py:hopper-medium-v2

The temperatures of XQL and SQL are the paper's (App. C.1).
"""

from ml_collections import ConfigDict

from dmg_jax import tasks
from dmg_jax.experiments import fields
from dmg_jax.report.paper import exhibits

DATASETS = ",".join(exhibits.datasets(3)[0])


def get_config(dataset: str = DATASETS) -> ConfigDict:
  """IQL, XQL and SQL, each with and without DMG's generalisation, on `dataset`."""
  return fields.config(
    family=tasks.family(dataset), dataset=dataset, methods="iql,dmg,xql,xql_dmg,sql,sql_dmg"
  )
