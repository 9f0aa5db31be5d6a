"""Damaged run directories: one line that says what is wrong, and nothing changed on disk."""

import json
import shutil
from pathlib import Path

import made_runs
import pytest
from snapshots import snapshot

import dmg_jax
from dmg_jax import run_directory, run_log
from dmg_jax.errors import UserError
from dmg_jax.run_config import FORMAT

CONFIG = "config.json"
NEWEST = f"checkpoints/{made_runs.STEPS[-1]}"
BOTH = [f"checkpoints/{step}" for step in made_runs.STEPS]


def change(**fields):
  """A damage: fields of `config.json`, by their paths ("settings__steps"), set anew."""

  def damage(directory: Path):
    path = directory / CONFIG
    content = json.loads(path.read_text())
    for name, value in fields.items():
      *parents, last = [int(part) if part.isdecimal() else part for part in name.split("__")]
      place = content
      for parent in parents:
        place = place[parent]
      if value is ...:
        del place[last]
      else:
        place[last] = value
    path.write_text(json.dumps(content))

  return damage


def overwrite(name, content):
  def damage(directory):
    (directory / name).write_bytes(content)

  return damage


def replace(name, old, new):
  def damage(directory):
    path = directory / name
    path.write_bytes(path.read_bytes().replace(old, new, 1))

  return damage


def remove(*names):
  def damage(directory):
    for name in names:
      path = directory / name
      shutil.rmtree(path) if path.is_dir() else path.unlink()

  return damage


def cut(name, left):
  def damage(directory):
    path = directory / name
    path.write_bytes(path.read_bytes()[:left])

  return damage


def zero(*names):
  def damage(directory):
    for name in names:
      path = directory / name
      path.write_bytes(bytes(path.stat().st_size))

  return damage


def load(**arguments):
  return lambda directory: dmg_jax.load_policy(directory, **arguments)


def go_on(**settings):
  return lambda directory: made_runs.go_on(directory, made_runs.config(**settings))


def go_on_with(damage):
  """Starts the job with a config that differs from the stored one."""

  def ask(directory):
    wanted = directory.parent / "wanted"
    wanted.mkdir()
    (wanted / CONFIG).write_text(json.dumps(run_log.encode(made_runs.config())))
    damage(wanted)
    config = json.loads((wanted / CONFIG).read_text())
    shutil.rmtree(wanted)
    made_runs.go_on(directory, config)

  return ask


def read_log(name):
  return lambda directory: run_log.read(directory, name)


def nothing(directory):
  del directory


