"""The README's figures are those that a command measured."""

import json
from pathlib import Path

import numpy as np

from dmg_jax.data import policies

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks/results/learning_comparison.json"
MAZES = ROOT / "benchmarks/results/maze_stitching.json"
THROUGHPUT = ROOT / "benchmarks/results/throughput_2_x_intel_r_xeon_r_processor_2_50ghz.json"


def test_final_scores():
  result = json.loads(RESULT.read_text())
  readme = (ROOT / "README.md").read_text()
  for name, scores in result["scores"].items():
    listed = ", ".join(f"{score:.1f}" for score in scores)
    assert f"| {result['iqm'][name]:.1f} | {listed} |" in readme
  assert f"| recording policy | {result['recording_policy_score']:.1f} | |" in readme
  assert f"| the data's mean | {result['data_score']:.1f} | |" in readme
  low, high = result["difference_dmg_jax_minus_pytorch"]["interval_95"]
  assert f"[{low:.1f}, {high:.1f}]" in readme
  assert f"{result['steps']:,} steps" in readme


def test_throughput():
  result = json.loads(THROUGHPUT.read_text())
  readme = (ROOT / "README.md").read_text()
  for runs, rate in result["steps_per_second"].items():
    share, seconds = result["share_of_matmul_rate"][runs], result["compile_seconds"][runs]
    row = f"| {runs} run{'s' * (runs != '1')} | {rate:.0f} | {share:.2f} | {seconds:.1f} s |"
    assert row in readme
  steps = json.loads(RESULT.read_text())["steps"]
  minutes = 5 * steps / result["steps_per_second"]["5"] / 60
  assert f"({minutes:.0f} minutes of training at the CPU rate" in readme
  torch_rate = max(result["torch_steps_per_second"].values())
  assert f"PyTorch step, 1 run | {torch_rate:.0f} | | |" in readme
  assert f"{result['ratio_to_torch']:.1f}\ntimes PyTorch's" in readme


def test_policies_that_come_with_the_package():
  readme = (ROOT / "README.md").read_text()
  for env_id in ("HalfCheetah-v4", "Hopper-v4", "Walker2d-v4"):
    paths = policies.shipped(env_id, "medium-expert")
    quotes = [policies.provenance(paths[name]) for name in ("medium", "expert")]
    cells = [f"{quote['score']:.1f} after {quote['step']:,} steps" for quote in quotes]
    assert f"| `{env_id}` | {cells[0]} | {cells[1]} |" in readme


def test_where_dmg_does_better_than_data_of_our_own():
  rows = json.loads((ROOT / "benchmarks/results/own_tiers.json").read_text())["datasets"]
  readme = " ".join((ROOT / "README.md").read_text().split())
  short = [row for row in rows if row["steps"] == 24_000]
  assert len(short) == 18
  assert {row["dataset"] for row in short if np.mean(row["dmg_scores"]) <= row["data_score"]} == {
    "dmg/halfcheetah/full-replay-v0",
    "dmg/walker2d/expert-v0",
    "dmg/walker2d/medium-v0",
  }
  assert {len(row["dmg_scores"]) for row in rows} == {2}
  assert (
    "with two seeds: after 24,000 gradient steps it does better than the data's mean on all but "
    "HalfCheetah's full replay, Walker2d's expert and Walker2d's medium."
  ) in readme
  (long,) = [row for row in rows if row not in short]
  assert long["dataset"] == "dmg/walker2d/medium-v0"
  mean, deviation = np.mean(long["dmg_scores"]), np.std(long["dmg_scores"], ddof=1)
  assert (
    f"After 200,000 at the paper's rates (with \N{GREEK SMALL LETTER NU} {long['nu']:g}) "
    f"it does so on Walker2d's medium as well: {mean:.1f} ± {deviation:.1f} at the last evaluation "
    f"({np.mean(long['dmg_means_of_evaluations']):.1f} over all ten, from 20,000 steps on) on data "
    f"whose mean is {long['data_score']:.1f}."
  ) in readme


def test_success_in_mazes():
  result = json.loads(MAZES.read_text())
  readme = (ROOT / "README.md").read_text()
  assert f"After {result['steps']:,} gradient steps" in readme
  assert f"this share of {result['episodes']} episodes" in readme
  for maze, figures in result["mazes"].items():
    (dmg,), (cloning,) = figures["success"]["dmg"], figures["success"]["bc"]
    data = figures["data"]
    whole = data["from_the_start_cell_to_the_goal"]
    assert f"| {maze} | {dmg:.2f} | {cloning:.2f} | {data['episodes']} | {whole} |" in readme
