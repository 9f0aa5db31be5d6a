"""Tables and figures in the paper's form, from finished run directories.

  python launch/report.py RUNS... --out=DIR [--table=2] [--foreign=FILE.csv] [--peers]

RUNS are run directories, or folders that hold run directories at any depth. Written to DIR:
the table as Markdown, LaTeX and CSV, learning curves, figures over lambda and nu where there
are such runs, and comparisons over all data sets (figures and CSV). An older report there is
replaced whole.
"""

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
  # Until the work begins, Ctrl-C ends the process at once, without a traceback of imports.
  signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from dmg_jax import interruption
from dmg_jax.errors import StorageError, UserError
from dmg_jax.experiments import output, report


class _Parser(argparse.ArgumentParser):
  """One line where the arguments are wrong."""

  def error(self, message: str) -> NoReturn:
    raise UserError(f"{message} ({self.prog} --help lists the arguments)")


def _parser() -> argparse.ArgumentParser:
  parser = _Parser(
    "python launch/report.py",
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
    allow_abbrev=False,
  )
  add = parser.add_argument
  add("runs", nargs="*", metavar="RUNS", help="run directories, or folders that hold some")
  add("--out", metavar="DIR", help="folder to write to; it is made if it does not exist")
  add(
    "--table",
    default="2",
    metavar="NUMBER",
    help="table of the paper: 2 (main results), 3 (XQL and SQL with and without DMG), "
    "4 (offline, then online) or 6 (ten seeds); default: 2",
  )
  add(
    "--foreign",
    action="append",
    default=[],
    metavar="FILE",
    help="CSV or JSON file with scores of other methods, columns method, dataset, seed, score "
    "and, if known, step; may be repeated",
  )
  add(
    "--peers",
    action="store_true",
    help="add the scores that the authors of ReBRAC published (ReBRAC, TD3+BC, IQL, SAC-RND)",
  )
  add(
    "--statistic",
    default="last",
    metavar="NAME",
    help="score of a run: last (its last evaluation), last_ten (mean of the last ten) or best "
    "(its best evaluation, biased upwards); default: last",
  )
  add(
    "--width",
    default="column",
    metavar="NAME",
    help="width of figures: column (3.3 inches) or full (6.8 inches); default: column",
  )
  return parser


def main(arguments: Sequence[str] | None = None) -> int:
  """Writes the report and prints it; the arguments are those of the process by default.

  Returns:
    The exit code: 2 for a slip of the user, 1 where something could not be written.
  """
  try:
    interruption.begin()
    asked = _parser().parse_intermixed_args(arguments)
    for line in report.report(
      asked.runs,
      table=asked.table,
      out=asked.out,
      foreign_files=asked.foreign,
      peers=asked.peers,
      statistic=asked.statistic,
      width=asked.width,
    ):
      print(line, flush=True)
  except (UserError, StorageError) as error:
    print(f"error: {error}", file=sys.stderr)
    return 2 if isinstance(error, UserError) else 1
  except KeyboardInterrupt:
    print("interrupted; nothing was written", file=sys.stderr)
    return 130
  return 0


if __name__ == "__main__":
  output.tolerate()
  sys.exit(main())
