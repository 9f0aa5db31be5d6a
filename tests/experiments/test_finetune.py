"""Online training in process: what goes on, what it leaves, and what it refuses."""

import json
import math
import re
import shutil
import types

import gymnasium
import jax
import numpy as np
import pytest
from gymnasium.envs.classic_control.pendulum import PendulumEnv
from small_jobs import SMALL, make_config
from small_online import from_scratch, make_source, online_config

from dmg_jax import checkpoints, load_policy, run_log, schedules
from dmg_jax.errors import UserError
from dmg_jax.experiments import finetune, job, online_settings, sources
from dmg_jax.experiments.online_beginning import OnlineBeginning
from dmg_jax.online import loop
from dmg_jax.types import Hyperparameters, Transitions


class Wide(PendulumEnv):
  """Takes actions that are larger than the source's."""

  def __init__(self):
    super().__init__()
    self.action_space = gymnasium.spaces.Box(-3, 3, (1,))


gymnasium.register("test/Wide-v0", lambda **_: Wide(), max_episode_steps=7)
RUNS = ["dmg,seed=0", "dmg,seed=1"]
STEPS, OFFLINE_STEPS, EPISODE = 12, 12, 7


@pytest.fixture(scope="module")
def source(tmp_path_factory):
  return make_source(tmp_path_factory.mktemp("offline"))


def run(config, directory, **more):
  lines = []
  result = finetune.run(
    config, str(directory), lines.append, invocation=["launch/finetune.py"], **more
  )
  return result, "\n".join(lines)


@pytest.fixture(scope="module")
def finished(source, tmp_path_factory):
  directory = tmp_path_factory.mktemp("jobs") / "online"
  return directory, *run(online_config(source), directory)


def final(directory):
  return checkpoints.restore_latest(directory).tree["populations"]["0"]


def assert_same(first, second):
  jax.tree.map(np.testing.assert_array_equal, first, second)


def test_the_job_describes_itself(finished, source):
  directory, result, told = finished
  config = json.loads((directory / "config.json").read_text())
  assert config["kind"] == "online"
  assert config["source"]["step"] == OFFLINE_STEPS
  assert [run_["id"] for run_ in config["runs"]] == RUNS
  point = config["runs"][0]["point"]
  assert (point["lam_end"], point["nu_end"]) == (0.5, pytest.approx(0.001))
  assert point["actor_schedule_steps"] == "inf"
  assert "nu of DMG on pendulum: 0.1 to 0.001 (as the paper's for AntMaze; it has none" in told
  assert "rows        0.0 MB shared and 0.0 MB of the runs' own on the device, " in told
  assert "after 12 steps" in result.table
  rows = run_log.read(directory, run_log.EVALUATIONS)
  assert [row["step"] for row in rows] == [step for step in (0, 6, 12) for _ in range(4)]
  summary = json.loads((directory / "summary.json").read_text())
  (group,) = summary["online"]
  first = [row["return"] for row in rows if row["step"] == 0 and row["run"] == RUNS[0]]
  assert group["runs"][0]["start"] == pytest.approx(np.mean(first))
  assert group["runs"][0]["regret"] is None  # a return is no share of successes


def test_a_dry_run_tells_the_hours_of_all_gradient_steps_on_other_devices(source, tmp_path):
  hours = []
  for updates in (1, 2):
    config = online_config(source) | {"updates_per_step": updates, "steps": 10**9}
    result, told = run(config, tmp_path / "job", dry_run=True)
    assert result is None
    lines = [line for line in told.splitlines() if line.startswith("elsewhere")]
    assert lines
    assert all("simulators and the dispatch of each call come on top" in line for line in lines)
    found = (re.search(r": ([\d.,]+) (s|min|h) of training", line) for line in lines)
    units = {"s": 1 / 3600, "min": 1 / 60, "h": 1.0}
    hours.append([float(one[1].replace(",", "")) * units[one[2]] for one in found])
  np.testing.assert_allclose(hours[1], np.multiply(hours[0], 2), rtol=0.1)
  assert not (tmp_path / "job").exists()


