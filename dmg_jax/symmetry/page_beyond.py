# ruff: noqa: E501, RUF001
# A row of a Markdown table stays on one line, and the Greek letters are meant.
"""The sections of docs/structure.md that go beyond the paper, from the stored numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dmg_jax.report.numbers import interval, signed
from dmg_jax.report.scores.intervals import mean_interval
from dmg_jax.symmetry import page_walker
from dmg_jax.symmetry.page_tables import row, sizes, spread

Numbers = Mapping[str, Any]


def mild(part: Numbers) -> str:
  """DMG on the continuous reacher: the grid of amounts and structure."""
  settings, cells = part["settings"], part["cells"]
  uses = {**page_walker.USES, "false": "false symmetry"}
  done = {use: cells[use] for use in uses if use in cells}
  explained = ""
  if "consistency" in done:
    weight = f"{done['consistency']['weight']:g} · "
    explained += (
      f"\n*Consistency*: the actor also pays {weight}E|π(g s) - g π(s)|², averaged over the turns g and "
      "over the action's dimensions; the weight is not tuned."
    )
  if "false" in done:
    explained += (
      "\n*False symmetry*: augmented batches in which the two torques turn along, as if they were a "
      "vector; the targets of actor and critics are then those of another problem."
    )
  lines = [row("λ", "ν", *(uses[use] for use in done)), row(*["---"] * (2 + len(done)))]
  for lam in settings["lams"]:
    for nu in settings["nus"]:
      found = (cell["points"][f"{lam:g} {nu:g}"] for cell in done.values())
      lines.append(row(f"{lam:g}", f"{nu:g}", *(spread(point["test"]) for point in found)))
  best = "; ".join(
    f"{uses[use]} {max(float(np.mean(point['test'])) for point in cell['points'].values()):.2f}"
    for use, cell in done.items()
  )
  inside = "; ".join(
    f"{uses[use]} {_by_seed(cell, 'training').mean():.2f}" for use, cell in done.items()
  )
  gains = {
    use: _by_seed(cell, "test") - _by_seed(done["none"], "test")
    for use, cell in done.items()
    if use != "none"
  }
  intervals = {use: mean_interval(gain) for use, gain in gains.items()}
  against = "; ".join(
    f"{uses[use]} {signed(float(gain.mean()), 2)} {interval(intervals[use], 2)}"
    for use, gain in gains.items()
  )
  decided = sum(not low <= 0 <= high for low, high in intervals.values())
  return f"""
## Beyond the paper: DMG on the continuous reacher

Does the claim hold for mild generalisation? λ and ν are DMG's amounts; the structure is how it uses the quarter turns. The
data are the *{settings["data"]}* ones of context 0 of the double DQN, with torques as continuous actions and the sparse reward. *Augmented
batches*: each sample is turned by a quarter turn drawn at random. *Symmetric networks*: actor, critics and value are averages
over the four turns.{explained}
Return in {settings["test_contexts"]} contexts of the test, mean and deviation of {settings["seeds"]} seeds; networks of
{sizes(settings["hidden_sizes"])}, {settings["steps"]:,} steps with batches of {settings["batch_size"]}, γ = {settings["discount"]:g}.

{chr(10).join(lines)}

Does structure help at equal amounts? The difference from no symmetry in test, averaged over the grid, with Student's 95 %
interval over {settings["seeds"]} seeds: {against}.
{decided} of these {len(gains)} intervals exclude 0. The best point of each, chosen on the test returns themselves and so biased upwards: {best}.
Mean return in context 0 over the grid: {inside}.
"""


def _by_seed(cell: Numbers, contexts: str) -> np.ndarray:
  """(S,) mean return over the grid, of each seed."""
  return np.mean([point[contexts] for point in cell["points"].values()], axis=0)


def robots(part: Numbers) -> str:
  """What the simulator says of a claimed symmetry."""
  settings, cells = part["settings"], part["cells"]
  lines = [row("robot", "largest difference of states", "of rewards", "verdict"), row(*["---"] * 4)]
  for name, cell in cells.items():
    holds = max(cell["state"], cell["reward"]) <= settings["tolerance"] and not cell["ends"]
    lines.append(
      row(
        f"`{name}`",
        f"{cell['state']:.2g}",
        f"{cell['reward']:.2g}",
        "holds" if holds else "refused",
      )
    )
  return f"""
## Robots whose legs exchange

A claimed symmetry is a group of orthogonal matrices on observations and actions. `dmg_jax.symmetry.robots.verify` asks the
simulator: a transition and its copy under each element, from states of random episodes, have to give states that are copies,
the same reward and the same end, to {settings["tolerance"]:g} over {settings["transitions"]:,} transitions.

{chr(10).join(lines)}

* **Two legs.** Their exchange is a signed permutation of 17 observed numbers and 6 actions. The feet of `Walker2d-v4`, in which
  policies of D4RL's data are evaluated, differ in friction (0.9 and 1.9; `-v5` has 1.9 for both), so that the exchange is
  no exact symmetry there. HalfCheetah's legs are no copies of one another.
* **Four legs.** The ant with another of its legs as the first: the torso's frame turns by 90 degrees, hips and ankles change
  places, some ankles with the other sign, and the world stays. On the state (27 numbers: all but x and y) this is exact. A turn
  of the frame multiplies the quaternion by an orthogonal matrix that is no signed permutation; four of them change its sign,
  which is the same attitude, so that the group has eight elements. The turn of the world itself is not listed: what `AntDirections` observes
  does not depend on it at all, and the reward of `Ant-v5` names one direction of the world.
* **As observed in `AntDirections`,** the turn is refused. There, velocities and direction are in the frame of the heading, the
  direction of the torso's first axis on the floor. The second axis is at a right angle to the first in the torso, and on the
  floor only where the torso is level. The row has the largest difference of an observation, without a step.
"""


def costs(part: Numbers) -> str:
  """What the long parts take on a machine without an accelerator."""
  head = ("part", "gradient steps", "steps per second of processor time", "hours")
  lines = [
    row(
      f"`structure {name}`", f"{cell['updates']:,}", f"{cell['updates_per_processor_second']:,.0f}",
      f"{cell['updates'] / cell['updates_per_processor_second'] / 3600:.1f}",
    )
    for name, cell in part["cells"].items()
  ]  # fmt: skip
  return f"""
## What it takes

The settings of three parts were chosen for an accelerator. On one core of the processor below they take about so long; `--share`
divides a part among processes. The rates are those of the learner without symmetry, whose steps are the cheapest. Compilation
and episodes come on top.

{chr(10).join([row(*head), row(*["---"] * len(head)), *lines])}
"""
