"""What tables call the runs of a job."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dmg_jax import methods, tasks
from dmg_jax.data import catalog
from dmg_jax.report.scores.score import Score

# What follows a method's title in the label of a run that learned online.
FINE_TUNED, FROM_SCRATCH = "fine-tuned", "from scratch"


def table_label(run: Mapping[str, Any], task: Mapping[str, Any]) -> str:
  """The stored label of a run, and on D4RL's data what it leaves open.

  A label names the departures from the settings of the job's family. A job may use
  another family's than its data's (AntMaze with `configs/mujoco.py`): "DMG" is then not
  the paper's DMG on these data, and must not stand under its name.

  Args:
    run, task: of a run directory's `config.json`.
  """
  label, name = run["label"], task["name"]
  online = label.endswith((FINE_TUNED, FROM_SCRATCH))
  if run["method"] != "dmg" or online or " (" in label or name not in catalog.d4rl_files():
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


def shorten(labelled: Iterable[tuple[str, str]]) -> tuple[dict[str, str], str]:
  """Labels without the settings that all share, and these.

  A setting is shared if every label has it, but for those of methods in which its field
  has no effect. A single label stays as it is.

  Args:
    labelled: method and label of each group.

  Returns:
    Label -> what is left of it; and the shared settings, "" if there are none.
  """
  names = {label: method for method, label in labelled}
  parts = {label: _settings(label) for label in names}
  shared = [
    part
    for part in dict.fromkeys(part for found in parts.values() for part in found)
    if len(names) > 1
    and all(
      part in parts[label] or _is_without_effect(method, part.partition(" ")[0])
      for label, method in names.items()
    )
  ]
  short = {}
  for label, found in parts.items():
    rest = ", ".join(part for part in found if part not in shared)
    short[label] = f"{_title(label)} ({rest})" if rest else _title(label)
  return short, ", ".join(shared)


def without_shared_settings(
  scores: Sequence[Score],
) -> tuple[list[Score], dict[tuple[str, str], str]]:
  """Runs of ours under their methods' own names, where all on a data set share their settings.

  On data of one's own, all methods may have settings that are not the usual ones, which
  then do not tell its methods apart. Runs that count other steps stand for themselves.

  Args:
    scores: of any methods.

  Returns:
    The scores; and by data set, and what steps count, the settings left out of names.
  """
  together: dict[tuple[str, str], list[Score]] = {}
  for score in scores:
    together.setdefault((score.dataset, score.counted), []).append(score)
  renamed: list[Score] = []
  left_out: dict[tuple[str, str], str] = {}
  for place, found in together.items():
    if all(score.is_variant for score in found):
      short, shared = shorten((_method(score), score.method) for score in found)
      if len(short) == 1:
        short = {label: _title(label) for label in short}
        shared = ", ".join(_settings(next(iter(short))))
      if not any(_settings(name) for name in short.values()):
        found = [score._replace(method=short[score.method]) for score in found]
        left_out[place] = shared
    renamed += found
  return renamed, left_out


def _method(score: Score) -> str:
  """The name of a run of ours in `methods.METHODS`."""
  assert score.job is not None
  mine = score.job.task, score.job.label
  return next(r["method"] for r in score.job.config["runs"] if (r["task"], r["label"]) == mine)


def _title(label: str) -> str:
  return label.partition(" (")[0]


def _settings(label: str) -> list[str]:
  """ "DMG (lam 0.5, nu 1)" has two."""
  inside = label.partition(" (")[2].removesuffix(")")
  return inside.split(", ") if inside else []


def _is_without_effect(method: str, field: str) -> bool:
  found = methods.find(method)
  return field in found.unused or field in found.fixed


def _comparable(value: Any) -> Any:
  return tuple(value) if isinstance(value, list) else value


def _shown(value: Any) -> str:
  if isinstance(value, tuple | list):
    return "x".join(map(str, value))
  return f"{value:g}" if isinstance(value, float) else str(value)