def test_each_environment_step_has_one_gradient_step_and_rows_of_its_own(finished):
  directory, *_ = finished
  tree = final(directory)
  assert set(tree["states"]["step"]) == {OFFLINE_STEPS + STEPS}
  assert set(tree["states"]["actor"]["optimiser"]["count"]) == {(OFFLINE_STEPS + STEPS) // 2}
  np.testing.assert_array_equal(tree["own"]["sizes"], [STEPS, STEPS])
  streams = [streamed(directory, name)["actions"] for name in RUNS]
  assert [len(one) for one in streams] == [STEPS, STEPS]
  assert not np.array_equal(*streams)


def test_lambda_and_nu_follow_the_schedule_of_the_online_step(source, tmp_path, monkeypatch):
  """As if 995 online steps lay behind: the thousandth is the fifth."""
  decay = OnlineBeginning._decay

  def later(self):
    found = decay(self)
    return found.replace(first_step=found.first_step - 995)

  monkeypatch.setattr(OnlineBeginning, "_decay", later)
  run(online_config(source), tmp_path / "job")
  rows = [row for row in run_log.read(tmp_path / "job", run_log.METRICS) if row["run"] == RUNS[0]]
  # Training stops where it logs and where it evaluates; a row is the mean of its cycles.
  remaining = {4: 1.0, 6: 0.99, 8: 0.99, 12: 0.99}
  assert [row["step"] for row in rows] == list(remaining)
  for row in rows:
    assert row["lam"] == pytest.approx(0.5 - 0.25 * remaining[row["step"]], rel=1e-6)
    assert row["nu"] == pytest.approx(0.001 + 0.099 * remaining[row["step"]], rel=1e-5)


@pytest.fixture(scope="module")
def collected(source, tmp_path_factory):
  """A job that collects and does not learn."""
  directory = tmp_path_factory.mktemp("jobs") / "collected"
  run(online_config(source, random_steps=STEPS), directory)
  return directory


def streamed(directory, run_id):
  parts = [np.load(part) for part in sorted((directory / "streams" / run_id).glob("*.npz"))]
  return {name: np.concatenate([part[name] for part in parts]) for name in parts[0].files}


def test_what_a_run_goes_through_does_not_depend_on_its_company(collected, source, tmp_path):
  run(online_config(source, runs=RUNS[1], random_steps=STEPS), tmp_path / "alone")
  alone, together = streamed(tmp_path / "alone", RUNS[1]), streamed(collected, RUNS[1])
  assert len(alone["actions"]) == STEPS
  jax.tree.map(np.testing.assert_array_equal, alone, together)
  other = streamed(collected, RUNS[0])
  assert not np.array_equal(other["observations"][0], alone["observations"][0])


def test_a_longer_job_goes_on_to_the_same_end(collected, source, tmp_path):
  config = online_config(source, random_steps=STEPS)
  run(config | {"steps": 8}, tmp_path / "grown")
  _, told = run(config, tmp_path / "grown")
  assert "continuing from the checkpoint of step 6" in told
  assert_same(final(tmp_path / "grown"), final(collected))
  for name in RUNS:
    assert_same(streamed(tmp_path / "grown", name), streamed(collected, name))
  for name in (run_log.METRICS, run_log.EVALUATIONS):
    assert (tmp_path / "grown" / name).read_bytes() == (collected / name).read_bytes()


@pytest.mark.parametrize("workers", [1, 5])  # fewer, and more, than runs
def test_the_number_of_threads_changes_no_bit(finished, source, tmp_path, workers):
  directory, *_ = finished
  run(online_config(source, workers=workers), tmp_path / "job")
  assert_same(final(tmp_path / "job"), final(directory))


def _explosive(monkeypatch):
  decay = OnlineBeginning._decay

  def changed(self):
    found = decay(self)
    rates = found.start.critic_learning_rate.copy()
    rates[0] = np.inf
    return found.replace(start=found.start.replace(critic_learning_rate=rates))

  monkeypatch.setattr(OnlineBeginning, "_decay", changed)


def _blind(monkeypatch):
  play = loop.Loop._play

  def changed(self, actions):
    play(self, actions)
    if self.round == 5:
      self._observations[0] = np.nan

  monkeypatch.setattr(loop.Loop, "_play", changed)


@pytest.mark.parametrize(("poison", "steps"), [(_explosive, 0), (_blind, 5)])
def test_a_run_that_diverges_freezes_and_its_neighbour_goes_on(
  finished, source, tmp_path, monkeypatch, poison, steps
):
  poison(monkeypatch)
  result, _ = run(online_config(source), tmp_path / "job")
  tree = final(tmp_path / "job")
  assert tree["frozen_at"].tolist() == [OFFLINE_STEPS + steps, -1]
  assert tree["states"]["step"].tolist() == [OFFLINE_STEPS + steps, OFFLINE_STEPS + STEPS]
  assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(tree["states"]))
  # The step that made it diverge was taken in the world; no step after it was.
  assert tree["own"]["sizes"].tolist() == [max(steps, 1), STEPS]
  for directory in (tmp_path / "job", finished[0]):
    assert len(streamed(directory, RUNS[1])["rewards"]) == STEPS
  neighbour, undisturbed = (
    jax.tree.map(lambda leaf: leaf[1], one["states"]) for one in (tree, final(finished[0]))
  )
  assert_same(neighbour, undisturbed)
  assert f"diverged at gradient step {OFFLINE_STEPS + steps}" in result.table
  again, told = run(online_config(source), tmp_path / "job")
  assert "finished already" in told
  assert again.table == result.table


