"""Evaluates the policies of a run directory again: `python launch/evaluate.py --run_dir=DIR`.

Prints mean and standard deviation over the episodes of each run. Nothing is written.
"""

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
  # Until the work begins, Ctrl-C ends the process at once, without a traceback of imports.
  signal.signal(signal.SIGINT, signal.SIG_DFL)

import numpy as np
from absl import flags

from dmg_jax.errors import UserError
from dmg_jax.experiments import command_line, reevaluation

_RUN_DIR = flags.DEFINE_string("run_dir", None, "The run directory of a training.")
_EPISODES = flags.DEFINE_integer("episodes", 100, "Episodes of each run.")
_SEED = flags.DEFINE_integer("seed", 1, "Seed of the episodes; training's is 0 by default.")
_RUN = flags.DEFINE_multi_string("run", [], "Id of a run; may be repeated. All by default.")


def main() -> None:
  if _RUN_DIR.value is None:
    raise UserError("no run directory; name one with --run_dir=DIR")
  print(f"{'run':<40}{'episodes':>9}{'return':>22}{'score':>18}")
  for found in reevaluation.reevaluate(_RUN_DIR.value, _EPISODES.value, _SEED.value, _RUN.value):
    score = "-" if found.scores is None else _spread(found.scores)
    returns = _spread(found.returns)
    print(f"{found.run:<40}{len(found.returns):>9}{returns:>22}{score:>18}", flush=True)


def _spread(values: np.ndarray) -> str:
  deviation = values.std(ddof=1) if len(values) > 1 else 0.0
  return f"{values.mean():.1f} ± {deviation:.1f}"


if __name__ == "__main__":
  command_line.launch(main)
