"""D4RL's tiers of quality, from a recorded training: its replay, or episodes of its policies."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import jax
import numpy as np

from dmg_jax.collect.recording import Recording
from dmg_jax.collect.rollout import Behaviour, roll
from dmg_jax.data import catalog, policies
from dmg_jax.data.episodes import Episode
from dmg_jax.errors import UserError
from dmg_jax.types import Parameters

_QUOTED_EPISODES = 100
_COURSE = 6
TIERS = ("random", "medium", "medium-replay", "medium-expert", "expert", "full-replay")
REPLAYS = ("medium-replay", "full-replay")


class Policy(NamedTuple):
  """A recorded policy.

  Attributes:
    actor: its parameters.
    quote: its training and its returns, as JSON can hold them.
  """

  actor: Parameters
  quote: dict[str, Any]


def thin(episodes: Sequence[Episode], keep: int) -> list[Episode]:
  """All episodes, or an evenly spaced part with about `keep` transitions, in order.

  Args:
    episodes: E of them.
    keep: transitions.

  Raises:
    UserError: if there is no episode.
  """
  if not episodes:
    raise UserError("no episode ended in so few steps; raise --steps")
  transitions = sum(len(episode.rewards) for episode in episodes)
  count = min(len(episodes), max(1, len(episodes) * keep // transitions))
  places = np.linspace(0, len(episodes) - 1, count).round().astype(int)
  return [episodes[place] for place in places]


def reference(recording: Recording) -> tuple[float, float]:
  """The returns that score 0 and 100: D4RL's, or the recording's own.

  Its own are those of its first, uniform actions, and of its last policy, for
  which the training is run to its end.

  Raises:
    UserError: if no episode ended within the uniform steps, or nothing was learned.
  """
  if recording.reference is not None:
    return recording.reference
  # The first evaluation comes after the random steps: what they lack is said before more is done.
  next(chain(list(recording.evaluations), recording.go_on()))
  environments, recipe = recording.stream.environments, recording.recipe
  uniform = recording.stream.episodes(recipe.random_steps // environments)
  if not uniform:
    enough = environments * (recording.step_limit or recipe.random_steps)
    raise UserError(
      f"no episode of {recipe.env_id} ended within the {recipe.random_steps} random steps, so that "
      f"there is no return to score as 0; raise --random_steps to at least {enough}"
    )
  last = at_end(recording)
  low = float(np.mean([episode.rewards.sum() for episode in uniform]))
  if not low < last["return"]:
    raise UserError(
      f"{recording.recipe.env_id} has no reference returns, and its training ended at a return of "
      f"{last['return']:.1f}, no better than the {low:.1f} of uniform actions, so that nothing can "
      "be scored; raise --steps, or try another --seed"
    )
  return low, last["return"]


def at_level(recording: Recording, level: float) -> dict[str, Any]:
  """The first evaluation whose score reaches 100 times the level; trains on until there is one.

  Raises:
    UserError: if the steps run out before.
  """
  low, high = reference(recording)
  best = -np.inf
  for row in chain(list(recording.evaluations), recording.go_on()):
    if not recording.regular(row):
      continue
    score = catalog.normalised_score(row["return"], (low, high))
    if score >= 100 * level:
      return row
    best = max(best, score)
  raise UserError(
    f"the level {level} was not reached in {recording.recipe.steps} steps "
    f"(best score {best:.1f}); raise --steps, lower --level, or try another --seed"
  )


def at_end(recording: Recording) -> dict[str, Any]:
  """The last evaluation within the recipe's steps, to which the training is run."""
  rows = chain(list(recording.evaluations), recording.go_on())
  steps = recording.recipe.steps + recording.stream.environments - 1
  return max((row for row in rows if row["step"] <= steps), key=lambda row: row["step"])


def policy(recording: Recording, row: dict[str, Any]) -> Policy:
  """The snapshot of an evaluation, with its returns in 100 more episodes."""
  actor = recording.snapshot(row)
  returns = recording.returns(actor, row["round"] + 1, _QUOTED_EPISODES)
  quote = {
    "step": row["step"],
    "what": f"without noise, {_QUOTED_EPISODES} episodes",
    "return": float(returns.mean()),
    "standard_deviation": float(returns.std(ddof=1)),
    "score": float(catalog.normalised_score(returns.mean(), reference(recording))),
  }
  return Policy(actor, quote)


def course(recording: Recording, last: int) -> dict[str, Policy]:
  """Policies along a training, evenly spaced, by name; in half precision, to be small.

  Args:
    recording: the training.
    last: round of the evaluation that ends it.
  """
  rows = [row for row in recording.evaluations if row["round"] <= last]
  places = np.linspace(0, len(rows) - 1, min(len(rows), _COURSE)).round().astype(int)
  return {
    f"{policies.STEP}{row['step']:08d}": Policy(
      jax.tree.map(np.float16, recording.snapshot(row)),
      {
        **row,
        "what": f"without noise, {recording.recipe.episodes} episodes, in single precision",
      },
    )
    for row in (rows[place] for place in places)
  }


def behaviour_episodes(
  env_id: str,
  behaviours: Sequence[Behaviour | None],
  transitions: int,
  seed: int,
  env_kwargs: Mapping[str, Any] | None = None,
) -> list[list[Episode]]:
  """About `transitions` steps, shared evenly between behaviours: the episodes of each.

  The first behaviour's random numbers come from the seed itself, the others' from seeds
  spawned from it: with neighbouring numbers, data sets of neighbouring seeds would share them.

  Args:
    env_id: a Gymnasium id.
    behaviours: see `rollout.roll`.
    transitions: of all together.
    seed: of everything.
    env_kwargs: arguments of the environment.

  Raises:
    UserError: if no episode of one ends.
  """
  share = transitions // len(behaviours)
  shares = []
  for place, behaviour in enumerate(behaviours):
    found = roll(env_id, behaviour, share, _behaviour_seed(seed, place), env_kwargs)
    if not found:
      raise UserError(
        f"no episode of {env_id}, which has no step limit, ended in {share} steps of "
        f"{'a policy' if behaviour else 'uniform actions'}; raise --keep, to {10 * transitions} "
        "for a start"
      )
    shares.append(found)
  return shares


def _behaviour_seed(seed: int, place: int) -> int:
  if place == 0:
    return seed
  return int(np.random.SeedSequence(seed, spawn_key=(place,)).generate_state(1)[0])
