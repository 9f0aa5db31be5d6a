"""Trains a plan slice by slice, on a Ray cluster or here, and goes on with what is left of it.

  python launch/sweep.py --config=configs/mujoco.py:DATASET,... [--config.FIELD=VALUES ...]

It takes the config of launch/main.py. Each slice is a run directory in SWEEP_DIR/parts. The same
command continues a sweep; python launch/report.py SWEEP_DIR reports it.
"""

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
  # Until the work begins, Ctrl-C ends the process at once, without a traceback of imports.
  signal.signal(signal.SIGINT, signal.SIG_DFL)

import sys

from absl import flags

from dmg_jax.experiments import command_line, job
from dmg_jax.experiments.sweep import on_ray, sweep

_CONFIG = command_line.define_config("configs/mujoco.py")
_SWEEP_DIR = flags.DEFINE_string(
  "sweep_dir",
  None,
  "Folder of the sweep, in storage that all nodes see; sweeps/<data set>/<hash of the config> if "
  "not given.",
)
_RUNS_PER_TASK = flags.DEFINE_integer(
  "runs_per_task", None, "Runs of a slice at most; whole populations if not given.", lower_bound=1
)
_LOCAL = flags.DEFINE_bool("local", False, "Train the slices here, one after another, without Ray.")
_ADDRESS = flags.DEFINE_string(
  "address",
  None,
  "Ray cluster: auto, HOST:PORT, or local for one of this machine alone; the one that this machine "
  "belongs to, or else local, if not given.",
)
_CPUS = flags.DEFINE_integer(
  "cpus_per_task",
  None,
  "Cores of a task, and threads that train in it; 1 on Ray, all cores without it, if not given.",
  lower_bound=1,
)
_GPUS = flags.DEFINE_float("gpus_per_task", 0.0, "GPUs of a task on Ray.", lower_bound=0.0)
_RESOURCES = flags.DEFINE_string(
  "resources_per_task", "", "Other resources of a task on Ray, as the nodes state them: TPU=4,..."
)
_RETRIES = flags.DEFINE_integer(
  "max_retries", 3, "Attempts at a slice beyond the first.", lower_bound=0
)
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Show the plan, or what is wrong with it, and stop.")
_MANY_RUNS = flags.DEFINE_bool(
  "many_runs", False, f"Train also a plan of more than {job.MANY_RUNS:,} runs."
)


def main() -> None:
  options = sweep.Options(
    directory=_SWEEP_DIR.value,
    runs_per_task=_RUNS_PER_TASK.value,
    local=_LOCAL.value,
    address=_ADDRESS.value,
    retries=_RETRIES.value,
    cpus=_CPUS.value,
    gpus=_GPUS.value,
    others=on_ray.read_resources(_RESOURCES.value),
  )
  sweep.run(
    _CONFIG.value.to_dict(),
    options,
    print,
    sys.argv,
    dry_run=_DRY_RUN.value,
    many_runs=_MANY_RUNS.value,
    named=command_line.named_fields(),
  )


if __name__ == "__main__":
  command_line.launch(main)
