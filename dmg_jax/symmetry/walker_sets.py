"""Data of Walker2d-v5 for symmetric DMG: our own tiers, whole and in small parts."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from dmg_jax.data import episodes, load, minari_files, scaling
from dmg_jax.data.dataset import Dataset
from dmg_jax.data.scaling import Scaling
from dmg_jax.errors import UserError
from dmg_jax.symmetry.groups import Group
from dmg_jax.types import Transitions


class Rows(NamedTuple):
  """What one run learns from.

  Attributes:
    span: (offset, size) in the data of all.
    scaling: from raw observations to those of its rows.
    episodes: how many.
    mean_return: of them.
  """

  span: tuple[int, int]
  scaling: Scaling
  episodes: int
  mean_return: float


class Sets(NamedTuple):
  """The data of all runs, and each set's rows, one for each seed.

  Attributes:
    data: as the networks see them; a set after another.
    rows: by tier and share, such as ("medium", 0.1).
  """

  data: Transitions
  rows: Mapping[tuple[str, float], list[Rows]]


def stored(env_id: str, tier: str) -> Dataset:
  """The tier's data, which `launch/collect.py` made.

  Raises:
    UserError: where they are not there; it says how to make them.
  """
  name = f"dmg/{env_id.lower()}/{tier}-v0"
  if load.minari_folder(name) is None:
    raise UserError(
      f"there is no data set {name}; make it with `python launch/collect.py --env={env_id} "
      f"--policies_of={env_id[:-1]}4 --tier={tier} --keep=100000 --dataset_id={name}`"
    )
  return load.load(name)


def facts(dataset: Dataset) -> dict[str, Any]:
  """What a stored result says of a data set: hash, command, size and return.

  Raises:
    UserError: if its `provenance.json` is missing or damaged.
  """
  folder = load.minari_folder(dataset.name)
  assert folder is not None
  provenance = minari_files.provenance(folder)
  if provenance is None:
    raise UserError(f"{folder} has no provenance.json; collect the data set anew")
  return {
    "name": dataset.name,
    "sha256": dataset.sha256,
    "command": provenance["command"],
    "transitions": len(dataset.transitions.rewards),
    "episodes": len(dataset.episode_returns),
    "mean_return": float(dataset.episode_returns.mean()),
    "reference": list(dataset.reference or ()),
  }


def asymmetry(dataset: Dataset, group: Group) -> float:
  """How far the data are from their own copies: of the number that differs most.

  Returns:
    The largest difference between means of an observed number and of its copies, in standard
    deviations of both together. Data of a symmetric policy have 0, up to chance.
  """
  observations = np.asarray(dataset.transitions.observations, np.float64)
  found = []
  for matrix in group.observations[1:]:
    copies = observations @ np.array(matrix).T
    spread = np.concatenate([observations, copies]).std(axis=0)
    found.append(np.abs(observations.mean(axis=0) - copies.mean(axis=0)) / spread)
  return float(np.max(found))


def draw(transitions: Transitions, share: float, seed: int) -> list[episodes.Episode]:
  """Whole episodes, drawn without replacement until they hold a share of the transitions.

  Args:
    transitions: in order of time.
    share: from 0 to 1; 1 takes all, whatever the seed.
    seed: of the draw.
  """
  whole = episodes.split(transitions)
  if share == 1:
    return whole
  order = np.random.default_rng(seed).permutation(len(whole))
  lengths = np.cumsum([len(whole[place].rewards) for place in order])
  count = int(np.searchsorted(lengths, share * len(transitions.rewards))) + 1
  return [whole[place] for place in order[:count]]


def symmetric_scaling(scaling_: Scaling, observations: np.ndarray, group: Group) -> Scaling:
  """The scaling that standardises by mean and deviation of all copies under the group.

  Both are then the same for copies, so that a signed permutation acts on the scaled
  observations as on the raw ones.
  """
  copies = [observations @ np.array(matrix).T for matrix in group.observations]
  return scaling.with_statistics(scaling_, np.concatenate(copies))


def make(
  tiers: Mapping[str, Dataset], shares: Sequence[float], seeds: Sequence[int], group: Group
) -> Sets:
  """All sets: of every tier and share, for every seed; whole tiers are there once.

  Raises:
    UserError: where a tier does not state the bounds of its actions.
  """
  pieces: list[Transitions] = []
  found: dict[tuple[str, float], list[Rows]] = {}
  offset = 0
  for tier, dataset in tiers.items():
    if dataset.action_low is None or dataset.action_high is None:
      raise UserError(f"{dataset.name} does not state its actions' bounds; collect it anew")
    size = dataset.transitions.observations.shape[1]
    units = scaling.for_actions(size, dataset.action_low, dataset.action_high)
    for share in shares:
      own: list[Rows] = []
      for seed in seeds[:1] if share == 1 else seeds:
        drawn = draw(dataset.transitions, share, seed)
        raw = episodes.flatten(drawn)
        units_of_rows = symmetric_scaling(units, np.asarray(raw.observations), group)
        pieces.append(jax.tree.map(np.float32, units_of_rows.apply(raw)))
        count = len(raw.rewards)
        mean = float(np.mean([episode.rewards.sum() for episode in drawn]))
        own.append(Rows((offset, count), units_of_rows, len(drawn), mean))
        offset += count
      found[tier, share] = own * (len(seeds) if share == 1 else 1)
  return Sets(jax.tree.map(lambda *leaves: np.concatenate(leaves), *pieces), found)
