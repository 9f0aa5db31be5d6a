# ruff: noqa: E501
# A row of a Markdown table stays on one line, and the Greek letters are meant.
"""The sections of docs/structure.md on verified symmetries and on what the study takes."""

from collections.abc import Mapping
from typing import Any

from dmg_jax.symmetry.page_tables import row

Numbers = Mapping[str, Any]


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

Three parts take long. On one core of the processor below they take about so many hours; `--share` divides a part among
processes, of one or of several machines that see the same files, and an accelerator trains the runs of a population at
once. The rates are those of the learner without symmetry, whose steps are the cheapest. Compilation and episodes come on top.

{chr(10).join([row(*head), row(*["---"] * len(head)), *lines])}
"""
