"""Symmetric DMG on Walker2d: its sets, what stops it before it trains, and what is concluded."""

import json
import re

import jax
import numpy as np
import pytest

from dmg_jax import evaluation
from dmg_jax.data import dataset
from dmg_jax.errors import UserError
from dmg_jax.symmetry import (
  figures,
  learners,
  page_walker,
  robots,
  study,
  walker,
  walker_sets,
  walker_summary,
)
from dmg_jax.symmetry.cells import read
from dmg_jax.types import Transitions

LEGS = robots.exchange_of_legs()
LENGTHS = (40, 30, 20, 10)


def tier(seed: int = 0) -> dataset.Dataset:
  """Four made-up episodes of 100 transitions."""
  draws = np.random.default_rng(seed)
  rows = sum(LENGTHS)
  not_dones = np.ones(rows, np.float32)
  not_dones[np.cumsum(LENGTHS) - 1] = 0
  observations = draws.normal(1, 2, (rows + 1, 17)).astype(np.float32)
  transitions = Transitions(
    observations=observations[:-1],
    actions=draws.uniform(-1, 1, (rows, 6)).astype(np.float32),
    rewards=draws.normal(size=rows).astype(np.float32),
    next_observations=observations[1:],
    not_dones=not_dones,
  )
  return dataset.build(
    transitions,
    name="dmg/walker2d-v5/medium-v0",
    kind="minari",
    episode_returns=np.ones(4),
    action_bounds=(-np.ones(6), np.ones(6)),
    reference=(0.0, 100.0),
  )


@pytest.mark.parametrize(
  ("content", "told"), [(None, "has no provenance.json"), ('{"command', "is damaged")]
)
def test_data_without_a_whole_provenance_are_one_line(content, told, tmp_path, monkeypatch):
  monkeypatch.setattr(walker_sets.load, "minari_folder", lambda name: tmp_path)
  if content is not None:
    (tmp_path / "provenance.json").write_text(content)
  with pytest.raises(UserError, match=told):
    walker_sets.facts(tier())


def test_a_part_of_a_tier_is_whole_episodes_that_hold_the_share():
  transitions = tier().transitions
  drawn = {
    seed: [len(episode.rewards) for episode in walker_sets.draw(transitions, 0.3, seed)]
    for seed in range(8)
  }
  for lengths in drawn.values():
    assert set(lengths) <= set(LENGTHS)
    assert sum(lengths) >= 30 > sum(lengths[:-1])
  assert len({tuple(lengths) for lengths in drawn.values()}) > 1
  assert len(walker_sets.draw(transitions, 1.0, 5)) == 4


def test_every_run_has_rows_and_a_symmetric_scaling_of_its_own():
  sets = walker_sets.make({"medium": tier()}, (1.0, 0.1), [0, 1, 2], LEGS)
  whole, parts = sets.rows["medium", 1.0], sets.rows["medium", 0.1]
  assert whole[0] is whole[2]
  assert whole[0].span == (0, 100)
  assert len(sets.data.rewards) == 100 + sum(part.span[1] for part in parts)
  turn = np.array(LEGS.observations[1])
  for part in (whole[0], *parts):
    units = part.scaling
    np.testing.assert_allclose(turn @ units.observation_mean, units.observation_mean, atol=1e-6)
    np.testing.assert_allclose(turn @ units.observation_scale, units.observation_scale, atol=1e-6)
    offset, size = part.span
    seen = sets.data.observations[offset : offset + size]
    both = np.concatenate([seen, seen @ turn.T])
    np.testing.assert_allclose(both.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(both.std(axis=0), 1, atol=2e-3)


def test_a_robot_without_the_symmetry_is_refused_before_data_are_asked_for(tmp_path, monkeypatch):
  monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "none"))
  places = study.Places.of_folder(tmp_path)
  with pytest.raises(UserError, match=r"make it with .*--policies_of=Walker2d-v4 --tier=medium "):
    study.run(places, "command", "walker", 0, print)
  monkeypatch.setitem(walker.SETTINGS, "env", "Walker2d-v4")
  (tmp_path / "structure_walker.json").unlink()
  with pytest.raises(UserError, match="no symmetry of Walker2d-v4"):
    study.run(places, "command", "walker", 0, print)
  assert not (tmp_path / "structure_walker.json").exists()


