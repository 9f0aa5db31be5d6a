import json
import math
import re
import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from absl import flags
from ml_collections import config_flags

from configs import mujoco
from dmg_jax.errors import UserError
from dmg_jax.report.method_names import HYPERPARAMETERS
from dmg_jax.report.paper import paper_scores
from dmg_jax.report.scores.gather import gather
from dmg_jax.report.tables import job_table

ROOT = Path(__file__).parents[3]
DATASET = "dmg/hopper/medium-v0"
VERSIONS = {"dmg_jax": "0.1.0", "jax": "0.10.2", "gymnasium": "1.4.0", "mujoco": "4.0.0"}
STEPS = (10, 20)


@pytest.fixture(autouse=True)
def _quick_summaries(monkeypatch):
  # Summaries hold intervals that nobody gathers, and that take their time.
  monkeypatch.setattr(job_table, "bootstrap_interval", lambda *_, **__: (0.0, 0.0))


def make_config(**changes):
  """As a launcher writes it."""
  config = mujoco.get_config().to_dict() | {
    "dataset": DATASET,
    "env": "Hopper-v4",
    "hidden_sizes": [256, 256],
    "seeds": 2,
    "steps": STEPS[-1],
    "nu": 0.1,
    "target_rate": 0.005,
    "evaluation_interval": 10,
    "evaluation_episodes": 2,
    "data_sha256": "ab" * 32,
  }
  return config | changes


def write(directory, *, scores=((1.0, 5.0), (2.0, 6.0)), frozen_at=(-1, -1), **changes):
  """A finished run directory; scores are (seeds, evaluations), each the mean of its episodes."""
  config, versions = make_config(**changes), changes.pop("versions", VERSIONS)
  config.pop("versions", None)
  scores, steps = np.array(scores), STEPS[: np.shape(scores)[1]]
  seeds = config["first_seed"] + np.arange(config["seeds"])
  results = job_table.Results(
    "DMG", config["dataset"], seeds, np.array(steps), scores, job_table.SCORE, 2,
    np.array(frozen_at),
    paper=paper_scores.paper_row(config["dataset"]),
  )  # fmt: skip
  rows = [
    {"step": step, "run": run, "seed": int(seeds[run]), "episode": episode, "score": score}
    for place, step in enumerate(steps)
    for run in range(len(seeds))
    if np.isfinite(scores[run, place])
    for episode, score in enumerate(
      scores[run, place] + np.linspace(-1, 1, config["evaluation_episodes"])
    )
  ]
  directory.mkdir(parents=True)
  (directory / "config.json").write_text(json.dumps(config))
  (directory / "evaluations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
  summary = {"results": job_table.summarise(results), "config": config, "versions": versions}
  (directory / "summary.json").write_text(json.dumps(summary))
  return directory


def change(path, **fields):
  path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def left_out(directory):
  """The reason, where one directory is all there is and nothing of it counts."""
  scores, notices, *_ = gather([directory])
  assert scores == []
  (notice,) = notices
  assert "\n" not in notice
  assert str(directory) in notice
  return notice


def test_every_seed_becomes_a_score(tmp_path):
  directory = write(tmp_path / "run", first_seed=3)
  first, second = gather([directory]).scores
  assert first._replace(settings={}) == (
    "DMG", DATASET, 3, 20, 5.0, 3.0, (10, 20), (1.0, 5.0), {}, str(directory)
  )  # fmt: skip
  assert (second.seed, second.last, second.last_ten) == (4, 6.0, 4.0)
  assert set(first.settings) == set(HYPERPARAMETERS)
  assert (first.settings["lam"], first.settings["nu"]) == (0.25, 0.1)
  assert gather([directory]).notices == []


def test_the_configs_of_scores_are_known(tmp_path):
  directory = write(tmp_path / "run", lam=0.5)
  found = gather([directory])
  assert found.configs[found.scores[0].source]["lam"] == 0.5


def test_unusual_settings_are_in_the_name(tmp_path):
  write(tmp_path / "a")
  write(tmp_path / "b", lam=0.5)
  scores = gather([tmp_path]).scores
  assert [score.method for score in scores] == ["DMG"] * 2 + ["DMG (lam 0.5)"] * 2


def test_folders_are_searched_and_no_directory_is_read_twice(tmp_path):
  deep = write(tmp_path / "runs" / "dmg" / "hopper" / "e347")
  other = write(tmp_path / "runs" / "other", first_seed=2)
  scores, notices, *_ = gather([tmp_path, deep, tmp_path / "runs", other / ".." / "other"])
  assert [score.seed for score in scores] == [0, 1, 2, 3]
  assert notices == []


def test_links_are_followed_and_may_lead_back(tmp_path):
  directory = write(tmp_path / "elsewhere" / "run")
  runs = tmp_path / "runs"
  runs.mkdir()
  (runs / "linked").symlink_to(directory)
  (runs / "up").symlink_to(runs)
  (runs / "again").symlink_to(tmp_path / "elsewhere")
  scores, notices, *_ = gather([runs])
  assert [score.seed for score in scores] == [0, 1]
  assert notices == []


def test_a_copy_counts_once_and_is_named(tmp_path):
  shutil.copytree(write(tmp_path / "a"), tmp_path / "b")
  scores, notices, *_ = gather([tmp_path])
  assert [score.seed for score in scores] == [0, 1]
  assert notices == [f"{tmp_path / 'b'} is left out: a copy of {tmp_path / 'a'}"]


def test_a_seed_of_two_directories_is_refused_with_both(tmp_path):
  write(tmp_path / "a")
  write(tmp_path / "b", first_seed=1, scores=((3.0, 4.0), (2.0, 6.0)))
  with pytest.raises(UserError, match=r"seed 1 of DMG on .* is in .*/a and again in .*/b"):
    gather([tmp_path])


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"evaluation_interval": 5}, "evaluation_interval 10 and 5"),
    ({"evaluation_episodes": 9}, "evaluation_episodes 2 and 9"),
    ({"versions": VERSIONS | {"jax": "0.11.0"}}, r"jax 0\.10\.2 and 0\.11\.0"),
    ({"versions": VERSIONS | {"dmg_jax": "0.2.0"}}, r"dmg_jax 0\.1\.0 and 0\.2\.0"),
    ({"versions": {}}, r"jax 0\.10\.2 and None"),
    ({"data_sha256": "cd" * 32}, "data_sha256 (ab){32} and (cd){32}"),
    ({"env": "Hopper-v5"}, "env Hopper-v4 and Hopper-v5"),
  ],
)
def test_seeds_of_one_cell_must_be_alike(tmp_path, changes, message):
  write(tmp_path / "a")
  write(tmp_path / "b", first_seed=2, **changes)
  with pytest.raises(UserError, match=f"is not alike in .*/a and .*/b .*{message}"):
    gather([tmp_path])