OTHER_RUNS = change(runs__0__id="dmg,seed=7")
CASES = [
  # what is damaged, what is asked, a part of the line
  (remove(CONFIG), load(), "is missing"),
  (remove(CONFIG), go_on(), "is not empty and no run directory"),
  (overwrite(CONFIG, b""), load(), "is no JSON"),
  (overwrite(CONFIG, b"[1]"), go_on(), "no JSON object"),
  (overwrite(CONFIG, b"\xff\xfe{}"), load(), "is no JSON"),
  (overwrite(CONFIG, b"[" * 100_000), load(), "is no JSON"),
  (cut(CONFIG, 200), go_on(), "is no JSON"),
  (change(format=...), load(), "made by an earlier version"),
  (change(format=...), go_on(), "made by an earlier version"),
  (change(format=FORMAT + 1), load(), f"made by another version of dmg_jax (format {FORMAT + 1}"),
  (change(kind=3), load(), "kind is 3, but it must be a string"),
  (change(kind="collect"), load(), "holds a job of kind 'collect', not 'offline'"),
  (change(kind="collect"), go_on(), "kind 'collect' -> 'offline'"),
  (change(invocation=[1]), load(), "invocation.0 is 1, but it must be a string"),
  (change(settings=[]), load(), "settings is ''"),
  (change(settings__steps="16"), load(), "settings.steps is '16', but it must be a whole number"),
  (change(settings__steps=1.5), go_on(), "settings.steps is 1.5, but it must be a whole number"),
  (change(settings__steps=True), go_on(), "settings.steps is True, but it must be a whole number"),
  (change(settings__log_interval=0), go_on(), "log_interval is 0, but it must be at least 1"),
  (change(settings__precision=...), load(), "settings.precision is missing"),
  (change(tasks=[]), load(), "tasks is empty"),
  (change(tasks__0=3), load(), "tasks[0] is 3, but it must be an object"),
  (change(tasks__0__reference=[1, "2"]), load(), "must be two numbers"),
  (change(tasks__0__env_kwargs=...), load(), "tasks[0].env_kwargs is missing"),
  (change(tasks__0__env_kwargs="{}"), load(), "env_kwargs is '{}', but it must be an object"),
  (change(tasks__0__clip_actions=0), load(), "clip_actions is 0, but it must be true or false"),
  (change(tasks__0__name="mine"), load(), "tasks hold one name twice"),
  (change(runs__0__seed="0"), load(), "runs[0].seed is '0'"),
  (change(runs__0__point=[]), load(), "runs[0].point"),
  (change(runs__0__id="dmg,seed=1"), load(), "runs hold one id twice"),
  (change(runs__0__task="other"), load(), "is of task 'other', which is not there"),
  (change(runs__0__point__actor_hidden_sizes=[3]), load(), "does not fit its config.json"),
  (change(runs__0__point__actor_hidden_sizes="x"), load(), "does not fit its config.json"),
  (change(runs__0__point__policy_delay=...), load(), "does not fit its config.json"),
  (change(runs__0__population=5), load(), "does not fit its config.json"),
  (nothing, load(run="dmg,seed=9"), "no run 'dmg,seed=9'; it has dmg,seed=0, dmg,seed=1, iql"),
  (nothing, go_on(steps=8), "steps 16 -> 8 (it may grow, not shrink)"),
  (
    nothing,
    go_on(log_interval=2, evaluation_seed=1),
    "evaluation_seed 0 -> 1; log_interval 4",
  ),
  (nothing, go_on_with(change(runs__0__point__lam=0.5)), "(lam 0.25 -> 0.5)"),
  (nothing, go_on_with(change(tasks__1__sha256="1")), "sha256 of mine '000"),
  (
    nothing,
    go_on_with(OTHER_RUNS),
    "runs 'dmg,seed=0, dmg,seed=1, iql,mine,seed=0' -> ",
  ),
  (remove("checkpoints"), go_on(), "checkpoints holds no checkpoint, but some were saved there"),
  (remove(*BOTH), go_on(), "checkpoints holds no checkpoint, but some were saved there"),
  (remove("checkpoints"), load(), "has no checkpoint yet"),
  (zero(*(f"{path}/tree/_METADATA" for path in BOTH)), go_on(), "are damaged (of step 16, 8)"),
  (zero(*(f"{path}/tree/_METADATA" for path in BOTH)), load(), "are damaged (of step 16, 8)"),
  (remove(*(f"{path}/positions" for path in BOTH)), go_on(), "are damaged (of step 16, 8)"),
  (remove("metrics.jsonl"), go_on(), "metrics.jsonl holds 0 bytes, but its checkpoint"),
  (cut("evaluations.jsonl", 100), go_on(), "evaluations.jsonl holds 100 bytes"),
  (cut("timing.jsonl", 0), go_on(), "timing.jsonl holds 0 bytes"),
  (zero("timing.jsonl"), go_on(), "timing.jsonl has no end of a row at byte"),
  (replace("metrics.jsonl", b"1.5", b"9.5"), go_on(), "metrics.jsonl was changed: its first"),
  (replace("evaluations.jsonl", b"2.0", b"3.0"), go_on(steps=32), "evaluations.jsonl was chang"),
  (remove("metrics.jsonl"), go_on(steps=32), "metrics.jsonl holds 0 bytes"),
  (overwrite("metrics.jsonl", b'{"a": 1}\n{"a"\n{"a": 2}\n'), read_log("metrics.jsonl"), "line 2"),
  (
    overwrite("metrics.jsonl", b'{"a": 1}\n3\n'),
    read_log("metrics.jsonl"),
    "line 2 is no",
  ),
  (zero("metrics.jsonl"), go_on(), "metrics.jsonl has no end of a row"),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
  return made_runs.make(tmp_path_factory.mktemp("runs") / "run")


@pytest.mark.parametrize(("damage", "ask", "line"), CASES)
def test_one_line_and_nothing_changed(damage, ask, line, whole, tmp_path):
  directory = shutil.copytree(whole, tmp_path / "run")
  damage(directory)
  before = snapshot(tmp_path)
  with pytest.raises(UserError) as error:
    ask(directory)
  assert line in str(error.value)
  assert "\n" not in str(error.value)
  assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
  ("name", "line"),
  [
    ("file", "file is a file; name a folder as --run_dir"),
    ("file/below", "is a file"),
    ("thesis", "thesis is not empty and no run directory"),
    ("dangling", "dangling is a link to a place that is not there"),
    ("loop", "loop cannot be read: Too many levels of symbolic links"),
  ],
)
def test_a_place_that_cannot_be_a_run_directory(name, line, tmp_path):
  (tmp_path / "file").write_text("text")
  (tmp_path / "thesis").mkdir()
  (tmp_path / "thesis/chapter.txt").write_text("precious")
  (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
  (tmp_path / "loop").symlink_to("loop")
  before = snapshot(tmp_path)
  with pytest.raises(UserError) as error:
    made_runs.go_on(tmp_path / name, made_runs.config())
  assert line in str(error.value)
  with pytest.raises(UserError, match=r"no run directory|cannot be read"):
    dmg_jax.load_policy(tmp_path / name)
  assert snapshot(tmp_path) == before


@pytest.mark.parametrize("name", ["", "~nobody-of-this-name/run"])
def test_a_name_that_is_no_path(name):
  with pytest.raises(UserError, match=r"name one|name the run directory"):
    run_directory.expand(name)