@pytest.mark.parametrize("sampling", ["symmetric", "online"])
def test_from_scratch_in_the_simulator_of_the_data(source, tmp_path, monkeypatch, sampling):
  told, allocated = [], []
  rows, close = finetune.rows, loop.Loop.close
  monkeypatch.setattr(finetune, "rows", lambda *given: told.append(rows(*given)) or told[-1])
  monkeypatch.setattr(loop.Loop, "close", lambda self: allocated.append(self.data) or close(self))
  data = source.parent / "pendulum.npz"
  config = from_scratch(data, sampling=sampling, random_steps=4, updates_per_step=2, learn_every=2)
  result, _ = run(config, tmp_path / "job")
  tree = final(tmp_path / "job")
  assert tree["states"]["step"].tolist() == [2 * (STEPS - 4)] * 2
  assert tree["sizes"].tolist() == [0 if sampling == "online" else 100] * 2
  label = json.loads((tmp_path / "job/config.json").read_text())["runs"][0]["label"]
  assert label.startswith("TD3 from scratch (")
  assert ("sampling" in label) == (sampling != "online")
  assert result.groups[0].steps.tolist() == [0, 6, 12]
  # What the plan says that the rows take is what they take: two runs of rows of 9 numbers.
  shared = 36 * 100 * (sampling != "online")
  assert told == [(shared, 2 * 36 * STEPS)]
  assert sum(leaf.nbytes for leaf in jax.tree.leaves(allocated[0])) == sum(told[0])