def test_seeds_of_one_cell_must_be_trained_as_long(tmp_path):
  write(tmp_path / "a")
  write(tmp_path / "b", first_seed=2, steps=10, scores=((1.0,), (2.0,)))
  with pytest.raises(UserError, match=r"different lengths: 20 steps in .*/a, 10 steps in .*/b"):
    gather([tmp_path])


@pytest.mark.parametrize("changes", [{"data_sha256": "cd" * 32}, {"env": "Hopper-v5"}])
def test_methods_of_one_row_must_share_data_and_simulator(tmp_path, changes):
  write(tmp_path / "a")
  write(tmp_path / "b", lam=0.5, **changes)
  with pytest.raises(UserError, match=f"{DATASET} is not alike in .*/a and .*/b"):
    gather([tmp_path])


def test_methods_of_one_row_may_differ_in_versions_and_steps(tmp_path):
  write(tmp_path / "a")
  write(tmp_path / "b", lam=0.5, versions={}, steps=10, scores=((1.0,), (2.0,)))
  assert len(gather([tmp_path]).scores) == 4


def test_other_data_are_another_row(tmp_path):
  write(tmp_path / "a")
  write(tmp_path / "b", dataset="hopper-medium-v2", data_sha256="cd" * 32)
  assert {score.dataset for score in gather([tmp_path]).scores} == {DATASET, "hopper-medium-v2"}


def test_diverged_seeds_are_left_out_and_named(tmp_path):
  directory = write(tmp_path / "run", scores=((1.0, np.nan), (2.0, 6.0)), frozen_at=(1_500, -1))
  scores, notices, *_ = gather([directory])
  assert [score.seed for score in scores] == [1]
  assert notices == [f"{directory}: seed 0 is left out: it diverged at step 1,500"]


