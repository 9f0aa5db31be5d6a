"""What a person may ask of data sets; each answer is lines to print."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dmg_jax.data import catalog, d4rl_export, download, episodes, minari_files
from dmg_jax.data.dataset import Dataset
from dmg_jax.data.load import embedded, load
from dmg_jax.data.survey import survey
from dmg_jax.envs.make import make
from dmg_jax.errors import UserError
from dmg_jax.experiments.verify import replay
from dmg_jax.report.figures import data

# Beyond this a replay went elsewhere; within, libraries may round differently.
_AGREEMENT = 1e-6


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


def show(name: str, env_id: str | None, out: str | None) -> Iterator[str]:
  """A data set's figures; a picture of it where `out` is named."""
  dataset = load(name, env_id)
  found = survey(dataset)
  yield f"{dataset.name} ({dataset.kind})"
  yield f"  environment    {dataset.env_id or 'not known'}"
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
    if found.scores is not None:
      yield f"  scores         {_spread(found.scores)}"
  yield f"  sha256         {dataset.sha256}"
  for notice in dataset.notices:
    yield f"  {notice}"
  if out is not None:
    data.overview(out, dataset, found)
    yield f"picture: {out}"


def _spread(values: np.ndarray) -> str:
  low, middle, high = np.quantile(values, [0, 0.5, 1])
  return f"mean {values.mean():,.1f}, median {middle:,.1f}, from {low:,.1f} to {high:,.1f}"


def verify(name: str, env_id: str | None, count: int) -> Iterator[str]:
  """Checks what can be checked of a data set, line by line.

  Raises:
    UserError: at the first check that fails.
  """
  dataset = load(name, env_id)
  yield f"{dataset.name}: every field is finite, of one length, and fits the others"
  yield from _verify_hash(dataset, name)
  found = survey(dataset)
  yield (
    f"next observations follow, but for {found.terminals:,} terminals "
    f"and {found.cuts:,} cuts (time limits, or gaps)"
  )
  folder = _folder(name)
  env_id = env_id or dataset.env_id
  replayed = replay(folder, env_id, count) if folder and env_id else None
  if replayed is None:
    yield "not played again: the data keep no seeds"
    return
  what = (
    f"{replayed.episodes} episodes ({replayed.steps:,} steps) played again in {env_id}: "
    f"largest difference {replayed.deviation:.3g}"
  )
  if replayed.deviation > _AGREEMENT:
    raise UserError(f"{dataset.name}: {what}; the simulator is not the one that recorded them")
  yield what


def _verify_hash(dataset: Dataset, name: str) -> Iterator[str]:
  file, folder = catalog.d4rl_files().get(name), _folder(name)
  expected = found = None
  if file is not None and download.path(file).exists():
    with open(download.path(file), "rb") as stream:
      expected, found = file.sha256, hashlib.file_digest(stream, "sha256").hexdigest()
  elif folder is not None and (provenance := minari_files.provenance(folder)) is not None:
    expected, found = provenance.get("sha256"), dataset.sha256
  if expected is None:
    yield f"no hash to compare with; sha256 of the arrays is {dataset.sha256}"
  elif expected == found:
    yield f"sha256 {found} is as published"
  else:
    raise UserError(f"{dataset.name}: sha256 is {found}, published was {expected}; get it again")


def _folder(name: str) -> Path | None:
  """Of a Minari data set, by path or id."""
  for folder in (embedded() / name, Path(name).expanduser(), minari_files.root() / name):
    if (folder / "data" / "metadata.json").exists():
      return folder
  return None


def store(name: str, env_id: str | None, dataset_id: str) -> Iterator[str]:
  """Stores a data set in Minari's form, in Minari's own folder.

  Raises:
    UserError: if the id is taken, or no environment is known.
  """
  dataset = load(name, env_id)
  yield from dataset.notices
  env_id = env_id or dataset.env_id
  if env_id is None:
    raise UserError(f"{name} names no environment; name it with --env=ID")
  root = minari_files.root()
  if (root / dataset_id).exists():
    raise UserError(f"{root / dataset_id} exists already; name another --dataset_id")
  found = episodes.split(dataset.transitions)
  yield str(
    minari_files.write(
      root,
      dataset_id,
      found,
      make(env_id),
      author="imported",
      description=f"Imported from {dataset.name}.",
    )
  )


def export(name: str, env_id: str | None, out: str) -> Iterator[str]:
  """Writes a data set as a D4RL-form HDF5 file.

  Raises:
    UserError: if the file exists.
  """
  dataset = load(name, env_id)
  yield from dataset.notices
  d4rl_export.write(Path(out), episodes.split(dataset.transitions), {"dataset": dataset.name})
  yield out