def test_the_plan_tells_what_a_million_steps_of_five_runs_in_an_ant_maze_take(source):
  """29 numbers of an observation, 8 of an action: 272 bytes a row."""
  found = sources.read(str(source), None)
  (task,), (first, _) = found.plan.tasks, found.plan.runs
  runs = tuple(first._replace(seed=seed) for seed in range(5))
  rows = np.zeros((1000, 29), np.float32)
  dataset = types.SimpleNamespace(
    transitions=Transitions(rows, rows[:, :8], rows[:, 0], rows, rows[:, 0])
  )
  prepared = {task.name: types.SimpleNamespace(dataset=dataset)}
  made = online_settings.OnlineJob(
    found.plan._replace(runs=runs),
    {"steps": 10**6, "updates_per_step": 1, "learn_every": 1, "sampling": "uniform"},
    (),
    None,
  )
  assert finetune.rows(made.plan, prepared, made.settings) == (272 * 1000, 272 * 5 * 10**6)
  *_, last = finetune.describe(made, prepared)
  assert last == (
    "rows        0.3 MB shared and 1.36 GB of the runs' own on the device, 1.36 GB in the host's "
    "memory and, at the end, on the disk"
  )


def test_soft_actor_critic_learns_through_the_same_loop_and_goes_on_to_the_same_end(
  source, tmp_path
):
  config = from_scratch(source.parent / "pendulum.npz", methods="sac", sampling="symmetric")
  result, _ = run(config, tmp_path / "straight")
  run(config | {"steps": 8}, tmp_path / "grown")
  _, told = run(config, tmp_path / "grown")
  assert "continuing from the checkpoint of step 6" in told
  tree = final(tmp_path / "straight")
  assert_same(final(tmp_path / "grown"), tree)
  for name in (run_log.METRICS, run_log.EVALUATIONS):
    there, here = (tmp_path / folder / name for folder in ("straight", "grown"))
    assert here.read_bytes() == there.read_bytes()
  assert tree["states"]["step"].tolist() == [STEPS, STEPS]
  assert (tree["states"]["temperature"]["parameters"] != 0).all()
  stream = streamed(tmp_path / "straight", "sac,seed=0")
  assert len(stream["actions"]) == STEPS
  # It explores by draws of its policy, which is not the policy that is evaluated.
  policy = load_policy(tmp_path / "straight", "sac,seed=0")
  assert policy(stream["observations"][-1, 0]).shape == (1,)
  last = stream["actions"][-1, 0], policy(stream["observations"][-1, 0])
  assert not np.array_equal(*last)
  (group,) = result.groups
  assert group.label == (
    "SAC from scratch (batch_size 8, actor_hidden_sizes 8x8, critic_hidden_sizes 8x8, "
    "symmetric sampling)"
  )


# (changes of the config of a job from scratch, part of the message)
WITHOUT_EFFECT = [
  ({"methods": "sac", "exploration_noise": 0.2}, "config.exploration_noise has no effect: SAC"),
  ({"methods": "sac", "lam_end": 0.4}, "config.lam_end has no effect: SAC fixes or does not use"),
  ({"methods": "sac,td3", "nu_end": 0.4}, "config.nu_end has no effect: SAC, TD3 fixes or does"),
  ({"methods": "sac", "lam": 0.4}, "config.lam has no effect: SAC fixes or does not use it"),
]


@pytest.mark.parametrize(("changes", "message"), WITHOUT_EFFECT)
def test_a_field_that_no_run_uses_is_refused(source, tmp_path, changes, message):
  with pytest.raises(UserError) as caught:
    run(from_scratch(source.parent / "pendulum.npz", **changes), tmp_path / "job")
  assert message in str(caught.value)
  assert not (tmp_path / "job").exists()


def test_offline_training_refuses_what_learns_online_alone(source, tmp_path):
  data = str(source.parent / "pendulum.npz")
  config = make_config(**{**SMALL, "dataset": data, "env": "Pendulum-v1", "methods": "dmg,sac"})
  with pytest.raises(UserError, match=r"config.methods names sac, which learns online alone"):
    job.run(config, str(tmp_path / "job"), lambda _: None)
  assert not (tmp_path / "job").exists()


def test_a_fine_tuned_policy_is_loaded_and_evaluated_like_any(finished):
  directory, *_ = finished
  policy = load_policy(directory, RUNS[1])
  assert policy(np.zeros(3)).shape == (1,)


