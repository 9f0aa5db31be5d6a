import json
import math
import re
import shlex
import shutil

import numpy as np
import pytest
from made_directories import POINT, TASK, VERSIONS, write

from dmg_jax.errors import UserError
from dmg_jax.report import units
from dmg_jax.report.scores.gather import gather
from dmg_jax.report.scores.intervals import Estimate
from dmg_jax.report.tables import job_table
from dmg_jax.run_config import FORMAT

DATASET = TASK
HALF = {"label": "DMG (lam 0.5)", "lam": 0.5}


@pytest.fixture(autouse=True)
def _quick_summaries(monkeypatch):
  # Summaries hold intervals that nobody gathers, and that take their time.
  monkeypatch.setattr(job_table, "estimate", lambda *_, **__: Estimate(*np.zeros(3)))


def change(path, **fields):
  path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def change_config(directory, alter):
  config = json.loads((directory / "config.json").read_text())
  alter(config)
  (directory / "config.json").write_text(json.dumps(config))


def left_out(directory):
  """The reason, where one directory is all there is and nothing of it counts."""
  scores, notices, *_ = gather([directory])
  assert scores == []
  (notice,) = notices
  assert "\n" not in notice
  assert str(directory) in notice
  return notice


def test_every_seed_becomes_a_score(tmp_path):
  directory = write(tmp_path / "run", {"first_seed": 3, "actor_schedule_steps": "inf"})
  first, second = gather([directory]).scores
  assert first._replace(settings={}, job=None) == (
    "DMG", DATASET, 3, 20, 5.0, 3.0, (10, 20), (1.0, 5.0), {}, str(directory), None, {}
  )  # fmt: skip
  assert (second.seed, second.last, second.last_ten) == (4, 6.0, 4.0)
  assert set(first.settings) == set(POINT)
  assert (first.settings["lam"], first.settings["nu"]) == (0.25, 0.1)
  # JSON has no infinity and no tuple.
  assert first.settings["actor_schedule_steps"] == math.inf
  assert first.settings["actor_hidden_sizes"] == (256, 256)
  assert (first.job.directory, first.job.task, first.job.label) == (str(directory), DATASET, "DMG")
  assert gather([directory]).notices == []


def test_the_method_is_the_stored_label_whatever_the_numbers_say(tmp_path):
  # Numbers of BC under DMG's label, and DMG's under another: nothing is guessed back.
  write(tmp_path / "a", {"q_coefficient": 0.0, "inverse_temperature": 0.0, "nu": 1.0})
  write(tmp_path / "b", {"method": "bc", "label": "BC"})
  write(tmp_path / "c", HALF)
  scores = gather([tmp_path]).scores
  assert [score.method for score in scores] == ["DMG"] * 2 + ["BC"] * 2 + ["DMG (lam 0.5)"] * 2


def test_settings_of_another_family_do_not_stand_under_the_papers_name(tmp_path):
  # Locomotion's settings on AntMaze's data, as configs/mujoco.py gives them: labelled "DMG".
  maze = {"name": "antmaze-umaze-v2", "kind": "d4rl", "env": "dmg_jax/AntMaze-UMaze-v0"}
  write(tmp_path / "a", {"task": maze, "nu": 0.5})
  (label,) = {score.method for score in gather([tmp_path]).scores}
  assert label == (
    "DMG (expectile 0.7, inverse_temperature 3, weight_clip 3, normalise_observations True,"
    " reward_shift 0)"
  )


def test_the_papers_settings_on_its_data_are_plain_dmg(tmp_path):
  maze = {
    "name": "antmaze-umaze-v2", "kind": "d4rl", "env": "dmg_jax/AntMaze-UMaze-v0",
    "normalise_observations": False, "reward_shift": -1.0,
  }  # fmt: skip
  point = {"nu": 0.5, "expectile": 0.9, "inverse_temperature": 10.0, "weight_clip": 100.0}
  write(tmp_path / "a", {"task": maze, **point})
  expert = {"name": "hopper-expert-v2", "kind": "d4rl"}
  write(tmp_path / "b", {"task": expert, "nu": 10.0})
  assert {score.method for score in gather([tmp_path]).scores} == {"DMG"}


