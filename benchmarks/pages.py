"""Writes the measured tables of README.md and docs/ from the stored results.

  python benchmarks/pages.py

A table stands between `<!-- measured: NAME -->` and `<!-- end -->`; all else is left as
it is. Run it after a new result. A test compares the pages with what it makes.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from absl import app

from dmg_jax.data import policies
from dmg_jax.report.scores import statistics

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGES = ("README.md", "docs/benchmarks.md", "docs/data.md")
_PLACE = re.compile(r"(<!-- measured: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def stored(name: str) -> dict[str, Any]:
  """A result by the name of its file."""
  return json.loads((RESULTS / name).read_text())


def row(*cells: object) -> str:
  """A line of a Markdown table."""
  return f"| {' | '.join(map(str, cells))} |"


def main_job() -> Iterable[str]:
  """What the README's main job gave."""
  result = stored("main_job.json")
  (group,) = result["groups"]
  lasts = [run["last"] for run in group["runs"]]
  last, window = group["last"], group["mean_of_window"]
  low, high = last["iqm_interval"]
  yield (
    f"D4RL-normalised scores of {group['label']} at step {group['last_step']:,}, "
    f"{group['episodes_per_evaluation']} episodes per seed, from"
  )
  yield (
    "[`main_job.json`](benchmarks/results/main_job.json) (jax "
    f"{result['versions']['jax']}, {result['devices'][0]}):"
  )
  yield ""
  seeds = [run["seed"] for run in group["runs"]]
  yield row("", "mean ± sd", "IQM, 95 % interval", f"seeds {seeds[0]} to {seeds[-1]}")
  yield row("---", "---", "---", "---")
  yield row(
    "last evaluation",
    f"{last['mean']:.1f} ± {last['sd']:.1f}",
    f"{last['iqm']:.1f} [{low:.1f}, {high:.1f}]",
    ", ".join(f"{score:.1f}" for score in lasts),
  )
  low, high = window["iqm_interval"]
  yield row(
    f"mean of the last {group['window']} evaluations",
    f"{window['mean']:.1f} ± {window['sd']:.1f}",
    f"{window['iqm']:.1f} [{low:.1f}, {high:.1f}]",
    ", ".join(f"{run['mean_of_window']:.1f}" for run in group["runs"]),
  )
  yield row("the data's own mean", f"{group['data_score']:.1f}", "", "")


def learning() -> Iterable[str]:
  """DMG beside the PyTorch step and cloning."""
  result = stored("learning_comparison.json")
  names = {"dmg_jax": "DMG", "pytorch": "DMG, the eager PyTorch step", "bc": "behaviour cloning"}
  yield f"Scores after {result['steps']:,} steps on the embedded data,"
  yield f"{result['episodes']} episodes per seed, from"
  yield "[`learning_comparison.json`](../benchmarks/results/learning_comparison.json):"
  yield ""
  yield row("", "mean ± sd", "seeds")
  yield row("---", "---", "---")
  for name, scores in result["scores"].items():
    mean, deviation = statistics.mean_and_deviation(scores)
    yield row(names[name], f"{mean:.1f} ± {deviation:.1f}", ", ".join(f"{x:.1f}" for x in scores))
  difference = result["difference_dmg_jax_minus_pytorch"]
  low, high = difference["interval_95"]
  yield ""
  yield (
    f"The difference of the means of both DMGs is {difference['mean']:.1f}, 95 % interval "
    f"[{low:.1f}, {high:.1f}]: "
    + ("no difference is shown." if low <= 0 <= high else "they differ.")
  )


def shipped() -> Iterable[str]:
  """Scores of the policies that come with the package."""
  yield row("", "medium", "expert")
  yield row("---", "---", "---")
  for env_id in ("HalfCheetah-v4", "Hopper-v4", "Walker2d-v4"):
    paths = policies.shipped(env_id, "medium-expert")
    quotes = [policies.provenance(paths[name]) for name in ("medium", "expert")]
    cells = [f"{quote['score']:.1f} after {quote['step']:,} steps" for quote in quotes]
    yield row(f"`{env_id}`", *cells)


TABLES: Mapping[str, Callable[[], Iterable[str]]] = {
  "main_job": main_job,
  "learning": learning,
  "shipped": shipped,
}


def filled(text: str) -> str:
  """A page with its tables made anew."""

  def table(match: re.Match[str]) -> str:
    return match[1] + "\n".join(TABLES[match[2]]()) + "\n" + match[3]

  return _PLACE.sub(table, text)


def main(_) -> None:
  for name in PAGES:
    path = ROOT / name
    path.write_text(filled(path.read_text()))
    print(path)


if __name__ == "__main__":
  app.run(main)
