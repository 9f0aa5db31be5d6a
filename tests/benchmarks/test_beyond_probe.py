"""What benchmarks/beyond_probe.py compares and says, on made runs and numbers."""

from pathlib import Path

import beyond_probe
import beyond_probe_page
import generalisation
import made_directories
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
  return {"settings": {"epsilons": [0.0, 1.0], "starts": 3}, "runs": rows, "left_out": []}


def test_the_table_by_hand():
  text = "\n".join(beyond_probe_page.lines(stored(plain=25.0, normalised=9.0)))
  told = " ".join(text.split())
  lines = [line for line in text.splitlines() if line.startswith(f"| `{TASK}`")]
  assert lines == [
    f"| `{TASK}` | 0 | 0.1 | 5 | 5 | +20 | +4 | -16 [-16, -16] | -16 [-16, -16] | +0 [0, 0] |",
    f"| `{TASK}` | 1 | 0.1 | 5 | 5 | +30 | +14 | -16 [-16, -16] | -16 [-16, -16] | +0 [0, 0] |",
  ]
  assert "at distance 1 with LayerNorm: less in 2 of 2, more in 0, else undecided." in text
  by_lambda = "Q - G at the data's actions by lambda"
  assert f"* DMG, {by_lambda}: +20 at 0 (runs: +20 to +20), +30 at 1 (runs: +30 to +30)." in told
  assert f"* With LayerNorm, {by_lambda}: +4 at 0 (runs: +4 to +4), +14 at 1" in told


def test_values_that_are_too_low_are_errors_too():
  """|Q - G| is 20 without LayerNorm, and 25 with it, though Q - G is less."""
  text = "\n".join(beyond_probe_page.lines(stored(plain=25.0, normalised=-20.0)))
  assert "with LayerNorm: less in 1 of 2, more in 1, else undecided." in text


def test_a_figure_of_the_stored_numbers(tmp_path):
  beyond_probe_page.draw(stored(25.0, 9.0), tmp_path / "probe.png")
  assert (tmp_path / "probe.png").read_bytes().startswith(b"\x89PNG")


@pytest.fixture
def sides(tmp_path, monkeypatch):
  """Run directories of both sides, and what the probe finds in each; two lambdas, one seed."""
  made = {}
  for side, normed in ((PLAIN, False), (NORMALISED, True)):
    made_directories.write_groups(
      tmp_path / side,
      [
        {"task": {"name": TASK}, "label": f"DMG {lam}", "lam": lam}
        | dict.fromkeys(beyond_probe._NORMS, normed)
        for lam in (0.0, 1.0)
      ],
    )
    made[str(tmp_path / side)] = {
      "runs": [run(lam, 0, [[1.0]], [[1.0]]) for lam in (0.0, 1.0)],
      "tasks": {TASK: 1}, "device": "d", "versions": {}, "settings": {}, "left_out": [],
    }  # fmt: skip
  monkeypatch.setattr(generalisation, "measure", lambda run_dirs, *_: made[run_dirs[0]])
  return made


def measured(plain, normalised):
  return beyond_probe.measure({PLAIN: plain, NORMALISED: normalised}, [], settings.Settings())


def test_both_sides_must_have_the_same_runs(sides):
  plain, normalised = sides
  found = measured(plain, normalised)
  assert [*found["runs"]] == [PLAIN, NORMALISED]
  assert found["trained"][PLAIN] == "python launch/main.py --config=configs/mujoco.py"
  lost = sides[normalised]["runs"].pop()
  sides[normalised]["left_out"].append("a run diverged at step 7")
  with pytest.raises(UserError, match="different runs, steps or data; a run diverged at step 7"):
    measured(plain, normalised)
  sides[normalised]["runs"].append(lost | {"step": 10})
  with pytest.raises(UserError, match="different runs, steps or data"):
    measured(plain, normalised)


def test_a_run_that_diverged_on_both_sides_is_told(sides):
  for one in sides.values():
    one["runs"].pop()
    one["left_out"].append("a run diverged at step 7")
  assert measured(*sides)["left_out"] == ["a run diverged at step 7"] * 2
  text = "\n".join(beyond_probe_page.lines(stored(1.0, 1.0) | {"left_out": ["a run diverged"]}))
  assert "* Left out: a run diverged." in text


def test_both_sides_must_differ_in_layer_norm_and_in_nothing_else(sides):
  plain, normalised = sides
  for pair in ((plain, plain), (normalised, plain), (normalised, normalised)):
    with pytest.raises(UserError, match="critic_layer_norm, value_layer_norm must be False"):
      measured(*pair)
  path = Path(normalised, "config.json")
  path.write_text(path.read_text().replace('"discount": 0.99', '"discount": 0.9'))
  with pytest.raises(UserError, match="differ in more than LayerNorm: discount"):
    measured(plain, normalised)


def test_the_deviation_over_states_is_compared_and_not_the_error():
  """With LayerNorm Q - G is 3 everywhere; without it -1 or 1."""
  result = stored(0.0, 0.0)
  for side, values in ((PLAIN, [4.0, 6.0] * 8), (NORMALISED, [8.0] * 16)):
    for row in result["runs"][side]:
      row |= {"q": [values] * 2, "returns": [[5.0] * 16] * 2}
  told = "\n".join(beyond_probe_page.lines(result))
  assert "* Mean |Q - G| at distance 1 with LayerNorm: less in 0 of 2, more in 2," in told
  assert "* Deviation of Q - G over states at distance 1: less in 2 of 2, more in 0," in told