def test_diverged_seeds_are_known_by_method_data_set_and_number(tmp_path):
  write(tmp_path / "a", scores=((1.0, np.nan), (2.0, 6.0)), frozen_at=(15, -1))
  write(tmp_path / "b", scores=((1.0,), (2.0,)), frozen_at=(12, 13), lam=0.5, first_seed=3)
  assert gather([tmp_path]).diverged == [
    ("DMG", DATASET, 0),
    ("DMG (lam 0.5)", DATASET, 3),
    ("DMG (lam 0.5)", DATASET, 4),
  ]


def test_a_job_whose_seeds_all_diverged_is_finished(tmp_path):
  directory = write(tmp_path / "run", scores=((1.0,), (2.0,)), frozen_at=(12, 13))
  scores, notices, *_ = gather([directory])
  assert scores == []
  assert [notice.split(": ", 1)[1] for notice in notices] == [
    "seed 0 is left out: it diverged at step 12",
    "seed 1 is left out: it diverged at step 13",
  ]


def test_seeds_without_a_last_score_are_left_out_and_named(tmp_path):
  directory = write(tmp_path / "run", scores=((1.0, np.nan), (2.0, 6.0)))
  scores, notices, *_ = gather([directory])
  assert [score.seed for score in scores] == [1]
  assert notices == [f"{directory}: seed 0 is left out: it has no score at step 20"]


def parsed(notice, monkeypatch):
  """The config that the command in a notice asks the launcher for."""
  words = shlex.split(notice.split("finish it with: ")[1])
  assert words[:2] == ["python", "launch/main.py"]
  monkeypatch.chdir(ROOT)
  monkeypatch.setattr(sys, "argv", words[1:])  # where overrides are looked for
  values = flags.FlagValues()
  config_flags.DEFINE_config_file("config", flag_values=values)
  flags.DEFINE_string("run_dir", None, "", flag_values=values)
  values(words[1:])
  return values.config.to_dict(), values.run_dir


@pytest.mark.parametrize(
  "changes",
  [
    {},
    {"first_seed": 7, "lam": 0.5, "hidden_sizes": [64], "clip_actions": True},
    {"dataset": "hopper-medium-expert-v2", "nu": 10.0, "actor_schedule_steps": float("inf")},
  ],
)
def test_a_half_written_run_is_named_with_what_finishes_it(tmp_path, monkeypatch, changes):
  directory = write(tmp_path / "a run", **changes)
  (directory / "summary.json").unlink()
  notice = left_out(directory)
  assert "is left out: not finished; finish it with: " in notice
  config, run_dir = parsed(notice, monkeypatch)
  assert run_dir == str(directory)
  expected = json.loads((directory / "config.json").read_text())
  del expected["data_sha256"]
  assert config | {"hidden_sizes": list(config["hidden_sizes"])} == expected


def test_a_run_that_was_to_grow_is_named_with_its_steps(tmp_path):
  directory = write(tmp_path / "run")
  change(directory / "config.json", steps=40_000)
  notice = left_out(directory)
  assert "not finished, at 20 of 40,000 steps; finish it with: python launch/main.py" in notice
  assert "--config.steps=40000" in notice


def test_data_from_a_file_of_ones_own_need_its_path(tmp_path):
  directory = write(tmp_path / "run", dataset="mine")
  (directory / "summary.json").unlink()
  assert "--config=configs/mujoco.py --config.dataset=PATH_OF_mine" in left_out(directory)


def test_mazes_continue_with_their_config(tmp_path):
  directory = write(tmp_path / "run", dataset="antmaze-umaze-v2", nu=0.5)
  (directory / "summary.json").unlink()
  notice = left_out(directory)
  assert "--config=configs/antmaze.py:antmaze-umaze-v2" in notice
  assert "--config.nu=0.5" in notice


@pytest.mark.parametrize("name", ["config.json", "summary.json"])
@pytest.mark.parametrize("text", ["", '{"dataset":', "[1]"])
def test_json_that_cannot_be_read_is_named(tmp_path, name, text):
  directory = write(tmp_path / "run")
  (directory / name).write_text(text)
  assert f"its {name} cannot be read" in left_out(directory)


