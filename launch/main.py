"""Trains offline: all methods, points and seeds of a config, on its data sets.

python launch/main.py --config=configs/mujoco.py[:DATASET] [--config.FIELD=VALUE ...]
"""

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
  # Until the work begins, Ctrl-C ends the process at once, without a traceback of imports.
  signal.signal(signal.SIGINT, signal.SIG_DFL)

from absl import flags

from dmg_jax.experiments import command_line, job

_CONFIG = command_line.define_config("configs/mujoco.py")
_RUN_DIR = flags.DEFINE_string(
  "run_dir", None, "Folder of the job; runs/<data set>/<hash of the config> if not given."
)
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Show the plan, or what is wrong with it, and stop.")
_MANY_RUNS = flags.DEFINE_bool(
  "many_runs", False, f"Train also a plan of more than {job.MANY_RUNS:,} runs."
)


def main() -> None:
  result = job.run(
    _CONFIG.value.to_dict(),
    _RUN_DIR.value,
    print,
    dry_run=_DRY_RUN.value,
    many_runs=_MANY_RUNS.value,
    named=command_line.named_fields(),
  )
  if result is not None:
    result.show()


if __name__ == "__main__":
  command_line.launch(main)
