"""Checks what can be checked of a data set: its fields, its hash, its simulator."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dmg_jax.data import catalog, download, minari_files
from dmg_jax.data.dataset import Dataset
from dmg_jax.data.load import minari_folder
from dmg_jax.data.survey import survey
from dmg_jax.envs.make import check_sizes, make, spaces
from dmg_jax.errors import UserError
from dmg_jax.experiments.data import Given, read

# Beyond this a replay went elsewhere; within, libraries may round differently.
_AGREEMENT = 1e-6


def verify(name: str, given: Given, count: int) -> Iterator[str]:
  """Checks what can be checked of a data set, line by line.

  Args:
    name: of the data set, as `load` takes it.
    given: its environment, where the data do not name it.
    count: episodes at most that are played again in the simulator; at least 1.

  Raises:
    UserError: at the first check that fails.
  """
  if count < 1:
    raise UserError(f"--episodes is {count}, but it must be at least 1")
  dataset = read(name, given)
  yield f"{dataset.name}: every field is finite, of one length, and fits the others"
  yield from _verify_hash(dataset, name)
  yield from dataset.notices
  found = survey(dataset)
  yield (
    f"next observations follow, but for {found.terminals:,} terminals "
    f"and {found.cuts:,} cuts (time limits, or gaps)"
  )
  folder = None if _is_d4rl(name) else minari_folder(name)
  replayed = None
  if folder is not None and dataset.env_id is not None:
    replayed = replay(folder, dataset.env_id, count, dataset.env_kwargs)
  if replayed is None:
    yield "not played again: the data keep no seeds"
    return
  what = (
    f"{replayed.episodes} episodes ({replayed.steps:,} steps) played again in {dataset.env_id}: "
    f"largest difference {replayed.deviation:.3g}"
  )
  if replayed.deviation > _AGREEMENT:
    raise UserError(f"{dataset.name}: {what}; the simulator is not the one that recorded them")
  yield what


def _is_d4rl(name: str) -> bool:
  return name in catalog.d4rl_files()


def _verify_hash(dataset: Dataset, name: str) -> Iterator[str]:
  expected = found = None
  if _is_d4rl(name):
    file = catalog.d4rl_files()[name]
    with open(download.path(file), "rb") as stream:
      expected, found = file.sha256, hashlib.file_digest(stream, "sha256").hexdigest()
  elif (folder := minari_folder(name)) is not None:
    stored = minari_files.provenance(folder) or {}
    expected, found = stored.get("sha256"), dataset.sha256
  if expected is None:
    yield f"no hash to compare with; sha256 of the arrays is {dataset.sha256}"
  elif expected == found:
    yield f"sha256 {found} is as published"
  else:
    raise UserError(f"{dataset.name}: sha256 is {found}, published was {expected}; get it again")


class Replayed(NamedTuple):
  """Episodes played again from their seeds.

  Attributes:
    episodes, steps: played again.
    deviation: largest difference of an observation or reward.
  """

  episodes: int
  steps: int
  deviation: float


def replay(
  folder: Path,
  env_id: str,
  count: int,
  env_kwargs: Mapping[str, Any] | None = None,
  seed: int = 0,
) -> Replayed | None:
  """Plays some recorded episodes again, from their seeds, options and actions.

  Args:
    folder: of a Minari data set.
    env_id: of its environment.
    count: episodes at most, drawn at random.
    env_kwargs: arguments of the environment.
    seed: of the draw.

  Returns:
    What came of it; None where the data set keeps no seeds.

  Raises:
    UserError: if the environment cannot be made, or has other sizes than the data.
  """
  seeded = [e for e in minari_files.read(minari_files.open_path(folder)) if e.seed is not None]
  if not seeded:
    return None
  generator = np.random.default_rng(seed)
  chosen = generator.choice(len(seeded), min(count, len(seeded)), replace=False)
  env = make(env_id, env_kwargs)
  first = seeded[0]
  check_sizes(folder.name, env_id, spaces(env), first.observations.shape[1], first.actions.shape[1])
  steps, deviation = 0, 0.0
  for episode in (seeded[place] for place in sorted(chosen)):
    observation, _ = env.reset(seed=episode.seed, options=episode.options)
    deviation = max(deviation, _difference(observation, episode.observations[0]))
    for step, action in enumerate(episode.actions):
      observation, reward, terminated, _, _ = env.step(action)
      deviation = max(
        deviation,
        _difference(observation, episode.observations[step + 1]),
        _difference(reward, episode.rewards[step]),
      )
      steps += 1
      if terminated != episode.terminations[step]:
        deviation = np.inf
        break
  env.close()
  return Replayed(len(chosen), steps, deviation)


def _difference(one, other) -> float:
  """Between values as they are stored, in float32."""
  return float(np.max(np.abs(np.float32(one) - np.float32(other))))
