"""Tables and figures of the paper's form, from run directories.

  python launch/report.py RUNS... --table=2 --out=DIR

RUNS are run directories, or folders that hold some at any depth. Table 2 is the
paper's main one, 3 in-sample learners with and without DMG, 4 offline and then online,
6 ten seeds. Beside the table come learning curves, ablations over lambda and nu where
there are such runs, and comparisons over all data sets.
"""

import io
import sys

from absl import app, flags, logging

from dmg_jax.errors import UserError
from dmg_jax.experiments import report

_TABLE = flags.DEFINE_string("table", "2", "Table of the paper: 2, 3, 4 or 6.")
_OUT = flags.DEFINE_string("out", None, "Folder to write in.")
_FOREIGN = flags.DEFINE_multi_string("foreign", [], "CSV or JSON of another method's scores.")
_PEERS = flags.DEFINE_bool("peers", False, "Whether published scores of ReBRAC and others join.")
_STATISTIC = flags.DEFINE_string(
  "statistic", "last", "last, last_ten, or best (picked by its score, and named so)."
)
_WIDTH = flags.DEFINE_string("width", "column", "Of figures: column (3.3 in) or full (6.8 in).")


def main(arguments: list[str]) -> None:
  logging.set_verbosity(logging.WARNING)
  # The files hold every sign, also where the terminal's encoding does not.
  if isinstance(sys.stdout, io.TextIOWrapper):
    sys.stdout.reconfigure(errors="replace")
  try:
    for line in report.report(
      arguments[1:],
      table=_TABLE.value,
      out=_OUT.value,
      foreign_files=_FOREIGN.value,
      peers=_PEERS.value,
      statistic=_STATISTIC.value,
      width=_WIDTH.value,
    ):
      print(line)
  except UserError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
  app.run(main)
