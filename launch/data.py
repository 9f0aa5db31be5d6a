"""Data sets: what is known, what is here, what they hold, and whether they are whole.

  python launch/data.py list
  python launch/data.py show NAME [--out=FILE.png]
  python launch/data.py verify NAME [--episodes=20]
  python launch/data.py import NAME --dataset_id=mine/hopper/mixed-v0 [--env=Hopper-v4]
  python launch/data.py export NAME --out=FILE.hdf5

NAME is whatever `--config.dataset` takes. `import` stores it in Minari's form, `export`
in D4RL's.
"""

import sys

from absl import app, flags, logging

from dmg_jax.errors import UserError
from dmg_jax.experiments import data

_ENV = flags.DEFINE_string("env", None, "Gymnasium id, where the data name none.")
_OUT = flags.DEFINE_string("out", None, "File to write.")
_EPISODES = flags.DEFINE_integer("episodes", 20, "Episodes that `verify` plays again.")
_DATASET_ID = flags.DEFINE_string("dataset_id", None, "Minari id that `import` gives.")


def main(arguments: list[str]) -> None:
  logging.set_verbosity(logging.WARNING)
  try:
    match arguments[1:]:
      case ["list"]:
        lines = data.listing()
      case ["show", name]:
        lines = data.show(name, _ENV.value, _OUT.value)
      case ["verify", name]:
        lines = data.verify(name, _ENV.value, _EPISODES.value)
      case ["import", name] if _DATASET_ID.value:
        lines = data.store(name, _ENV.value, _DATASET_ID.value)
      case ["export", name] if _OUT.value:
        lines = data.export(name, _ENV.value, _OUT.value)
      case _:
        raise UserError(
          "say list, show NAME, verify NAME, import NAME --dataset_id=ID, or "
          "export NAME --out=FILE.hdf5"
        )
    for line in lines:
      print(line)
  except UserError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
  app.run(main)