def test_groups_of_one_job_never_mix(tmp_path):
  other = {"task": {"name": "dmg/hopper/simple-v0"}}
  write(
    tmp_path / "run",
    {"scores": ((1.0, 10.0),)},
    {"scores": ((1.0, 20.0),), "method": "bc", "label": "BC"},
    {"scores": ((1.0, 30.0),), **HALF},
    {"scores": ((1.0, 40.0),), **other},
  )
  scores, notices, _ = gather([tmp_path])
  assert [(s.method, s.dataset, s.seed, s.last) for s in scores] == [
    ("DMG", DATASET, 0, 10.0), ("BC", DATASET, 0, 20.0), ("DMG (lam 0.5)", DATASET, 0, 30.0),
    ("DMG", "dmg/hopper/simple-v0", 0, 40.0),
  ]  # fmt: skip
  assert notices == []


def test_scores_of_another_simulator_stand_under_a_name_of_their_own(tmp_path):
  d4rl = {"name": "hopper-medium-v2", "kind": "d4rl"}
  write(tmp_path / "a", {"task": d4rl})
  write(tmp_path / "b", {"task": d4rl | {"env": "Hopper-v5"}})
  write(tmp_path / "c", {"task": d4rl | {"env_kwargs": {"healthy_reward": 9}}})
  scores = gather([tmp_path]).scores
  assert [score.dataset for score in scores] == ["hopper-medium-v2"] * 2 + [
    "hopper-medium-v2 in Hopper-v5"
  ] * 2 + ['hopper-medium-v2 in Hopper-v4 with {"healthy_reward": 9}'] * 2


def test_folders_are_searched_and_no_directory_is_read_twice(tmp_path):
  deep = write(tmp_path / "runs" / "dmg" / "hopper" / "e347")
  other = write(tmp_path / "runs" / "other", {"first_seed": 2})
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


def test_the_same_job_started_by_another_command_is_a_copy(tmp_path):
  shutil.copytree(write(tmp_path / "a"), tmp_path / "b")
  change(tmp_path / "b" / "config.json", invocation=["launch/main.py", "--config=mine.py"])
  assert len(gather([tmp_path]).scores) == 2


def test_a_seed_of_two_directories_is_refused_with_both(tmp_path):
  write(tmp_path / "a")
  write(tmp_path / "b", {"first_seed": 1, "scores": ((3.0, 4.0), (2.0, 6.0))})
  with pytest.raises(UserError, match=r"seed 1 of DMG on .* is in .*/a and again in .*/b"):
    gather([tmp_path])


@pytest.mark.parametrize(
  ("group", "settings", "message"),
  [
    ({}, {"evaluation_interval": 5}, "evaluation_interval 10 and 5"),
    ({}, {"evaluation_episodes": 9}, "evaluation_episodes 2 and 9"),
    ({}, {"versions": VERSIONS | {"jax": "0.11.0"}}, r"jax 0\.10\.2 and 0\.11\.0"),
    ({}, {"versions": VERSIONS | {"dmg_jax": "0.2.0"}}, r"dmg_jax 0\.1\.0 and 0\.2\.0"),
    ({}, {"versions": {}}, r"jax 0\.10\.2 and None"),
    ({"task": {"sha256": "cd" * 32}}, {}, "sha256 (ab){32} and (cd){32}"),
    ({"task": {"env": "Hopper-v5"}}, {}, "env Hopper-v4 and Hopper-v5"),
    ({"task": {"env_kwargs": {"a": 1}}}, {}, r"env_kwargs \{\} and \{'a': 1\}"),
    # The same label with other numbers, as of another version's usual settings.
    ({"target_rate": 0.05}, {}, r"target_rate 0\.005 and 0\.05"),
  ],
)
def test_seeds_of_one_cell_must_be_alike(tmp_path, group, settings, message):
  write(tmp_path / "a")
  write(tmp_path / "b", {"first_seed": 2, **group}, **settings)
  with pytest.raises(UserError, match=f"is not alike in .*/a and .*/b .*{message}"):
    gather([tmp_path])


