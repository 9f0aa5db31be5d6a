"""Training from Python: arrays or a name, a method, overrides; a typed result."""

import pickle
import signal

import jax
import numpy as np
import pytest
from small_jobs import SMALL, columns, pendulum

import dmg_jax
from dmg_jax import run_directory, run_log
from dmg_jax.errors import StoppedError, StorageError, UserError
from dmg_jax.report.tables.job_table import Results

ARRAYS = {**columns(), "env_id": "Pendulum-v1"}
CHANGES = {name: value for name, value in SMALL.items() if name != "seeds"}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
  lines = []
  made = dmg_jax.train(
    ARRAYS,
    method=("dmg", "bc"),
    seeds=2,
    run_dir=tmp_path_factory.mktemp("run"),
    announce=lines.append,
    **CHANGES,
  )
  return made, lines


def test_the_result_is_typed(result):
  made, lines = result
  assert isinstance(made, dmg_jax.Result)
  assert all(isinstance(group, Results) for group in made.groups)
  assert [(group.method, group.seeds.tolist()) for group in made.groups] == [
    ("dmg", [0, 1]),
    ("bc", [0, 1]),
  ]
  for group in made.groups:
    assert group.task == "arrays"
    assert group.steps.tolist() == [4, 8, 12]
    assert group.scores.shape == (2, 3)
    assert np.isfinite(group.scores).all()
  assert "DMG" in made.table
  assert "BC" in made.table
  assert any(line.startswith("plan") for line in lines)
  assert any(line.startswith("data        arrays: 100 transitions") for line in lines)


def test_its_policies_act(result):
  policy = result[0].policy("bc,seed=1")
  assert isinstance(policy, dmg_jax.Policy)
  actions = policy(ARRAYS["observations"][:4])
  assert actions.shape == (4, 1)
  np.testing.assert_array_equal(pickle.loads(pickle.dumps(policy))([1.0, 2.0, 3.0]),
                                policy([1.0, 2.0, 3.0]))  # fmt: skip
  assert result[0].policy().run["id"] == "dmg,seed=0"
  assert not np.allclose(result[0].policy()(ARRAYS["observations"][:4]), actions)
  with pytest.raises(UserError, match="has no run 'iql,seed=0'; it has dmg,seed=0, dmg,seed=1"):
    result[0].policy("iql,seed=0")


def test_the_same_call_finds_the_result_again(result):
  """And a policy is the same from the folder."""
  made, _ = result
  lines = []
  again = dmg_jax.train(
    ARRAYS, method=["dmg", "bc"], seeds=2, run_dir=str(made.directory), announce=lines.append,
    **CHANGES,
  )  # fmt: skip
  assert any(line.startswith("finished already") for line in lines)
  assert again.table == made.table
  loaded = dmg_jax.load_policy(made.directory, "dmg,seed=1")
  np.testing.assert_array_equal(loaded([1.0, 2.0, 3.0]), made.policy("dmg,seed=1")([1.0, 2.0, 3.0]))
  with pytest.raises(UserError, match=r"discount 0\.99 -> 0\.5"):
    dmg_jax.train(
      ARRAYS, method=("dmg", "bc"), run_dir=made.directory, seeds=2, discount=0.5, **CHANGES
    )


def test_a_data_set_object_trains_too_and_its_name_may_hold_a_comma(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  made = dmg_jax.train(pendulum("mine, all"), seeds=1, **CHANGES | {"steps": 4})
  assert made.groups[0].task == "mine, all"
  assert made.directory.resolve().parent.parent == tmp_path / "runs"
  config = run_directory.read_config(made.directory)
  assert [task["name"] for task in config["tasks"]] == ["mine, all"]


def test_nothing_is_printed(tmp_path, capfd):
  dmg_jax.train(ARRAYS, seeds=1, run_dir=tmp_path / "run", **CHANGES | {"steps": 4})
  assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
  ("changes", "line"),
  [
    ({"lamda": 0.5}, "there is no field 'lamda'; did you mean 'lam'?"),
    ({"methods": "iql"}, "there is no field 'methods'; did you mean 'method'?"),
    ({"gymnasium": 1}, "there is no field 'gymnasium'; the fields are actor_hidden_sizes, "),
    ({"method": "sarsa"}, "there is no method 'sarsa'"),
    ({"method": ()}, "config.methods names none"),
    ({"seeds": 1.5}, "config.seeds is 1.5"),
    ({"lam": np.array([0.5])}, "config.lam is array([0.5])"),
    ({"run_dir": ""}, "the run directory's name is empty"),
    ({"dataset": "none.npz"}, "none.npz: no such file"),
    ({"dataset": {"observations": np.zeros((3, 2))}}, "the arrays: actions, rewards, next_obs"),
    ({"dataset": ARRAYS | {"rewards": np.zeros(7)}}, "the arrays: "),
    ({"env": "Hopper-v4"}, "observations have 3 numbers, but those of Hopper-v4 have 11"),
  ],
)
def test_slips_are_one_line_and_change_nothing_on_disk(changes, line, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  arguments = {"dataset": ARRAYS, "run_dir": "run"} | changes
  with pytest.raises(UserError) as error:
    dmg_jax.train(**{**CHANGES, **arguments})
  assert line in str(error.value)
  assert "\n" not in str(error.value)
  assert list(tmp_path.iterdir()) == []


def test_jaxs_float64_mode_is_refused(tmp_path, monkeypatch):
  """Its random numbers are others: the same call would give other bits."""
  monkeypatch.chdir(tmp_path)
  with jax.enable_x64(True), pytest.raises(UserError, match="unset JAX_ENABLE_X64"):
    dmg_jax.train(ARRAYS, run_dir="run", **CHANGES)
  assert list(tmp_path.iterdir()) == []


def test_after_a_signal_it_says_what_to_call(tmp_path, monkeypatch):
  append = run_log.RunLog.append

  def stopped(self, name, rows):
    append(self, name, rows)
    if name == run_log.METRICS:
      signal.raise_signal(signal.SIGTERM)

  monkeypatch.setattr(run_log.RunLog, "append", stopped)
  with pytest.raises(StoppedError) as error:
    dmg_jax.train(ARRAYS, seeds=1, run_dir=tmp_path / "run", **CHANGES)
  assert str(error.value) == (
    "stopped after step 4, and saved; to go on: call dmg_jax.train again, as the run was made, "
    f"with run_dir='{tmp_path / 'run'}'"
  )
  assert error.value.exit_code == 143


def test_a_job_whose_runs_all_diverged_says_so(tmp_path):
  lines = []
  with pytest.raises(StorageError, match="all runs diverged"):
    dmg_jax.train(
      ARRAYS | {"rewards": np.full(100, 3e38)}, seeds=1, run_dir=tmp_path / "run",
      announce=lines.append, **CHANGES,
    )  # fmt: skip
  assert "diverged at step 0" in lines[-1]


def test_the_version_is_the_packages():
  from importlib import metadata

  assert dmg_jax.__version__ == metadata.version("dmg_jax")
  with pytest.raises(AttributeError, match="no attribute 'trane'"):
    dmg_jax.trane  # noqa: B018
