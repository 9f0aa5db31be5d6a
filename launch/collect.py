"""Makes an offline data set from online training: `python launch/collect.py --help`."""

import shlex
import sys
from pathlib import Path

from absl import app, flags, logging

from dmg_jax.collect import collect, maze_data, request, tiers
from dmg_jax.collect.recording import Recipe
from dmg_jax.errors import SimulatorError, StorageError, UserError
from dmg_jax.online import learners

_ENV = flags.DEFINE_string("env", "Hopper-v4", "Gymnasium id of the environment.")
_TIER = flags.DEFINE_enum(
  "tier", "medium-replay", tiers.TIERS + maze_data.TIERS, "Which data to make."
)
_LEVEL = flags.DEFINE_float("level", 0.45, "Share of the reference score that is medium.")
_NOISE = flags.DEFINE_float(
  "noise", 0.2, "Standard deviation of recorded policies' noise, on actions in [-1, 1]."
)
_TRAIN = flags.DEFINE_bool("train", False, "Train also where the package has the policy.")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of training, exploration and simulators.")
_STEPS = flags.DEFINE_integer(
  "steps", 1_000_000, "Environment steps at most: of the training; in a maze, of the data."
)
_LEARNER = flags.DEFINE_enum("learner", "sac", learners.NAMES, "Who learns.")
_ENVIRONMENTS = flags.DEFINE_integer("environments", 2, "That step side by side.")
_RANDOM_STEPS = flags.DEFINE_integer("random_steps", 10_000, "First steps, at random.")
_EXPLORATION_NOISE = flags.DEFINE_multi_float(
  "exploration_noise",
  [0.05, 0.3],
  "Of TD3: standard deviation of exploration in [-1, 1], dealt out to the environments in turn.",
)
_NOISE_CORRELATION = flags.DEFINE_float(
  "noise_correlation", 0.9, "Of TD3's exploration, from one step to the next."
)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 128, "Of the learner.")
_LEARNING_RATE = flags.DEFINE_float("learning_rate", 1e-3, "Of the learner.")
_TARGET_RATE = flags.DEFINE_float("target_rate", 0.01, "Of the learner's target networks.")
_ANNEALED_STEPS = flags.DEFINE_integer(
  "annealed_steps", 0, "Last steps, over which the learning rate falls linearly to 0."
)
_EVALUATE_EVERY = flags.DEFINE_integer("evaluate_every", 10_000, "Steps between evaluations.")
_EPISODES = flags.DEFINE_integer("episodes", 10, "Episodes of an evaluation.")
_CHECKPOINT_EVERY = flags.DEFINE_integer("checkpoint_every", 10_000, "Steps between checkpoints.")
_KEEP = flags.DEFINE_integer(
  "keep", 1_000_000, "Transitions to keep, about; of policies, to record."
)
_DATASET_ID = flags.DEFINE_string(
  "dataset_id", None, "Of the data set; dmg/<environment>/<tier>-v0 if not given."
)
_EXPORT = flags.DEFINE_string("export", None, "Of a D4RL-form HDF5 file to write as well.")
_ROOT = flags.DEFINE_string("root", "~/.minari/datasets", "Folder of Minari data sets.")
_RUN_DIR = flags.DEFINE_string(
  "run_dir", None, "Of the recording; runs/collect/<env>/<hash of the recipe> if not given."
)


def main(_) -> None:
  logging.set_verbosity(logging.WARNING)
  recipe = Recipe(
    env_id=_ENV.value,
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
  try:
    folder = collect.collect(
      request.Request(
        tier=_TIER.value,
        level=_LEVEL.value,
        noise=_NOISE.value,
        keep=_KEEP.value,
        shipped=not _TRAIN.value,
        dataset_id=_DATASET_ID.value or request.default_dataset_id(_ENV.value, _TIER.value),
        root=Path(_ROOT.value).expanduser(),
        export=Path(_EXPORT.value).expanduser() if _EXPORT.value else None,
        command=shlex.join(["python", *sys.argv]),
      ),
      recipe,
      Path(_RUN_DIR.value).expanduser() if _RUN_DIR.value else request.default_directory(recipe),
    )
  except UserError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)
  except (SimulatorError, StorageError) as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(1)
  except KeyboardInterrupt:
    print("interrupted; the same command continues its training, if it trains", file=sys.stderr)
    sys.exit(130)
  print(folder)


if __name__ == "__main__":
  app.run(main)