def test_seeds_of_one_cell_must_be_trained_as_long(tmp_path):
  write(tmp_path / "a")
  write(tmp_path / "b", {"first_seed": 2, "scores": ((1.0,), (2.0,))}, steps=10)
  with pytest.raises(UserError, match=r"different lengths: 20 steps in .*/a, 10 steps in .*/b"):
    gather([tmp_path])


@pytest.mark.parametrize("changes", [{"sha256": "cd" * 32}, {"env": "Hopper-v5"}])
def test_methods_of_one_row_must_share_data_and_simulator(tmp_path, changes):
  write(tmp_path / "a")
  write(tmp_path / "b", {**HALF, "task": changes})
  with pytest.raises(UserError, match=f"{DATASET} is not alike in .*/a and .*/b"):
    gather([tmp_path])


def test_methods_of_one_row_may_differ_in_versions_and_steps(tmp_path):
  write(tmp_path / "a")
  write(tmp_path / "b", {**HALF, "scores": ((1.0,), (2.0,))}, versions={}, steps=10)
  assert len(gather([tmp_path]).scores) == 4


def test_other_data_are_another_row(tmp_path):
  write(tmp_path / "a")
  name = {"name": "hopper-medium-v2", "kind": "d4rl", "sha256": "cd" * 32}
  write(tmp_path / "b", {"task": name})
  assert {score.dataset for score in gather([tmp_path]).scores} == {DATASET, "hopper-medium-v2"}


def test_diverged_seeds_are_left_out_and_named(tmp_path):
  directory = write(
    tmp_path / "run", {"scores": ((1.0, np.nan), (2.0, 6.0)), "frozen_at": (1_500, -1)}
  )
  scores, notices, *_ = gather([directory])
  assert [score.seed for score in scores] == [1]
  assert notices == [f"{directory}: seed 0 is left out: it diverged at step 1,500"]


def test_diverged_seeds_are_known_by_method_data_set_and_number(tmp_path):
  write(tmp_path / "a", {"scores": ((1.0, np.nan), (2.0, 6.0)), "frozen_at": (15, -1)})
  write(
    tmp_path / "b",
    {"scores": ((1.0,), (2.0,)), "frozen_at": (12, 13), "first_seed": 3, **HALF},
  )
  diverged = gather([tmp_path]).diverged
  assert np.isnan([score.last for score in diverged]).all()
  assert [(score.method, score.dataset, score.seed) for score in diverged] == [
    ("DMG", DATASET, 0),
    ("DMG (lam 0.5)", DATASET, 3),
    ("DMG (lam 0.5)", DATASET, 4),
  ]


def test_a_job_whose_seeds_all_diverged_is_finished(tmp_path):
  directory = write(tmp_path / "run", {"scores": ((1.0,), (2.0,)), "frozen_at": (12, 13)})
  scores, notices, *_ = gather([directory])
  assert scores == []
  assert [notice.split(": ", 1)[1] for notice in notices] == [
    "seed 0 is left out: it diverged at step 12",
    "seed 1 is left out: it diverged at step 13",
  ]


def test_seeds_without_a_last_score_are_left_out_and_named(tmp_path):
  directory = write(tmp_path / "run", {"scores": ((1.0, np.nan), (2.0, 6.0))})
  scores, notices, *_ = gather([directory])
  assert [score.seed for score in scores] == [1]
  assert notices == [f"{directory}: seed 0 is left out: it has no score at step 20"]


