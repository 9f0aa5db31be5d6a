"""The launchers as a user runs them: exit codes, one clear line, no file harmed."""

import shlex
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


def main(
  *arguments, cwd, limit: int | None = None, config: str = "mujoco.py"
) -> subprocess.CompletedProcess:
  """Runs launch/main.py; `limit` bounds, in KiB, the size of each file that it writes."""
  program = [sys.executable, ROOT / "launch/main.py", f"--config={ROOT / 'configs' / config}"]
  command = shlex.join(map(str, [*program, *arguments]))
  return subprocess.run(
    ["bash", "-c", f"ulimit -f {limit or 'unlimited'}; exec {command}"],
    capture_output=True,
    text=True,
    check=False,
    timeout=300,
    cwd=cwd,
  )


def one_line(result: subprocess.CompletedProcess) -> str:
  lines = result.stderr.strip().splitlines()
  assert len(lines) == 1, result.stderr
  return lines[0]


@pytest.fixture
def arrays(tmp_path) -> Path:
  path = tmp_path / "mine.npz"
  generator = np.random.default_rng(0)
  np.savez(
    path,
    observations=generator.normal(size=(300, 3)),
    actions=generator.uniform(-1, 1, (300, 1)),
    rewards=generator.normal(size=300),
    next_observations=generator.normal(size=(300, 3)),
    terminals=np.zeros(300),
  )
  return path


@pytest.mark.parametrize("case", ["missing", "truncated", "text"])
def test_a_bad_file_is_one_line_and_exit_code_2(case, tmp_path):
  path = tmp_path / "data.hdf5"
  if case == "truncated":
    with h5py.File(path, "w") as file:
      file["observations"] = np.zeros((1000, 3))
    path.write_bytes(path.read_bytes()[:5000])
  elif case == "text":
    path.write_text("not data")
  before = path.read_bytes() if path.exists() else None
  result = main(f"--config.dataset={path}", "--config.env=none", cwd=tmp_path)
  assert result.returncode == 2
  line = one_line(result)
  assert line.startswith("error: ")
  assert "data.hdf5" in line
  assert (path.read_bytes() if path.exists() else None) == before
  assert not (tmp_path / "runs").exists()


def test_antmaze_without_a_data_set_is_one_line_and_exit_code_2(tmp_path):
  result = main(cwd=tmp_path, config="antmaze.py")
  assert result.returncode == 2
  assert "--config=configs/antmaze.py:antmaze-umaze-v2" in one_line(result)


def test_an_unknown_field_is_an_error(tmp_path):
  result = main("--config.lamda=0.3", cwd=tmp_path)
  assert result.returncode != 0
  assert "lamda" in result.stderr
  assert not (tmp_path / "runs").exists()


def test_a_full_disk_is_one_line_and_keeps_what_was_committed(arrays, tmp_path):
  """With a limit that the first checkpoint's arrays do not fit in, and then without."""
  arguments = [
    f"--config.dataset={arrays}",
    "--config.steps=4",
    "--config.batch_size=8",
    "--config.seeds=1",
    "--run_dir=run",
  ]
  result = main(*arguments, cwd=tmp_path, limit=100)
  assert result.returncode == 1
  error = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
  assert len(error) == 1
  assert "make room and start the same command again" in error[0]
  assert "Traceback" not in result.stderr
  again = main(*arguments, cwd=tmp_path)
  assert again.returncode == 0, again.stderr
  assert "no simulator" in again.stdout
