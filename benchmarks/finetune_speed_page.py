"""The section on speed of docs/finetuning.md, from what benchmarks/finetune_speed.py stored."""

import json
from collections.abc import Mapping
from typing import Any

from jobs import RESULTS

RESULT = RESULTS / "finetune_speed.json"
GPU_RESULT = RESULTS / "finetune_speed_gpu.json"
HEAD = (
  "## Speed",
  "",
  "Networks of the paper's size in PointMaze-UMaze, one gradient step for each environment step. "
  "The PyTorch loop is a",
  "plain script with the eager step: one process, one simulator, one run; five runs take it five "
  "times as long. Steps",
  "are environment steps, and as many gradient steps. Learning is measured alone, in the same "
  "round; the rest is acting,",
  "storing and dispatch, less what overlaps with learning. With `learn_every` above 1 a run acts "
  "that long with one",
  "policy, and then takes all gradient steps in one call.",
  "",
)


def section() -> list[str]:
  """The lines of the section; none, where nothing was measured."""
  results = [path for path in (RESULT, GPU_RESULT) if path.exists()]
  tables = [line for path in results for line in table(json.loads(path.read_text()), path.name)]
  return [*HEAD, *tables] if results else []


def table(result: Mapping[str, Any], name: str) -> list[str]:
  """The lines of one measurement.

  Args:
    result: as stored.
    name: of its file.
  """
  versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
  return [
    f"On {result['device']}, {result['cores_used']} cores ({versions}), from "
    f"[`{name}`](../benchmarks/results/{name})",
    f"(`{result['command']}`: medians of {result['rounds']} rounds of {result['steps']} steps). "
    f"Ratio: to the fastest PyTorch loop, *{result['compared_with']}*.",
    "",
    "| loop | steps/s, all runs | ratio | ms a step of all runs | simulators | learning | rest |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    *(_row(label, medians, result["ratios"]) for label, medians in result["medians"].items()),
    "",
  ]


def _row(name: str, medians: Mapping[str, float], ratios: Mapping[str, float]) -> str:
  cells = [name, f"{medians['steps_per_second']:.0f}"]
  cells.append(f"{ratios[name]:.2f}" if name in ratios else "")
  cells += [
    f"{1e3 * medians[part]:.2f}" if part in medians else ""
    for part in ("step", "simulators", "learning", "rest")
  ]
  return f"| {' | '.join(cells)} |"