@pytest.mark.parametrize(
  "invocation",
  [
    ["launch/main.py", "--config=configs/mujoco.py", "--config.methods=dmg,iql"],
    ["launch/main.py", "--config=configs/antmaze.py:antmaze-umaze-v2", "--config.seeds", "3"],
    ["launch/main.py", "--config=configs/mujoco.py", "--config.dataset=/my data/x.hdf5"],
  ],
)
def test_an_unfinished_job_is_named_with_the_stored_command(tmp_path, invocation):
  directory = write(tmp_path / "a run")
  change(directory / "config.json", invocation=[*invocation, "--run_dir=elsewhere"])
  (directory / "summary.json").unlink()
  notice = left_out(directory)
  assert "is left out: not finished; finish it with: " in notice
  words = shlex.split(notice.split("finish it with: ")[1])
  assert words == ["python", *invocation, f"--run_dir={directory}"]


def test_a_run_that_was_to_grow_is_named_with_its_command(tmp_path):
  directory = write(tmp_path / "run")
  change_config(directory, lambda config: config["settings"].update(steps=40_000))
  notice = left_out(directory)
  assert "not finished, at 20 of 40,000 steps; finish it with: python launch/main.py" in notice


@pytest.mark.parametrize("name", ["config.json", "summary.json"])
@pytest.mark.parametrize("text", ["", '{"dataset":', "[1]", "[" * 100_000])
def test_json_that_cannot_be_read_is_named(tmp_path, name, text):
  directory = write(tmp_path / "run")
  (directory / name).write_text(text)
  assert re.search(rf"{name} (cannot be read|is damaged)", left_out(directory))


def test_other_jobs_and_older_formats_are_named(tmp_path):
  directory = write(tmp_path / "run")
  config = json.loads((directory / "config.json").read_text())
  (directory / "config.json").write_text('{"dataset": "hopper-medium-v2", "lam": 0.25}')
  assert f"by an earlier version of dmg_jax (format 1, here {FORMAT})" in left_out(directory)
  collected = {
    "format": FORMAT,
    "kind": "collect",
    "invocation": ["launch/collect.py"],
    "recipe": {},
  }
  (directory / "config.json").write_text(json.dumps(collected))
  assert "holds a job of kind 'collect', not 'offline'" in left_out(directory)
  (directory / "config.json").write_text(json.dumps(config | {"format": 99}))
  assert f"by another version of dmg_jax (format 99, here {FORMAT})" in left_out(directory)


def delete(config, *path):
  for name in path[:-1]:
    config = config[name]
  del config[path[-1]]


@pytest.mark.parametrize(
  "path",
  [
    ("settings",), ("tasks",), ("runs",), ("invocation",), ("settings", "steps"),
    ("settings", "evaluation_episodes"), ("tasks", 0, "name"), ("tasks", 0, "env"),
    ("tasks", 0, "kind"), ("tasks", 0, "step_limit"), ("runs", 0, "id"), ("runs", 1, "label"),
    ("runs", 0, "point"), ("runs", 0, "seed"),
  ],
)  # fmt: skip
@pytest.mark.parametrize("finished", [True, False])
def test_configs_with_gaps_are_named(tmp_path, path, finished):
  directory = write(tmp_path / "run")
  change_config(directory, lambda config: delete(config, *path))
  if not finished:
    (directory / "summary.json").unlink()
    if path[-1] == "step_limit":
      return
  assert "damaged" in left_out(directory)


@pytest.mark.parametrize("value", [None, "x", 1.5, [], {}])
@pytest.mark.parametrize("name", ["groups", "steps", "versions"])
def test_summaries_of_other_types_are_named(tmp_path, name, value):
  directory = write(tmp_path / "run")
  change(directory / "summary.json", **{name: value})
  if (name, value) == ("versions", {}):
    assert len(gather([directory]).scores) == 2
  else:
    assert re.search("damaged|not finished", left_out(directory))


