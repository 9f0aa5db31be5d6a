"""Minari data sets: the project's own format, by id or by path."""

import json
import os
import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten
from typing import Any

import gymnasium
import minari
import numpy as np
from minari.data_collector import EpisodeBuffer

from dmg_jax.data import catalog
from dmg_jax.data.dataset import Dataset, build
from dmg_jax.data.episodes import Episode, flatten
from dmg_jax.errors import UserError

# What Minari and its file formats raise where files are missing, cut or altered.
_DAMAGE = (
  AssertionError,
  AttributeError,
  ImportError,
  LookupError,
  OSError,
  TypeError,
  ValueError,
)


def write(
  root: str | Path,
  dataset_id: str,
  episodes: Sequence[Episode],
  env: gymnasium.Env,
  **metadata: Any,
) -> Path:
  """Stores episodes in Arrow files, in float32.

  (HDF5 would cost 15 KB an episode, more than a short episode itself.)

  Args:
    root: folder of Minari data sets.
    dataset_id: such as "dmg/hopper/medium-v0".
    episodes: in order.
    env: whose spec and action box the data set keeps.
    **metadata: of `minari.create_dataset_from_buffers`.

  Returns:
    The data set's folder.

  Raises:
    ValueError: from Minari, if the id is taken or malformed.
  """
  buffers = [
    EpisodeBuffer(
      id=index,
      seed=episode.seed,
      options=episode.options,
      observations=episode.observations,
      actions=episode.actions,
      rewards=episode.rewards,
      terminations=episode.terminations,
      truncations=episode.truncations,
    )
    for index, episode in enumerate(episodes)
  ]
  before = os.environ.get("MINARI_DATASETS_PATH")
  os.environ["MINARI_DATASETS_PATH"] = str(Path(root).absolute())
  try:
    with warnings.catch_warnings():
      # Minari misses an author's address and a permalink.
      warnings.simplefilter("ignore", UserWarning)
      stored = minari.create_dataset_from_buffers(
        dataset_id,
        buffer=[],
        env=env.spec,
        observation_space=_single_precision(env.observation_space),
        action_space=_single_precision(env.action_space),
        data_format="arrow",
        **metadata,
      )
      _fill(stored.storage, buffers)
  finally:
    if before is None:
      del os.environ["MINARI_DATASETS_PATH"]
    else:
      os.environ["MINARI_DATASETS_PATH"] = before
  return Path(root) / dataset_id


def _fill(storage: Any, buffers: Sequence[EpisodeBuffer]) -> None:
  """Stores episodes in time that grows with their number.

  Minari measures the whole folder after each, which grows with its square.
  """
  storage.get_size = float  # returns 0.0
  storage.update_episodes(buffers)
  del storage.get_size
  storage.update_metadata({"dataset_size": storage.get_size()})


@contextmanager
def staged(root: Path, dataset_id: str) -> Iterator[Path]:
  """A folder of Minari data sets to write one in, which is then moved to `root` whole.

  So whoever looks into `root` finds the data set complete or not at all, whatever
  interrupts its writing. What a killed process left is removed by the next.

  Args:
    root: folder of Minari data sets.
    dataset_id: of the data set, which must be in the yielded folder at the end.

  Raises:
    OSError: if there is such a data set in `root` by now.
  """
  stage = root / f".{dataset_id.replace('/', '-')}.partial"
  shutil.rmtree(stage, ignore_errors=True)
  try:
    yield stage
    folder = root / dataset_id
    folder.parent.mkdir(parents=True, exist_ok=True)
    for namespace in stage.glob("**/namespace_metadata.json"):
      place = root / namespace.relative_to(stage)
      if not place.exists():
        namespace.rename(place)
    (stage / dataset_id).rename(folder)
  finally:
    shutil.rmtree(stage, ignore_errors=True)


def _single_precision(box: Any) -> gymnasium.spaces.Box:
  return gymnasium.spaces.Box(np.float32(box.low), np.float32(box.high), box.shape, np.float32)


def open_path(folder: str | Path) -> minari.MinariDataset:
  """The Minari data set in a folder (the one that holds `data/`)."""
  return minari.MinariDataset(Path(folder) / "data")


