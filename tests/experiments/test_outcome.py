"""What a job leaves, from its logs alone: groups never mix, each under its own name."""

import json

import numpy as np
import pytest
from made_directories import TASK, config, evaluation_rows, runs, task

from dmg_jax import run_log
from dmg_jax.data import dataset
from dmg_jax.errors import StorageError, UserError
from dmg_jax.experiments import outcome
from dmg_jax.report.figures import job_curves
from dmg_jax.report.scores.intervals import Estimate
from dmg_jax.report.tables import job_table
from dmg_jax.types import Transitions

MEDIUM = "hopper-medium-v2"
RUN = runs()[0]["id"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
  monkeypatch.setattr(job_curves, "_DOTS_PER_INCH", 30)
  monkeypatch.setattr(job_table, "estimate", lambda *_, **__: Estimate(*np.zeros(3)))


def data(name, bounds=1.0):
  arrays = {"observations": (4, 3), "actions": (4, 2), "next_observations": (4, 3)}
  transitions = Transitions(
    **{field: np.zeros(shape, np.float32) for field, shape in arrays.items()},
    rewards=np.ones(4, np.float32),
    not_dones=np.ones(4, np.float32),
  )
  box = np.full(2, bounds)
  return dataset.build(
    transitions,
    name=name,
    kind="minari",
    episode_returns=np.array([1000.0]),
    action_bounds=(-box, box),
  )


def conclude(directory, tasks, members, scores, steps=(10, 20), frozen_at=None, drop=()):
  """`scores` are (runs, evaluations)."""
  rows = evaluation_rows(members, np.array(scores, np.float64), steps)
  (directory / run_log.EVALUATIONS).write_text(
    "".join(json.dumps(row) + "\n" for row in rows if row["run"] not in drop)
  )
  metrics = [
    {"step": 10, "run": run["id"], "policy_q": 5.0, "v": 4.0, "clipped_weights": 0.1}
    for run in members
  ]
  (directory / run_log.METRICS).write_text("".join(json.dumps(row) + "\n" for row in metrics))
  frozen = {run["id"]: -1 for run in members} | (frozen_at or {})
  job = config(tasks, members)
  sets = {each["name"]: data(each["name"]) for each in tasks}
  return outcome.conclude(directory, job, sets, frozen)


def test_two_methods_and_two_data_sets_with_the_same_seed_never_meet_in_an_average(tmp_path):
  members = [
    *runs("dmg", "DMG", (0,)), *runs("bc", "BC", (0,)), *runs("dmg", "DMG", (0,), MEDIUM),
  ]  # fmt: skip
  found = conclude(
    tmp_path, [task(), task(MEDIUM)], members, [[1.0, 10.0], [1.0, 20.0], [1.0, 40.0]]
  )
  assert [(g.task, g.label, g.scores[0, -1]) for g in found.groups] == [
    (TASK, "DMG", 10.0), (TASK, "BC", 20.0), (MEDIUM, "DMG", 40.0),
  ]  # fmt: skip
  summary = json.loads((tmp_path / "summary.json").read_text())
  assert [group["last"]["mean"] for group in summary["groups"]] == [10.0, 20.0, 40.0]
  assert summary["frozen_at"] == {run["id"]: None for run in members}
  assert summary["steps"] == 20
  assert [row["id"] for group in summary["groups"] for row in group["runs"]] == [
    run["id"] for run in members
  ]


def test_cloning_calls_itself_by_its_name_and_has_its_own_number_of_the_papers(tmp_path):
  members = runs("bc", "BC", (0, 1), MEDIUM)
  found = conclude(tmp_path, [task(MEDIUM, kind="d4rl")], members, [[1.0, 2.0]] * 2)
  assert found.table.startswith(f"BC on {MEDIUM}\n")
  assert "DMG" not in found.table
  assert found.groups[0].paper == {
    "method": "BC", "table_2": {"mean": 56.2, "sd": None, "seeds": 5},
  }  # fmt: skip


@pytest.mark.parametrize(
  ("label", "changes", "beside"),
  [
    ("DMG", {}, True),
    ("DMG (lam 0.5)", {}, False),
    ("TD3", {}, False),
    ("DMG", {"env": "Hopper-v5"}, False),
    ("DMG", {"env_kwargs": {"forward_reward_weight": 9}}, False),
    ("DMG", {"kind": "hdf5"}, False),
    ("DMG (normalise_observations False)", {"normalise_observations": False}, False),
  ],
)
def test_the_papers_row_is_for_its_method_settings_data_and_simulator(
  tmp_path, label, changes, beside
):
  members = runs("dmg", label, (0,), MEDIUM)
  found = conclude(tmp_path, [task(MEDIUM, **{"kind": "d4rl"} | changes)], members, [[1.0, 2.0]])
  assert (found.groups[0].paper is not None) is beside
  assert ("the paper" in found.table) is beside


def test_a_lost_log_is_no_job_without_a_simulator(tmp_path):
  (tmp_path / "summary.json").write_text("old")
  members = runs()
  with pytest.raises(StorageError, match=r"lacks the evaluation of .*seed=1 at the last step, 20"):
    conclude(tmp_path, [task()], members, [[1.0, 2.0]] * 2, drop={members[1]["id"]})
  assert (tmp_path / "summary.json").read_text() == "old"
  assert not (tmp_path / "curves.png").exists()


@pytest.mark.parametrize(
  ("name", "row"),
  [
    (run_log.EVALUATIONS, {"step": 20, "run": "../x", "episode": 0, "score": 1.0}),
    (run_log.EVALUATIONS, {"step": 20, "episode": 0, "score": 1.0}),
    (run_log.EVALUATIONS, {"step": "x", "run": RUN, "episode": 0, "score": 1.0}),
    (run_log.EVALUATIONS, {"step": 20, "run": RUN, "episode": 0}),
    (run_log.EVALUATIONS, {"step": 20, "run": RUN, "episode": 0, "score": "high"}),
    (run_log.METRICS, {"step": 20, "run": "other", "policy_q": 1.0}),
    (run_log.METRICS, {"run": RUN, "policy_q": 1.0}),
    (run_log.METRICS, {"step": 20, "run": RUN, "policy_q": []}),
  ],
)
def test_a_row_that_belongs_to_no_run_is_one_line_and_nothing_is_written(tmp_path, name, row):
  conclude(tmp_path, [task()], runs(), [[1.0, 2.0]] * 2)
  before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".jsonl"}
  with open(tmp_path / name, "a") as file:
    file.write(json.dumps(row) + "\n")
  job = config([task()], runs())
  with pytest.raises(UserError, match="do not belong together") as refusal:
    outcome.conclude(tmp_path, job, {TASK: data(TASK)}, {run["id"]: -1 for run in runs()})
  assert "\n" not in str(refusal.value)
  after = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".jsonl"}
  assert after == before


