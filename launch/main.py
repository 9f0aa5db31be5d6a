"""Trains offline: all methods, points and seeds of a config, on its data sets.

python launch/main.py --config=configs/mujoco.py[:DATASET] [--config.FIELD=VALUE ...]

With --distributed, started once on each host, the hosts share the runs: see docs/scale.md.
"""

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
  # Until the work begins, Ctrl-C ends the process at once, without a traceback of imports.
  signal.signal(signal.SIGINT, signal.SIG_DFL)

from absl import flags

from dmg_jax import processes
from dmg_jax.errors import UserError
from dmg_jax.experiments import command_line, job

_CONFIG = command_line.define_config("configs/mujoco.py")
_RUN_DIR = flags.DEFINE_string(
  "run_dir", None, "Folder of the job; runs/<data set>/<hash of the config> if not given."
)
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Show the plan, or what is wrong with it, and stop.")
_MANY_RUNS = flags.DEFINE_bool(
  "many_runs", False, f"Train also a plan of more than {job.MANY_RUNS:,} runs."
)
_DISTRIBUTED = flags.DEFINE_bool(
  "distributed", False, "Share the runs with the same command on other hosts."
)
_ADDRESS = flags.DEFINE_string(
  "coordinator_address", None, "HOST:PORT of the first process, where JAX cannot find out."
)
_PROCESSES = flags.DEFINE_integer("num_processes", None, "How many take part; the same.")
_PROCESS = flags.DEFINE_integer("process_id", None, "Which this is, from 0; the same.")


def main() -> None:
  meeting = (_ADDRESS.value, _PROCESSES.value, _PROCESS.value)
  if _DISTRIBUTED.value:
    processes.begin(*meeting)
  elif meeting != (None, None, None):
    raise UserError(
      "--coordinator_address, --num_processes and --process_id have no effect without "
      "--distributed; add it, or leave them out"
    )
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
