import pytest
from made_scores import final_only, made

from dmg_jax.report.scores import aggregates
from dmg_jax.report.scores.populations import compared, family

MEDIUM, OWN = "hopper-medium-v2", "dmg/hopper/medium-replay-v0"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
  monkeypatch.setattr(aggregates, "DRAWS", 10)


def test_populations_are_over_the_data_sets_of_dmg_and_never_mix_kinds():
  scores = [
    *final_only("all", MEDIUM, [1.0]),
    *final_only("all", "walker2d-medium-v2", [1.0]),
    *final_only("few", MEDIUM, [2.0]),
    *made("DMG", MEDIUM, [3.0, 4.0]),
    *made("DMG (lam 0.5)", MEDIUM, [9.0], lam=0.5),
    *made("DMG", "walker2d-medium-v2", [5.0]),
    *made("DMG", OWN, [6.0], steps=22_400),
    *made("DMG", "mujoco/hopper/medium-v0", [7.0]),
    *made("DMG", "hopper-medium-v2 in Hopper-v5", [8.0]),
  ]
  d4rl, own, other = compared(scores, "last")
  assert d4rl.population == {
    "DMG": {MEDIUM: [3.0, 4.0], "walker2d-medium-v2": [5.0]},
    "all": {MEDIUM: [1.0], "walker2d-medium-v2": [1.0]},
  }
  assert d4rl.left_out == {"few": "no scores on walker2d-medium-v2"}
  assert own.population == {"DMG": {OWN: [6.0]}}
  assert list(other.population["DMG"]) == [
    "mujoco/hopper/medium-v0", "hopper-medium-v2 in Hopper-v5",
  ]  # fmt: skip


def test_no_method_of_a_collection_vanishes_without_a_word():
  names = [f"method {letter}" for letter in "abcdefghijkl"]
  scores = [s for name in names for s in final_only(name, MEDIUM, [1.0])]
  for name in ("walker2d-medium-v2", "hopper-expert-v2", "walker2d-expert-v2", "hopper-random-v2"):
    scores += final_only(names[0], name, [1.0])
  (found,) = compared(scores, "last")
  assert list(found.population) == names[:1]
  assert found.left_out == dict.fromkeys(
    names[1:],
    "no scores on walker2d-medium-v2, hopper-expert-v2, walker2d-expert-v2 and 1 more",
  )


def test_numbers_over_data_sets_by_hand():
  scores = [*made("DMG", MEDIUM, [80.0, 90.0]), *made("BC", MEDIUM, [85.0, 85.0])]
  (found,) = compared(scores, "last")
  assert {m: float(e.value) for m, e in found.aggregates.iqm.items()} == {"DMG": 85.0, "BC": 85.0}
  assert {m: float(e.value) for m, e in found.aggregates.gap.items()} == {"DMG": 15.0, "BC": 15.0}
  assert float(found.aggregates.improvement["BC"].value) == 0.5


@pytest.mark.parametrize(
  ("dataset", "expected"),
  [
    (MEDIUM, "locomotion"), ("antmaze-umaze-v2", "antmaze"), (OWN, "own_data"),
    ("hopper-medium-v0", "other_data"), ("dmg/hopper-medium-v2", "own_data"),
    ("hopper-medium-v2 in Hopper-v5", "other_data"),
  ],
)  # fmt: skip
def test_kinds_of_data(dataset, expected):
  assert family(dataset) == expected
