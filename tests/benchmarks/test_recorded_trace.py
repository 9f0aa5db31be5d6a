import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import recorded_trace
import trace_files

from dmg_jax.errors import UserError

FIXTURES = Path(__file__).parents[1] / "fixtures"
OWN = FIXTURES / "own_antmaze.npz"


@pytest.fixture
def arrays():
  with np.load(OWN) as file:
    return {key: file[key] for key in file.files}


def write(folder, arrays, **settings):
  """A copy of a trace, with changes to its hyper_json."""
  values = json.loads(str(arrays["hyper_json"][()])) | settings
  path = folder / "trace.npz"
  np.savez(path, **(arrays | {"hyper_json": np.array(json.dumps(values))}))
  return path


def test_weights_are_transposed_and_second_critic_follows_first():
  tensors = {}
  for layer in range(1, 5):
    tensors[f"l{layer}.weight"] = np.array([[10 * layer + 1.0, 10 * layer + 2.0]])
    tensors[f"l{layer}.bias"] = np.array([float(layer)])
  parameters = recorded_trace.flax_parameters("critic", tensors)["params"]
  layers = parameters["critics"]
  np.testing.assert_array_equal(layers["layer_1"]["kernel"], [[[21], [22]], [[41], [42]]])
  np.testing.assert_array_equal(layers["layer_0"]["kernel"], [[[11], [12]], [[31], [32]]])
  np.testing.assert_array_equal(layers["layer_1"]["bias"], [[2], [4]])


@pytest.mark.parametrize("network", recorded_trace.NETWORKS)
def test_names_round_trip(network):
  tensors = trace_files.load(OWN).snapshots["final"][network]
  tree = recorded_trace.flax_parameters(network, tensors)
  back = recorded_trace.torch_tensors(network, tree)
  assert back.keys() == tensors.keys()
  for name, tensor in tensors.items():
    np.testing.assert_array_equal(back[name], tensor)


def test_hidden_sizes():
  tensors = {
    "l1.weight": np.zeros((4, 2)),
    "l1.bias": np.zeros(4),
    "l2.weight": np.zeros((3, 4)),
    "l2.bias": np.zeros(3),
    "l3.weight": np.zeros((1, 3)),
    "l3.bias": np.zeros(1),
  }
  assert recorded_trace.hidden_sizes("value_critic", tensors) == (4, 3)


def test_deviations_are_relative_to_each_tensors_largest_value():
  recorded = {"actor": {"l1.weight": np.array([2.0, -4.0]), "l1.bias": np.array([10.0])}}
  replayed = {"actor": {"l1.weight": np.array([3.0, -4.0]), "l1.bias": np.array([11.0])}}
  assert recorded_trace.deviations(recorded, replayed) == {"actor": 0.25}


def test_deviation_from_zeros_is_absolute():
  recorded = {"actor": {"l1.bias": np.zeros(2)}}
  replayed = {"actor": {"l1.bias": np.array([0.0, -0.5])}}
  assert recorded_trace.deviations(recorded, replayed) == {"actor": 0.5}


def test_nan_is_no_agreement():
  recorded = {"actor": {"l1.bias": np.array([1.0]), "l2.bias": np.array([1.0])}}
  replayed = {"actor": {"l1.bias": np.array([np.nan]), "l2.bias": np.array([1.0])}}
  assert np.isnan(recorded_trace.deviations(recorded, replayed)["actor"])


def test_actor_moves_in_phase_with_the_steps_before_the_trace():
  settings = trace_files.load(OWN).settings
  settings = dataclasses.replace(settings, N=7, start_step=7, policy_freq=3)
  assert [settings.updates_actor(step) for step in range(7)] == [
    *(False, True, False),
    *(False, True, False),
    False,
  ]
  assert settings.actor_steps() == 2


@pytest.mark.parametrize("horizon", [500_000, 333_333])
def test_cosine_steps_follow_the_recorded_rate(horizon):
  settings = dataclasses.replace(trace_files.load(OWN).settings, N=30, policy_freq=3)
  rate = 1.5e-4 * (1 + np.cos(np.pi * 10 / horizon))
  assert dataclasses.replace(settings, lr_actor_final=rate).cosine_steps() == horizon


