"""Online fine-tuning by the rules of the paper's App. C.2 and of its code.

  python launch/finetune.py --config=configs/finetune.py --config.source=RUN_DIR
  python launch/finetune.py --config=configs/finetune.py:DATASET --config.methods=td3

RUN_DIR is of a finished offline job, such as one of launch/main.py; its runs go on together.
Without a source, methods begin from scratch in the simulator of DATASET. Every field can be
overridden as `--config.FIELD=VALUE`; `--help` lists them.
"""

from ml_collections import ConfigDict

from dmg_jax.experiments import online_fields


def get_config(dataset: str = "") -> ConfigDict:
  """The settings for `dataset`; with a source, the source's data are taken if it is not given."""
  return online_fields.config(dataset=dataset or None)
