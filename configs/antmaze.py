"""DMG on AntMaze data: the settings of the paper (Table 5, App. C) and its code.

  python launch/main.py --config=configs/antmaze.py:antmaze-umaze-v2    # D4RL, downloaded
  python launch/main.py --config=configs/antmaze.py --config.dataset=FILE.hdf5 \
    --config.env=dmg_jax/AntMaze-UMaze-v0

Every field can be overridden as `--config.FIELD=VALUE`. A field that is None
depends on the data; it is resolved after all overrides and printed with the
reason. Evaluation needs the extra `antmaze`; `--config.env=none` does without.
"""

from ml_collections import ConfigDict, config_dict


def get_config(dataset: str = "") -> ConfigDict:
  """The paper's settings for `dataset`: a D4RL name, a Minari id or a path."""
  config = ConfigDict()

  config.dataset = dataset or config_dict.placeholder(str)  # no AntMaze data are embedded
  config.env = config_dict.placeholder(str)  # the data's own; "none" skips evaluation
  config.normalise_observations = False
  config.clip_actions = False  # whether actions outside the environment's box are clipped
  config.reward_shift = -1.0  # of the data's rewards, 1 at the goal: every step before it costs 1

  config.seeds = 5
  config.first_seed = 0
  config.steps = 1_000_000
  config.batch_size = 256
  config.policy_delay = 2

  config.lam = 0.25
  config.nu = 0.5
  config.q_coefficient = 1.0
  config.expectile = 0.9
  config.inverse_temperature = 10.0
  config.weight_clip = 100.0
  config.discount = 0.99
  config.target_rate = 0.005
  config.smoothing_noise = 0.2
  config.smoothing_clip = 0.5
  config.actor_learning_rate = 3e-4
  config.critic_learning_rate = 3e-4
  config.value_learning_rate = 3e-4
  config.actor_schedule_steps = 500_000.0

  config.hidden_sizes = (256, 256)
  config.precision = "float32"  # of matrix products; "bfloat16" is faster on accelerators

  config.evaluation_interval = 50_000
  config.evaluation_episodes = 100
  config.evaluation_seed = 0
  # Training advances to the next of all intervals' ends, and compiles once for each
  # distance between two of them: multiples of the smallest cost one compilation.
  config.log_interval = 400
  config.checkpoint_interval = 6_000
  return config
