"""A policy taken from a run directory."""

import pickle
import shutil
import subprocess
import sys

import jax
import made_runs
import numpy as np
import pytest

import dmg_jax
from dmg_jax.errors import UserError


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
  return made_runs.make(tmp_path_factory.mktemp("runs") / "run")


def by_hand(population: int, row: int, task: int, observations: np.ndarray) -> np.ndarray:
  """The actor's formula in NumPy: standardised, ReLU between layers, tanh, scaled."""
  tree = made_runs.tree()
  scaling = tree["scalings"][str(task)]
  hidden = (observations - scaling.observation_mean) / scaling.observation_scale
  layers = tree["populations"][str(population)].states.actor.parameters["params"]["policy"]
  for number in range(len(layers)):
    layer = layers[f"layer_{number}"]
    hidden = hidden @ layer["kernel"][row] + layer["bias"][row]
    hidden = np.tanh(hidden) if number == len(layers) - 1 else np.maximum(hidden, 0)
  return scaling.action_centre + scaling.action_scale * hidden


RUNS = [("dmg,seed=0", 0, 0, 0), ("dmg,seed=1", 0, 1, 0), ("iql,mine,seed=0", 1, 0, 1)]


@pytest.mark.parametrize(("run", "population", "row", "task"), RUNS)
def test_each_run_has_its_own_network_scaling_and_sizes(run, population, row, task, directory):
  policy = dmg_jax.load_policy(directory, run)
  size, actions = list(made_runs.SIZES.values())[task]
  assert (policy.observation_size, policy.action_size) == (size, actions)
  assert policy.run == made_runs.config()["runs"][[name for name, *_ in RUNS].index(run)]
  assert run in policy.__doc__
  observations = np.random.default_rng(0).normal(size=(2, 3, size)).astype(np.float32)
  found = policy(observations)
  assert found.dtype == np.float32
  expected = by_hand(population, row, task, observations)
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
  np.testing.assert_allclose(policy(observations[0, 0].tolist()), expected[0, 0], rtol=1e-4)


def test_without_a_name_it_is_the_first_run_that_did_not_diverge(tmp_path):
  tree = made_runs.tree()
  runs = tree["populations"]["0"].replace(frozen_at=np.array([8, -1], np.int32))
  diverged = tree | {"populations": tree["populations"] | {"0": runs}}
  directory = made_runs.make(tmp_path / "run", changed=diverged)
  assert dmg_jax.load_policy(directory).run["id"] == "dmg,seed=1"
  with pytest.raises(UserError, match=r"run dmg,seed=0 in .* diverged at step 8"):
    dmg_jax.load_policy(directory, "dmg,seed=0")


def test_a_damaged_checkpoint_is_told_and_the_one_before_used(directory, tmp_path):
  copy = shutil.copytree(directory, tmp_path / "run")
  (copy / "checkpoints/16/positions/metadata").write_bytes(b"{}")
  with pytest.warns(UserWarning, match="the checkpoint of step 16 in .* is damaged"):
    policy = dmg_jax.load_policy(copy)
  observations = np.ones((4, 5), np.float32)
  np.testing.assert_array_equal(policy(observations), dmg_jax.load_policy(directory)(observations))


@pytest.mark.parametrize(
  ("observations", "message"),
  [
    (np.zeros((5, 1)), r"shape \(5, 1\), but this policy takes \(..., 5\)"),
    (np.zeros(1), r"shape \(1,\), but this policy takes \(..., 5\)"),
    (np.zeros((5, 4)), r"shape \(5, 4\), but this policy takes \(..., 5\)"),
    (np.zeros((0,)), r"shape \(0,\)"),
    (3.0, r"shape \(\)"),
    (None, "must be numbers, not of dtype object"),
    ("abcde", "must be numbers"),
    (["a"] * 5, "must be numbers"),
    (np.zeros(5, complex), "must be numbers, not of dtype complex128"),
    ([[0.0] * 5, [0.0] * 4], "must be one array"),
    ([0, 0, float("nan"), 0, 0], "must be finite"),
    ([0, 0, 1e39, 0, 0], "must be finite in float32"),
    ({"observation": np.zeros(5)}, "must be numbers"),
  ],
)
def test_other_observations_are_refused_in_one_line(observations, message, directory):
  """Some of these broadcast against the mean and would give actions."""
  policy = dmg_jax.load_policy(directory)
  with pytest.raises(UserError, match=message) as error:
    policy(observations)
  assert "\n" not in str(error.value)


def test_no_observations_give_no_actions(directory):
  assert dmg_jax.load_policy(directory)(np.zeros((0, 5))).shape == (0, 2)


def test_the_pure_variant_is_transformed(directory):
  policy = dmg_jax.load_policy(directory)
  observations = np.random.default_rng(1).normal(size=(6, 5)).astype(np.float32)
  expected = policy(observations)
  jitted = jax.jit(policy.pure)(policy.parameters, observations)
  np.testing.assert_allclose(jitted, expected, rtol=1e-5, atol=1e-6)
  mapped = jax.vmap(policy.pure, in_axes=(None, 0))(policy.parameters, observations)
  np.testing.assert_allclose(mapped, expected, rtol=1e-5, atol=1e-6)
  both = [dmg_jax.load_policy(directory, run).parameters for run in ("dmg,seed=0", "dmg,seed=1")]
  stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *both)
  ensemble = jax.vmap(policy.pure, in_axes=(0, None))(stacked, observations)
  np.testing.assert_allclose(ensemble[0], expected, rtol=1e-5, atol=1e-6)
  assert not np.allclose(ensemble[1], expected)


def test_it_can_be_pickled_into_a_fresh_process(directory, tmp_path):
  policy = dmg_jax.load_policy(directory)
  observations = np.ones(5, np.float32)
  expected = policy(observations)
  again = pickle.loads(pickle.dumps(policy))
  np.testing.assert_array_equal(again(observations), expected)
  assert again.__doc__ == policy.__doc__
  path = tmp_path / "policy.pickle"
  path.write_bytes(pickle.dumps(policy))
  program = (
    "import pickle, sys, numpy\n"
    "policy = pickle.load(open(sys.argv[1], 'rb'))\n"
    "print(policy(numpy.ones(5, numpy.float32)).tolist())"
  )
  result = subprocess.run(
    [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
  )
  np.testing.assert_allclose(eval(result.stdout), expected, rtol=1e-6)
