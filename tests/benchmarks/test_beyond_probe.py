"""What benchmarks/beyond_probe.py compares and says, on made runs and numbers."""

import beyond_probe
import beyond_probe_page
import generalisation
import pytest
from beyond_probe_page import NORMALISED, PLAIN

from dmg_jax.errors import UserError
from dmg_jax.probe import settings

TASK = "dmg/hopper/medium-v0"


def run(lam, seed, q, returns):
  """A stored run: two distances, three states."""
  return {"task": TASK, "lam": lam, "nu": 0.1, "seed": seed, "step": 9, "q": q, "returns": returns}


def stored(plain, normalised):
  """Two lambdas of two seeds; Q of the larger lambda is ten more, and G is always 5."""
  rows = {
    side: [
      run(lam, seed, [[value + 10 * lam] * 3] * 2, [[5.0] * 3] * 2)
      for lam in (0.0, 1.0)
      for seed in (0, 1)
    ]
    for side, value in ((PLAIN, plain), (NORMALISED, normalised))
  }
  return {"settings": {"epsilons": [0.0, 1.0], "starts": 3}, "runs": rows}


def test_the_table_by_hand():
  text = "\n".join(beyond_probe_page.lines(stored(plain=25.0, normalised=9.0)))
  lines = [line for line in text.splitlines() if line.startswith(f"| `{TASK}`")]
  assert lines == [
    f"| `{TASK}` | 0 | 0.1 | 5 | 5 | +20 | +4 | -16 [-16, -16] | -16 [-16, -16] | +0 [0, 0] |",
    f"| `{TASK}` | 1 | 0.1 | 5 | 5 | +30 | +14 | -16 [-16, -16] | -16 [-16, -16] | +0 [0, 0] |",
  ]
  assert "at distance 1 with LayerNorm: less in 2 of 2, more in 0, else undecided." in text
  assert "* DMG, Q - G at the data's actions by lambda: +20 at 0, +30 at 1." in text
  assert "* With LayerNorm, Q - G at the data's actions by lambda: +4 at 0, +14 at 1." in text


def test_values_that_are_too_low_are_errors_too():
  """|Q - G| is 20 without LayerNorm, and 25 with it, though Q - G is less."""
  text = "\n".join(beyond_probe_page.lines(stored(plain=25.0, normalised=-20.0)))
  assert "with LayerNorm: less in 1 of 2, more in 1, else undecided." in text


def test_a_figure_of_the_stored_numbers(tmp_path):
  beyond_probe_page.draw(stored(25.0, 9.0), tmp_path / "probe.png")
  assert (tmp_path / "probe.png").read_bytes().startswith(b"\x89PNG")


def test_both_sides_must_have_the_same_runs(monkeypatch):
  measured = {
    "a": {"runs": [run(0.0, 0, [[1.0]], [[1.0]])], "tasks": {TASK: 1}, "device": "d"},
    "b": {"runs": [run(0.0, 1, [[1.0]], [[1.0]])], "tasks": {TASK: 1}, "device": "d"},
  }
  for one in measured.values():
    one |= {"versions": {}, "settings": {}}
  monkeypatch.setattr(generalisation, "measure", lambda run_dirs, *_: measured[run_dirs[0]])
  small = settings.Settings()
  same = beyond_probe.measure({PLAIN: "a", NORMALISED: "a"}, [], small)
  assert [*same["runs"]] == [PLAIN, NORMALISED]
  with pytest.raises(UserError, match="different runs or data"):
    beyond_probe.measure({PLAIN: "a", NORMALISED: "b"}, [], small)
