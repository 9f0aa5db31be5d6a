"""The mazes, cell by cell, and the frame that they lie in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmg_jax.envs.maze_maps import MAZES, parse
from dmg_jax.errors import UserError

# D4RL's U_MAZE_TEST, BIG_MAZE_TEST and HARDEST_MAZE_TEST, 1 where there is a wall.
D4RL_WALLS = {
  "umaze": """
    11111
    10001
    11101
    10001
    11111
  """,
  "medium": """
    11111111
    10011001
    10010001
    11000111
    10010001
    10100101
    10001001
    11111111
  """,
  "large": """
    111111111111
    100001000001
    101101010101
    100000010001
    101111011101
    100101000001
    110101010111
    100100010001
    111111111111
  """,
}


@pytest.mark.parametrize(
  ("name", "goal", "goal_position", "free"),
  [
    ("umaze", (3, 1), [0, 8], 7),
    ("medium", (6, 6), [20, 20], 26),
    ("large", (7, 9), [32, 24], 46),
  ],
)
def test_maps_are_d4rls(name, goal, goal_position, free):
  maze = MAZES[name]
  walls = np.array([[int(cell) for cell in row] for row in D4RL_WALLS[name].split()])
  np.testing.assert_array_equal(maze.walls, walls)
  assert (maze.start, maze.goal, maze.unit) == ((1, 1), goal, 4.0)
  np.testing.assert_array_equal(maze.position(maze.start), [0, 0])
  np.testing.assert_array_equal(maze.position(goal), goal_position)
  assert len(maze.free_cells) == free
  assert {maze.start, goal} <= set(maze.free_cells)


def test_x_grows_with_the_column_and_y_with_the_row():
  maze = parse("corner", "### #G# #.. #S#", unit=2.0)
  np.testing.assert_array_equal(maze.position((1, 1)), [0, -4])
  np.testing.assert_array_equal(maze.position((2, 2)), [2, -2])
  assert maze.free_cells == [(1, 1), (2, 1), (2, 2), (3, 1)]


@given(
  st.sampled_from(sorted(MAZES)).flatmap(
    lambda name: st.tuples(st.just(MAZES[name]), st.sampled_from(MAZES[name].free_cells))
  ),
  st.floats(-1.99, 1.99),
  st.floats(-1.99, 1.99),
)
def test_every_point_of_a_cell_belongs_to_it(maze_and_cell, dx, dy):
  maze, cell = maze_and_cell
  position = maze.position(cell) + np.array([dx, dy])
  assert maze.cell(position) == cell
  assert maze.is_free(position)


def test_walls_are_not_free():
  maze = MAZES["umaze"]
  assert not maze.is_free(np.array([0.0, 4.0]))
  assert not maze.is_free(np.array([-2.1, 0.0]))


@pytest.mark.parametrize(
  ("position", "complaint"),
  [
    ([-6.5, 0.0], "outside of the maze"),
    ([0.0, 14.5], "outside of the maze"),
    ([0.0, 0.0, 0.0], "is no \\(x, y\\)"),
    ([0.0, np.nan], "is no \\(x, y\\)"),
  ],
)
def test_a_position_without_a_cell_is_one_line(position, complaint):
  with pytest.raises(UserError, match=f"^umaze: position .* {complaint}") as error:
    MAZES["umaze"].cell(np.array(position))
  assert "\n" not in str(error.value)