def test_other_jobs_are_named(tmp_path):
  directory = write(tmp_path / "run")
  (directory / "config.json").write_text('{"env_id": "Hopper-v4", "random_steps": 100}')
  assert "its config.json is not one of an offline job" in left_out(directory)


def test_configs_with_gaps_are_named(tmp_path):
  directory = write(tmp_path / "run")
  config = json.loads((directory / "config.json").read_text())
  del config["evaluation_episodes"]
  (directory / "config.json").write_text(json.dumps(config))
  assert "damaged (KeyError: 'evaluation_episodes')" in left_out(directory)
  (directory / "summary.json").unlink()
  change(directory / "config.json", dataset=None)
  assert "its config.json is not one of an offline job" in left_out(directory)


@pytest.mark.parametrize(
  ("text", "message"),
  [
    ("", "KeyError: 0"),
    ('{"step": 10, "seed": 0, "sco', "JSONDecodeError"),
    (
      '{"step": 10, "seed": 0, "episode": 0, "score": 5.0}\n',
      "seed 0 ends otherwise in evaluations.jsonl",
    ),
    (
      '{"step": 20, "seed": 0, "episode": 0, "score": 5.1}\n',
      "seed 0 ends otherwise in evaluations.jsonl",
    ),
    ('{"step": 20, "seed": 0, "episode": 0}\n', "KeyError: 'score'"),
  ],
)
def test_logs_that_do_not_bear_out_the_summary_are_named(tmp_path, text, message):
  directory = write(tmp_path / "run")
  (directory / "evaluations.jsonl").write_text(text)
  assert message in left_out(directory)


@pytest.mark.parametrize(
  ("alter", "message"),
  [
    (lambda rows: rows[1:], "seed 0 has 1 of 2 episodes at step 10"),
    (lambda rows: rows[2:], "seed 0 has 0 of 2 episodes at step 10"),
    (lambda rows: [*rows, rows[0] | {"score": 7.0}], "episode 0 of seed 0 at step 10 is .* twice"),
    (lambda rows: [rows[0] | {"score": math.nan}, *rows[1:]], "seed 0 .* at step 10 .* no finite"),
  ],
)
def test_evaluations_before_the_last_must_be_whole_too(tmp_path, alter, message):
  directory = write(tmp_path / "run")
  log = directory / "evaluations.jsonl"
  rows = [json.loads(line) for line in log.read_text().splitlines()]
  log.write_text("".join(json.dumps(row) + "\n" for row in alter(rows)))
  assert re.search(f"its logs .* are damaged .*{message}", left_out(directory))


def test_a_summary_without_results_is_named(tmp_path):
  directory = write(tmp_path / "run")
  (directory / "summary.json").write_text("{}")
  assert "its logs or its summary.json are damaged (KeyError: 'results')" in left_out(directory)


def test_runs_without_scores_are_named(tmp_path):
  silent = write(tmp_path / "silent", env="none", scores=((), ()))
  assert "it was trained without a simulator" in left_out(silent)
  directory = write(tmp_path / "run")
  summary = json.loads((directory / "summary.json").read_text())
  change(directory / "summary.json", results=summary["results"] | {"unit": job_table.RETURN})
  assert "Hopper-v4, has returns but no normalised score" in left_out(directory)


def test_data_that_only_share_a_name_with_d4rls_have_no_row(tmp_path):
  directory = write(tmp_path / "run", dataset="hopper-medium-v2")
  assert len(gather([directory]).scores) == 2
  summary = json.loads((directory / "summary.json").read_text())
  change(directory / "summary.json", results=summary["results"] | {"paper": None})
  assert "called hopper-medium-v2 but were not read as D4RL's" in left_out(directory)


def test_a_bad_directory_leaves_the_others(tmp_path):
  write(tmp_path / "good")
  (write(tmp_path / "bad", first_seed=2) / "summary.json").write_text("")
  scores, notices, *_ = gather([tmp_path])
  assert [score.seed for score in scores] == [0, 1]
  assert len(notices) == 1


def test_paths_without_runs_are_refused(tmp_path):
  (tmp_path / "empty").mkdir()
  with pytest.raises(UserError, match=r"empty holds no run directory"):
    gather([tmp_path / "empty"])
  with pytest.raises(UserError, match=r"missing is no folder"):
    gather([tmp_path / "missing"])
