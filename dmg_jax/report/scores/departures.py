"""In what a job's task departs from the paper's, beside its point of hyperparameters.

A label names the hyperparameters; how the data were prepared and the precision of the
products are settings of the task and of the job.
"""

from collections.abc import Mapping
from typing import Any

from dmg_jax.report.scores import paper_settings

_PRECISION = "float32"


def departures(task: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
  """Setting -> value, of those that are not the paper's for the data set.

  Args:
    task: of a run directory's `config.json`, format 2.
    settings: of the same.
  """
  usual = paper_settings.preparation(task["name"])
  ours = {name: task[name] for name in usual}
  usual["precision"], ours["precision"] = _PRECISION, settings["precision"]
  return {name: value for name, value in ours.items() if value != usual[name]}


def full_label(label: str, different: Mapping[str, Any]) -> str:
  """A stored label and the departures: "DMG (lam 0.5)" -> "DMG (lam 0.5, precision bfloat16)"."""
  if not different:
    return label
  added = ", ".join(f"{name} {_shown(value)}" for name, value in different.items())
  return f"{label[:-1]}, {added})" if label.endswith(")") else f"{label} ({added})"


def _shown(value: Any) -> str:
  return f"{value:g}" if isinstance(value, float) else str(value)
