"""The command `dmg-jax`, in a clone and from a wheel in an empty folder."""

import os
import subprocess
import sys
import tomllib
import zipfile

import pytest
from small_jobs import ROOT

from dmg_jax import entry

DRY_RUN = ["main", "--config=configs/quick.py", "--config.seeds=1", "--dry_run"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
  """Built offline, by the backend of pyproject.toml."""
  pytest.importorskip("hatchling")
  folder = tmp_path_factory.mktemp("wheel")
  program = "import hatchling.build as b, sys; print(b.build_wheel(sys.argv[1]))"
  built = subprocess.run(
    [sys.executable, "-c", program, folder], cwd=ROOT, capture_output=True, text=True, check=True
  )
  return folder / built.stdout.split()[-1]


def test_a_wheel_holds_launchers_configs_and_data(wheel):
  names = set(zipfile.ZipFile(wheel).namelist())
  for part in (
    "dmg_jax/launch/main.py",
    "dmg_jax/launch/evaluate.py",
    "dmg_jax/configs/mujoco.py",
    "dmg_jax/configs/quick.py",
    "dmg_jax/data/embedded/dmg/hopper/medium-replay-v0/data/metadata.json",
  ):
    assert part in names
  assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "launch/"))]


def test_the_main_job_runs_from_a_wheel_in_an_empty_folder(wheel, tmp_path):
  target, empty = tmp_path / "installed", tmp_path / "empty"
  empty.mkdir()
  subprocess.run(
    [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile",
     "--target", target, wheel],
    check=True,
    capture_output=True,
  )  # fmt: skip
  program = "import dmg_jax, sys; from dmg_jax.entry import main; print(dmg_jax.__file__); main()"
  result = subprocess.run(
    [sys.executable, "-c", program, *DRY_RUN],
    cwd=empty,
    env=os.environ | {"PYTHONPATH": str(target)},
    capture_output=True,
    text=True,
    timeout=300,
    check=False,
  )
  assert result.returncode == 0, result.stderr
  assert result.stdout.startswith(str(target))
  assert "data        dmg/hopper/medium-replay-v0: " in result.stdout
  assert "plan        2 runs of 6,000 steps" in result.stdout
  assert list(empty.iterdir()) == []


def launched(monkeypatch, *arguments):
  """Script and arguments that the command would run."""
  found = []
  monkeypatch.setattr(sys, "argv", ["dmg-jax", *arguments])
  monkeypatch.setattr(
    entry.runpy, "run_path", lambda path, run_name: found.append((path, run_name, sys.argv))
  )
  entry.main()
  return found


def test_it_hands_the_arguments_to_the_launcher(monkeypatch):
  script = str(ROOT / "launch" / "main.py")
  assert launched(monkeypatch, *DRY_RUN) == [(script, "__main__", [script, *DRY_RUN[1:]])]


@pytest.mark.parametrize(
  ("arguments", "code"),
  [([], 2), (["--help"], 0), (["mian"], 2), (["../main"], 2), (["main.py"], 2)],
)
def test_its_usage_names_the_launchers(arguments, code, monkeypatch, capsys):
  monkeypatch.setattr(sys, "argv", ["dmg-jax", *arguments])
  with pytest.raises(SystemExit) as end:
    entry.main()
  assert end.value.code == code
  printed = capsys.readouterr()
  text = printed.out if code == 0 else printed.err
  assert text.startswith("usage: dmg-jax collect|data|evaluate|finetune|main|report")
  assert text.count("\n") == 1


def test_the_command_is_declared():
  project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
  assert project["scripts"] == {"dmg-jax": "dmg_jax.entry:main"}
