"""The teacher: double DQN in context 0 alone, whose values are copied to rotated contexts.

  python launch/study.py structure teacher

trains it and stores it in the package. The reacher's optimal torques do not depend on
the context, so that the values at a rotated state are those of the state itself.
"""

import io
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax import study_files, training
from dmg_jax.agents import discrete, discrete_cql
from dmg_jax.envs import reacher
from dmg_jax.networks import Outputs
from dmg_jax.symmetry.cells import Cells
from dmg_jax.types import Agent, Array, Transitions

FILE = Path(str(resources.files("dmg_jax.symmetry") / "teacher.npz"))
HIDDEN_SIZES = (128, 128)
SETTINGS: dict[str, Any] = {
  "hidden_sizes": HIDDEN_SIZES,
  "episodes_at_random": 1000,
  "rounds": 100,
  "episodes_of_a_round": 20,
  "exploration": [0.4, 0.1],
  "steps_of_a_round": 500,
  "batch_size": 256,
  "learning_rate": 3e-4,
  "discount": 0.95,
  "target_period": 250,
  "rows": 400_000,
}


class Teacher(NamedTuple):
  """Values at the states of its greedy episode in context 0.

  Attributes:
    observations: (T, 10), float32.
    values: (T, 9), of all actions.
  """

  observations: np.ndarray
  values: np.ndarray


def agent() -> Agent:
  """The teacher's: CQL with weight 0."""
  return discrete_cql.make(HIDDEN_SIZES, reacher.ACTIONS)


def values_of(policy: Any, observations: Array) -> Array:
  """(..., 9): its Q at observations (..., 10)."""
  return discrete.apply(Outputs(HIDDEN_SIZES, reacher.ACTIONS, "float32"), policy, observations)[1]


def exploring(greedy: Callable[[Array, Array], Array], share: Array):
  """A policy with a share of actions drawn at random, for `reacher.episodes`.

  Args:
    greedy: (observations (E, 10), needed (E,)) -> (E, 9) one-hot, void where not needed.
    share: (E, 1) or a scalar.
  """

  def choose(observations: Array, key: Array, alive: Array) -> Array:
    first, second = jax.random.split(key)
    count = len(observations)
    random = jax.random.randint(first, (count,), 0, reacher.ACTIONS)
    explores = jax.random.uniform(second, (count, 1)) < share
    own = greedy(observations, alive & ~explores[:, 0])
    return jnp.where(explores, jax.nn.one_hot(random, reacher.ACTIONS), own)

  return choose


@jax.jit
def play(policy: Any, share: Array, contexts: Array, key: Array) -> reacher.Episodes:
  """Episodes of the exploring policy, one in each context; share 0 is greedy."""

  def greedy(observations: Array, needed: Array) -> Array:
    del needed
    return agent().act(policy, observations)

  return reacher.episodes(exploring(greedy, share), contexts, key, discrete=True)


def rows_of(played: reacher.Episodes) -> Transitions:
  """The steps of episodes as transitions with the sparse reward, one after another."""
  alive = np.asarray(played.alive)
  return Transitions(
    observations=np.asarray(played.observations)[alive],
    actions=np.asarray(played.actions)[alive],
    rewards=np.asarray(played.rewards)[alive],
    next_observations=np.asarray(played.next_observations)[alive],
    not_dones=1 - np.asarray(played.terminated)[alive].astype(np.float32),
  )


def greedy_steps(policy: Any) -> int:
  """Steps of the greedy episode in context 0; HORIZON where it does not come to the goal."""
  return int(np.asarray(play(policy, 0.0, np.zeros(1, np.float32), jax.random.key(0)).alive).sum())


def fill(seed: int, cells: Cells) -> None:
  """Trains the teacher, stores it at `FILE`, and its facts as a cell."""
  cells.fill("teacher", lambda: _store(seed))