def test_a_job_whose_runs_all_diverged_says_so(tmp_path):
  members = runs()
  frozen = {run["id"]: 5 for run in members}
  found = conclude(tmp_path, [task()], members, [[], []], (), frozen)
  assert found.all_diverged
  assert "every run diverged" in found.table
  assert "no simulator" not in found.table
  assert any("diverged, first at step 5" in hint for hint in found.hints)
  without = conclude(tmp_path, [task(env="none", reference=None)], members, [[], []], ())
  assert not without.all_diverged
  assert "there was no simulator" in without.table


def test_hints_name_their_group_where_there_are_several(tmp_path):
  members = [*runs("dmg", "DMG", (0,)), *runs("bc", "BC", (0,))]
  found = conclude(tmp_path, [task()], members, [[1.0, 2.0]] * 2, frozen_at={members[1]["id"]: 15})
  assert [hint.split(": ")[0] for hint in found.hints] == [f"BC on {TASK}"]


def test_a_full_disk_is_a_storage_error(tmp_path, monkeypatch):
  def fail(*_, **__):
    raise OSError(28, "No space left on device")

  monkeypatch.setattr(job_curves.Figure, "savefig", fail)
  with pytest.raises(StorageError, match="could not be written: No space left on device"):
    conclude(tmp_path, [task()], runs(), [[1.0, 2.0]] * 2)
