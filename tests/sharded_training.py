"""Run by test_training in a process of its own, which sees 4 virtual CPU devices."""

import os

os.environ["XLA_FLAGS"] = (
  f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=4"
)

import jax
import numpy as np
from conftest import ACTION_SIZE, make_points, make_transitions, small_architecture

from dmg_jax import experience, networks, training
from dmg_jax.agents import dmg

TOLERANCE = 1e-10


def train(seeds, devices):
  data = make_transitions(200, np.float64)
  agent = dmg.make(networks.make(ACTION_SIZE, small_architecture()))
  program = training.make_program(agent, len(seeds), 16, jax.devices()[:devices])
  runs = training.start(seeds, agent, data)
  placed = training.place(runs, make_points(len(seeds), np.float64), data, program)
  assert len(placed[0].seeds.sharding.device_set) == devices
  draws = jax.jit(
    jax.vmap(lambda s, o, n: experience.draw(s, 5, experience.Span(o, n), 16, (16, 2), np.float64))
  )(placed[0].seeds, placed[0].offsets, placed[0].sizes)
  runs, metrics = training.advance(*placed, program, 10)
  assert len(runs.seeds.sharding.device_set) == devices
  return training.gather((runs, metrics), len(seeds)), training.gather(draws, len(seeds))


if __name__ == "__main__":
  with jax.enable_x64(True):
    one, draws_of_one = train(range(5), devices=1)
    many, draws_of_many = train(range(5), devices=4)
  jax.tree.map(np.testing.assert_array_equal, draws_of_one, draws_of_many)
  jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=TOLERANCE, rtol=0), one, many)
  np.testing.assert_array_equal(many[0].frozen_at, [training.ACTIVE] * 5)
  print(len(jax.devices()), "devices: ok")
