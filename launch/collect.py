"""Makes an offline data set from online training: `python launch/collect.py --help`."""

import shlex
import sys
from pathlib import Path

from absl import app, flags, logging

from dmg_jax.errors import UserError
from dmg_jax.experiments import collect

_ENV = flags.DEFINE_string("env", "Hopper-v4", "Gymnasium id of the environment.")
_TIER = flags.DEFINE_enum("tier", "medium-replay", ["medium-replay"], "Which data to keep.")
_LEVEL = flags.DEFINE_float("level", 0.45, "Share of D4RL's reference score that is medium.")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of training, exploration and simulator.")
_STEPS = flags.DEFINE_integer("steps", 1_000_000, "Environment steps at most.")
_RANDOM_STEPS = flags.DEFINE_integer("random_steps", 10_000, "First steps, at random.")
_NOISE = flags.DEFINE_float("noise", 0.1, "Standard deviation of exploration in [-1, 1].")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 256, "Of the learner.")
_EVALUATE_EVERY = flags.DEFINE_integer("evaluate_every", 5_000, "Steps between evaluations.")
_EPISODES = flags.DEFINE_integer("episodes", 10, "Episodes of an evaluation.")
_KEEP = flags.DEFINE_integer("keep", 1_000_000, "Transitions to keep, about.")
_ROOT = flags.DEFINE_string("root", "~/.minari/datasets", "Folder of Minari data sets.")


def main(_) -> None:
  logging.set_verbosity(logging.WARNING)
  recipe = collect.Recipe(
    env_id=_ENV.value,
    level=_LEVEL.value,
    seed=_SEED.value,
    steps=_STEPS.value,
    random_steps=_RANDOM_STEPS.value,
    noise=_NOISE.value,
    batch_size=_BATCH_SIZE.value,
    evaluate_every=_EVALUATE_EVERY.value,
    episodes=_EPISODES.value,
    keep=_KEEP.value,
  )
  task = recipe.env_id.rsplit("-v", 1)[0].lower()
  command = shlex.join(["python", *sys.argv])
  try:
    folder = collect.medium_replay(
      recipe,
      Path(_ROOT.value).expanduser(),
      f"dmg/{task}/{_TIER.value}-v0",
      command,
    )
  except UserError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)
  print(folder)


if __name__ == "__main__":
  app.run(main)
