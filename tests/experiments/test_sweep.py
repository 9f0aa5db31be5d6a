"""Sweeps on this machine: killed, stopped, robbed of a part; and what is refused."""

import re
import signal
import sys
import types
from pathlib import Path

import jax
import numpy as np
import pytest
from launches import run
from small_jobs import ROOT, columns, job_for, make_config, pendulum, train
from snapshots import changed, snapshot

from dmg_jax import checkpoints, run_log
from dmg_jax.data.load import load
from dmg_jax.errors import UserError
from dmg_jax.experiments.sweep import folder, marker, on_ray, slices, state, sweep

SWEEP = str(ROOT / "launch" / "sweep.py")
JOB = {
  "methods": "bc",  # the method that is compiled soonest
  "batch_size": 8,
  "actor_hidden_sizes": (8, 8),
  "env_kwargs": {"max_episode_steps": 7},
  "seeds": 2,
  "steps": 16,
  "log_interval": 4,
  "evaluation_interval": 8,
  "evaluation_episodes": 1,
  "checkpoint_interval": 8,
  "workers": 1,
}
SMALL = [
  f"--config={ROOT / 'configs' / 'mujoco.py'}",
  "--config.dataset=mine.npz",
  "--config.env=Pendulum-v1",
  *(f"--config.{name}={value}".replace(" ", "") for name, value in JOB.items()),
]
# Cloning has no such networks, where other small jobs have them.
NO_CRITICS = {"critic_hidden_sizes": None, "value_hidden_sizes": None}
PARTS = ("000-00", "000-01")
DELETE = "import shutil, sys\nshutil.rmtree(sys.argv[1])\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
  place = tmp_path_factory.mktemp("sweep")
  np.savez(place / "mine.npz", **columns())
  (place / "delete.py").write_text(DELETE)
  return place


@pytest.fixture(scope="module")
def results(place):
  """One sweep: it is stopped, its processes are killed, a part is deleted, and it goes on."""
  argv = [SWEEP, *SMALL, "--local", "--runs_per_task=1", "--max_retries=1", "--sweep_dir=sweep"]
  launches = {
    "stopped": {
      "argv": argv,
      "trap": {"point": "looked", "occurrence": 1, "signals": [signal.SIGINT]},
    },
    # By the command that the stopped sweep printed. Each process dies at its third row of
    # metrics: the first of a part at step 12; the second goes on from step 8, and writes two.
    "killed": {"argv": None, "trap": {"point": run_log.METRICS, "occurrence": 3}},
    "deleting": {"argv": [str(place / "delete.py"), "sweep/parts/000-01"]},
    "deleted": {"argv": argv},
  }
  found = run([{"cwd": str(place)} | one for one in launches.values()])
  return dict(zip(launches, found, strict=True))


@pytest.fixture(scope="module")
def job(place):
  """The same plan as one job that nothing disturbed: its directory, and what it found."""
  dataset = load(str(place / "mine.npz"), "Pendulum-v1")
  outcome = train([dataset], place / "job", env="Pendulum-v1", **JOB, **NO_CRITICS)
  return place / "job", outcome


def rows(directories, name):
  found = {}
  for directory in directories:
    for row in run_log.read(directory, name):
      found.setdefault(row["run"], []).append(row)
  return found


def table(text: str) -> str:
  """What is printed of the scores."""
  return text[text.index("\nlast evaluation") :].partition("\nreport: ")[0].partition("\ncurves")[0]


def test_a_stopped_sweep_says_how_it_goes_on(results):
  stopped = results["stopped"]
  assert stopped["code"] == 128 + signal.SIGINT, stopped["err"]
  assert re.search(r"stopped with [01] of 2 parts finished, and the others saved; ", stopped["err"])
  assert "Traceback" not in stopped["err"]


def test_processes_that_are_killed_are_started_again(results, place):
  killed = results["killed"]
  assert killed["code"] == 0, killed["err"]
  assert "part 000-01 goes on, attempt 2, on " in killed["err"]
  assert "2 of 2 parts finished" in killed["err"]
  rows = state.attempts(place / "sweep", "000-01")
  assert ["host" in row for row in rows] == [True, True, False, True, False]
  # JAX had started in no process that was forked.
  assert "fork" not in killed["err"]


def test_a_part_that_was_deleted_is_named_and_starts_again(results):
  deleted = results["deleted"]
  assert deleted["code"] == 0, deleted["err"]
  assert "part 000-01: its folder was deleted; it starts again" in deleted["out"]
  assert "continuing: 1 of 2 parts are finished" in deleted["out"]
  assert table(deleted["out"]) == table(results["killed"]["out"])


