"""The mazes of D4RL's AntMaze, and where their cells lie."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from dmg_jax.errors import UserError

Cell = tuple[int, int]

_PLACES = ("start", "goal")


class Maze(NamedTuple):
  """A map of square cells in D4RL's frame.

  The centre of the start cell is the origin; x grows with the column and y with
  the row.

  Attributes:
    name: such as "umaze".
    walls: (rows, columns) bool, true where a wall fills the cell.
    start, goal: (row, column) of two free cells.
    unit: a cell's width in metres.
  """

  name: str
  walls: np.ndarray
  start: Cell
  goal: Cell
  unit: float

  @property
  def free_cells(self) -> list[Cell]:
    """The (row, column) of every cell without a wall, row by row."""
    return [(int(row), int(column)) for row, column in np.argwhere(~self.walls)]

  def position(self, cell: Cell) -> np.ndarray:
    """(2,) float64, the x and y of a cell's centre."""
    (row, column), (start_row, start_column) = cell, self.start
    return self.unit * np.array([column - start_column, row - start_row], np.float64)

  def cell(self, position: ArrayLike) -> Cell:
    """The cell that holds a position (x, y).

    Raises:
      UserError: if the position is outside of the map, or no pair of numbers.
    """
    position = np.asarray(position, np.float64)
    if position.shape != (2,) or not np.isfinite(position).all():
      raise UserError(f"{self.name}: position {position.tolist()} is no (x, y) in metres")
    column, row = np.floor(position / self.unit + 0.5).astype(int) + self.start[::-1]
    if not (0 <= row < self.walls.shape[0] and 0 <= column < self.walls.shape[1]):
      raise UserError(
        f"{self.name}: position {position.tolist()} is outside of the maze; "
        f"cells are {self.unit:g} m wide and the start is at the origin"
      )
    return int(row), int(column)

  def is_free(self, position: ArrayLike) -> bool:
    """Whether a position (x, y) lies in a cell of the map without a wall."""
    return not self.walls[self.cell(position)]


def chosen_places(maze: Maze, options: Mapping[str, ArrayLike]) -> dict[str, np.ndarray]:
  """The (2,) positions that the options of a reset ask for, by name: `start`, `goal` or both.

  Raises:
    UserError: on another option, or a position that is in no free cell.
  """
  for name, place in options.items():
    if name not in _PLACES:
      raise UserError(f"reset has no option {name!r}; a maze knows {' and '.join(_PLACES)}")
    if not maze.is_free(place):
      raise UserError(f"{maze.name}: the {name} {np.asarray(place).tolist()} lies in a wall")
  return {name: np.array(place, np.float64) for name, place in options.items()}


def parse(name: str, drawing: str, unit: float) -> Maze:
  """The maze of a drawing: `#` a wall, `S` the start, `G` the goal, `.` any other free cell."""
  rows = np.array([list(line) for line in drawing.split()])
  (start,), (goal,) = np.argwhere(rows == "S"), np.argwhere(rows == "G")
  return Maze(name, rows == "#", (int(start[0]), int(start[1])), (int(goal[0]), int(goal[1])), unit)


# D4RL's U_MAZE_TEST, BIG_MAZE_TEST and HARDEST_MAZE_TEST, those of its -v2 environments.
_UMAZE = """
#####
#S..#
###.#
#G..#
#####
"""
_MEDIUM = """
########
#S.##..#
#..#...#
##...###
#..#...#
#.#..#.#
#...#.G#
########
"""
_LARGE = """
############
#S...#.....#
#.##.#.#.#.#
#......#...#
#.####.###.#
#..#.#.....#
##.#.#.#.###
#..#...#.G.#
############
"""
MAZES = {
  name: parse(name, drawing, unit=4.0)
  for name, drawing in (("umaze", _UMAZE), ("medium", _MEDIUM), ("large", _LARGE))
}