def _store(seed: int) -> dict[str, Any]:
  policy, facts = train(seed, SETTINGS)
  played = rows_of(play(policy, 0.0, np.zeros(1, np.float32), jax.random.key(0)))
  values = values_of(policy, played.observations)
  flat: dict[str, Any] = {
    jax.tree_util.keystr(path, simple=True, separator="/"): np.asarray(leaf)
    for path, leaf in jax.tree_util.tree_leaves_with_path(policy)
  }
  buffer = io.BytesIO()
  np.savez(buffer, observations=played.observations, values=np.asarray(values), **flat)
  study_files.write({FILE: buffer.getvalue()})
  gaps = np.sort(np.asarray(values), axis=1)
  return {
    **facts,
    "greedy_actions": np.argmax(values, axis=1).tolist(),
    "value_of_the_start": float(gaps[0, -1]),
    "smallest_gap": float((gaps[:, -1] - gaps[:, -2]).min()),
  }


def train(seed: int, settings: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
  """Trains double DQN in context 0.

  Each round plays episodes with exploration and takes gradient steps on all that was
  stored. Of the last quarter of the rounds, in which values have settled, the policy with
  the shortest greedy episode is kept, of equal ones the last.

  Returns:
    Parameters, and facts of the training.
  """
  key, learner = jax.random.key(seed), agent()
  contexts = np.zeros(settings["episodes_at_random"], np.float32)
  rows = settings["rows"]
  store = Transitions(
    *(np.zeros((rows, *size), np.float32) for size in ((10,), (9,), (), (10,), ()))
  )
  held = 0

  def keep(more: Transitions) -> None:
    nonlocal held
    count = len(more.rewards)
    # The first are random; they stay, and where the store is full the latest rounds make place.
    start = min(held, rows - count)
    for mine, new in zip(jax.tree.leaves(store), jax.tree.leaves(more), strict=True):
      mine[start : start + count] = new
    held = start + count

  runs = training.start([seed], learner, store)
  hyperparameters = discrete_cql.CQLHyperparameters(
    learning_rate=settings["learning_rate"],
    discount=settings["discount"],
    conservatism=0.0,
    target_period=settings["target_period"],
  )
  points = jax.tree.map(lambda leaf: np.full(1, leaf, np.float32), hyperparameters)
  program = training.make_program(learner, 1, settings["batch_size"], jax.devices()[:1])
  policy = jax.tree.map(lambda leaf: leaf[0], learner.policy(runs.states))
  keep(rows_of(play(policy, 1.0, contexts, jax.random.fold_in(key, 0))))
  goals = int(store.rewards[:held].sum())
  best, shortest, shortest_at = policy, reacher.HORIZON + 1, 0
  first, last = settings["exploration"]
  contexts = contexts[: settings["episodes_of_a_round"]]
  for number in range(settings["rounds"]):
    runs = runs.replace(sizes=np.full(1, held, np.int32))
    placed = training.place(runs, points, store, program)
    runs, _ = training.advance(*placed, program, settings["steps_of_a_round"])
    runs = training.gather(runs, 1)
    policy = jax.tree.map(lambda leaf: leaf[0], learner.policy(runs.states))
    late = 4 * (number + 1) > 3 * settings["rounds"]
    if late and (steps := greedy_steps(policy)) <= shortest:
      best, shortest, shortest_at = policy, steps, number
    share = first + (last - first) * number / settings["rounds"]
    keep(rows_of(play(policy, share, contexts, jax.random.fold_in(key, number + 1))))
  return best, {
    "greedy_steps": shortest,
    "round": shortest_at,
    "environment_steps": held,
    "random_goals": goals,
    "gradient_steps": settings["rounds"] * settings["steps_of_a_round"],
  }


def load() -> tuple[Any, Teacher]:
  """The stored teacher: parameters for `agent().act`, and its values in context 0."""
  with np.load(FILE) as stored:
    arrays = {name: stored[name] for name in stored.files}
  teacher = Teacher(arrays.pop("observations"), arrays.pop("values"))
  policy: dict[str, Any] = {}
  for name, array in arrays.items():
    *folders, leaf = name.split("/")
    place = policy
    for folder in folders:
      place = place.setdefault(folder, {})
    place[leaf] = array
  return policy, teacher