def test_save_then_load_keeps_everything(tmp_path):
  trace = trace_files.load(OWN)
  trace_files.save(tmp_path / "copy.npz", trace)
  again = trace_files.load(tmp_path / "copy.npz")
  assert again.settings == trace.settings
  np.testing.assert_array_equal(again.noise, trace.noise)
  np.testing.assert_array_equal(again.batches.not_dones, trace.batches.not_dones)
  assert again.snapshots.keys() == trace.snapshots.keys()
  for mark, snapshot in trace.snapshots.items():
    assert set(recorded_trace.deviations(snapshot, again.snapshots[mark]).values()) == {0.0}


def test_missing_file(tmp_path):
  with pytest.raises(UserError, match=r"none\.npz: no such file"):
    trace_files.load(tmp_path / "none.npz")


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut"])
def test_not_an_npz(tmp_path, content):
  (tmp_path / "bad.npz").write_bytes(content)
  with pytest.raises(UserError, match=r"not a readable \.npz"):
    trace_files.load(tmp_path / "bad.npz")


def test_a_single_array_is_no_trace(tmp_path):
  np.save(tmp_path / "bad.npy", np.zeros(3))
  with pytest.raises(UserError, match=r"not a readable \.npz"):
    trace_files.load(tmp_path / "bad.npy")


def test_pickled_objects_are_never_loaded(tmp_path, arrays):
  with pytest.raises(UserError, match=r"not a readable \.npz"):
    trace_files.load(write(tmp_path, arrays | {"rewards": np.array([{}], dtype=object)}))


@pytest.mark.parametrize(
  "key",
  [
    "hyper_json",
    "noise",
    "not_dones",
    "init/actor/l2.bias",
    "init/critic/l6.weight",
    "final/critic_target/l4.weight",
  ],
)
def test_missing_keys_are_named(tmp_path, arrays, key):
  del arrays[key]
  np.savez(tmp_path / "trace.npz", **arrays)
  with pytest.raises(UserError, match=f"trace.npz: key '{key}' is missing"):
    trace_files.load(tmp_path / "trace.npz")


def test_missing_network_is_named(tmp_path, arrays):
  arrays = {key: array for key, array in arrays.items() if not key.startswith("init/value")}
  with pytest.raises(UserError, match=r"key 'init/value_critic/l1\.weight' is missing"):
    trace_files.load(write(tmp_path, arrays))


@pytest.mark.parametrize(
  ("key", "array", "message"),
  [
    ("rewards", np.zeros((6, 5)), r"'rewards' has shape \(6, 5\)"),
    ("rewards", np.full((6, 4), "a"), "must hold numbers"),
    ("init/critic/l4.weight", np.zeros((8, 29)), "init/critic/l4"),
    ("final/actor/l3.bias", np.zeros(3), "no match of its shape"),
    ("after7/actor/l3.bias", np.zeros(8), "beyond the 6 steps"),
    ("hyper_json", np.array("{"), "not valid JSON"),
    ("hyper_json", np.array("[]"), "must be a JSON object"),
    ("hyper_json", np.array('{"S": 29}'), "missing A, B, N"),
  ],
)
def test_bad_arrays_are_named(tmp_path, arrays, key, array, message):
  np.savez(tmp_path / "trace.npz", **(arrays | {key: array}))
  with pytest.raises(UserError, match=message):
    trace_files.load(tmp_path / "trace.npz")


@pytest.mark.parametrize(
  ("settings", "message"),
  [
    ({"mode": "both"}, "mode is 'both'"),
    ({"discount": "0.99"}, "discount is '0.99'"),
    ({"nu": float("nan")}, "nu is nan"),
    ({"policy_freq": 0}, "policy_freq is 0"),
    ({"start_step": -1}, "start_step is -1"),
    ({"N": 2.5}, "N is 2.5"),
  ],
)
def test_bad_settings_are_named(tmp_path, arrays, settings, message):
  with pytest.raises(UserError, match=message):
    trace_files.load(write(tmp_path, arrays, **settings))
