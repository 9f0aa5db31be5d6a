"""What processes tell one another, with the other process played by the test."""

import json
from importlib import metadata

import jax
import numpy as np
import pytest
from small_jobs import job_for, pendulum

from dmg_jax import named_leaves, processes, run_log
from dmg_jax.errors import PartnerError, UserError
from dmg_jax.experiments import partners
from dmg_jax.experiments.beginning import Beginning


class Other:
  """The second of two processes: it gives one content in every exchange, or has failed."""

  def __init__(self, monkeypatch, content: bytes, failed: bool = False):
    self.content, self.failed, self.sent = content, failed, 0
    monkeypatch.setattr(processes, "count", lambda: 2)
    monkeypatch.setattr(processes, "index", lambda: 0)
    monkeypatch.setattr(processes, "_gathered", self.gathered)

  def gathered(self, array: np.ndarray) -> np.ndarray:
    if len(array) == 8:
      size = -1 if self.failed else len(self.content)
      self.sent, theirs = 0, np.frombuffer(np.int64(size).tobytes(), np.uint8)
    else:
      part = self.content[self.sent : self.sent + len(array)]
      self.sent += len(array)
      theirs = np.frombuffer(part.ljust(len(array), b"\0"), np.uint8)
    return np.stack([array, theirs])


@pytest.mark.parametrize("sizes", [(0, 0), (3, 0), (0, 700), (256, 256), (257, 1030), (1030, 5)])
def test_contents_of_any_length_arrive_whole_also_in_pieces(monkeypatch, sizes):
  monkeypatch.setattr(processes, "_PIECE", 512)
  mine, theirs = (np.random.default_rng(size).bytes(size) for size in sizes)
  Other(monkeypatch, theirs)
  assert processes.exchange(mine) == [mine, theirs]


def test_the_largest_and_the_smallest_number(monkeypatch):
  Other(monkeypatch, b"-7")
  assert processes.largest(3) == 3
  assert processes.largest(-9) == -7
  assert processes.smallest(3) == 3
  assert processes.smallest(9) == 7


def test_a_process_that_failed_is_named(monkeypatch):
  Other(monkeypatch, b"", failed=True)
  with pytest.raises(PartnerError, match="process 1 of 2 stopped; its own message says why") as it:
    processes.exchange(b"rows")
  assert not it.value.lost


def test_a_lost_connection_is_a_lost_partner(monkeypatch):
  def closed(_):
    raise ValueError("Connection closed by peer")

  monkeypatch.setattr(processes, "count", lambda: 2)
  monkeypatch.setattr(processes.multihost_utils, "process_allgather", closed)
  with pytest.raises(PartnerError, match="another process ended; start all") as caught:
    processes.exchange(b"rows")
  assert caught.value.lost


@pytest.mark.parametrize(
  ("changed", "message"),
  [
    ({"settings": {"steps": 8, "workers": 1}}, r"process 1 .* \(steps 4 -> 8\)"),
    ({"version of jax": "0.0.1"}, "version of jax '.*' -> '0.0.1'"),
    ({"tasks": [{"name": "a", "sha256": "00", "source": "x"}]}, "sha256 of a 'ff' -> '00'"),
  ],
)
def test_processes_of_other_jobs_data_or_versions_are_refused(monkeypatch, changed, message):
  config = {
    "settings": {"steps": 4, "workers": 1},
    "tasks": [{"name": "a", "sha256": "ff", "source": "x"}],
  }
  versions = {name: metadata.version(name) for name in ("dmg_jax", "jax", "jaxlib")}
  theirs = {**config, **{f"version of {name}": version for name, version in versions.items()}}
  # How many threads train, and where the same data lie, is each host's own.
  theirs |= {
    "settings": {"steps": 4, "workers": 7},
    "tasks": [{"name": "a", "sha256": "ff", "source": "y"}],
  }
  Other(monkeypatch, json.dumps(theirs).encode())
  partners.agree(config)
  theirs |= changed
  Other(monkeypatch, json.dumps(theirs).encode())
  with pytest.raises(UserError, match=message):
    partners.agree(config)


def test_states_come_together_in_the_plans_order(monkeypatch):
  data = pendulum()
  without = {"critic_hidden_sizes": None, "value_hidden_sizes": None}
  job = job_for(data, methods="bc", seeds=3, **without)
  (members,) = job.plan.populations()
  runs = Beginning(members, {data.name: data.transitions}, job.settings).runs()
  parts = [jax.tree.map(lambda leaf, rows=rows: leaf[rows], runs) for rows in ([0, 2], [1])]
  Other(monkeypatch, named_leaves.to_bytes(named_leaves.leaves({"0": parts[1]})))
  (joined,) = partners.whole({0: parts[0]}, partners.shapes([runs]))
  jax.tree.map(np.testing.assert_array_equal, joined, runs)
  assert jax.tree.structure(joined) == jax.tree.structure(runs)


def test_rows_come_together_with_numbers_that_are_not_finite(monkeypatch):
  Other(monkeypatch, json.dumps(run_log.encode({"b": {"loss": float("nan")}})).encode())
  found = partners.together({"a": {"loss": 0.1}})
  assert found["a"] == {"loss": 0.1}
  assert np.isnan(found["b"]["loss"])
