"""Cuts an offline data set, by D4RL's recipe, from a recorded online training."""

import json
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import numpy as np

from dmg_jax import methods, run_directory
from dmg_jax.data import catalog, minari_files
from dmg_jax.data.episodes import Episode
from dmg_jax.envs.make import make
from dmg_jax.errors import UserError
from dmg_jax.experiments.recording import Recipe, Recording

_QUOTED_EPISODES = 100
_PACKAGES = ("dmg_jax", "jax", "flax", "optax", "minari", "gymnasium", "mujoco", "numpy")


def thin(episodes: Sequence[Episode], keep: int) -> list[Episode]:
  """All episodes, or an evenly spaced part with about `keep` transitions, in order.

  Args:
    episodes: E of them.
    keep: transitions.
  """
  transitions = sum(len(episode.rewards) for episode in episodes)
  count = min(len(episodes), max(1, len(episodes) * keep // transitions))
  places = np.linspace(0, len(episodes) - 1, count).round().astype(int)
  return [episodes[place] for place in places]


def medium_replay(
  recipe: Recipe,
  level: float,
  keep: int,
  directory: Path,
  root: Path,
  dataset_id: str,
  command: str,
) -> Path:
  """The replay of a training from random to medium, as D4RL's medium-replay.

  Trains online, or goes on from where an earlier process came to, until the mean
  return of an evaluation without noise first reaches the level, and stores the
  episodes to that moment, thinned if they are too many.
  Beside the data lies `provenance.json`: how it was made, and how well the
  policy did on the way.

  Args:
    recipe: of the training.
    level: share of D4RL's reference score at which the policy is "medium".
    keep: transitions to keep, about; beyond, episodes are thinned evenly.
    directory: of the recording.
    root: folder of Minari data sets.
    dataset_id: such as "dmg/hopper/medium-replay-v0".
    command: that the user gave, for the provenance.

  Returns:
    The data set's folder.

  Raises:
    UserError: if the id is taken, the environment has no reference returns, or
      the level is not reached.
    StorageError: if something could not be saved.
  """
  if (root / dataset_id).exists():
    raise UserError(f"{root / dataset_id} exists already; name another data set or remove it")
  if catalog.reference_returns(recipe.env_id) is None:
    raise UserError(f"environment {recipe.env_id!r} has no D4RL reference returns for a level")
  config = recipe._asdict() | {"exploration_noise": list(recipe.exploration_noise)}
  lock = run_directory.claim(directory, config, frozenset({"steps"}))
  recording = Recording(recipe, directory)
  try:
    row = _first_at(recording, level)
    episodes = recording.stream.episodes(row["round"])
    kept = thin(episodes, keep)
    provenance = _provenance(recording, row, level, command) | {
      "dataset": dataset_id,
      "episodes_recorded": len(episodes),
      "transitions_recorded": sum(len(episode.rewards) for episode in episodes),
      "kept": f"{len(kept)} of {len(episodes)} episodes, evenly spaced",
      "episodes": len(kept),
      "transitions": sum(len(episode.rewards) for episode in kept),
      "mean_episode_return": float(np.mean([episode.rewards.sum() for episode in kept])),
    }
  finally:
    recording.close()
    lock.close()
  low, high = provenance["reference_returns"]
  folder = minari_files.write(
    root,
    dataset_id,
    kept,
    make(recipe.env_id),
    algorithm_name="TD3 (dmg_jax, lambda 1, nu 0)",
    author="dmg_jax",
    ref_min_score=low,
    ref_max_score=high,
    description="Replay of dmg_jax's own online training from random to medium; not D4RL data.",
  )
  (folder / "provenance.json").write_text(json.dumps(provenance, indent=1) + "\n")
  return folder


def _first_at(recording: Recording, level: float) -> dict[str, Any]:
  """The first evaluation at a level; trains on until there is one."""
  for row in recording.evaluations:
    if row["score"] >= 100 * level:
      return row
  for row in recording.go_on():
    if row["score"] >= 100 * level:
      return row
  best = max(row["score"] for row in recording.evaluations)
  raise UserError(
    f"the level {level} was not reached in {recording.recipe.steps} steps "
    f"(best score {best:.1f}); raise --steps, lower --level, or try another --seed"
  )


def _provenance(
  recording: Recording, row: dict[str, Any], level: float, command: str
) -> dict[str, Any]:
  """How a recording was made, up to an evaluation."""
  reference = recording.reference
  assert reference is not None
  final = recording.returns(recording.snapshot(row), row["round"] + 1, _QUOTED_EPISODES)
  evaluations = recording.evaluations
  return {
    "made_by": "dmg_jax; not D4RL data",
    "command": command,
    "recipe": recording.recipe._asdict(),
    "level": level,
    "method": methods.DESCRIPTIONS["td3"],
    "recording_policy": {
      "what": f"the last snapshot, without noise, {_QUOTED_EPISODES} episodes",
      "return": float(final.mean()),
      "standard_deviation": float(final.std(ddof=1)),
      "score": float(catalog.normalised_score(final.mean(), reference)),
    },
    "reference_returns": reference,
    "evaluations": evaluations[: evaluations.index(row) + 1],
    "seconds": recording.seconds(),
    "device": str(jax.devices()[0]),
    "versions": {name: metadata.version(name) for name in _PACKAGES}
    | {"python": platform.python_version()},
  }
