"""Training from Python: the same code as `launch/main.py`, with a typed result."""

import difflib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dmg_jax.data import arrays
from dmg_jax.data.dataset import Dataset
from dmg_jax.errors import UserError
from dmg_jax.experiments import fields, job
from dmg_jax.policy import Policy, load_policy
from dmg_jax.report.tables.job_table import Results


class Result(NamedTuple):
  """What a job has learned.

  Attributes:
    directory: the run directory, which holds everything.
    groups: one for each data set, method and point: seeds, evaluation `steps` (K,),
      `scores` (seeds, K) and what they mean.
    hints: sentences, where there are signs of trouble.
    table: the groups as plain text.
  """

  directory: Path
  groups: Sequence[Results]
  hints: Sequence[str]
  table: str

  def policy(self, run: str | None = None) -> Policy:
    """The policy of a run; of the first that did not diverge, if none is named.

    Args:
      run: its id, such as "dmg,seed=0"; `groups` list them as `runs`.

    Raises:
      UserError: for an unknown or diverged run.
    """
    return load_policy(self.directory, run)


def train(
  dataset: str | Sequence[str] | Dataset | Mapping[str, Any] = "",
  *,
  method: str | Sequence[str] = "dmg",
  seeds: int = 5,
  run_dir: str | os.PathLike[str] | None = None,
  many_runs: bool = False,
  announce: Callable[[str], None] | None = None,
  **overrides: Any,
) -> Result:
  """Trains, or goes on with, a job.

    result = dmg_jax.train("hopper-medium-v2", method=("dmg", "iql"), seeds=3)
    actions = result.policy("dmg,seed=0")(observations)

  Args:
    dataset: a name or path as `launch/main.py` takes it, or several ("" is the embedded
      data set); or the arrays of an .npz file in a mapping, see `data.arrays.read`.
    method: one or several of `dmg_jax.methods.METHODS`.
    seeds: how many.
    run_dir: the run directory; `runs/<data set>/<hash>` if not given.
    many_runs: whether a plan of more than a thousand runs is trained.
    announce: receives each line on the plan and the progress; nothing is shown if
      not given.
    overrides: other fields of the config, as `launch/main.py --help` lists them;
      several values of a field of a run give a grid.

  Raises:
    UserError: for anything that the launcher refuses.
    StorageError: if something could not be saved, or all runs diverged.
    StoppedError: if a signal came; the same call goes on.
  """
  known = ["method", *fields.DEFAULTS]
  known.remove("methods")
  if unknown := sorted(set(overrides) - set(known)):
    near = difflib.get_close_matches(unknown[0], known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"the fields are {', '.join(sorted(known))}"
    raise UserError(f"there is no field {unknown[0]!r}; {hint}")
  given: dict[str, Dataset] = {}
  name: Any = dataset
  if isinstance(dataset, Mapping):
    dataset = arrays.from_columns({key: np.asarray(value) for key, value in dataset.items()})
  if isinstance(dataset, Dataset):
    # A name by itself may hold a comma.
    name = (dataset.name,)
    given[dataset.name] = dataset
  config = fields.config(dataset=name, methods=method, seeds=seeds, **overrides).to_dict()
  outcome = job.run(
    config,
    None if run_dir is None else os.fspath(run_dir),
    announce or (lambda _: None),
    many_runs=many_runs,
    invocation=["dmg_jax.train"],
    given=given,
  )
  assert outcome is not None  # only a dry run has none
  return Result(outcome.curves.parent, outcome.groups, outcome.hints, outcome.table)
