"""Finished jobs over lambda and nu, as the scripts of benchmarks/ read them."""

import json

MEDIUM, EXPERT = "dmg/hopper/medium-v0", "dmg/hopper/expert-v0"


def job(folder, points, seeds=2, **changes):
  """Run directory of two runs and more at points (lambda, nu); all at lambda 1 diverged.

  A score is ten lambda and the seed.
  """
  folder.mkdir()
  groups = [
    {
      "task": MEDIUM, "method": "dmg", "data_score": 30.0,
      "point": {"lam": lam, "nu": nu},
      "runs": [
        {"last": None if lam == 1 else 10 * lam + seed, "diverged_at": 5 if lam == 1 else None}
        for seed in range(seeds)
      ],
      "learned": {
        "a": {"largest_q": 16.0, "q_bound": 10.0}, "b": {"largest_q": 15.0, "q_bound": 10.0},
      },
      "hints": {"below_data": "a sentence"},
      **changes,
    }
    for lam, nu in points
  ]  # fmt: skip
  summary = {"groups": groups, "steps": 8, "devices": ["cpu"], "versions": {"jax": "1"}}
  (folder / "summary.json").write_text(json.dumps(summary))
  tasks = [{"name": groups[0]["task"], "sha256": "ab" * 32}]
  config = {"invocation": ["launch/main.py"], "tasks": tasks}
  (folder / "config.json").write_text(json.dumps(config))
  return str(folder)
