"""Makes an offline data set by D4RL's recipe, from online training of our own."""

import json
import platform
import sys
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from dmg_jax import methods, networks
from dmg_jax.data import catalog, minari_files, scaling
from dmg_jax.data.episodes import Episode
from dmg_jax.envs.make import make, spaces
from dmg_jax.errors import UserError
from dmg_jax.evaluation import Policies, Simulators, episode_seeds, evaluate
from dmg_jax.experiments import online
from dmg_jax.types import Hyperparameters, TrainState

_EVALUATION_SEED = 2**31
_QUOTED_EPISODES = 100


class Recipe(NamedTuple):
  """What to collect.

  Attributes:
    env_id: a Gymnasium id that D4RL has reference returns for.
    level: share of D4RL's reference score at which the policy is "medium".
    seed: of everything.
    steps: environment steps at most.
    random_steps: first steps, with uniform actions.
    noise: standard deviation of exploration, of actions in [-1, 1].
    batch_size: of the learner.
    evaluate_every: environment steps between evaluations (at episodes' ends).
    episodes: of each evaluation.
    keep: transitions to keep, about; beyond, episodes are thinned evenly.
  """

  env_id: str
  level: float
  seed: int
  steps: int
  random_steps: int
  noise: float
  batch_size: int
  evaluate_every: int
  episodes: int
  keep: int


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


def medium_replay(recipe: Recipe, root: Path, dataset_id: str, command: str) -> Path:
  """The replay of a training from random to medium, as D4RL's medium-replay.

  Trains online until the mean return of an evaluation without noise first
  reaches the level, and stores the episodes to that moment, thinned if they are
  too many.
  Beside the data lies `provenance.json`: how it was made, and how well the
  policy did on the way.

  Args:
    recipe: see `Recipe`.
    root: folder of Minari data sets.
    dataset_id: such as "dmg/hopper/medium-replay-v0".
    command: that the user gave, for the provenance.

  Returns:
    The data set's folder.

  Raises:
    UserError: if the id is taken, the environment has no reference returns, or
      the level is not reached.
  """
  if (root / dataset_id).exists():
    raise UserError(f"{root / dataset_id} exists already; name another data set or remove it")
  reference = catalog.reference_returns(recipe.env_id)
  if reference is None:
    raise UserError(f"environment {recipe.env_id!r} has no D4RL reference returns for a level")
  env = make(recipe.env_id)
  observation_size, low, high = spaces(env)
  modules = networks.make(len(low))
  units = scaling.for_actions(observation_size, low, high)
  simulators = Simulators(recipe.env_id)

  def returns(state: TrainState, step: int, episodes: int) -> np.ndarray:
    actors, scalings = jax.tree.map(
      lambda leaf: jnp.asarray(leaf)[None], (state.actor.parameters, units)
    )
    seeds = episode_seeds(_EVALUATION_SEED, [recipe.seed], step, episodes)
    return evaluate(simulators, Policies(modules, actors, scalings), seeds).returns[0]

  hyperparameters = methods.point("td3", Hyperparameters())
  settings = online.Settings(recipe.steps, recipe.random_steps, recipe.noise, recipe.batch_size)
  episodes: list[Episode] = []
  curve: list[dict[str, float]] = []
  started = time.monotonic()
  with tqdm(total=recipe.steps, unit="step", smoothing=0.02) as progress:
    for now in online.train(env, modules, hyperparameters, settings, recipe.seed):
      episodes.append(now.episode)
      progress.update(now.step - progress.n)
      if now.step < recipe.random_steps or (
        curve and now.step - curve[-1]["step"] < recipe.evaluate_every
      ):
        continue
      mean = float(returns(now.state, now.step, recipe.episodes).mean())
      score = float(catalog.normalised_score(mean, reference))
      curve.append({"step": now.step, "episodes": len(episodes), "return": mean, "score": score})
      progress.set_postfix(score=f"{score:.1f}")
      tqdm.write(f"step {now.step}: return {mean:.1f}, score {score:.1f}", file=sys.stderr)
      if score >= 100 * recipe.level:
        break
    else:
      raise UserError(
        f"the level {recipe.level} was not reached in {recipe.steps} steps "
        f"(best score {max(point['score'] for point in curve):.1f}); "
        "raise --steps, lower --level, or try another --seed"
      )
  final = returns(now.state, now.step + 1, _QUOTED_EPISODES)
  transitions = sum(len(episode.rewards) for episode in episodes)
  kept = thin(episodes, recipe.keep)
  folder = minari_files.write(
    root,
    dataset_id,
    kept,
    env,
    algorithm_name="TD3 (dmg_jax, lambda 1, nu 0)",
    author="dmg_jax",
    ref_min_score=reference[0],
    ref_max_score=reference[1],
    description="Replay of dmg_jax's own online training from random to medium; not D4RL data.",
  )
  packages = ("dmg_jax", "jax", "flax", "optax", "minari", "gymnasium", "mujoco", "numpy")
  provenance = {
    "dataset": dataset_id,
    "made_by": "dmg_jax; not D4RL data",
    "command": command,
    "recipe": recipe._asdict(),
    "method": methods.DESCRIPTIONS["td3"],
    "episodes_recorded": len(episodes),
    "transitions_recorded": transitions,
    "kept": f"{len(kept)} of {len(episodes)} episodes, evenly spaced",
    "episodes": len(kept),
    "transitions": sum(len(episode.rewards) for episode in kept),
    "mean_episode_return": float(np.mean([episode.rewards.sum() for episode in kept])),
    "recording_policy": {
      "what": f"the last snapshot, without noise, {_QUOTED_EPISODES} episodes",
      "return": float(final.mean()),
      "standard_deviation": float(final.std(ddof=1)),
      "score": float(catalog.normalised_score(final.mean(), reference)),
    },
    "reference_returns": reference,
    "evaluations": curve,
    "seconds": time.monotonic() - started,
    "device": str(jax.devices()[0]),
    "versions": {name: metadata.version(name) for name in packages}
    | {"python": platform.python_version()},
  }
  (folder / "provenance.json").write_text(json.dumps(provenance, indent=1) + "\n")
  return folder
