"""Goes on with a finished offline job online, or begins from scratch.

python launch/finetune.py --config=configs/finetune.py --config.source=DIR [--config.FIELD=...]
"""

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
  # Until the work begins, Ctrl-C ends the process at once, without a traceback of imports.
  signal.signal(signal.SIGINT, signal.SIG_DFL)

from absl import flags

from dmg_jax.experiments import command_line, finetune, online_fields

_CONFIG = command_line.define_config(
  "configs/finetune.py", {"Fields of fine-tuning": (online_fields.FIELDS, online_fields.DEFAULTS)}
)
_RUN_DIR = flags.DEFINE_string(
  "run_dir", None, "Folder of the job; runs/<data set>/<hash of the config> if not given."
)
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Show the plan and stop.")


def main() -> None:
  result = finetune.run(_CONFIG.value.to_dict(), _RUN_DIR.value, print, dry_run=_DRY_RUN.value)
  if result is not None:
    result.show()


if __name__ == "__main__":
  command_line.launch(main)