def test_after_all_that_the_bits_are_those_of_one_undisturbed_job(results, job, place):
  directory, outcome = job
  assert table(results["deleted"]["out"]).split() == table(outcome.table).split()
  parts = [state.part(place / "sweep", name) for name in PARTS]
  for name in (run_log.METRICS, run_log.EVALUATIONS):
    assert rows(parts, name) == rows([directory], name)
  whole = checkpoints.restore_latest(directory).tree["populations"]
  for number, part in enumerate(parts):
    one = checkpoints.restore_latest(part).tree["populations"]
    expected = jax.tree.map(lambda leaf, number=number: leaf[number : number + 1], whole)
    jax.tree.map(np.testing.assert_array_equal, one, expected)


def call(place, directory="sweep", **changes) -> list[str]:
  """What a sweep announces in this process, where there is nothing left to train."""
  lines: list[str] = []
  data = {"dataset": str(place / "mine.npz"), "env": "Pendulum-v1"}
  config = make_config(**data, **JOB, **NO_CRITICS)
  asked = {name: changes.pop(name) for name in ("dry_run",) if name in changes}
  values = {name: changes.pop(name) for name in list(changes) if name in config}
  usual = options(directory=str(place / directory), local=True, runs_per_task=1)
  chosen = usual._replace(**changes)
  sweep.run(config | values, chosen, lines.append, ["launch/sweep.py"], **asked)
  return lines


def test_a_finished_sweep_shows_its_table(results, place):
  before = snapshot(place)
  lines = call(place)
  assert "finished already: all parts are" in lines
  assert table("\n".join(lines)) == table(results["deleted"]["out"])
  assert changed(before, snapshot(place)) == []


@pytest.mark.parametrize(
  ("changes", "said"),
  [
    ({"seeds": 3}, "holds a sweep of another plan (runs that are new: bc,seed=2)"),
    ({"actor_learning_rate": 0.1}, "actor_learning_rate 0.0003 -> 0.1 in 2 runs"),
    ({"runs_per_task": 2}, "holds a sweep of another plan (runs_per_task 1 -> 2)"),
    ({"address": "auto"}, "--local and --address exclude each other"),
    ({"directory": "mine.npz"}, "mine.npz is no folder that can be read"),
  ],
)
def test_what_is_refused_is_one_line_and_changes_nothing(changes, said, results, place):
  before = snapshot(place)
  with pytest.raises(UserError) as error:
    call(place, **changes)
  assert said in str(error.value)
  assert "\n" not in str(error.value)
  assert changed(before, snapshot(place)) == []


def test_a_dry_run_shows_the_parts_and_writes_nothing(place):
  lines = call(place, "new", dry_run=True)
  assert any(line.startswith("part 000-01: 1 runs of BC (batch_size 8") for line in lines)
  assert "plan        2 runs of 16 steps in 2 parts" in lines
  assert {line.split()[0] for line in lines} >= {"time", "memory", "elsewhere"}
  assert not (place / "new").exists()


@pytest.fixture(scope="module")
def grid():
  """Two programs, of 2 data sets x 2 points x 3 seeds each."""
  changes = {"methods": "dmg,td3_bc", "discount": (0.9, 0.99), "seeds": 3}
  return job_for(pendulum("a"), pendulum("b", seed=1), **changes)


def test_populations_are_the_parts_if_nothing_is_said(grid):
  parts = slices.divide(grid, None)
  assert [one.name for one in parts] == ["000", "001"]
  for one, runs in zip(parts, grid.plan.populations(), strict=True):
    assert [run.id for run in one.job.plan.runs] == [run.id for run in runs]
    assert {run.population for run in one.job.plan.runs} == {0}


@pytest.mark.parametrize(("most", "sizes"), [(5, [4, 4, 4]), (7, [6, 6]), (11, [6, 6]), (12, [12])])
def test_slices_are_even_and_hold_each_run_once(grid, most, sizes):
  parts = slices.divide(grid, most)
  assert [len(one.job.plan.runs) for one in parts] == sizes * 2
  found = [run for one in parts for run in one.job.plan.runs]
  whole = [run for runs in grid.plan.populations() for run in runs]
  assert [run.id for run in found] == [run.id for run in whole]
  for one in parts:
    tasks = {run.task for run in one.job.plan.runs}
    assert {task.name for task in one.job.plan.tasks} == tasks
    assert one.job.settings == grid.settings


def seen(host, token="t", problem="", **versions):
  return marker.Seen(host, token, problem, {"python": "3.12.1", "jax": "0.10.2"} | versions)


def test_the_marker_is_seen_where_it_was_written_and_nowhere_else(tmp_path):
  (tmp_path / "there").mkdir()
  token = marker.write(tmp_path / "there")
  here, elsewhere = marker.look(tmp_path / "there"), marker.look(tmp_path / "not there")
  marker.check(tmp_path, token, [here])
  assert elsewhere.token is None
  with pytest.raises(UserError, match=r"not seen on .*No such file or directory"):
    marker.check(tmp_path, token, [here, elsewhere])
  with pytest.raises(UserError, match="not seen on b \\(another file is there\\)"):
    marker.check(tmp_path, "t", [seen("a"), seen("b", token="other")])