@pytest.mark.parametrize(
  ("text", "message"),
  [
    ("", "KeyError: 'dmg-hopper-medium-v0,DMG,seed=0'"),
    ('{"step": 10, "run": 0, "sco\n', "line 1 is no JSON object"),
    ('{"step": 10, "run": RUN, "episode": 0, "score": 5.0}\n', "seed 0 ends otherwise"),
    ('{"step": 20, "run": RUN, "episode": 0, "score": 5.1}\n', "seed 0 ends otherwise"),
    ('{"step": 20, "run": RUN, "episode": 0}\n', "seed 0 ends otherwise"),
    ('{"step": "x", "run": RUN, "episode": 0, "score": 5.0}\n', "damaged"),
    ('{"step": 20, "episode": 0, "score": 5.0}\n', "KeyError: 'run'"),
  ],
)
def test_logs_that_do_not_bear_out_the_summary_are_named(tmp_path, text, message):
  directory = write(tmp_path / "run")
  text = text.replace("RUN", '"dmg-hopper-medium-v0,DMG,seed=0"')
  (directory / "evaluations.jsonl").write_text(text)
  assert message in left_out(directory)


@pytest.mark.parametrize(
  ("alter", "message"),
  [
    (lambda rows: rows[1:], "seed 0 has 1 of 2 episodes at step 10"),
    (lambda rows: rows[2:], "seed 0 has 0 of 2 episodes at step 10"),
    (
      lambda rows: [*rows, rows[0] | {"score": 7.0}],
      "episode 0 of .*=0 at step 10 is .* twice",
    ),
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
  assert "its logs or its summary.json are damaged (KeyError: 'steps')" in left_out(directory)


def test_a_log_that_is_gone_is_named(tmp_path):
  directory = write(tmp_path / "run")
  (directory / "evaluations.jsonl").unlink()
  assert "its logs or its summary.json are damaged (FileNotFoundError" in left_out(directory)


def test_runs_without_scores_are_named(tmp_path):
  silent = {"task": {"env": "none", "reference": None}, "scores": ((), ())}
  assert "it was trained without a simulator" in left_out(write(tmp_path / "silent", silent))
  directory = write(tmp_path / "run")
  summary = json.loads((directory / "summary.json").read_text())
  summary["groups"][0]["unit"] = units.RETURN
  change(directory / "summary.json", groups=summary["groups"])
  assert "Hopper-v4, has returns but no normalised score" in left_out(directory)


def test_a_group_without_scores_leaves_the_others_of_its_job(tmp_path):
  silent = {"task": {"name": "dmg/own/x-v0", "env": "none", "reference": None}, "scores": ((), ())}
  scores, (notice,), _ = gather([write(tmp_path / "run", {}, silent)])
  assert [score.dataset for score in scores] == [DATASET] * 2
  assert "is left out: DMG on dmg/own/x-v0: it was trained without a simulator" in notice


def test_data_that_only_share_a_name_with_d4rls_have_no_row(tmp_path):
  named = {"name": "hopper-medium-v2"}
  assert len(gather([write(tmp_path / "a", {"task": named | {"kind": "d4rl"}})]).scores) == 2
  directory = write(tmp_path / "b", {"task": named | {"kind": "hdf5"}})
  assert "called hopper-medium-v2 but were not read as D4RL's" in left_out(directory)


def test_a_bad_directory_leaves_the_others(tmp_path):
  write(tmp_path / "good")
  (write(tmp_path / "bad", {"first_seed": 2}) / "summary.json").write_text("")
  scores, notices, *_ = gather([tmp_path])
  assert [score.seed for score in scores] == [0, 1]
  assert len(notices) == 1


def test_paths_without_runs_are_refused(tmp_path):
  (tmp_path / "empty").mkdir()
  with pytest.raises(UserError, match=r"empty holds no run directory"):
    gather([tmp_path / "empty"])
  with pytest.raises(UserError, match=r"missing is no folder"):
    gather([tmp_path / "missing"])
