"""Studies that need no data set.

  python launch/study.py theory [--out=DIR] [--seed=0]
  python launch/study.py theory --mdp=FILE.npz --radius=0.1 --lam=0.25
  python launch/study.py structure PART [--out=DIR] [--seed=0] [--share=1/4]

`theory` checks the paper's theorems on random MDPs, in a few minutes. Without --out it writes
benchmarks/results/theory.json, docs/theory.md and its pictures; with it, all of them in DIR.
With --mdp it prints what the theorems say of an MDP of your own, and writes nothing. The file
holds actions (states, actions, dimensions), transitions (states, actions, states), rewards
(states, actions), discount, support (states, actions; what the data hold) and, if it is not
uniform, initial (states).

`structure` asks whether pessimism that respects a symmetry generalises better than more or less
of it (arXiv 2607.02288). PART is circle, reacher, teacher (which is stored in the package),
distillation, offline, mild, robots, walker or costs; or page, which only writes the page anew. A
part that was interrupted goes on where it was. With --share=1/4, 2/4, 3/4 and 4/4 four processes
compute a part together; then `structure page` writes the page. Without --out it writes
docs/structure.md, its pictures and benchmarks/results/structure_PART.json; with it, all of them in
DIR.
"""

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
  # Until the work begins, Ctrl-C ends the process at once, without a traceback of imports.
  signal.signal(signal.SIGINT, signal.SIG_DFL)

import os
import shlex
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

# Before JAX starts: one thread. With more, batched solves of many MDPs in one call can wait
# for each other without end (seen with jax 0.10.2 on two cores, in Theorem 3).
os.environ["NPROC"] = "1"

from absl import flags

from dmg_jax.errors import UserError
from dmg_jax.experiments import command_line
from dmg_jax.symmetry import cells
from dmg_jax.symmetry import study as structure
from dmg_jax.theory import own_mdp, study

_OUT = flags.DEFINE_string("out", None, "Folder to write in; default: where the repository has it.")
_SEED = flags.DEFINE_integer("seed", 0, "Of all random draws.", lower_bound=0)
_MDP = flags.DEFINE_string("mdp", None, "An MDP of your own, .npz.")
_RADIUS = flags.DEFINE_float("radius", 0.1, "With --mdp: eps_a, in the units of its actions.")
_LAM = flags.DEFINE_float("lam", 0.25, "With --mdp: lambda, the share of generalisation.")

_SHARE = flags.DEFINE_string("share", None, "Of a part of `structure`, such as 2/4.")

_ROOT = Path(__file__).parents[1]


def main(name: str = "nothing", *words: str) -> None:
  if name == "structure":
    _structure(words)
  elif name == "theory":
    _theory(words)
  else:
    raise UserError(
      f"{name} is no study: say `python launch/study.py theory` or "
      "`python launch/study.py structure PART`"
    )


def _structure(words: Sequence[str]) -> None:
  parts = ", ".join((*structure.PARTS, structure.PAGE))
  if not words:
    raise UserError(f"name a part: `python launch/study.py structure PART`, with one of {parts}")
  for flag in (_MDP, _RADIUS, _LAM):
    if flag.present:
      raise UserError(f"--{flag.name} is for `theory`; leave it out")
  out = _folder()
  places = structure.Places.of_folder(out) if out else structure.Places.of_repository(_ROOT)
  share = cells.WHOLE if _SHARE.value is None else cells.share(_SHARE.value)
  structure.run(places, _command(), words[0], _SEED.value, partial(print, flush=True), share)


def _theory(words: Sequence[str]) -> None:
  if words:
    raise UserError(f"{words[0]!r} is no flag; write flags as --name=value (--help lists them)")
  if _SHARE.present:
    raise UserError("--share is for `structure`; leave it out")
  if _MDP.value is not None:
    if _OUT.value is not None:
      raise UserError("--mdp writes nothing, so leave out --out")
    for line in own_mdp.report(Path(_MDP.value), _RADIUS.value, _LAM.value, _SEED.value):
      print(line, flush=True)
    return
  for flag in (_RADIUS, _LAM):
    if flag.present:
      raise UserError(f"--{flag.name} is for --mdp: random MDPs draw their own")
  out = _folder()
  places = study.Places.of_folder(out) if out else study.Places.of_repository(_ROOT)
  study.run(places, _command(), _SEED.value, partial(print, flush=True))


def _folder() -> Path | None:
  if _OUT.value == "":
    raise UserError("--out is empty; name a folder, or leave the flag out")
  return None if _OUT.value is None else Path(_OUT.value)


def _command() -> str:
  # Without the share, on which no number depends.
  words = [word for word in sys.argv[1:] if not word.startswith("--share")]
  return shlex.join(
    ["python", "launch/study.py", *(word for word in words if word != _SHARE.value)]
  )


if __name__ == "__main__":
  command_line.launch(main, words=2)
