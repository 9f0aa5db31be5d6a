"""The two teachers of the study: how each plays, and what it says of its greedy episode.

Values and actions at a rotated state are those of the state itself, so that context 0 is enough.
"""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax.envs import reacher
from dmg_jax.symmetry import planner, teacher
from dmg_jax.types import Array


class Kind(NamedTuple):
  """A teacher.

  Attributes:
    title: for tables.
    play: (share, contexts (E,), key) -> `reacher.Episodes`; share (E, 1) or a scalar of the
      actions is drawn at random.
    taught: () -> its values at the states of its greedy episode in context 0.
  """

  title: str
  play: Callable[[Array, Array, Array], reacher.Episodes]
  taught: Callable[[], teacher.Teacher]


@jax.jit
def _play_planner(share: Array, contexts: Array, key: Array) -> reacher.Episodes:
  return reacher.episodes(teacher.exploring(planner.greedy, share), contexts, key, discrete=True)


@cache
def _taught_by_planner() -> teacher.Teacher:
  played = teacher.rows_of(_play_planner(0.0, np.zeros(1, np.float32), jax.random.key(0)))
  values = jax.jit(partial(jax.lax.map, planner.values))(jnp.asarray(played.observations))
  return teacher.Teacher(np.asarray(played.observations), np.asarray(values))


def _play_dqn(share: Array, contexts: Array, key: Array) -> reacher.Episodes:
  return teacher.play(teacher.load()[0], share, contexts, key)


KINDS: Mapping[str, Kind] = {
  "planner": Kind("planner", _play_planner, _taught_by_planner),
  "dqn": Kind("double DQN", _play_dqn, lambda: teacher.load()[1]),
}


def facts(kind: str) -> dict[str, Any]:
  """A teacher's greedy actions in context 0, the value of the start, and the smallest gap
  between its largest and second-largest value."""
  values = KINDS[kind].taught().values
  gaps = np.sort(values, axis=1)
  return {
    "greedy_actions": np.argmax(values, axis=1).tolist(),
    "value_of_the_start": float(gaps[0, -1]),
    "smallest_gap": float((gaps[:, -1] - gaps[:, -2]).min()),
  }
