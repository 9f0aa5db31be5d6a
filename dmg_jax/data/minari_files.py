"""Minari data sets: the project's own format, by id or by path."""

import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import minari
import numpy as np
from minari.data_collector import EpisodeBuffer

from dmg_jax.data.episodes import Episode


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
      minari.create_dataset_from_buffers(
        dataset_id,
        buffer=buffers,
        env=env.spec,
        observation_space=_single_precision(env.observation_space),
        action_space=_single_precision(env.action_space),
        data_format="arrow",
        **metadata,
      )
  finally:
    if before is None:
      del os.environ["MINARI_DATASETS_PATH"]
    else:
      os.environ["MINARI_DATASETS_PATH"] = before
  return Path(root) / dataset_id


def _single_precision(box: gymnasium.spaces.Box) -> gymnasium.spaces.Box:
  return gymnasium.spaces.Box(
    np.float32(box.low), np.float32(box.high), box.shape, np.float32
  )


def open_path(folder: str | Path) -> minari.MinariDataset:
  """The Minari data set in a folder (the one that holds `data/`)."""
  return minari.MinariDataset(Path(folder) / "data")


def read(dataset: minari.MinariDataset) -> Iterator[Episode]:
  """The episodes of a Minari data set, in order."""
  for episode in dataset.iterate_episodes():
    yield Episode(
      observations=episode.observations,
      actions=episode.actions,
      rewards=episode.rewards,
      terminations=episode.terminations,
      truncations=episode.truncations,
    )
