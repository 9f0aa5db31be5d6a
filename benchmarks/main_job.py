"""What the README's main job gives: runs it and keeps its summary and picture.

  python benchmarks/main_job.py

The job trains DMG with five seeds on the embedded data. Its summary.json and
curves.png go to benchmarks/results/main_job.{json,png}. Started again, it continues.
"""

import json
import shutil
from pathlib import Path

from absl import app, flags
from jobs import RESULTS, ROOT, run

from dmg_jax import run_directory

_OUT = flags.DEFINE_string("out", "runs/main_job", "Folder of the job.")
COMMAND = ["python", "launch/main.py", "--config=configs/mujoco.py"]


def main(_) -> None:
  run([*COMMAND, f"--run_dir={_OUT.value}"])
  directory = ROOT / Path(_OUT.value)
  summary = json.loads((directory / run_directory.SUMMARY).read_text())
  result = {"command": "python benchmarks/main_job.py", "job": " ".join(COMMAND), **summary}
  (RESULTS / "main_job.json").write_text(json.dumps(result, indent=2) + "\n")
  shutil.copy(directory / run_directory.CURVES, RESULTS / "main_job.png")
  print(RESULTS / "main_job.json")


if __name__ == "__main__":
  app.run(main)
