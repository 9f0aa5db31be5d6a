"""Data sets: what is known, what is here, what they hold, and whether they are whole.

  python launch/data.py list
  python launch/data.py show NAME [--out=FILE.png]
  python launch/data.py verify NAME [--episodes=20]
  python launch/data.py import NAME --dataset_id=mine/hopper/mixed-v0 [--env=Hopper-v4]
  python launch/data.py export NAME --out=FILE.hdf5 (or FILE.npz)

NAME is a D4RL name, an .hdf5 or .npz file, a Minari id or the folder of a Minari data set, as
for `--config.dataset` of launch/main.py.
"""

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
  # Until the work begins, Ctrl-C ends the process at once, without a traceback of imports.
  signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import NoReturn

from dmg_jax import interruption
from dmg_jax.envs.make import read_kwargs
from dmg_jax.errors import SimulatorError, StorageError, UserError
from dmg_jax.experiments import data, output
from dmg_jax.experiments.verify import verify


class _Parser(argparse.ArgumentParser):
  """One line where the arguments are wrong."""

  def error(self, message: str) -> NoReturn:
    raise UserError(f"{message} ({self.prog} --help lists what there is)")


def _parser() -> argparse.ArgumentParser:
  text = argparse.RawDescriptionHelpFormatter
  parser = _Parser(
    "python launch/data.py", description=__doc__, formatter_class=text, allow_abbrev=False
  )
  commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)

  def command(name: str, summary: str) -> argparse.ArgumentParser:
    found = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
    if name == "list":
      return found
    found.add_argument("name", metavar="NAME", help="data set: name, id, file or folder")
    found.add_argument(
      "--env", metavar="ID", help="Gymnasium id of the environment; default: the one the data name"
    )
    found.add_argument(
      "--env_kwargs",
      metavar="JSON",
      help="its arguments as a JSON object; default: those the data name, else none",
    )
    found.add_argument(
      "--step_limit",
      type=int,
      metavar="STEPS",
      help="largest number of steps of an episode, for HDF5 files without `timeouts`; "
      "default: the environment's",
    )
    return found

  command("list", "List the data sets that are known by name, and whether they are here.")
  show = command("show", "Print sizes, lengths and returns.")
  show.add_argument("--out", metavar="FILE.png", help="picture to draw; default: none")
  check = command("verify", "Check fields and hash, and play episodes again in the simulator.")
  check.add_argument(
    "--episodes",
    type=int,
    default=20,
    metavar="COUNT",
    help="largest number of episodes to play again, at least 1; default: 20",
  )
  imported = command("import", "Store a data set in Minari's form, in the folder of Minari.")
  imported.add_argument(
    "--dataset_id", required=True, metavar="ID", help="id to give, such as mine/hopper/mixed-v0"
  )
  exported = command("export", "Write a data set to one file; D4RL's form, or plain arrays.")
  exported.add_argument(
    "--out", required=True, metavar="FILE", help="file to write: .hdf5 or .h5 (D4RL's form), .npz"
  )
  return parser


def _answer(arguments: argparse.Namespace) -> Iterator[str]:
  if arguments.command == "list":
    return data.listing()
  kwargs = None if arguments.env_kwargs is None else read_kwargs(arguments.env_kwargs)
  given = data.Given(arguments.env, kwargs, arguments.step_limit)
  match arguments.command:
    case "show":
      return data.show(arguments.name, given, arguments.out)
    case "verify":
      return verify(arguments.name, given, arguments.episodes)
    case "import":
      return data.store(arguments.name, given, arguments.dataset_id)
    case _:
      return data.export(arguments.name, given, arguments.out)


def main(arguments: Sequence[str] | None = None) -> int:
  """Prints the answer to the arguments, by default those of the process.

  Returns:
    The exit code: 2 for a slip of the user, 1 where a simulator failed or something could
    not be written.
  """
  try:
    interruption.begin()
    for line in _answer(_parser().parse_args(arguments)):
      print(line, flush=True)
  except (UserError, SimulatorError, StorageError) as error:
    print(f"error: {error}", file=sys.stderr)
    return 2 if isinstance(error, UserError) else 1
  except KeyboardInterrupt:
    print("interrupted", file=sys.stderr)
    return 130
  return 0


if __name__ == "__main__":
  output.tolerate()
  sys.exit(main())
