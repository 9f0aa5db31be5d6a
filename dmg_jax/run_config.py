"""What a run directory's `config.json` says: its structure, and how two differ."""

from collections.abc import Iterator, Mapping
from typing import Any

FORMAT = 3
OFFLINE = "offline"
ONLINE = "online"
COLLECT = "collect"
# Kinds that have tasks, runs, evaluations and policies.
TRAININGS = (OFFLINE, ONLINE)
_NAMED = 5
_LONGEST_VALUE = 120
_CALLED = {
  int: "a whole number", float: "a number", str: "a string", list: "a list", dict: "an object",
  bool: "true or false",
}  # fmt: skip
_SMALLEST = dict.fromkeys(
  ("steps", "evaluation_interval", "evaluation_episodes", "log_interval", "checkpoint_interval"), 1
)
_SETTINGS = {**dict.fromkeys(_SMALLEST, int), "precision": str}
_TASK = {
  **dict.fromkeys(("name", "source", "kind", "sha256", "env"), str),
  **dict.fromkeys(("reference", "step_limit"), object),
  **dict.fromkeys(("normalise_observations", "clip_actions"), bool),
  "env_kwargs": dict, "reward_shift": float,
}  # fmt: skip
_RUN = {
  **dict.fromkeys(("id", "task", "method", "label"), str),
  "point": dict, "seed": int, "population": int,
}  # fmt: skip


def problem(config: Mapping[str, Any]) -> str | None:
  """What is wrong with the structure of a config of this format, if anything is.

  Checked are the fields that readers use: their types, that names are unique,
  and that each run's task is there.
  """
  return next(_problems(config), None)


def _problems(config: Mapping[str, Any]) -> Iterator[str]:
  """Problems, one by one; what follows one may rely on its absence."""
  yield from _wrong(config, "", {"kind": str, "invocation": list})
  yield from _wrong(
    dict(enumerate(config["invocation"])),
    "invocation",
    dict.fromkeys(range(len(config["invocation"])), str),
  )
  if config["kind"] not in TRAININGS:
    return
  yield from _wrong(config, "", {"settings": dict, "tasks": list, "runs": list})
  yield from _wrong(config["settings"], "settings", _SETTINGS)
  for field, smallest in _SMALLEST.items():
    if config["settings"][field] < smallest:
      yield f"settings.{field} is {config['settings'][field]}, but it must be at least {smallest}"
  for name, types, key in (("tasks", _TASK, "name"), ("runs", _RUN, "id")):
    if not config[name]:
      yield f"{name} is empty"
    for place, item in enumerate(config[name]):
      if not isinstance(item, dict):
        yield f"{name}[{place}] is {_short(item)}, but it must be an object"
      yield from _wrong(item, f"{name}[{place}]", types)
    keys = [item[key] for item in config[name]]
    if len(set(keys)) < len(keys):
      yield f"{name} hold one {key} twice"
  for task in config["tasks"]:
    reference = task["reference"]
    if reference is not None and not (
      isinstance(reference, list) and [_is(value, float) for value in reference] == [True, True]
    ):
      yield f"the reference of {task['name']} is {_short(reference)}, but it must be two numbers"
  tasks = {task["name"] for task in config["tasks"]}
  for run in config["runs"]:
    if run["task"] not in tasks:
      yield f"run {run['id']} is of task {run['task']!r}, which is not there"


def _wrong(content: Mapping[Any, Any], where: str, types: Mapping[Any, type]) -> Iterator[str]:
  for field, wanted in types.items():
    name = f"{where}.{field}".lstrip(".")
    if field not in content:
      yield f"{name} is missing"
    elif not _is(content[field], wanted):
      yield f"{name} is {_short(content[field])}, but it must be {_CALLED.get(wanted, 'there')}"


def _is(value: Any, wanted: type) -> bool:
  """Whether a JSON value is of a type; a whole number is a number, a boolean is none."""
  if wanted in (int, float):
    return isinstance(value, (int, wanted)) and not isinstance(value, bool)
  return isinstance(value, wanted)


def differences(
  stored: Mapping[str, Any],
  config: Mapping[str, Any],
  may_grow: frozenset[str],
  may_differ: frozenset[str],
) -> tuple[list[str], dict[tuple[str, ...], int]]:
  """How a job's config differs from a stored one, where it must not, and what grew.

  Args:
    stored, config: encoded (`run_log.encode`).
    may_grow: paths of whole numbers that may be larger, never smaller.
    may_differ: paths of what may differ.

  Returns:
    Short texts such as "discount 0.99 -> 0.9", the first few; and path -> new
    value of each field that grew.
  """
  # Text -> how many times: a field of every run is told once.
  different: dict[str, int] = {}
  grown: dict[tuple[str, ...], int] = {}
  for name, key in (("tasks", "name"), ("runs", "id")):
    there, here = ([item[key] for item in side.get(name, [])] for side in (stored, config))
    if there != here:
      different[f"{name} {_short(there)} -> {_short(here)}"] = 1
      stored, config = ({**side, name: []} for side in (stored, config))
  ours, theirs = _fields(config), _fields(stored)
  for path in dict.fromkeys([*theirs, *ours]):
    old, new = theirs.get(path), ours.get(path)
    if old == new:
      continue
    change = f"{_label(path)} {_short(old)} -> {_short(new)}"
    if _matches(path, may_grow) and isinstance(old, int) and isinstance(new, int):
      if new > old:
        grown[path] = new
        continue
      change += " (it may grow, not shrink)"
    if not _matches(path, may_differ):
      different[change] = different.get(change, 0) + 1
  texts = [f"{text} in {count} runs" if count > 1 else text for text, count in different.items()]
  if len(texts) > _NAMED:
    texts = [*texts[:_NAMED], f"and {len(texts) - _NAMED} more"]
  return texts, grown


def _fields(content: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
  """Path -> value, of everything in a config. Tasks and runs are named by name and id."""
  items: list[tuple[str, Any]]
  if isinstance(content, Mapping):
    items = [*content.items()]
  elif isinstance(content, list) and content and all(isinstance(item, dict) for item in content):
    items = [(str(item.get("id", item.get("name"))), item) for item in content]
  else:
    return {path: content}
  fields: dict[tuple[str, ...], Any] = {}
  for name, value in items:
    fields |= _fields(value, (*path, name))
  return fields


def _matches(path: tuple[str, ...], patterns: frozenset[str]) -> bool:
  for pattern in patterns:
    parts = pattern.split(".")
    if len(parts) == len(path) and all(
      part in ("*", name) for part, name in zip(parts, path, strict=True)
    ):
      return True
  return False


def _label(path: tuple[str, ...]) -> str:
  """What a field is called in a message."""
  if path[0] in ("settings", "recipe"):
    return path[-1]
  if path[0] == "runs" and len(path) > 2:
    return path[-1]
  if path[0] == "tasks" and len(path) > 2:
    return f"{path[-1]} of {path[1]}"
  return path[0]


def _short(value: Any) -> str:
  """A value, for one line."""
  if isinstance(value, list):
    value = ", ".join(map(str, value))
  text = repr(value)
  return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."
