"""Hours and memory of a plan, against figures by hand and against real runs."""

import re

import jax
import pytest
import stored_rates as command
from small_jobs import job_for, pendulum

from dmg_jax import stored_rates, training
from dmg_jax.experiments import estimate
from dmg_jax.experiments.beginning import Beginning
from dmg_jax.stored_rates import Measured, Work

DEVICE = Measured("1 x A", "bfloat16", {1: 10.0, 4: 20.0, 8: 15.0}, 100.0, 5.0)


def test_seconds_are_operations_over_the_rate_of_as_many_runs():
  assert stored_rates.seconds(DEVICE, [Work(1, 50, 100.0)]) == 5.0
  # The best rate of at most nine runs together; steps of half the operations.
  assert stored_rates.seconds(DEVICE, [Work(9, 50, 50.0)]) == 9 * 50 / 2 / 20
  # Populations follow one another.
  assert stored_rates.seconds(DEVICE, [Work(1, 50, 100.0)] * 3) == 15.0
  # Fewer runs than were measured have the lowest count's rate.
  fewer = DEVICE._replace(steps_per_second={4: 20.0, 8: 15.0})
  assert stored_rates.seconds(fewer, [Work(1, 50, 100.0)]) == 2.5


def test_the_package_brings_the_rates_of_the_results():
  assert command.PATH.read_text() == command.content(), "run `python benchmarks/stored_rates.py`"
  names = [measured.name for measured in stored_rates.load()]
  assert "1 x NVIDIA H100 80GB HBM3 (bfloat16)" in names
  assert "2 x AMD EPYC" in names


def test_memory_is_that_of_the_runs_and_of_the_data_once():
  data = pendulum()
  job = job_for(data, methods="dmg,bc")
  by_name = {data.name: data}
  runs = [
    Beginning(members, {data.name: data.transitions}, job.settings).runs()
    for members in job.plan.populations()
  ]
  states = sum(leaf.nbytes for one in runs for leaf in jax.tree.leaves(one.states))
  rows = sum(leaf.nbytes for leaf in jax.tree.leaves(data.transitions))
  assert estimate.memory(job, by_name) == (states, rows)
  assert {one.frozen_at[0] for one in runs} == {training.ACTIVE}


def test_a_plan_tells_what_it_takes_here_and_elsewhere(monkeypatch):
  data = pendulum()
  job, by_name = job_for(data), {data.name: data}
  time, memory = estimate.here(job, by_name)
  assert re.fullmatch(r"time        about \d+ s of training, from \d+ GFLOP/s of a core.*", time)
  assert re.fullmatch(r"memory      [\d.]+ MB of states, [\d.]+ MB of data on each device", memory)
  monkeypatch.setattr(stored_rates, "load", lambda: [DEVICE])
  (line,) = estimate.elsewhere(job, by_name)
  (work,) = estimate._works(job, by_name)
  seconds = work.runs * work.steps * work.flops / 100 / 10
  time = f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
  assert 0 < seconds < 5400
  assert line.startswith(f"elsewhere   1 x A (bfloat16): {time} of training, at most about")


@pytest.mark.parametrize(
  ("seconds", "text"), [(36, "0.01"), (5400, "1.5"), (360_000, "100"), (7.2e7, "20,000")]
)
def test_hours_have_as_many_digits_as_they_deserve(seconds, text):
  assert stored_rates.hours(seconds) == text
