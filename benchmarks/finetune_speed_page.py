"""The section on speed of docs/finetuning.md, from what benchmarks/finetune_speed.py stored."""

import json
from collections.abc import Mapping
from typing import Any

from jobs import RESULTS

RESULT = RESULTS / "finetune_speed.json"


def section() -> list[str]:
  """The lines of the section; none, where nothing was measured."""
  return lines(json.loads(RESULT.read_text())) if RESULT.exists() else []


def lines(result: Mapping[str, Any]) -> list[str]:
  """The lines of the section.

  Args:
    result: as stored.
  """
  versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
  return [
    "## Speed",
    "",
    f"Networks of the paper's size in {result['environment']}, one gradient step for each",
    "environment step. The PyTorch loop is a plain script with the eager step: one process, one",
    "simulator, one run; five runs take it five times as long.",
    "",
    "| loop | steps/s, all runs | ratio | ms a step of all runs | simulators | learning | rest |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    *(_row(name, medians, result["ratios"]) for name, medians in result["medians"].items()),
    "",
    "Steps are environment steps, and as many gradient steps. Ratio: to the faster PyTorch loop, "
    f"{result['compared_with']}. Learning is",
    "measured alone, in the same round; the rest is acting, storing and dispatch, less what "
    "overlaps with learning. With",
    "`learn_every` above 1 a run acts that long with one policy, and then takes all gradient steps "
    "in one call.",
    "",
    f"[`finetune_speed.json`](../benchmarks/results/finetune_speed.json): `{result['command']}`, "
    f"medians of {result['rounds']} rounds of",
    f"{result['steps']} steps; {result['device']}, {result['cores_used']} cores; {versions}.",
    "",
  ]


def _row(name: str, medians: Mapping[str, float], ratios: Mapping[str, float]) -> str:
  cells = [name, f"{medians['steps_per_second']:.0f}"]
  cells.append(f"{ratios[name]:.2f}" if name in ratios else "")
  cells += [
    f"{1e3 * medians[part]:.1f}" if part in medians else ""
    for part in ("step", "simulators", "learning", "rest")
  ]
  return f"| {' | '.join(cells)} |"
