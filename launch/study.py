"""Studies that need no data set.

  python launch/study.py theory [--out=DIR] [--seed=0]

`theory` checks the paper's theorems on random MDPs, in a few minutes. Without --out it writes
benchmarks/results/theory.json, docs/theory.md and its pictures; with it, all of them in DIR.
"""

import shlex
import sys
from functools import partial
from pathlib import Path

from absl import app, flags, logging

from dmg_jax.errors import UserError
from dmg_jax.theory import study

_OUT = flags.DEFINE_string("out", None, "Folder to write in; default: where the repository has it.")
_SEED = flags.DEFINE_integer("seed", 0, "Of all random draws.", lower_bound=0)

_ROOT = Path(__file__).parents[1]


def main(arguments: list[str]) -> None:
  logging.set_verbosity(logging.WARNING)
  command = shlex.join(["python", "launch/study.py", *sys.argv[1:]])
  try:
    match arguments[1:]:
      case ["theory"]:
        out = _OUT.value
        places = study.Places.of_folder(Path(out)) if out else study.Places.of_repository(_ROOT)
        study.run(places, command, _SEED.value, partial(print, flush=True))
      case other:
        given = " ".join(other) or "nothing"
        raise UserError(f"{given} is no study: say `python launch/study.py theory`")
  except UserError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)
  except KeyboardInterrupt:
    print("interrupted: nothing was written", file=sys.stderr)
    sys.exit(130)


if __name__ == "__main__":
  app.run(main)
