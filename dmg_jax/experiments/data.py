"""What a person may ask of data sets; each answer is lines to print."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dmg_jax.data import (
  arrays,
  catalog,
  d4rl_export,
  download,
  episodes,
  minari_files,
  minari_staging,
)
from dmg_jax.data.dataset import Dataset
from dmg_jax.data.load import embedded, load
from dmg_jax.data.names import new_dataset
from dmg_jax.data.survey import Survey, survey
from dmg_jax.data.whole_files import writable
from dmg_jax.envs.make import check_sizes, make, spaces
from dmg_jax.errors import StorageError, UserError
from dmg_jax.report.figures import data

PICTURES = (".png",)


class Given(NamedTuple):
  """What a person says of a data set's environment.

  Attributes:
    env_id: a Gymnasium id; None for the one that the data name.
    env_kwargs: its arguments; None for those that the data name.
    step_limit: steps of an episode at most, for D4RL files without `timeouts`.
  """

  env_id: str | None = None
  env_kwargs: Mapping[str, Any] | None = None
  step_limit: int | None = None


def listing() -> Iterator[str]:
  """The data sets that are known by name, and whether they are here."""
  yield "comes with the package"
  for name in minari_files.local_ids(embedded()):
    yield f"  {name}"
  yield f"Minari, in {minari_files.root()}"
  local = minari_files.local_ids(minari_files.root())
  yield from (f"  {name}" for name in local or ["none"])
  yield f"D4RL, in {download.directory()}"
  for file in catalog.d4rl_files().values():
    size = "size unknown" if file.size is None else f"{file.size / 1e6:,.0f} MB"
    here = "here" if download.path(file).exists() else "not here"
    yield f"  {file.name:<32} {size:>14}  {here}"


def read(name: str, given: Given) -> Dataset:
  """A data set in the environment that is given, or else that it names.

  Raises:
    UserError: see `load`; or if the given environment cannot be made or has other sizes.
  """
  dataset = load(name, given.env_id, given.step_limit)
  if given.env_id is None and given.env_kwargs is None:
    return dataset
  env_id = dataset.env_id if given.env_id is None else given.env_id
  if env_id is None:
    raise UserError(f"{name} names no environment that could take arguments; name it with --env=ID")
  kwargs = given.env_kwargs
  if kwargs is None:
    kwargs = dataset.env_kwargs if env_id == dataset.env_id else {}
  _check_sizes(dataset, env_id, kwargs)
  reference = dataset.reference or catalog.reference_returns(env_id)
  return dataset._replace(env_id=env_id, env_kwargs=dict(kwargs), reference=reference)


def _check_sizes(dataset: Dataset, env_id: str, kwargs: Mapping[str, Any]) -> None:
  env = make(env_id, kwargs)
  transitions = dataset.transitions
  try:
    check_sizes(
      dataset.name,
      env_id,
      spaces(env),
      np.shape(transitions.observations)[1],
      np.shape(transitions.actions)[1],
    )
  finally:
    env.close()


def show(name: str, given: Given, out: str | None) -> Iterator[str]:
  """A data set's figures; a picture of it, a PNG, where `out` is named."""
  picture = None if out is None else writable(out, PICTURES, may_replace=True)
  dataset = read(name, given)
  found = survey(dataset)
  yield f"{dataset.name} ({dataset.kind})"
  yield f"  environment    {_environment(dataset)}"
  yield from _figures(dataset, found)
  yield f"  sha256         {dataset.sha256}"
  for notice in dataset.notices:
    yield f"  {notice}"
  if picture is not None:
    data.overview(picture, dataset, found)
    yield f"picture: {picture}"


def _environment(dataset: Dataset) -> str:
  if dataset.env_id is None:
    return "not known (name it with --env=ID)"
  arguments = f" with {json.dumps(dataset.env_kwargs)}" if dataset.env_kwargs else ""
  return f"{dataset.env_id}{arguments}"


def _figures(dataset: Dataset, found: Survey) -> Iterator[str]:
  observations, actions = dataset.transitions.observations, dataset.transitions.actions
  yield f"  transitions    {found.transitions:,}"
  yield f"  observations   {observations.shape[1]} numbers"
  yield f"  actions        {actions.shape[1]} numbers" + (
    "" if found.saturated is None else f", {100 * found.saturated:.1f} % at a bound"
  )
  yield (
    f"  trajectories   {found.trajectories:,} "
    f"({found.terminals:,} end in a terminal, {found.cuts:,} are cut)"
  )
  yield f"  lengths        {_spread(found.lengths)}"
  if len(found.returns):
    yield f"  returns        {_spread(found.returns)}"
    if found.scores is not None and dataset.reference is not None:
      name = catalog.score_name(dataset.env_id, dataset.reference)
      yield f"  scores         {_spread(found.scores)} ({name})"


def _spread(values: np.ndarray) -> str:
  low, middle, high = np.quantile(values, [0, 0.5, 1])
  return f"mean {values.mean():,.1f}, median {middle:,.1f}, from {low:,.1f} to {high:,.1f}"


def store(name: str, given: Given, dataset_id: str) -> Iterator[str]:
  """Stores a data set in Minari's form, in Minari's own folder: whole, or not at all.

  Raises:
    UserError: if the id is malformed, taken or leads out of the folder; if no environment is
      known, or it has other sizes. Nothing is written then.
    StorageError: if the data set cannot be written.
  """
  root = minari_files.root()
  try:
    new_dataset(root, dataset_id)
    if (embedded() / dataset_id).exists():
      raise UserError(f"{dataset_id} comes with the package; choose another id")
    dataset = read(name, given)
    yield from dataset.notices
    _store(dataset, root, dataset_id)
  except OSError as error:
    raise StorageError(
      f"{dataset_id} cannot be written to {root}: {error.strerror or error}; make room, or set "
      "MINARI_DATASETS_PATH to another folder"
    ) from error
  yield str(root / dataset_id)


def _store(dataset: Dataset, root: Path, dataset_id: str) -> None:
  if dataset.env_id is None:
    raise UserError(f"{dataset.name} names no environment; name it with --env=ID")
  _check_sizes(dataset, dataset.env_id, dataset.env_kwargs)
  env = make(dataset.env_id, dataset.env_kwargs)
  try:
    with minari_staging.staged(root, dataset_id) as stage:
      minari_files.write(
        stage,
        dataset_id,
        episodes.split(dataset.transitions),
        env,
        author="imported",
        description=f"Imported from {dataset.name}.",
      )
  finally:
    env.close()


def export(name: str, given: Given, out: str) -> Iterator[str]:
  """Writes a data set as one file: .hdf5 or .h5 in D4RL's form, .npz as plain arrays.

  Raises:
    UserError: if the file exists, its folder does not, or it has another ending.
    StorageError: if it cannot be written; nothing is left of it then.
  """
  path = writable(out, (*d4rl_export.SUFFIXES, *arrays.SUFFIXES))
  dataset = read(name, given)
  yield from dataset.notices
  found = episodes.split(dataset.transitions)
  if path.suffix.lower() in arrays.SUFFIXES:
    bounds = None
    if dataset.action_low is not None and dataset.action_high is not None:
      bounds = dataset.action_low, dataset.action_high
    arrays.write(path, found, dataset.env_id, dataset.env_kwargs, bounds)
  else:
    metadata = {"dataset": dataset.name}
    if dataset.env_id is not None:
      metadata |= {"env_id": dataset.env_id, "env_kwargs": json.dumps(dict(dataset.env_kwargs))}
    d4rl_export.write(path, found, metadata)
  yield str(path)