def read(dataset: minari.MinariDataset) -> Iterator[Episode]:
  """The episodes of a Minari data set, in order, with seeds and options where it has them."""
  notes = dataset.storage.get_episode_metadata(dataset.episode_indices)
  for episode, note in zip(dataset.iterate_episodes(), notes, strict=True):
    yield Episode(
      observations=episode.observations,
      actions=episode.actions,
      rewards=episode.rewards,
      terminations=episode.terminations,
      truncations=episode.truncations,
      seed=note.get("seed"),
      options=note.get("options"),
    )


def root() -> Path:
  """Where Minari keeps its data sets: `$MINARI_DATASETS_PATH`, else `~/.minari/datasets`.

  (Minari's own function would create the folder.)
  """
  return Path(os.environ.get("MINARI_DATASETS_PATH") or "~/.minari/datasets").expanduser()


def provenance(folder: Path) -> dict[str, Any] | None:
  """How a data set of our own came about, if it is one."""
  path = folder / "provenance.json"
  return json.loads(path.read_text()) if path.exists() else None


def local_ids(folder: Path) -> list[str]:
  """The ids of the complete data sets under a folder, sorted."""
  found = folder.glob("**/data/metadata.json")
  ids = (path.parent.parent.relative_to(folder).as_posix() for path in found)
  return sorted(dataset_id for dataset_id in ids if not dataset_id.startswith("."))


def download(dataset_id: str) -> Path:
  """Fetches a public data set by Minari's own downloader; returns its folder.

  Raises:
    UserError: if that fails, for whatever reason.
  """
  try:
    minari.download_dataset(dataset_id)
  except Exception as error:  # Each of Minari's remote stores has its own exceptions.
    raise UserError(
      f"Minari data set {dataset_id!r} is not in {root()} and cannot be downloaded "
      f"({shorten(str(error), 200)}); "
      f"fetch it with `minari download {dataset_id}` and place it there"
    ) from error
  return root() / dataset_id


def load(folder: str | Path) -> Dataset:
  """The transitions of the Minari data set in a folder (the one that holds `data/`).

  Nothing is dropped: every episode brings the observation after its last step.

  Raises:
    UserError: if the folder holds no whole Minari data set, or observations or actions that
      are no flat boxes.
  """
  try:
    stored = open_path(folder)
    spaces = {"observations": stored.observation_space, "actions": stored.action_space}
    for field, space in spaces.items():
      if not isinstance(space, gymnasium.spaces.Box) or len(space.shape) != 1:
        raise UserError(
          f"{folder}: {field} are {shorten(str(space), 200)}, not a flat Box; "
          "convert the data set, or save its arrays as .npz"
        )
    episodes = list(read(stored))
  except UserError:
    raise
  except _DAMAGE as error:
    raise UserError(
      f"{folder}: is no whole Minari data set ({shorten(str(error), 200)}); "
      "fetch or record it again"
    ) from error
  steps = sum(len(episode.rewards) for episode in episodes)
  if not episodes or steps != stored.total_steps:
    raise UserError(
      f"{folder}: {steps} of {stored.total_steps} steps found; fetch or record the data set again"
    )
  complete = [
    np.sum(episode.rewards, dtype=np.float64)
    for episode in episodes
    if np.any(episode.terminations) or np.any(episode.truncations)
  ]
  env_id = stored.env_spec.id if stored.env_spec else None
  return build(
    flatten(episodes),
    name=stored.id,
    kind="minari",
    episode_returns=np.asarray(complete),
    env_id=env_id,
    action_bounds=(stored.action_space.low, stored.action_space.high),
    reference=_reference(stored, env_id),
  )


def _reference(stored: minari.MinariDataset, env_id: str | None) -> tuple[float, float] | None:
  known = catalog.reference_returns(env_id) if env_id else None
  metadata = stored.storage.metadata
  if known is None and {"ref_min_score", "ref_max_score"} <= metadata.keys():
    return float(metadata["ref_min_score"]), float(metadata["ref_max_score"])
  return known
