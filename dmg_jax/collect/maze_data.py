"""Data of agents that are sent through a maze from target to target, by D4RL's rules."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import gymnasium
import jax
import numpy as np

from dmg_jax import networks
from dmg_jax.agents import dmg
from dmg_jax.data import policies
from dmg_jax.data.episodes import Episode
from dmg_jax.data.stream import Stream
from dmg_jax.envs import ant_directions
from dmg_jax.envs.ant_maze import AntMaze
from dmg_jax.envs.make import make, spaces, step_limit
from dmg_jax.envs.maze_maps import Cell, Maze
from dmg_jax.envs.point_maze import PointMaze
from dmg_jax.envs.waypoints import Way
from dmg_jax.errors import UserError
from dmg_jax.online.rounds import rounds
from dmg_jax.progress import Progress

# From (N, S) observations and (N, 2) waypoints to (N, A) actions in [-1, 1].
Controller = Callable[[np.ndarray, np.ndarray], np.ndarray]

TIERS = ("play", "diverse")
WALKER = ("dmg_jax/AntDirections-v0", "expert")
_ENVIRONMENTS = 10
# Of a cell's width, about its centre: where starts and targets lie.
_SPREAD = 0.25
# Metres; as near as the mazes' own goals ask for.
_ARRIVED = 0.5
# The goals of D4RL's maps for data.
_PLAY_TARGETS: Mapping[str, tuple[Cell, ...]] = {
  "umaze": ((3, 1),),
  "medium": ((2, 6), (5, 1), (6, 5)),
  "large": ((1, 6), (3, 5), (3, 10), (5, 2), (7, 4), (7, 6), (7, 9)),
}
# Per metre, and per metre per second: in a straight corridor the ball reaches its top speed.
_PULL, _DAMPING = 10.0, 1.0
# Streams of random numbers, spawned from an episode's seed and from the run's.
_START, _TARGETS = 0, 1
_NOISE = 0


class Cells(NamedTuple):
  """The cells in which episodes start, and those to which agents are sent."""

  starts: Sequence[Cell]
  targets: Sequence[Cell]


def cells(maze: Maze, tier: str) -> Cells:
  """A tier's start and target cells.

  *play*: the targets are those of D4RL's maps for data, and the goal; episodes
  start in any other free cell, in the U-shaped maze in the start cell alone: as
  D4RL's antmaze-umaze, and -play for the others. *diverse*: any free cell is a
  target, and any but the goal's a start.
  """
  if tier == "diverse":
    return Cells([cell for cell in maze.free_cells if cell != maze.goal], maze.free_cells)
  targets = sorted({*_PLAY_TARGETS[maze.name], maze.goal})
  if maze.name == "umaze":
    return Cells([maze.start], targets)
  return Cells([cell for cell in maze.free_cells if cell not in targets], targets)


class Sent(gymnasium.Wrapper):
  """A maze whose agent is sent from target to target, until its episode ends.

  Everything comes from an episode's seed. A target lies within a quarter of a
  cell of its cell's centre, in x and in y; that in the goal's cell is the
  episode's goal. Once the agent is within half a metre of a target, the next one
  is drawn from the other cells.

  Args:
    env: a maze.
    where: see `cells`.
    ways: to each of the target cells.
  """

  def __init__(self, env: gymnasium.Env, where: Cells, ways: Mapping[Cell, Way]):
    super().__init__(env)
    self._maze: Maze = env.get_wrapper_attr("maze")
    self._where, self._ways = where, ways

  def reset(
    self, *, seed: int | None = None, options: dict[str, Any] | None = None
  ) -> tuple[np.ndarray, dict[str, Any]]:
    """Begins an episode; its seed, which must be given, decides the start: see `options`."""
    assert seed is not None
    assert options is None
    observation, info = self.env.reset(seed=seed, options=self.options(seed))
    self._generator = _spawn(seed, _TARGETS)
    self._goal = info["goal"]
    self._send(self._maze.cell(observation[:2]))
    return observation, info

  def options(self, seed: int) -> dict[str, Any]:
    """The options of the maze's own reset, in an episode of this seed."""
    generator = _spawn(seed, _START)
    start = _near(self._maze, _choose(self._where.starts, generator), generator)
    return {"start": start.tolist()}

  def waypoint(self, observation: np.ndarray) -> np.ndarray:
    """(2,), the agent's next waypoint."""
    position = observation[:2]
    if math.dist(position, self._target) <= _ARRIVED:
      self._send(self._way.target)
    return self._way.waypoint(position, self._target)

  def _send(self, from_cell: Cell) -> None:
    others = [cell for cell in self._where.targets if cell != from_cell]
    cell = _choose(others or self._where.targets, self._generator)
    self._way = self._ways[cell]
    self._target = (
      self._goal if cell == self._maze.goal else _near(self._maze, cell, self._generator)
    )


def _spawn(seed: int, stream: int) -> np.random.Generator:
  """A generator of its own for each stream, and none of them the one of `env.reset(seed=seed)`.

  (`default_rng((seed, 0))` would be that one: NumPy pads a seed with zeros.)
  """
  return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream,)))


