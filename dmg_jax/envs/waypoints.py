"""Shortest paths through a maze: the next waypoint, as a function of the position."""

from collections import deque
from collections.abc import Iterator

import numpy as np

from dmg_jax.envs.maze_maps import Cell, Maze

# Of a cell's width: further off the axis to the next cell, a straight line would hit a corner.
_OFF_AXIS = 0.25


def distances(maze: Maze, target: Cell) -> dict[Cell, int]:
  """How many steps from cell to adjacent cell each free cell is from a target.

  Breadth first; cells from which it cannot be reached are left out.
  """
  found = {target: 0}
  queue = deque([target])
  while queue:
    cell = queue.popleft()
    for neighbour in _neighbours(maze, cell):
      if neighbour not in found:
        found[neighbour] = found[cell] + 1
        queue.append(neighbour)
  return found


class Way:
  """The shortest path to a cell, from everywhere in a maze.

  Args:
    maze: a map.
    target: one of its free cells.

  Attributes:
    target: as given.
    following: the next cell on the path, for every other free cell that can reach it.
      Of several at the same distance: up, else down, else left, else right.
  """

  def __init__(self, maze: Maze, target: Cell):
    self.target = target
    steps = distances(maze, target)
    self.following = {
      cell: min((c for c in _neighbours(maze, cell) if c in steps), key=steps.__getitem__)
      for cell in steps
      if cell != target
    }
    self._unit = maze.unit
    self._cells = list(steps)
    self._centres = np.array([maze.position(cell) for cell in steps])

  def waypoint(self, position: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """(2,), the waypoint from a position: in the target's cell, the goal there.

    Elsewhere the centre of the next cell; but the centre of the present cell, if
    the position is more than a quarter of a cell off the axis between the two. A
    position in a wall counts as in the nearest free cell.

    Args:
      position: (2,) x and y.
      goal: (2,), somewhere in the target's cell.
    """
    # The cell that holds a position is the one with the nearest centre.
    place = int(np.square(self._centres - position).sum(axis=1).argmin())
    cell, centre = self._cells[place], self._centres[place]
    if cell == self.target:
      return goal
    row, column = self.following[cell]
    aside = (position - centre)[1 if row == cell[0] else 0]
    if abs(aside) > _OFF_AXIS * self._unit:
      return centre
    return centre + self._unit * np.array([column - cell[1], row - cell[0]])


def _neighbours(maze: Maze, cell: Cell) -> Iterator[Cell]:
  """The free cells above, below, left and right of a cell."""
  rows, columns = maze.walls.shape
  for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
    row, column = cell[0] + down, cell[1] + right
    if 0 <= row < rows and 0 <= column < columns and not maze.walls[row, column]:
      yield row, column
