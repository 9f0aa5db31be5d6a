"""What tables call the runs of a job."""

from collections.abc import Mapping
from typing import Any

from dmg_jax import tasks
from dmg_jax.data import catalog


def table_label(run: Mapping[str, Any], task: Mapping[str, Any]) -> str:
  """The stored label of a run, and on D4RL's data what it leaves open.

  A label names the departures from the settings of the job's family. A job may use
  another family's than its data's (AntMaze with `configs/mujoco.py`): "DMG" is then not
  the paper's DMG on these data, and must not stand under its name.

  Args:
    run, task: of a run directory's `config.json`.
  """
  label, name = run["label"], task["name"]
  if run["method"] != "dmg" or " (" in label or name not in catalog.d4rl_files():
    return label
  family = tasks.ANTMAZE if tasks.is_antmaze(name) else tasks.LOCOMOTION
  usual = tasks.paper_point(name, family) | dict(tasks.PREPARATION[family])
  ours = {**run["point"], **{field: task[field] for field in tasks.PREPARATION[family]}}
  different = [
    f"{field} {_shown(ours[field])}"
    for field, value in usual.items()
    if field in ours and _comparable(ours[field]) != _comparable(value)
  ]
  return f"{label} ({', '.join(different)})" if different else label


def _comparable(value: Any) -> Any:
  return tuple(value) if isinstance(value, list) else value


def _shown(value: Any) -> str:
  if isinstance(value, tuple | list):
    return "x".join(map(str, value))
  return f"{value:g}" if isinstance(value, float) else str(value)