def test_versions_that_differ_are_named_with_their_machines(tmp_path):
  marker.check(tmp_path, "t", [seen("a"), seen("b")])
  with pytest.raises(UserError) as error:
    marker.check(tmp_path, "t", [seen("a"), seen("b"), seen("c", jax="0.10.3", python="3.12.2")])
  assert str(error.value) == (
    "the machines do not run the same versions: python 3.12.1 on a, b, but 3.12.2 on c; "
    "jax 0.10.2 on a, b, but 0.10.3 on c; install the same on all of them"
  )


def stored(job, **changes):
  reading = {"env": None, "step_limit": None}
  first = folder.Stored(job, ["launch/sweep.py"], None, reading, marker.versions())
  return first._replace(**changes)


def test_a_folder_belongs_to_its_plan(grid, tmp_path):
  directory = tmp_path / "sweep"
  folder.claim(directory, stored(grid)).close()
  again = folder.read(directory)
  assert run_log.encode(again.job.config([])) == run_log.encode(grid.config([]))
  grown = stored(grid._replace(settings=grid.settings | {"steps": 24, "workers": 5}))
  folder.claim(directory, grown).close()
  assert folder.read(directory).job.settings["steps"] == 24
  with pytest.raises(UserError, match=r"steps 24 -> 12 \(it may grow, not shrink\)"):
    folder.check(directory, stored(grid))
  fewer = grid.plan._replace(runs=grid.plan.runs[4:])
  with pytest.raises(UserError, match=r"runs that are gone: a,dmg,discount=0.9,seed=0, .* and 1"):
    folder.check(directory, grown._replace(job=grown.job._replace(plan=fewer)))
  older = grown.versions | {"jax": "0.1"}
  with pytest.raises(UserError, match=r"begun with other versions \(jax .* -> 0.1\)"):
    folder.check(directory, grown._replace(versions=older))


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 9}', '{"format": 1, "job": {}}'])
def test_a_damaged_folder_is_one_line(content, grid, tmp_path):
  (tmp_path / folder.STORED).write_text(content)
  with pytest.raises(UserError, match=r"sweep.json (is damaged|was made by another version)"):
    folder.check(tmp_path, stored(grid))
  assert (tmp_path / folder.STORED).read_text() == content


def test_a_folder_of_something_else_is_left_alone(grid, tmp_path):
  (tmp_path / "thesis.tex").write_text("")
  with pytest.raises(UserError, match="is not empty and holds no sweep"):
    folder.claim(tmp_path, stored(grid))
  assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def options(**changes):
  usual = sweep.Options(None, None, False, None, 3, None, 0.0, {})
  return usual._replace(**changes)


def test_without_ray_a_sweep_runs_here_and_what_needs_ray_names_the_extra(monkeypatch):
  monkeypatch.setattr(on_ray, "installed", lambda: False)
  lines: list[str] = []
  assert not sweep.uses_ray(options(), lines.append)
  assert lines == [
    "Ray is not installed (pip install 'dmg_jax[ray]'): the parts run here, one after another"
  ]
  for asked in ({"address": "auto"}, {"gpus": 1.0}, {"others": {"TPU": 4.0}}):
    with pytest.raises(UserError, match=r"Ray, which is not installed; pip install 'dmg_jax\[ray"):
      sweep.uses_ray(options(**asked), lines.append)
  assert not sweep.uses_ray(options(local=True), lines.append)
  assert len(lines) == 1


def test_a_cluster_that_refuses_is_one_line(monkeypatch):
  """As where nodes need a key that this process does not have."""

  class RayError(Exception):
    pass

  def refuse(**_):
    raise RayError("no token was found.\nUse `ray get-auth-token --generate`")

  ray = types.SimpleNamespace(init=refuse, exceptions=types.SimpleNamespace(RayError=RayError))
  monkeypatch.setitem(sys.modules, "ray", ray)
  said = "^Ray refuses the cluster at head:6400: no token was found. Use `ray get-auth-token"
  with pytest.raises(UserError, match=said):
    on_ray.connect("head:6400", on_ray.Resources(cpus=1, gpus=0.0, others={}))


def test_a_row_that_a_killed_process_left_torn_or_that_is_damaged_is_no_attempt(tmp_path):
  (tmp_path / state.ATTEMPTS).mkdir()
  with open(tmp_path / state.ATTEMPTS / "000.jsonl", "a") as file:
    file.write("7\n")
  state.note(tmp_path, "000", {"host": "a"})
  with open(tmp_path / state.ATTEMPTS / "000.jsonl", "a") as file:
    file.write('{"ended": "fin')
  assert state.attempts(tmp_path, "000") == [{"host": "a"}]


def test_resources_are_names_with_amounts():
  assert on_ray.read_resources("TPU=4, big=0.5") == {"TPU": 4.0, "big": 0.5}
  assert on_ray.read_resources("") == {}
  for text in ("TPU=many", "TPU", "=4", "TPU=0", "TPU=inf"):
    with pytest.raises(UserError, match="names with numbers above 0"):
      on_ray.read_resources(text)
