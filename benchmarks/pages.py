"""Writes the measured tables of README.md and docs/ from the stored results.

  python benchmarks/pages.py

A table stands between `<!-- measured: NAME -->` and `<!-- end -->`; all else is left as
it is. Run it after a new result. A test compares the pages with what it makes.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import family_pages
import scale_pages
import sweep_page
from absl import app
from family_pages import row

from dmg_jax.data import policies
from dmg_jax.errors import UserError
from dmg_jax.methods import METHODS
from dmg_jax.report.scores import statistics

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGES = (
  *("README.md", "docs/benchmarks.md", "docs/data.md", "docs/family.md", "docs/jobs.md"),
  "docs/scale.md",
)
_PLACE = re.compile(r"(<!-- measured: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def stored(name: str) -> dict[str, Any]:
  """A result by the name of its file.

  Raises:
    UserError: if the file is not whole.
  """
  path = RESULTS / name
  try:
    return json.loads(path.read_text())
  except (OSError, ValueError) as error:
    raise UserError(f"{path} is damaged or missing ({error}); restore it from git") from error


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


def speed() -> Iterable[str]:
  """Steps per second against the number of runs on a CPU."""
  name = "throughput_2_x_amd_epyc.json"
  result = stored(name)
  yield "Gradient steps per second of all runs together, from"
  yield (
    f"[`{name}`](../benchmarks/results/{name}) ({result['device']}, jax "
    f"{result['versions']['jax']}, median of {result['rounds']} rounds; ratios within a round):"
  )
  yield ""
  yield row("runs", "steps/s", "of the cores' matmul rate", "one call", "ratio to it")
  yield row(*["---"] * 5)
  for runs, rate in result["steps_per_second"].items():
    before = result["one_call_steps_per_second"].get(runs)
    yield row(
      runs,
      f"{rate:.0f}",
      f"{result['share_of_matmul_rate'][runs]:.2f}",
      "" if before is None else f"{before:.0f}",
      "" if before is None else f"{result['ratio_to_one_call'][runs]:.2f}",
    )
  one, both = (result[f"matmul_flops_per_second{end}"] / 1e9 for end in ("_one_core", ""))
  cores = result["worker_threads"]
  share = result["share_of_matmul_rate"]["10"]
  yield ""
  yield (
    f"One core alone multiplies at {one:.0f} GFLOP/s, {cores} at once at {both:.0f}. A step is "
    f"{result['flops_per_step'] / 1e9:.3f} GFLOP. On C cores with at least C runs we expect "
    f"{share:.2f} (the share with 10 runs) of C times a core's rate: between"
  )
  yield ""
  yield row("cores", f"if all work as {cores} do here together", "if each works as one does alone")
  yield row("---", "---", "---")
  for count in (8, 32):
    low, high = (
      count * rate * 1e9 * share / result["flops_per_step"] for rate in (both / cores, one)
    )
    yield row(count, f"{low:,.0f} steps/s", f"{high:,.0f} steps/s")


def plan() -> Iterable[str]:
  """A job of many methods, points, seeds and data sets: killed, and its cost."""
  result = stored("plan.json")
  different = result["different_after_kills"]
  alone = result["seconds_of_training_per_run_alone"]
  yield (
    f"{result['runs']} runs of {len(result['groups'])} groups, killed {result['kills']} times at "
    "random moments and started again by the same command: "
    + ("the same bits in parameters, logs and summary." if not different else f"{different}.")
  )
  yield (
    f"Training took {result['seconds_of_training']:.0f} s, "
    f"{result['cost_per_run_over_single_job']:.2f} of what the same runs cost in jobs of one "
    f"method and {result['cores']} seeds ("
    + ", ".join(f"{name} {seconds:.1f} s a run" for name, seconds in alone.items())
    + f"; {result['device']}), from [`plan.json`](../benchmarks/results/plan.json)."
  )


def family() -> Iterable[str]:
  """What a step of each method costs."""
  result = stored("family_cost.json")
  yield (
    f"One run for each of {result['runs_of_each_method']} cores, from "
    "[`family_cost.json`](../benchmarks/results/family_cost.json) "
    f"({result['device']}, jax {result['versions']['jax']}, median of {result['rounds']} rounds):"
  )
  yield ""
  yield row("method", "GFLOP a step", "steps/s", "ratio to DMG")
  yield row(*["---"] * 4)
  for method, ratio in result["ratio_to_dmg"].items():
    yield row(
      f"`{method}`",
      f"{result['gflop_per_step'][method]:.3f}",
      f"{result['steps_per_second'][method]:.0f}",
      f"{ratio:.2f}",
    )
  yield ""
  yield (
    f"{result['many_runs']} runs of DMG in one job cost per run "
    f"{result['cost_per_run_of_many_over_one_for_each_core']:.2f} of what "
    f"{result['runs_of_each_method']} cost. A run takes {result['bytes_per_run'] / 2**20:.1f} MiB, "
    f"whatever the size of the data, which all runs share "
    f"({result['bytes_of_data'] / 2**20:.1f} MiB here)."
  )


def named_methods() -> Iterable[str]:
  """The methods, as the code has them."""
  yield row("name", "title", "what it is")
  yield row("---", "---", "---")
  for name, method in METHODS.items():
    yield row(f"`{name}`", method.title, method.description)


def gpu() -> Iterable[str]:
  """Steps per second on an accelerator, and the hours of the paper's locomotion at that rate."""
  names = [
    f"throughput_1_x_nvidia_h100_80gb_hbm3_{precision}.json"
    for precision in ("tensorfloat32", "bfloat16")
  ]
  results = [stored(name) for name in names]
  first = results[0]
  links = " and ".join(f"[`{name}`](../benchmarks/results/{name})" for name in names)
  yield (
    f"{first['device']}, jax {first['versions']['jax']}, median of {first['rounds']} rounds, from"
  )
  yield f"{links}:"
  yield ""
  yield row(
    "products", "runs", "steps/s", "of the rate of products of 256 x 256", "seconds to compile"
  )
  yield row(*["---"] * 5)
  for result in results:
    for runs, rate in result["steps_per_second"].items():
      share = result["share_of_matmul_rate"][runs]
      seconds = result["compile_seconds"][runs]
      yield row(result["precision"], runs, f"{rate:,.0f}", f"{share:.2f}", f"{seconds:.1f}")
  hours = 75e6 / first["steps_per_second"]["80"] / 3600
  yield ""
  yield (
    f"Table 2's locomotion, 75 runs of 1,000,000 steps in {first['precision']}, is "
    f"{hours:.2f} hours of training at the rate of 80 runs; evaluation and compilation come on top."
  )


TABLES: Mapping[str, Callable[[], Iterable[str]]] = {
  "main_job": main_job,
  "learning": learning,
  "shipped": shipped,
  "speed": speed,
  "plan": plan,
  "family": family,
  "lines": family_pages.lines,
  "methods": family_pages.methods,
  "differences": family_pages.differences,
  "precisions": family_pages.precisions,
  "gpu": gpu,
  "named_methods": named_methods,
  "sweep_losses": lambda: sweep_page.losses(stored("sweep_loss.json")),
  "sweep_costs": lambda: sweep_page.costs(stored("sweep_cost.json")),
  "scaling": scale_pages.scaling,
  "hosts": scale_pages.hosts,
  "evaluation_share": scale_pages.evaluation_share,
}


def filled(text: str) -> str:
  """A page with its tables made anew."""

  def table(match: re.Match[str]) -> str:
    return match[1] + "\n".join(TABLES[match[2]]()) + "\n" + match[3]

  return _PLACE.sub(table, text)


def main(_) -> None:
  try:
    texts = {ROOT / name: filled((ROOT / name).read_text()) for name in PAGES}
  except UserError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)
  for path, text in texts.items():
    path.write_text(text)
    print(path)


if __name__ == "__main__":
  app.run(main)
