"""The command `dmg-jax`: the launchers of `launch/`, also without a clone.

dmg-jax main --config=configs/mujoco.py      # as python launch/main.py --config=...
"""

import runpy
import sys
from importlib import resources
from pathlib import Path


def main() -> None:
  """Runs the launcher that the first argument names, with the other arguments."""
  package = Path(str(resources.files("dmg_jax")))
  # In a wheel the launchers lie within the package, in a clone beside it.
  folder = next(path for path in (package / "launch", package.parent / "launch") if path.is_dir())
  names = sorted(path.stem for path in folder.glob("*.py"))
  if len(sys.argv) < 2 or sys.argv[1] not in names:
    helped = len(sys.argv) > 1 and sys.argv[1] in ("-h", "--help")
    usage = f"usage: dmg-jax {'|'.join(names)} [--help] [--FLAG=VALUE ...]"
    print(usage, file=sys.stdout if helped else sys.stderr)
    sys.exit(0 if helped else 2)
  script = folder / f"{sys.argv[1]}.py"
  sys.argv = [str(script), *sys.argv[2:]]
  runpy.run_path(str(script), run_name="__main__")
