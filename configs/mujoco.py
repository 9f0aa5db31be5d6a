"""DMG on Gym-MuJoCo data: the settings of the paper (Table 5, App. C) and its code.

  python launch/main.py --config=configs/mujoco.py                     # embedded data
  python launch/main.py --config=configs/mujoco.py:hopper-medium-v2    # D4RL, downloaded
  python launch/main.py --config=configs/mujoco.py --config.dataset=FILE.hdf5 --config.env=Hopper-v4

Every field can be overridden as `--config.FIELD=VALUE`. A field that is None
depends on the data; it is resolved after all overrides and printed with the reason.
"""

from ml_collections import ConfigDict, config_dict


def get_config(dataset: str = "") -> ConfigDict:
  """The paper's settings for `dataset`: a D4RL name, a Minari id or a path."""
  config = ConfigDict()

  config.dataset = dataset  # "" is the embedded data
  config.env = config_dict.placeholder(str)  # the data's own; "none" skips evaluation
  config.normalise_observations = True
  config.clip_actions = False  # whether actions outside the environment's box are clipped
  config.reward_shift = 0.0  # added to the data's rewards

  config.seeds = 5
  config.first_seed = 0
  config.steps = config_dict.placeholder(int)  # 1,000,000; fewer on the embedded data
  config.batch_size = 256
  config.policy_delay = 2

  config.lam = 0.25
  config.nu = config_dict.placeholder(float)  # 0.1; 10 on -expert and -medium-expert
  config.q_coefficient = 1.0
  config.expectile = 0.7
  config.inverse_temperature = 3.0
  config.weight_clip = 3.0
  config.discount = 0.99
  config.target_rate = config_dict.placeholder(float)  # 0.005; more on the embedded data
  config.smoothing_noise = 0.2
  config.smoothing_clip = 0.5
  config.actor_learning_rate = 3e-4
  config.critic_learning_rate = 3e-4
  config.value_learning_rate = 3e-4
  config.actor_schedule_steps = 500_000.0

  config.hidden_sizes = (256, 256)
  config.precision = "float32"  # of matrix products; "bfloat16" is faster on accelerators

  config.evaluation_interval = config_dict.placeholder(int)  # 20,000; less on the embedded data
  config.evaluation_episodes = 10
  config.evaluation_seed = 0
  # Training advances to the next of all intervals' ends, and compiles once for each
  # distance between two of them: multiples of the smallest cost one compilation.
  config.log_interval = 400
  config.checkpoint_interval = 6_000
  return config
