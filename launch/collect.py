"""Makes an offline data set by D4RL's recipe, in Minari's form.

  python launch/collect.py --env=Hopper-v4 --tier=medium
  python launch/collect.py --env=dmg_jax/PointMaze-Medium-v0 --tier=diverse --steps=100000

Tiers: random (uniform actions); medium (the first policy at --level of the reference score, with
noise); expert (the last policy, with noise); medium-expert (half of each); medium-replay and
full-replay (all that a training stored, up to the medium policy or to its end); play and diverse
(agents sent through a maze). Where policies come with the package, nothing is trained; else a
training is recorded, and an interrupted one continues by the same command.
"""

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
  # Until the work begins, Ctrl-C ends the process at once, without a traceback of imports.
  signal.signal(signal.SIGINT, signal.SIG_DFL)

import sys

from absl import flags

from dmg_jax.collect import collect, maze_data, request, tiers
from dmg_jax.collect.recording import Recipe
from dmg_jax.data import minari_files
from dmg_jax.envs.make import read_kwargs
from dmg_jax.experiments import command_line
from dmg_jax.online import learners

_ENV = flags.DEFINE_string("env", "Hopper-v4", "Gymnasium id of the environment.")
_ENV_KWARGS = flags.DEFINE_string(
  "env_kwargs",
  "{}",
  "Its arguments as a JSON object; max_episode_steps is one that every environment takes.",
)
_TIER = flags.DEFINE_enum(
  "tier", "medium-replay", tiers.TIERS + maze_data.TIERS, "Which data to make, see above."
)
_LEVEL = flags.DEFINE_float(
  "level", 0.45, "Share of the reference score at which a policy is medium."
)
_NOISE = flags.DEFINE_float(
  "noise", 0.2, "Standard deviation of the noise of recorded policies, on actions in [-1, 1]."
)
_KEEP = flags.DEFINE_integer(
  "keep",
  1_000_000,
  "Transitions to keep, about: to record of policies; of a replay or a maze, evenly spaced "
  "episodes.",
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of everything random.")
_STEPS = flags.DEFINE_integer(
  "steps", 1_000_000, "Environment steps: of a training, at most; in a maze, of the data."
)
_TRAIN = flags.DEFINE_bool("train", False, "Train also where policies come with the package.")
_POLICIES_OF = flags.DEFINE_string(
  "policies_of",
  None,
  "Environment whose policies, which come with the package, are recorded in --env.",
)
_LEARNER = flags.DEFINE_enum("learner", "sac", learners.NAMES, "Algorithm of the training.")
_ENVIRONMENTS = flags.DEFINE_integer(
  "environments", 2, "Environments of a training that are stepped together."
)
_RANDOM_STEPS = flags.DEFINE_integer(
  "random_steps", 10_000, "First environment steps of a training, with uniform actions."
)
_EXPLORATION_NOISE = flags.DEFINE_multi_float(
  "exploration_noise",
  [0.05, 0.3],
  "TD3 only: standard deviation of the exploration noise, on actions in [-1, 1]; give the flag "
  "several times for several environments in turn.",
)
_NOISE_CORRELATION = flags.DEFINE_float(
  "noise_correlation", 0.9, "TD3 only: correlation of the noise from one step to the next, below 1."
)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 128, "Transitions of a gradient step.")
_LEARNING_RATE = flags.DEFINE_float("learning_rate", 1e-3, "Adam's, of all networks.")
_TARGET_RATE = flags.DEFINE_float(
  "target_rate", 0.01, "Share of the new parameters in each update of the target networks."
)
_ANNEALED_STEPS = flags.DEFINE_integer(
  "annealed_steps", 0, "Last environment steps, over which the learning rate falls to 0."
)
_EVALUATE_EVERY = flags.DEFINE_integer(
  "evaluate_every", 10_000, "Environment steps between evaluations."
)
_EPISODES = flags.DEFINE_integer("episodes", 10, "Episodes of an evaluation.")
_CHECKPOINT_EVERY = flags.DEFINE_integer(
  "checkpoint_every", 10_000, "Environment steps between checkpoints."
)
_DATASET_ID = flags.DEFINE_string(
  "dataset_id", None, "Id of the data set; dmg/<environment>/<tier>-v0 if not given."
)
_ROOT = flags.DEFINE_string(
  "root",
  None,
  "Folder of Minari data sets; $MINARI_DATASETS_PATH if not given, else ~/.minari/datasets.",
)
_EXPORT = flags.DEFINE_string(
  "export", None, "File to write as well, in D4RL's form; ends in .hdf5 or .h5."
)
_RUN_DIR = flags.DEFINE_string(
  "run_dir",
  None,
  "Folder of the recorded training; runs/collect/<environment>/<hash of the recipe> if not given.",
)


def main() -> None:
  recipe = Recipe(
    env_id=_ENV.value,
    env_kwargs=read_kwargs(_ENV_KWARGS.value),
    seed=_SEED.value,
    steps=_STEPS.value,
    learner=_LEARNER.value,
    environments=_ENVIRONMENTS.value,
    random_steps=_RANDOM_STEPS.value,
    exploration_noise=tuple(_EXPLORATION_NOISE.value),
    noise_correlation=_NOISE_CORRELATION.value,
    batch_size=_BATCH_SIZE.value,
    learning_rate=_LEARNING_RATE.value,
    target_rate=_TARGET_RATE.value,
    annealed_steps=_ANNEALED_STEPS.value,
    evaluate_every=_EVALUATE_EVERY.value,
    episodes=_EPISODES.value,
    checkpoint_every=_CHECKPOINT_EVERY.value,
  )

  def path(flag: flags.FlagHolder, default):
    return default if flag.value is None else request.path(flag.name, flag.value)

  dataset_id = _DATASET_ID.value
  if dataset_id is None:
    dataset_id = request.default_dataset_id(_ENV.value, _TIER.value)
  folder = collect.collect(
    request.Request(
      tier=_TIER.value,
      level=_LEVEL.value,
      noise=_NOISE.value,
      keep=_KEEP.value,
      shipped=not _TRAIN.value,
      policies_of=_POLICIES_OF.value,
      dataset_id=dataset_id,
      root=path(_ROOT, minari_files.root()),
      export=path(_EXPORT, None),
      invocation=tuple(sys.argv),
    ),
    recipe,
    path(_RUN_DIR, request.default_directory(recipe)),
  )
  print(folder)


if __name__ == "__main__":
  command_line.launch(main)