def _choose(choices: Sequence[Cell], generator: np.random.Generator) -> Cell:
  return choices[int(generator.integers(len(choices)))]


def _near(maze: Maze, cell: Cell, generator: np.random.Generator) -> np.ndarray:
  return maze.position(cell) + maze.unit * generator.uniform(-_SPREAD, _SPREAD, 2)


def pull(observations: np.ndarray, waypoints: np.ndarray) -> np.ndarray:
  """The point's controller: a spring to the waypoint, and a damper."""
  forces = _PULL * (waypoints - observations[:, :2]) - _DAMPING * observations[:, 2:]
  return np.clip(forces, -1, 1)


def walker(action_size: int) -> tuple[Controller, dict[str, Any]]:
  """The ant's controller, a policy that walks in a given direction, and its provenance.

  Args:
    action_size: of the ant.
  """
  path = policies.shipped(*WALKER)[WALKER[1]]
  actor, modules = policies.load(path), networks.make(action_size)

  @jax.jit
  def act(felt):
    return dmg.act(modules, actor, felt)

  def walk(observations: np.ndarray, waypoints: np.ndarray) -> np.ndarray:
    felt = ant_directions.feel(observations, waypoints - observations[:, :2])
    return np.asarray(act(np.float32(felt)))

  return walk, policies.provenance(path)


def episodes(
  env_id: str,
  tier: str,
  steps: int,
  noise: float,
  seed: int,
  env_kwargs: Mapping[str, Any] | None = None,
) -> tuple[list[Episode], dict[str, Any]]:
  """The whole episodes among about `steps` steps of agents sent through a maze.

  Their actions have Gaussian noise, as D4RL's. Rewards and terminals are the
  environment's own, for its evaluation goal, wherever the agent was sent: an
  episode ends where its agent reaches that goal.

  Args:
    env_id: of a maze of ours.
    tier: of `TIERS`.
    steps: over ten environments, of which those of unfinished episodes are lost.
    noise: standard deviation, on actions in [-1, 1].
    seed: of everything.
    env_kwargs: arguments of the maze.

  Returns:
    The episodes, with the seed and the options that reset each; and the rules, as
    JSON can hold them.

  Raises:
    UserError: if the environment is no maze, or no episode ends.
  """
  plain = [make(env_id, env_kwargs) for _ in range(_ENVIRONMENTS)]
  controller, who = _controller(plain[0], tier)
  maze: Maze = plain[0].get_wrapper_attr("maze")
  where = cells(maze, tier)
  ways = {cell: Way(maze, cell) for cell in where.targets}
  environments = [Sent(env, where, ways) for env in plain]
  observation_size, low, _ = spaces(plain[0])
  length = -(-steps // _ENVIRONMENTS)
  stream = Stream(length, _ENVIRONMENTS, observation_size, len(low), seed)
  generator = _spawn(seed, _NOISE)

  def act(_: int, observations: np.ndarray) -> np.ndarray:
    pairs = zip(environments, observations, strict=True)
    waypoints = np.stack([env.waypoint(observation) for env, observation in pairs])
    actions = controller(observations, waypoints)
    noisy = actions + noise * generator.normal(size=actions.shape)
    return np.clip(noisy, -1, 1).astype(np.float32)

  with Progress(length * _ENVIRONMENTS, description="recording", scaled=True) as progress:
    for _ in rounds(environments, stream, act):
      progress.update(_ENVIRONMENTS)
  found = []
  for episode in stream.episodes(stream.size):
    assert episode.seed is not None
    found.append(episode._replace(options=environments[0].options(episode.seed)))
  if not found:
    enough = _ENVIRONMENTS * (step_limit(plain[0]) or steps)
    raise UserError(
      f"no episode of {env_id} ended in {steps} steps of {_ENVIRONMENTS} agents together; "
      f"raise --steps to at least {enough}"
    )
  for env in environments:
    env.close()
  return found, {"controller": who, **_rules(where)}


def _controller(env: gymnasium.Env, tier: str) -> tuple[Controller, Any]:
  if isinstance(env.unwrapped, PointMaze):
    return pull, f"a spring of {_PULL} per metre, a damper of {_DAMPING} s per metre"
  if isinstance(env.unwrapped, AntMaze):
    return walker(spaces(env).action_low.size)
  raise UserError(
    f"--tier={tier} is for mazes, such as dmg_jax/PointMaze-Medium-v0; "
    f"{env.spec.id if env.spec else env} is none"
  )


def _rules(where: Cells) -> dict[str, Any]:
  return {
    "start_cells": where.starts,
    "target_cells": where.targets,
    "rules": (
      "An agent starts in a start cell, heads for a target in another cell by the shortest way, "
      f"and once within {_ARRIVED} m of it for the next, until its episode ends. Rewards and "
      "terminals are those of the environment's own goal. Starts and targets are the cells' "
      f"centres + U(-{_SPREAD}, {_SPREAD}) of a cell's width in x and y; a target in the goal's "
      "cell is the episode's goal. Cells are (row, column), counted from 0."
    ),
  }
