"""What docs/beyond.md says of the measurements after the choice, by hand."""

import beyond
import beyond_after_page
import beyond_jobs
import pytest

from dmg_jax.errors import UserError

A, B = "dmg/hopper/medium-v0", "dmg/halfcheetah/medium-v0"


def part(**means):
  """A stored part: of each setting two seeds, two points apart, and on B ten points more."""
  jobs = {}
  for name, mean in means.items():
    curves = {
      task: {
        "dmg": {
          "seeds": [0, 1],
          "steps": [1, 2],
          "scores": [[0.0, value - 1], [0.0, value + 1]],
          "diverged": [],
        }
      }
      for task, value in ((A, mean), (B, mean + 10))
    }
    jobs[name] = {
      "data": curves,
      "steps": 100_000,
      "to_step": 100_000,
      "precision": "float32",
      "step_flops": {"dmg": 1.0},
    }
  return {"jobs": jobs, "cut": [], "data": {A: {"sha256": "ab"}, B: {"sha256": "ab"}}}


def test_the_choice_is_compared_with_dmg_and_with_less_of_it():
  found = part(dmg=10, norm=30, scale=20, norm_scale=45)
  text = "\n".join(beyond_after_page.robots(found, "norm_scale", {}))
  # Of each setting and data set the mean's variance is 1: (4 x 1/4) ** 0.5 of a difference.
  assert "The gain of the choice over DMG is +35.0 ± 1.0 [" in text
  assert "| LayerNorm | +25.0 ± 1.0 |" in text
  assert "| the scale of rewards | +15.0 ± 1.0 |" in text
  assert "| LayerNorm, rewards times 0.1 | 50.0 | LayerNorm | +15.0 ± 1.0 |" in text
  told = " ".join(text.split())
  assert "100,000 gradient steps, float32, at the paper's learning and target rates" in told
  assert "not begun" not in text
  assert "another setting" not in text
  told = " ".join(beyond_after_page.robots(part(dmg=10, norm=30, norm_scale=20), "norm_scale", {}))
  assert "The largest mean is that of another setting: LayerNorm in critics and value." in told


def test_what_was_not_run_is_named():
  text = " ".join(beyond_after_page.robots(part(dmg=10, norm=30), "norm_scale", {}))
  assert "Planned, and not begun: rewards times 0.1; LayerNorm, rewards times 0.1." in text
  assert "The gain of the choice" not in text
  text = " ".join(beyond_after_page.costly(part(dmg=10, norm=30, norm_ten_critics=20), {}))
  assert "Planned, and not begun: 4 critics, the smallest; LayerNorm, batches of 512." in text
  assert "| LayerNorm, 10 critics, the smallest | 25.0 | LayerNorm | -10.0 ± 1.0 |" in text


def test_both_parts_need_dmg():
  for name in (beyond_jobs.ROBOTS, beyond_jobs.COSTLY):
    with pytest.raises(UserError, match=f"{name} compares with DMG"):
      beyond.check(name, part(norm=30, norm_scale=20))


def test_the_jobs_train_as_the_section_says():
  robots, costly = beyond_jobs.robots_jobs(), beyond_jobs.costly_jobs()
  report, second = beyond_jobs.report_jobs()["hopper_dmg"], beyond_jobs.second_jobs()
  fields = {word for word in report if not word.startswith(("--config=", "--config.methods="))}
  assert {*robots["dmg"]} ^ fields >= {"--config.seeds=3", "--config.seeds=5"}
  assert len({*robots["dmg"]} ^ fields) == 3  # the data, and the seeds of both
  assert costly["dmg"] == second["dmg"]
  assert {*costly["norm_ten_critics"]} - {*second["norm"]} == {"--config.critics=10"}