def test_cells_of_other_data_are_not_mixed(tmp_path, monkeypatch):
  folder = tmp_path / "data"
  folder.mkdir()
  (folder / "provenance.json").write_text(json.dumps({"command": "collect"}))
  monkeypatch.setattr(walker_sets.load, "minari_folder", lambda name: folder)
  monkeypatch.setattr(walker, "TIERS", ("medium",))
  monkeypatch.setattr(robots, "verify", lambda env_id, group: robots.Difference(0.0, 0.0, 0))
  monkeypatch.setattr(
    walker,
    "measure",
    lambda use, seeds, data, rows, *_: {name: {"scores": {}} for name in rows},
  )
  places = study.Places.of_folder(tmp_path)

  def run(seed):
    monkeypatch.setattr(walker_sets.load, "load", lambda name: tier(seed))
    header = {"seed": 0}
    cells = study.Cells(places.file("walker"), header, {}, print)
    walker.fill(0, cells)

  run(0)
  cells = read(places.file("walker"))["cells"]
  assert list(cells) == ["symmetry", "data", "asymmetry"] + [
    f"medium {share} {use}" for use in learners.USES for share in ("1", "0.1", "0.01")
  ]
  # What is there already is left out of a population.
  stored = json.loads(places.file("walker").read_text())
  del stored["cells"]["medium 0.1 none"]
  places.file("walker").write_text(json.dumps(stored))
  measured = []
  monkeypatch.setattr(
    walker,
    "measure",
    lambda use, seeds, data, rows, *_: measured.append(list(rows)) or {name: {} for name in rows},
  )
  run(0)
  assert measured == [["medium 0.1 none"]]
  with pytest.raises(UserError, match="is not the data set of the stored numbers"):
    run(1)


def test_a_cell_in_small(monkeypatch):
  small = {"hidden_sizes": (16, 16), "batch_size": 8, "episodes": 1}
  for name, value in small.items():
    monkeypatch.setitem(walker.SETTINGS, name, value)
  monkeypatch.setattr(walker, "NUS", (0.1, 1.0))
  sets = walker_sets.make({"medium": tier()}, (1.0, 0.3), [0, 1], LEGS)
  names = {f"{share:g}": sets.rows["medium", share] for share in (1.0, 0.3)}
  simulators = evaluation.Simulators("Walker2d-v5", workers=1)
  facts = {"reference": [0.0, 100.0]}
  found = walker.measure("none", [0, 1], sets.data, names, facts, simulators, steps=10)
  # A set and a nu alone give what they give among others.
  monkeypatch.setattr(walker, "NUS", (1.0,))
  names = {"0.3": names["0.3"]}
  alone = walker.measure("none", [0, 1], sets.data, names, facts, simulators, steps=10)
  simulators.close()
  assert list(found) == ["1", "0.3"]
  for cell in found.values():
    assert list(cell["scores"]) == ["0.1", "1"]
    scores = np.array(list(cell["scores"].values()))
    assert scores.shape == (2, 2)
    assert np.isfinite(scores).all()
    assert len(np.unique(scores)) == 4
    assert cell["diverged"] == 0
  np.testing.assert_allclose(alone["0.3"]["scores"]["1"], found["0.3"]["scores"]["1"], rtol=1e-3)
  assert found["0.3"]["transitions"] == alone["0.3"]["transitions"] != found["1"]["transitions"]


def test_a_point_is_judged_by_seeds_that_did_not_choose_it():
  plain = {("none", "1"): np.array([10.0, 10.0, 10.0])}
  mine = {
    ("networks", "1"): np.array([30.0, 0.0, 0.0]),
    ("networks", "10"): np.array([9.0, 9.0, 9.0]),
  }
  found = walker_summary.compare(mine, plain)
  # The first seed alone makes nu = 1 the best; the others choose 10 for it, and 1 for each other.
  assert found.best == ("networks", "1")
  assert found.mean == 10
  np.testing.assert_allclose(found.gains, [-1, -10, -10])


