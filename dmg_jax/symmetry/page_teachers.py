# ruff: noqa: E501, RUF001
# A row of a Markdown table stays on one line, and the Greek letters are meant.
"""What docs/structure.md says of the two teachers, from the stored numbers."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from dmg_jax.report.numbers import signed
from dmg_jax.report.scores.intervals import difference_interval
from dmg_jax.symmetry import distillation, offline, page_offline, page_tables, teachers

Numbers = Mapping[str, Any]
row, spread = page_tables.row, page_tables.spread


def planner(part: Numbers) -> str:
  """The planner's section; nothing where its numbers lack."""
  settings, cells = part["settings"], part["cells"]
  if "teacher planner" not in cells:
    return ""
  actions = cells["teacher planner"]["greedy_actions"]
  return f"""
## A regular teacher

Very many plans of the same length lead to the goal, and which one a teacher follows is chance. The tables below take a
*planner* as the teacher. At every step it searches, with the reacher itself, all plans that hold one action for some steps and then
another, up to {settings["horizon"]} steps. The value of an action is γ^(n - 1), with n the fewest steps of a plan that begins with it; 0 where
none arrives. Aimed at the full radius of the goal, planning anew at every step finds plans of more phases that are a step
shorter. So it aims at {settings["aim"]:g} m, half of the radius. Ties go to a constant plan, then to full torque in both joints. From
the start it does {phases(actions)}: {len(actions)} steps. In rotated contexts it does the same. The double
DQN is kept for comparison.
"""


def distilled(part: Numbers) -> str:
  """Both teachers, and what networks distilled from the same target of each come to."""
  cells = part["cells"]
  target, eta = distillation.COMPARED
  lines = []
  for kind, (title, *_) in teachers.KINDS.items():
    taught = cells.get(f"teacher {kind}")
    prefix = "" if kind == part["settings"]["teacher"] else f"{kind} "
    cell = cells.get(f"{prefix}{target} {eta:g}")
    if taught and cell:
      actions = taught["greedy_actions"]
      lines.append(
        row(
          title, len(actions), int(np.count_nonzero(np.diff(actions))),
          spread(cell["right_in_training"]), spread(cell["training"]), spread(cell["test"]),
        )
      )  # fmt: skip
  if len(lines) < len(teachers.KINDS):
    return ""
  both = (cells[f"{target} {eta:g}"]["test"], cells[f"dqn {target} {eta:g}"]["test"])
  low, high = difference_interval(*both)
  head = (
    "teacher", "steps", "changes of action", "right actions", "training", "test",
  )  # fmt: skip
  return f"""

**Does the plan's regularity matter?** The {target} target with η = {eta:g}, of each teacher:

{chr(10).join([row(*head), row(*["---"] * len(head)), *lines])}

Planner less double DQN in test, 95 % interval of the mean: [{signed(low, 2)}, {signed(high, 2)}].
"""


def offline_learners(part: Numbers) -> str:
  """Returns in test with data of each teacher; nothing where no cell has both."""
  settings, cells = part["settings"], part["cells"]
  lines, above = [], 0
  for method, place, use in offline.COMPARED:
    plain = offline.name(method, place, "expert", use)
    both = [cells.get(plain), cells.get(f"dqn {plain}")]
    if all(both):
      found = [cell["test"] for cell in both if cell]
      low, high = difference_interval(*found)
      above += low > 0
      lines.append(
        row(
          f"{method.upper()}, {page_offline.TITLES[use]}", *map(spread, found),
          f"{signed(float(np.mean(found[0]) - np.mean(found[1])), 2)} [{signed(low, 2)}, {signed(high, 2)}]",
        )
      )  # fmt: skip
  if not lines:
    return ""
  head = ("expert data", "planner", "double DQN", "difference, 95 %")
  return f"""

**Does the plan's regularity matter?** Test returns with expert data of each teacher, {settings["seeds"]} seeds; episodes of both take the same
number of steps. Of {len(lines)} intervals, {above} lie above 0.

{chr(10).join([row(*head), row(*["---"] * len(head)), *lines])}
"""


def phases(actions: Sequence[int]) -> str:
  """Such as "action 2 for 12 steps, then action 8 for 15 steps"."""
  return ", then ".join(
    f"action {action} for {len(list(same))} steps" for action, same in groupby(actions)
  )
