"""The section on speed of docs/finetuning.md, from what benchmarks/finetune_speed.py stored."""

import json
from collections.abc import Mapping
from typing import Any

from jobs import RESULTS

from dmg_jax import cost, networks, tasks

RESULT = RESULTS / "finetune_speed.json"
GPU_RESULT = RESULTS / "finetune_speed_gpu.json"
RATES = RESULTS / "throughput_2_x_amd_epyc.json"
# Of the maze's observations and actions.
_SIZES = (4, 2)
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
    *_limit(result),
  ]


def _limit(result: Mapping[str, Any]) -> list[str]:
  """How fast five runs could be at most, where the rate of the device's products is stored."""
  rate = json.loads(RATES.read_text())
  if rate["device"] != result["device"]:
    return []
  flops = cost.step_flops(networks.PAPER, *_SIZES, tasks.BATCH_SIZE, tasks.POLICY_DELAY)
  least = 5 * flops / rate["matmul_flops_per_second"]
  most = 5 * result["medians"][result["compared_with"]]["step"] / least
  gigaflops = rate["matmul_flops_per_second"] / 1e9
  return [
    f"The products of a gradient step of five runs are {5 * flops / 1e9:.2f} GFLOP, and in another "
    f"sitting these cores multiplied at {gigaflops:.0f} GFLOP/s together",
    f"([`{RATES.name}`](../benchmarks/results/{RATES.name})). So such a step takes about "
    f"{1e3 * least:.0f} ms here at least, and a ratio above {most:.1f} is out of reach.",
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
