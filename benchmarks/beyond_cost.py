"""What a gradient step of each ingredient of benchmarks/beyond.py costs, measured.

  python benchmarks/beyond_cost.py

One run for each core, on random data of Hopper's sizes, in interleaved rounds; a ratio to plain
DMG is the median of the rounds' ratios. Goes to benchmarks/results/beyond_cost.json.
"""

import json
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import numpy as np
import rates
from absl import app, flags
from beyond_jobs import BASE, TITLES, VARIANTS
from family_pages import row
from jobs import RESULTS
from machine import device_name

from dmg_jax import study_files, tasks
from dmg_jax.envs.workers import available_cores
from dmg_jax.population import Population

RESULT = RESULTS / "beyond_cost.json"


def variants() -> dict[str, dict[str, Any]]:
  """Name -> static fields; of several with the same, which cost the same, the first."""
  found: dict[str, dict[str, Any]] = {}
  for name, fields in VARIANTS.items():
    static = {field: value for field, value in fields.items() if field not in tasks.TRACED}
    if static not in found.values():
      found[name] = static
  return found


def section() -> Iterator[str]:
  """Lines of docs/beyond.md, from the stored result."""
  result = json.loads(RESULT.read_text())
  yield "## What a gradient step costs"
  yield ""
  yield "Time of a gradient step over DMG's, on data of Hopper's sizes: medians of rounds, with the"
  yield "least and the largest. Settings that differ from one in the table only in numbers"
  yield "(discount, target rate, the actor's schedule) are the same program, and left out."
  yield "Scaling the rewards should cost nothing: its difference shows the noise."
  yield ""
  if rest := [TITLES[name] for name in variants() if name not in result["time_over_dmg"]]:
    yield f"Not measured: {'; '.join(rest)}."
    yield ""
  yield row("setting", "time over DMG's", "in the rounds")
  yield row("---", "---:", "---:")
  rounds = result["rates_of_rounds"]
  for name, ratio in result["time_over_dmg"].items():
    each = np.divide(rounds[BASE], rounds[name])
    yield row(TITLES[name], f"{ratio:.2f}", f"{each.min():.2f} to {each.max():.2f}")
  yield ""
  yield f"`{result['command']}` (cores: {result['runs']}, of {result['device']}; jax"
  yield f"{result['versions']['jax']}; [`{RESULT.name}`](../benchmarks/results/{RESULT.name}))."
  yield ""


def main(_) -> None:
  data, cores = rates.make_data(), available_cores()
  jobs: rates.Jobs = {}
  for name, fields in variants().items():
    population = Population(*rates.beginning(BASE, cores, data, **fields), data, cores)
    jobs[name], _ = rates.training_of(population, flags.FLAGS.steps)
  found = rates.measured(jobs, flags.FLAGS.rounds)
  ratios = {name: np.divide(found[BASE], rounds) for name, rounds in found.items()}
  result: dict[str, Any] = {
    "command": " ".join(["python", "benchmarks/beyond_cost.py", *sys.argv[1:]]),
    "device": device_name(),
    "versions": {name: metadata.version(name) for name in ("dmg_jax", "jax", "jaxlib", "flax")}
    | {"python": platform.python_version()},
    "runs": cores,
    "time_over_dmg": {name: float(np.median(values)) for name, values in ratios.items()},
    "rates_of_rounds": found,
  }
  study_files.write({RESULT: (json.dumps(study_files.rounded(result), indent=1) + "\n").encode()})
  for name, ratio in result["time_over_dmg"].items():
    print(f"{name:<20}{ratio:.2f}")
  print(RESULT)


if __name__ == "__main__":
  flags.DEFINE_integer("rounds", 6, "Rounds, after one that warms up.", lower_bound=1)
  flags.DEFINE_integer("steps", 64, "Gradient steps of each run in a round.")
  app.run(main)
