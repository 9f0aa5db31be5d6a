"""Studies that need no data set.

  python launch/study.py theory [--out=DIR] [--seed=0]
  python launch/study.py theory --mdp=FILE.npz --radius=0.1 --lam=0.25

`theory` checks the paper's theorems on random MDPs, in a few minutes. Without --out it writes
benchmarks/results/theory.json, docs/theory.md and its pictures; with it, all of them in DIR.
With --mdp it prints what the theorems say of an MDP of your own, and writes nothing. The file
holds actions (states, actions, dimensions), transitions (states, actions, states), rewards
(states, actions), discount, support (states, actions; what the data hold) and, if it is not
uniform, initial (states).
"""

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
  # Until the work begins, Ctrl-C ends the process at once, without a traceback of imports.
  signal.signal(signal.SIGINT, signal.SIG_DFL)

import os
import shlex
import sys
from functools import partial
from pathlib import Path

# Before JAX starts: one thread. With more, batched solves of many MDPs in one call can wait
# for each other without end (seen with jax 0.10.2 on two cores, in Theorem 3).
os.environ["NPROC"] = "1"

from absl import flags

from dmg_jax.errors import UserError
from dmg_jax.experiments import command_line
from dmg_jax.theory import own_mdp, study

_OUT = flags.DEFINE_string("out", None, "Folder to write in; default: where the repository has it.")
_SEED = flags.DEFINE_integer("seed", 0, "Of all random draws.", lower_bound=0)
_MDP = flags.DEFINE_string("mdp", None, "An MDP of your own, .npz.")
_RADIUS = flags.DEFINE_float("radius", 0.1, "With --mdp: eps_a, in the units of its actions.")
_LAM = flags.DEFINE_float("lam", 0.25, "With --mdp: lambda, the share of generalisation.")

_ROOT = Path(__file__).parents[1]


def main(name: str = "nothing") -> None:
  if name != "theory":
    raise UserError(f"{name} is no study: say `python launch/study.py theory`")
  if _MDP.value is not None:
    if _OUT.value is not None:
      raise UserError("--mdp writes nothing, so leave out --out")
    for line in own_mdp.report(Path(_MDP.value), _RADIUS.value, _LAM.value, _SEED.value):
      print(line, flush=True)
    return
  for flag in (_RADIUS, _LAM):
    if flag.present:
      raise UserError(f"--{flag.name} is for --mdp: random MDPs draw their own")
  if _OUT.value == "":
    raise UserError("--out is empty; name a folder, or leave the flag out")
  out = _OUT.value
  places = study.Places.of_folder(Path(out)) if out else study.Places.of_repository(_ROOT)
  command = shlex.join(["python", "launch/study.py", *sys.argv[1:]])
  study.run(places, command, _SEED.value, partial(print, flush=True))


if __name__ == "__main__":
  command_line.launch(main, words=1)
