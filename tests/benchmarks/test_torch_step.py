import dataclasses
from pathlib import Path

import numpy as np
import pytest
import recorded_trace
import trace_files

from dmg_jax.types import Transitions

torch = pytest.importorskip("torch", reason="the comparison with PyTorch needs the extra [bench]")
import record_trace  # noqa: E402
import torch_step  # noqa: E402

FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.glob("*.npz")))
def test_replays_recorded_trace(name):
  trace = trace_files.load(FIXTURES / name)
  snapshots, rate = torch_step.replay(trace)
  for mark, recorded in trace.snapshots.items():
    deviations = recorded_trace.deviations(recorded, snapshots[mark])
    assert max(deviations.values()) <= 1e-12, (mark, deviations)
  assert rate == pytest.approx(trace.settings.lr_actor_final, rel=1e-12)


@pytest.fixture(autouse=True)
def _one_thread():
  threads = torch.get_num_threads()
  torch.set_num_threads(1)
  yield
  torch.set_num_threads(threads)


def test_trains_in_float32():
  random = np.random.default_rng(0)
  data = Transitions(
    observations=random.normal(size=(50, 11)).astype(np.float32),
    actions=random.uniform(-1, 1, (50, 3)).astype(np.float32),
    rewards=np.ones(50, np.float32),
    next_observations=random.normal(size=(50, 11)).astype(np.float32),
    not_dones=np.zeros(50, np.float32),
  )
  torch.manual_seed(0)
  agent = torch_step.Agent(dataclasses.replace(record_trace.GYM, B=32), (32, 32), torch.float32)

  # Every transition ends its episode with reward 1, which is hence the value of all.
  def error():
    with torch.no_grad():
      inputs = torch.from_numpy(data.observations), torch.from_numpy(data.actions)
      return float((torch.minimum(*agent.critic(*inputs)) - 1).abs().mean())

  before = error()
  agent.train(data, 200)
  assert agent.steps == 200
  assert error() < 0.5 * before


def test_record_writes_the_same_trace_for_a_seed():
  first, second = (record_trace.record(record_trace.GYM, (8, 8), 5) for _ in range(2))
  np.testing.assert_array_equal(first.noise, second.noise)
  deviations = recorded_trace.deviations(first.snapshots["final"], second.snapshots["final"])
  assert set(deviations.values()) == {0.0}
