"""How much is measured."""

from typing import NamedTuple

from dmg_jax.errors import UserError

EPSILONS = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
DEPTHS = (0, 1, 2, 5, 10, 20, 50, 100, 200)
CHANGES = (-0.5, -0.25, -0.1, 0.1, 0.25, 0.5)
# Of the noise on a start's positions and velocities; the robots' own is 0.005, the
# half-cheetah's 0.1.
START_NOISE = {"Hopper": (0.02, 0.05, 0.1), "Walker2d": (0.02, 0.05, 0.1)}
HALF_CHEETAH_START_NOISE = (0.2, 0.4, 0.8)


class Settings(NamedTuple):
  """What decides the numbers, beside the runs.

  Attributes:
    starts: states of the data from which rays and returns start, on each data set.
    horizon: steps of a return.
    rows: of the data at which distances are taken.
    neighbours: of a row, among whose actions the nearest is looked for.
    episodes: of each run in each changed world.
    seed: of all draws.
  """

  starts: int = 32
  horizon: int = 500
  rows: int = 1000
  neighbours: int = 10
  episodes: int = 3
  seed: int = 0


def check(settings: Settings) -> None:
  """Refuses numbers that measure nothing.

  Raises:
    UserError: naming the flag.
  """
  least = {"starts": 3, "horizon": max(DEPTHS), "rows": 2, "neighbours": 2, "episodes": 1}
  for name, smallest in least.items():
    if getattr(settings, name) < smallest:
      raise UserError(f"--{name} is {getattr(settings, name)}, but it must be at least {smallest}")
  if not 0 <= settings.seed < 2**32:
    raise UserError(f"--seed is {settings.seed}, but it must be from 0 to {2**32 - 1}")