def made_up(gain: float) -> dict:
  """Numbers of one set, in which symmetric networks gain so much."""
  settings = json.loads(json.dumps(walker.SETTINGS))
  scores = {f"{nu:g}": [1.0, 2.0, 3.0, 4.0] for nu in walker.NUS}
  scores |= {"1": [40.0, 41.0, 42.0, 43.0], "10": [30.0] * 3 + [None]}
  cell = {"transitions": [10] * 4, "episodes": [1] * 4, "data_score": [20.0] * 4, "scores": scores}
  better = {nu: [s if s is None else s + gain for s in row] for nu, row in scores.items()}
  cells = {f"medium 0.1 {use}": cell for use in ("none", "augmented", "consistency")}
  cells["medium 0.1 networks"] = cell | {"scores": better}
  fact = {"command": "python launch/collect.py"}
  return {
    "settings": settings,
    "cells": {
      "symmetry": {"state": 1e-13, "reward": 1e-14},
      "asymmetry": dict.fromkeys(settings["tiers"], 1.5),
      "data": dict.fromkeys(settings["tiers"], fact),
      **cells,
    },
  }


def test_the_page_says_what_the_intervals_say():
  text = page_walker.walker(made_up(5.0))
  assert "symmetric networks: better than no symmetry in 1 of 1 sets, worse in 0" in text
  assert "* augmented batches: better than no symmetry in 0 of 1 sets, worse in 0" in text
  assert re.search(r"\| medium, 10 % \| 10 \| 20.0 \| 0.1 \| 2.5 ± 1.3", text)
  assert "30.0 ± 0.0 (1 diverged)" in text
  assert "differ by up to 1.5 (medium) and 1.5 (medium-replay) standard deviations" in text
  assert "+5.0 [5.0, 5.0]" in text
  assert "Measured so far: 1 of 6 sets" in text
  assert "better in 1 of 1 sets, worse in 0, open in 0; 5 sets are not measured yet." in (
    page_walker.conclusion(made_up(5.0))
  )
  worse = page_walker.walker(made_up(-5.0))
  assert "symmetric networks: better than no symmetry in 0 of 1 sets, worse in 1" in worse


def test_a_picture_needs_one_set_with_all_uses():
  assert list(figures.draw_all({"walker": made_up(5.0)})) == ["structure_walker.png"]
  part = made_up(5.0)
  del part["cells"]["medium 0.1 none"]
  assert not figures.draw_all({"walker": part})
  assert "No set is measured" in page_walker.walker(part)


def test_asymmetry_is_counted_in_deviations():
  even = tier()
  turn = np.array(LEGS.observations[1], np.float32)
  transitions = even.transitions
  both = np.concatenate([transitions.observations, transitions.observations @ turn.T])
  symmetric = even._replace(transitions=transitions.replace(observations=both))
  assert walker_sets.asymmetry(symmetric, LEGS) < 1e-6
  bent = both.copy()
  bent[:, 2] += 100  # the thigh of one leg: 100 apart, and 50 the deviation of both together
  found = walker_sets.asymmetry(
    even._replace(transitions=transitions.replace(observations=bent)), LEGS
  )
  np.testing.assert_allclose(found, 2, rtol=0.01)


def test_the_exchange_acts_on_what_the_networks_see_as_on_raw_numbers():
  raw = np.asarray(tier().transitions.observations)
  units = walker_sets.make({"medium": tier()}, (1.0,), [0], LEGS).rows["medium", 1.0][0].scaling
  turn = np.array(LEGS.observations[1], np.float32)
  seen = jax.tree.map(units.observe, (raw @ turn.T, raw))
  np.testing.assert_allclose(seen[0], seen[1] @ turn.T, atol=1e-5)
