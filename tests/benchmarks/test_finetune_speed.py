"""The loops that are compared run, and what is made of their numbers; speeds are no test."""

import finetune_speed
import finetune_speed_page
import pytest


def took(rate, **parts):
  return {"step": 1 / rate, "steps_per_second": rate, **parts}


FOUND = {
  "1 run": [took(90.0, learning=0.008), took(100.0, learning=0.009)],
  "PyTorch, 1 thread": [took(30.0), took(50.0)],
  "PyTorch, 2 threads": [took(20.0), took(40.0)],
}


def test_a_ratio_is_the_median_of_those_within_rounds_and_to_the_faster_of_pytorchs():
  made = finetune_speed.summary(FOUND)
  assert made["compared_with"] == "PyTorch, 1 thread"
  assert made["ratios"] == {"1 run": pytest.approx((90 / 30 + 100 / 50) / 2)}
  assert made["medians"]["1 run"]["learning"] == pytest.approx(0.0085)


def test_the_section_has_a_row_for_each_loop():
  result = finetune_speed.summary(FOUND) | {
    "environment": "a maze", "command": "python benchmarks/finetune_speed.py", "rounds": 2,
    "steps": 20, "device": "a processor", "cores_used": 2, "versions": {"jax": "1"},
  }  # fmt: skip
  lines = finetune_speed_page.table(result, "speed.json")
  assert "| 1 run | 95 | 2.50 | 10.56 |  | 8.50 |  |" in lines
  assert "| PyTorch, 1 thread | 40 |  | 26.67 |  |  |  |" in lines
