"""The command that runs an offline job, or runs it on."""

import os
import shlex
from collections.abc import Mapping
from typing import Any

from dmg_jax.data import catalog
from dmg_jax.report.method_names import is_antmaze, usual_settings

# A command need not name what the launcher's config has anyway, but for what
# the launcher would decide by the data.
_LAUNCHER = {
  "seeds": 5,
  "first_seed": 0,
  "evaluation_episodes": 10,
  "evaluation_seed": 0,
  "log_interval": 400,
  "checkpoint_interval": 6_000,
}
_DECIDED_BY_DATA = ("nu", "target_rate")


def command(config: Mapping[str, Any], directory: str | os.PathLike[str] | None = None) -> str:
  """What runs a job: its data, and every setting the launcher would not choose.

  Args:
    config: of a run directory.
    directory: in which the job is continued; without it, it gets one of its own.
  """
  dataset = config["dataset"]
  named = dataset in catalog.d4rl_files() or "/" in dataset
  launcher = "configs/antmaze.py" if is_antmaze(dataset) else "configs/mujoco.py"
  known = usual_settings("antmaze" if is_antmaze(dataset) else "") | _LAUNCHER
  for name in _DECIDED_BY_DATA:
    del known[name]
  changed = [
    f"--config.{name}={_flag(value)}"
    for name, value in sorted(config.items())
    if name not in ("dataset", "data_sha256") and (name not in known or known[name] != value)
  ]
  # Of data in a file of one's own, a config keeps the name and not the path.
  data = [f"--config={launcher}:{dataset}"]
  if not named:
    data = [f"--config={launcher}", f"--config.dataset=PATH_OF_{dataset}"]
  where = [f"--run_dir={directory}"] if directory is not None else []
  return shlex.join(["python", "launch/main.py", *data, *changed, *where])


def _flag(value: Any) -> str:
  return f"({','.join(map(str, value))},)" if isinstance(value, list) else str(value)
