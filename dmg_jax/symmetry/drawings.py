"""Pictures of the rotational reacher: the arm's way in several contexts, and an animation."""

import tempfile
from pathlib import Path

import jax
import matplotlib
import numpy as np
from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.figure import Figure

from dmg_jax.envs import reacher
from dmg_jax.report.figures import style
from dmg_jax.symmetry.reacher_facts import plan_actions

CONTEXTS = (0, 90, 225, 320)  # degrees
_STEPS = 27
_POSES = (0, 12, 27)


def poses(contexts: np.ndarray) -> np.ndarray:
  """(28, E, 3, 2): shoulder, elbow and hand along the plan, for contexts (E,) in radians."""

  def advance(arm, action):
    arm = reacher.step(arm, reacher.torques_of(action)).arm
    return arm, arm

  first = reacher.start(contexts.astype(np.float32))
  _, later = jax.lax.scan(advance, first, plan_actions(_STEPS))
  return np.concatenate([_joints(first)[None], _joints(later)])


def _joints(arm: reacher.Arm) -> np.ndarray:
  return np.stack([arm.shoulder, arm.elbow, arm.hand], axis=-2)


def picture() -> Figure:
  """The plan in each context: first, middle and last pose, and the way of the hand."""
  way = poses(np.deg2rad(CONTEXTS))
  figure = Figure(figsize=(style.WIDTHS["full"], 1.95), layout="constrained")
  for place, axes in enumerate(figure.subplots(1, len(CONTEXTS))):
    _frame(axes)
    axes.set_title(f"context {CONTEXTS[place]}°")
    axes.plot(*way[:, place, 2].T, color=style.COLOURS[1], linewidth=0.8)
    for shade, step in zip((0.3, 0.6, 1.0), _POSES, strict=True):
      axes.plot(*way[step, place].T, "o-", ms=2.5, color=style.COLOURS[0], alpha=shade)
  return figure


def _frame(axes) -> None:
  turn = np.linspace(0, 2 * np.pi, 200)
  axes.plot(np.cos(turn), np.sin(turn), color=style.GREY, linewidth=0.5)
  axes.add_patch(
    matplotlib.patches.Circle((0, 0), reacher.GOAL_RADIUS, color=style.COLOURS[2], zorder=3)
  )
  axes.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.2), aspect="equal", xticks=[], yticks=[])
  axes.grid(False)
  axes.spines[:].set_visible(False)


def animation() -> bytes:
  """The plan in all contexts at once, a frame for each step, as GIF."""
  way = poses(np.deg2rad(CONTEXTS))
  figure = Figure(figsize=(2.4, 2.4), layout="constrained")
  axes = figure.subplots()
  _frame(axes)
  arms = [axes.plot([], [], "o-", ms=2.5, color=colour)[0] for colour in style.COLOURS[:4]]

  def draw(step: int) -> list:
    for place, arm in enumerate(arms):
      arm.set_data(*way[min(step, _STEPS), place].T)
    return arms

  moving = FuncAnimation(figure, draw, frames=_STEPS + 8)
  with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "reacher.gif"
    moving.save(path, PillowWriter(fps=10), dpi=90)
    return path.read_bytes()
