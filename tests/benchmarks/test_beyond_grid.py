"""What benchmarks/beyond_grid.py reads and says, on made jobs."""

import beyond_grid
import pytest
from beyond_jobs import GRID_DATA, SEARCH_DATA, grid_jobs
from made_grids import MEDIUM, job

from dmg_jax.errors import UserError

POINTS = [(lam, nu) for lam in (0.0, 0.25, 0.5, 1.0) for nu in (0.01, 0.1)]
# Of a run whose largest |Q| could be true.
CALM = {"learned": {"a": {"largest_q": 1.0, "q_bound": 10.0}}}


def gathered(tmp_path):
  """DMG's Q is too large everywhere; of dmg_plus all but lambda 1 is well."""
  return beyond_grid.gather(
    [
      job(tmp_path / "dmg", POINTS, data_score=3.0),
      job(tmp_path / "plus", POINTS, data_score=3.0, method="dmg_plus", **CALM),
    ]
  )


def test_a_point_is_of_use_where_the_mean_is_at_least_the_data_s_and_nothing_diverged(tmp_path):
  text = "\n".join(beyond_grid.lines(gathered(tmp_path)))
  assert f"`{MEDIUM}` (SHA-256 `{'ab' * 8}…`), the data's mean 3.0, 2 seeds:" in text
  # Means 0.5, 3 and 5.5; one of DMG's two runs has a |Q| that cannot be true.
  assert "| 0.25 | 3.0 x 1 / 3.0 | 3.0 x 1 / 3.0 |" in text
  assert "| 1 | x 3 / x 2 | x 3 / x 2 |" in text
  told = text.replace("\n", " ")
  assert "* DMG: at least the data's mean, and no seed diverged, at 0 of 8 points;" in told
  assert "at nu 0.1 with lambda (none); at lambda 0.25 with nu (none)." in told
  assert (
    "DMG at 0 of 8 points, 12 of 16 seeds diverged; `dmg_plus` at 4 of 8 points, 4 of 16" in told
  )
  assert "* `dmg_plus`: at least the data's mean, and no seed diverged, at 4 of 8 points;" in told
  assert "at nu 0.1 with lambda 0.25, 0.5; at lambda 0.25 with nu 0.01, 0.1." in told


def test_a_grid_of_other_points_or_one_alone_is_refused(tmp_path):
  one = job(tmp_path / "one", POINTS)
  other = job(tmp_path / "other", POINTS[:4], method="dmg_plus")
  with pytest.raises(UserError, match="different data sets or points"):
    beyond_grid.gather([one, other])
  with pytest.raises(UserError, match="name two run directories"):
    beyond_grid.gather([one])
  with pytest.raises(UserError, match="no run of DMG plus"):
    beyond_grid.gather([one, one])


def test_two_grids_on_different_data_of_one_name_are_refused(tmp_path):
  folders = [job(tmp_path / "dmg", POINTS), job(tmp_path / "plus", POINTS, method="dmg_plus")]
  path = tmp_path / "plus" / "config.json"
  path.write_text(path.read_text().replace("ab" * 32, "cd" * 32))
  with pytest.raises(UserError, match="different data of one name"):
    beyond_grid.gather(folders)


def test_the_grid_is_on_data_of_the_search_and_differs_in_the_method_alone():
  plain, plus = map(set, grid_jobs().values())
  layers = {"--config.critic_hidden_sizes", "--config.value_hidden_sizes"}
  changed = {word.split("=")[0] for word in plain ^ plus}
  assert {"--config.methods"} <= changed <= {"--config.methods", *layers}
  assert {*GRID_DATA} < {*SEARCH_DATA}