# (changes of the config, part of the message)
REFUSED = [
  ({"runs": "dmg,seed=7"}, "has no run 'dmg,seed=7'; it has dmg,seed=0, dmg,seed=1"),
  ({"methods": "iql"}, "config.methods is 'iql', but the runs are the source's"),
  ({"methods": "sac"}, "config.methods is 'sac', but the runs are the source's"),
  ({"seeds": 3}, "config.seeds is 3, but the runs are the source's"),
  ({"normalise_observations": False}, "the source was trained with True"),
  ({"actor_hidden_sizes": (16, 16)}, "the source was trained with (8, 8)"),
  ({"env": "none"}, "has no simulator to learn in"),
  ({"env": "Hopper-v4", "env_kwargs": {}}, "observations have 3 numbers, but those of Hopper-v4"),
  ({"learn_every": 5}, "config.steps is 12, but it must be a multiple of config.learn_every (5)"),
  ({"updates_per_step": 0}, "config.updates_per_step is 0, but it must be a whole number"),
  ({"sampling": "mine"}, "config.sampling is 'mine', but it must be"),
  ({"lam_end": 2}, "config.lam_end is 2, but it must be a number from 0 to 1"),
  ({"decay": False, "nu_end": 0.1}, "config.nu_end has no effect with config.decay=False"),
  ({"discount": (0.9, 0.99)}, "config.discount names 2 values"),
  ({"log_interval": 0}, "config.log_interval is 0, but it must be a whole number from 1 to "),
  ({"checkpoint_interval": 0}, "config.checkpoint_interval is 0, but it must be a whole number"),
  ({"env": "test/Wide-v0"}, "was trained with another action_scale than pendulum has in test/Wide"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_what_is_refused_is_told_in_one_line_and_nothing_is_made(
  source, tmp_path, changes, message
):
  with pytest.raises(UserError) as caught:
    run(online_config(source, **changes), tmp_path / "job")
  assert message in str(caught.value)
  assert "\n" not in str(caught.value)
  assert not (tmp_path / "job").exists()


@pytest.mark.parametrize("inside", ["", "online", "a/b"])
def test_a_run_directory_in_the_sources_is_refused(source, inside):
  """A report would not look for it there."""
  before = sorted(source.rglob("*"))
  with pytest.raises(UserError, match="is, or lies in, the source's folder; name another"):
    run(online_config(source), source / inside)
  assert sorted(source.rglob("*")) == before


def test_nothing_is_changed_where_what_a_run_went_through_is_damaged(finished, source, tmp_path):
  copy = shutil.copytree(finished[0], tmp_path / "copy")
  (copy / "streams" / RUNS[1] / "000000006.npz").write_bytes(b"")
  before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
  with pytest.raises(UserError, match=r"000000006.npz is damaged .*restore it from a copy"):
    run(online_config(source, steps=18), copy)
  assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before


def test_a_job_of_random_steps_alone_says_so(source):
  found = sources.read(str(source), None)
  made = online_settings.from_source(online_config(source, random_steps=12), found)
  assert "random_steps 12: no gradient step in 12 steps" in made.reasons
  made = online_settings.from_source(online_config(source, random_steps=11), found)
  assert not any("random_steps" in reason for reason in made.reasons)


def test_a_label_names_the_precision_of_the_online_phase(source):
  found = sources.read(str(source), None)
  made = online_settings.from_source(online_config(source, precision="bfloat16"), found)
  assert made.plan.runs[0].label.endswith(", bfloat16)")


def test_other_arguments_of_the_simulator_are_on_no_scale_of_the_datas(source):
  """They may change rewards: the policies have returns then, and no scores."""
  found = sources.read(str(source), None)
  (task,) = found.plan.tasks
  found = found._replace(plan=found.plan._replace(tasks=(task._replace(reference=(0.0, 1.0)),)))

  def reference(**changes):
    made = online_settings.from_source(online_config(source, **changes), found)
    return made.plan.tasks[0].reference

  assert reference() == (0.0, 1.0)
  assert reference(env_kwargs=dict(task.env_kwargs)) == (0.0, 1.0)
  assert reference(env_kwargs={**task.env_kwargs, "g": 9.0}) is None


def copied(source, tmp_path):
  return shutil.copytree(source, tmp_path / "copy")


def change(directory, file, **changes):
  path = directory / file
  path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_source_that_is_not_finished_is_refused_with_its_command(source, tmp_path):
  copy = copied(source, tmp_path)
  change(copy, "summary.json", steps=8)
  with pytest.raises(UserError, match=r"is not finished, at 8 of 12 steps; finish it with: python"):
    sources.read(str(copy), None)


def test_a_source_of_another_version_is_refused(source, tmp_path):
  copy = copied(source, tmp_path)
  change(copy, "config.json", format=99)
  with pytest.raises(UserError, match=r"made by another version of dmg_jax \(format 99"):
    sources.read(str(copy), None)


def test_a_source_on_other_data_is_refused(source, tmp_path):
  other = tmp_path / "other"
  other.mkdir()
  make_other = np.load(source.parent / "pendulum.npz")
  np.savez(other / "pendulum.npz", **{**make_other, "rewards": make_other["rewards"] + 1})
  config = online_config(source, dataset=str(other / "pendulum.npz"))
  with pytest.raises(UserError, match=r"holds other data than .* was trained on"):
    run(config, tmp_path / "job")


def test_a_diverged_run_of_a_source_is_refused_and_the_others_are_named(source, monkeypatch):
  frozen_at = {RUNS[0]: 4, RUNS[1]: None}
  monkeypatch.setattr(sources.StoredRuns, "frozen_at", lambda _: frozen_at)
  with pytest.raises(UserError, match=r"diverged at step 4 .*--config.runs='dmg,seed=1'"):
    sources.read(str(source), None)


def test_the_rules_of_the_released_code_on_large_mazes(source):
  """Discount 0.995 there, and the paper's end points; IQL keeps what it fixes."""
  made = sources.read(str(source), None)
  (first, second), (task,) = made.plan.runs, made.plan.tasks
  name = "antmaze-large-play-v2"
  point = first.point | {"nu": 0.5}
  runs = (
    first._replace(task=name, point=point),
    second._replace(task=name, method="iql", label="IQL", point=point | {"lam": 0.0, "nu": 1.0}),
  )
  plan = made.plan._replace(tasks=(task._replace(name=name),), runs=runs)
  found = online_settings.from_source(online_config(""), made._replace(plan=plan))
  dmg, iql = (run_.point for run_ in found.plan.runs)
  assert dmg["discount"] == iql["discount"] == 0.995
  assert (dmg["lam_end"], dmg["nu_end"]) == (0.5, 0.005)
  assert (iql["lam_end"], iql["nu_end"]) == (0.0, 1.0)
  assert dmg["actor_schedule_steps"] == math.inf
  assert [run_.label for run_ in found.plan.runs][1] == "IQL fine-tuned"
  assert (
    "lam of DMG on antmaze-large-play-v2: 0.25 to 0.5 (the paper's for AntMaze)" in found.reasons
  )
  kept = online_settings.from_source(
    online_config("", decay=False), made._replace(plan=plan)
  ).plan.runs[0]
  assert (kept.point["lam_end"], kept.point["nu_end"]) == (0.25, 0.5)
  assert "lam and nu kept" in kept.label


def test_the_schedule_is_the_papers():
  """A.2's values: at 100,000 steps 0.4085 and 0.186."""
  start = Hyperparameters(lam=0.25, nu=0.5)
  found = schedules.decay_online(start, 0.5, 0.005, 100_000)
  np.testing.assert_allclose([found.lam, found.nu], [0.4085, 0.186], atol=5e-4)
