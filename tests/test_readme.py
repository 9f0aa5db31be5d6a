"""The README's figures are those that a command measured."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks/results/learning_comparison.json"


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
