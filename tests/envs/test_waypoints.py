"""Shortest ways, by hand on small maps and as a law on D4RL's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmg_jax.envs.maze_maps import MAZES, parse
from dmg_jax.envs.waypoints import Way, distances

CORNER = parse("corner", "##### #S..# ###.# #G..# #####", unit=4.0)
ROOM = parse("room", "##### #S..# #...# #..G# #####", unit=1.0)
CUT_OFF = parse("cut off", "##### #S#G# #####", unit=1.0)


def test_distances_count_steps_between_adjacent_cells():
  assert distances(CORNER, CORNER.goal) == {
    (3, 1): 0, (3, 2): 1, (3, 3): 2, (2, 3): 3, (1, 3): 4, (1, 2): 5, (1, 1): 6,
  }  # fmt: skip
  assert distances(ROOM, (2, 2)) == {
    (1, 1): 2, (1, 2): 1, (1, 3): 2,
    (2, 1): 1, (2, 2): 0, (2, 3): 1,
    (3, 1): 2, (3, 2): 1, (3, 3): 2,
  }  # fmt: skip


def test_cells_that_cannot_reach_the_target_are_left_out():
  assert distances(CUT_OFF, CUT_OFF.goal) == {(1, 3): 0}
  assert Way(CUT_OFF, CUT_OFF.goal).following == {}


def test_an_opening_in_the_border_is_no_way_out():
  maze = parse("open", "S.G", unit=1.0)
  assert distances(maze, maze.goal) == {(0, 2): 0, (0, 1): 1, (0, 0): 2}


def test_the_next_cell_is_nearer_and_ties_go_up_first():
  assert Way(CORNER, CORNER.goal).following[1, 3] == (2, 3)
  assert Way(ROOM, (1, 1)).following == {
    (1, 2): (1, 1), (1, 3): (1, 2),
    (2, 1): (1, 1), (2, 2): (1, 2), (2, 3): (1, 3),
    (3, 1): (2, 1), (3, 2): (2, 2), (3, 3): (2, 3),
  }  # fmt: skip


# The corner's cells are 4 m wide: from (0, 0) along x to (8, 0), down to (8, 8), back to (0, 8).
@pytest.mark.parametrize(
  ("position", "expected"),
  [
    ([0.0, 0.0], [4, 0]),  # in the start cell: the centre of the next
    ([1.9, 0.9], [4, 0]),  # still in it
    ([2.1, 0.9], [8, 0]),  # in the next one, near enough to the axis
    ([2.1, 1.1], [4, 0]),  # too far off the axis: first the own centre
    ([6.1, 0.0], [8, 0]),  # in the corner, and far off the axis that leads on
    ([6.9, 0.0], [8, 0]),
    ([7.1, 0.0], [8, 4]),  # the turn
    ([4.0, 3.0], [4, 0]),  # in a wall: as from the nearest cell, (4, 0), far off its axis
    ([1.0, 8.5], [0.5, 9.0]),  # in the goal's cell: the goal itself
    ([99.0, -99.0], [8, 0]),  # outside: as from the nearest cell, (8, 0), far off its axis
  ],
)
def test_waypoints_by_hand(position, expected):
  way = Way(CORNER, CORNER.goal)
  found = way.waypoint(np.array(position), np.array([0.5, 9.0]))
  np.testing.assert_array_equal(found, expected)


@given(st.sampled_from(sorted(MAZES)), st.data())
def test_following_waypoints_reaches_the_target_in_a_shortest_way(name, data):
  maze = MAZES[name]
  cells = st.sampled_from(maze.free_cells)
  cell, target = data.draw(cells), data.draw(cells)
  way = Way(maze, target)
  goal = maze.position(target)
  steps = distances(maze, target)[cell]
  for _ in range(steps):
    waypoint = way.waypoint(maze.position(cell), goal)
    assert np.abs(waypoint - maze.position(cell)).sum() == maze.unit
    cell = maze.cell(waypoint)
    assert not maze.walls[cell]
  assert cell == target
