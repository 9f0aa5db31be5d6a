"""Minari data sets: the project's own format, by id or by path."""

import json
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
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
from dmg_jax.data.names import folder_of
from dmg_jax.envs import dict_observations
from dmg_jax.envs.make import quiet_about_models
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
  with minaris_root(Path(root)), warnings.catch_warnings():
    # Minari misses an author's address and a permalink.
    warnings.simplefilter("ignore", UserWarning)
    # It makes the environment anew, for its spaces and beside reference scores.
    with quiet_about_models():
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
  return Path(root) / dataset_id


@contextmanager
def minaris_root(root: Path) -> Iterator[None]:
  """Minari's own functions read and write under `root`."""
  before = os.environ.get("MINARI_DATASETS_PATH")
  os.environ["MINARI_DATASETS_PATH"] = str(root.absolute())
  try:
    yield
  finally:
    if before is None:
      del os.environ["MINARI_DATASETS_PATH"]
    else:
      os.environ["MINARI_DATASETS_PATH"] = before


def _fill(storage: Any, buffers: Sequence[EpisodeBuffer]) -> None:
  """Stores episodes in time that grows with their number.

  Minari measures the whole folder after each, which grows with its square.
  """
  storage.get_size = float  # returns 0.0
  storage.update_episodes(buffers)
  del storage.get_size
  storage.update_metadata({"dataset_size": storage.get_size()})


def _single_precision(box: Any) -> gymnasium.spaces.Box:
  return gymnasium.spaces.Box(np.float32(box.low), np.float32(box.high), box.shape, np.float32)


def open_path(folder: str | Path) -> minari.MinariDataset:
  """The Minari data set in a folder (the one that holds `data/`)."""
  return minari.MinariDataset(Path(folder) / "data")


def read(dataset: minari.MinariDataset) -> Iterator[Episode]:
  """The episodes of a Minari data set, in order, with seeds and options where it has them.

  Observations in named parts are joined in sorted order, see `envs.dict_observations`.
  """
  notes = dataset.storage.get_episode_metadata(dataset.episode_indices)
  for episode, note in zip(dataset.iterate_episodes(), notes, strict=True):
    observations = episode.observations
    if isinstance(observations, dict):
      observations = dict_observations.join(observations, leading=1)
    yield Episode(
      observations=observations,
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
  return folder_of("MINARI_DATASETS_PATH", "~/.minari/datasets")


def provenance(folder: Path) -> dict[str, Any] | None:
  """How a data set of our own came about, if it is one.

  Raises:
    UserError: if its `provenance.json` is damaged.
  """
  path = folder / "provenance.json"
  if not path.exists():
    return None
  try:
    stored = json.loads(path.read_text())
  except (OSError, ValueError) as error:
    raise UserError(f"{path} is damaged ({error}); get the data set again") from error
  if not isinstance(stored, dict):
    raise UserError(f"{path} is damaged (no JSON object); get the data set again")
  return stored


def local_ids(folder: Path) -> list[str]:
  """The ids of the complete data sets under a folder, sorted."""
  found = folder.glob("**/data/metadata.json")
  ids = (path.parent.parent.relative_to(folder).as_posix() for path in found)
  return sorted(dataset_id for dataset_id in ids if not dataset_id.startswith("."))


def load(folder: str | Path) -> Dataset:
  """The transitions of the Minari data set in a folder (the one that holds `data/`).

  Nothing is dropped: every episode brings the observation after its last step. Observations in
  named parts, as in goal-conditioned tasks, are joined in the sorted order of their names
  (`achieved_goal`, `desired_goal`, `observation`); a notice says so.

  Raises:
    UserError: if the folder holds no whole Minari data set, or observations or actions that
      are no flat boxes.
  """
  notices = []
  try:
    stored = open_path(folder)
    space = stored.observation_space
    if isinstance(space, gymnasium.spaces.Dict) and dict_observations.flat_box(space) is not None:
      notices.append(f"observations are joined in this order: {dict_observations.order(space)}")
      space = dict_observations.flat_box(space)
    spaces = {"observations": space, "actions": stored.action_space}
    for field, found in spaces.items():
      if not isinstance(found, gymnasium.spaces.Box) or len(found.shape) != 1:
        raise UserError(
          f"{folder}: {field} are {shorten(str(found), 200)}, not a flat Box; "
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
    env_kwargs=_env_kwargs(stored.env_spec),
    action_bounds=(stored.action_space.low, stored.action_space.high),
    reference=_reference(stored, env_id),
    notices=notices,
  )


def _env_kwargs(spec: Any) -> dict[str, Any]:
  """The arguments of an environment in which it differs from the registered one."""
  if spec is None:
    return {}
  usual: dict[str, Any] = {}
  with suppress(gymnasium.error.Error, ImportError):
    usual = gymnasium.spec(spec.id).kwargs
  return {
    name: value
    for name, value in spec.kwargs.items()
    if name != "render_mode" and not (name in usual and usual[name] == value)
  }


def _reference(stored: minari.MinariDataset, env_id: str | None) -> tuple[float, float] | None:
  known = catalog.reference_returns(env_id) if env_id else None
  metadata = stored.storage.metadata
  if known is None and {"ref_min_score", "ref_max_score"} <= metadata.keys():
    return float(metadata["ref_min_score"]), float(metadata["ref_max_score"])
  return known
