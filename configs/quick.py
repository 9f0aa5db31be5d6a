"""A first look: small networks, few steps, on the embedded data.

  python launch/main.py --config=configs/quick.py

The settings are chosen for speed, not the paper's; the table says where they depart.
"""

from ml_collections import ConfigDict

from dmg_jax.experiments import fields


def get_config(dataset: str = "") -> ConfigDict:
  """Small settings for `dataset`; "" is the embedded data set."""
  small = (64, 64)
  return fields.config(
    dataset=dataset,
    methods="dmg,bc",
    seeds=2,
    steps=6_000,
    evaluation_interval=2_000,
    evaluation_episodes=5,
    checkpoint_interval=2_000,
    target_rate=0.05,
    actor_hidden_sizes=small,
    critic_hidden_sizes=small,
    value_hidden_sizes=small,
  )
