# ruff: noqa: E501, RUF001
# A row of a Markdown table stays on one line, and the Greek letters are meant.
"""The page on structured pessimism, docs/structure.md, from the stored numbers alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dmg_jax.symmetry import (
  page_beyond,
  page_mild,
  page_offline,
  page_tables,
  page_teachers,
  page_walker,
)

Numbers = Mapping[str, Any]
_WAITING = {
  "circle": "the counter-example",
  "reacher": "the environment's facts and speed",
  "teacher": "double DQN in context 0",
  "distillation": "Table 1 of the paper",
  "offline": "IQL and CQL with data augmentation, Tables 2 and 7 to 9",
  "mild": "DMG on the continuous reacher",
  "robots": "symmetries asked of the simulator",
  "walker": "symmetric DMG on Walker2d-v5",
  "costs": "what the long parts take",
}


def page(numbers: Mapping[str, Numbers]) -> str:
  """The page in Markdown.

  Args:
    numbers: of each part that was run, see `study.stored`.
  """
  sections: Mapping[str, Callable[[Numbers], str]] = {
    "circle": _circle,
    "reacher": _reacher,
    "teacher": page_tables.teacher,
    "distillation": _distillation,
    "offline": _offline,
    "mild": page_mild.mild,
    "robots": page_beyond.robots,
    "walker": page_walker.walker,
    "costs": page_beyond.costs,
  }
  made = [
    f"{section(numbers[part]).strip()}\n\n{source(part, numbers[part])}"
    for part, section in sections.items()
    if part in numbers
  ]
  missing = [part for part in sections if part not in numbers]
  return (
    "\n\n".join(text.strip() for text in (_head(), *_found(numbers), *made, _limits(missing)))
    + "\n"
  )


def _found(numbers: Mapping[str, Numbers]) -> list[str]:
  """What was found, in a line for each part that answers the question; nothing without one."""
  conclusions: Mapping[str, Callable[[Numbers], str]] = {
    "distillation": page_tables.conclusion,
    "offline": page_offline.conclusion,
    "mild": page_mild.conclusion,
    "walker": page_walker.conclusion,
  }
  told = (conclude(numbers[part]) for part, conclude in conclusions.items() if part in numbers)
  lines = [line for line in told if line]
  return (
    ["\n".join(["**What was found**, each with its section below:", "", *lines])] if lines else []
  )


def _distillation(part: Numbers) -> str:
  shown = page_teachers.planner, page_tables.distillation, page_teachers.distilled
  return "\n\n".join(show(part).strip() for show in shown)


def _offline(part: Numbers) -> str:
  shown = page_offline.offline_learners, page_teachers.offline_learners
  return "\n\n".join(show(part).strip() for show in shown)


def _head() -> str:
  return """
# Structure or amount of pessimism

<!-- Made by `python launch/study.py structure page` from benchmarks/results/structure_*.json; not to be edited. -->

Offline RL is pessimistic about actions that the data lack. A second paper
([arXiv 2607.02288](https://arxiv.org/abs/2607.02288)) claims that for generalisation to new contexts the
*amount* of pessimism matters less than its *structure*: whether it respects the symmetries of the
problem. This page tests the claim on this code. Where the paper's settings are not known to us, we
chose; each choice is named. Printed numbers are the paper's as we know them, from notes of others.
"""


def source(part: str, numbers: Numbers) -> str:
  """Which file and commands a section's numbers come from, and what they took."""
  name = f"structure_{part}.json"
  made = []
  for number, by in enumerate(numbers["made_by"]):
    cells = [cell for cell in numbers["cells"].values() if cell["made_by"] == number]
    minutes = sum(cell["processor_seconds"] for cell in cells) / 60
    together = f" of {by['processes']} processes at once" if by["processes"] > 1 else ""
    counted = f" ({len(cells)} cells)" if len(numbers["made_by"]) > 1 else ""
    made.append(
      f"`{by['command']}`, seed {numbers['seed']}, jax {by['versions']['jax']} on {by['device']}, "
      f"{minutes:.1f} minutes of processor time{together}{counted}"
    )
  return f"From [`{name}`](../benchmarks/results/{name}): {'; '.join(made)}."


def by_width(cells: Numbers) -> list[tuple[str, Numbers]]:
  """The circle's cells of networks, narrow ones first."""
  named = [(name, cell) for name, cell in cells.items() if name.startswith("width ")]
  return sorted(named, key=lambda pair: int(pair[0].removeprefix("width ")))


def _circle(part: Numbers) -> str:
  settings, cells = part["settings"], part["cells"]
  exact = cells["exact"]
  rows = "\n".join(
    f"| {row['angle']:.0f} | {_values(row['symmetric'])} | {row['symmetric_return']:g} | "
    f"{_values(row['rotated'])} | {row['rotated_return']:g} |"
    for row in exact["table"]
  )
  last = settings["multiples"][-1]
  networks = "\n".join(
    f"| {name.removeprefix('width ')} | {_crossing(cell['crossing'])} | {cell['rotated']['training'][-1]:.2f} | "
    f"{cell['rotated']['test'][-1]:.2f} | {cell['symmetric']['training'][-1]:.2f} | "
    f"{min(cell['symmetric']['test']):.2f} | {cell['updates_per_second']:,.0f} |"
    for name, cell in by_width(cells)
  )
  return f"""
## A counter-example on the circle

A state is an angle. Action 1 ends the episode with reward r = {settings["reward"]:g}; actions 2 and 3 do nothing.
So Q* = [r, γr, γr] at every angle, with γ = {settings["discount"]:g}. Both targets below are optimal at the four training
angles, and neither is off by more than η. The symmetric one takes η off both other actions. In the rotated one
the pair of their values turns with the angle. At η = {exact["table_eta"]:.4f}:

| angle | symmetric target | its return | rotated target | its return |
| --- | --- | --- | --- | --- |
{rows}

The last row is the test: what an exactly equivariant network predicts there. Action 3 has γr + 0.2071 η, so that the
greedy policy loops for ever once η > (1 - γ) r / 0.2071 = {exact["threshold"]:.6f}. Bisection on the greedy policy finds the
same number, to {exact["difference"]:.1g} (float64).

**With networks.** {settings["seeds"]} seeds of two hidden layers, trained on the four angles for {settings["steps"]:,} steps of Adam at
{settings["learning_rate"]:g}, for η from {settings["multiples"][0]:g} to {last:g} times the threshold:

![Share of networks that act optimally at the test angle](structure_circle.png)

| width | half of them fail from η / threshold | rotated, training, {last:g} × | rotated, test, {last:g} × | symmetric, training, {last:g} × | symmetric, test, worst η | updates/s |
| --- | --- | --- | --- | --- | --- | --- |
{networks}

A network is not exactly equivariant, so single ones fail earlier or later than the threshold."""


def _reacher(part: Numbers) -> str:
  settings, cells = part["settings"], part["cells"]
  plan, random = cells["plan"], cells["random policy"]
  rows = "\n".join(
    f"| {batch:,} | {cells[f'{batch} episodes']['steps_per_second']:,.0f} |"
    for batch in settings["batches"]
  )
  return f"""
## The rotational reacher

An arm of two links of 0.5 m on a plane without gravity. The goal is the origin. The shoulder is fixed on the unit
circle, at an angle that is the context. Everything turns with the context, so that the same torques are optimal in
all contexts. Observations are five vectors: positions of shoulder, elbow and hand, velocities of elbow and hand. The nine
discrete actions are pairs of torques from {{-2, 0, 2}}. A step lasts 0.05 s; an episode ends when the hand passes within
{settings["goal_radius"]:g} m of the goal, with reward 1, or after 200 steps, with 0.

![The arm in four contexts](structure_reacher.png) ![The same, moving](structure_reacher.gif)

* `dmg_jax.envs.reacher` has it as pure functions; Gymnasium knows it as `dmg_jax/RotationalReacher-v0` (shaped rewards,
  contexts and discrete actions are arguments).
* Torques (-2, 2) for 12 steps, then (2, 2), reach the goal in {_range(plan["fewest_steps"], plan["most_steps"])} steps in {plan["successes"]} of
  {settings["rotations"]} contexts, with a shaped return of {plan["lowest_shaped_return"]:.3f} to {plan["highest_shaped_return"]:.3f}.
* Random torques come to the goal in {random["return"]:.1%} of {settings["random_episodes"]:,} episodes.
* Two details are our choice: the velocity of the hand is the one about the elbow, and the smallest distance so far
  begins with that of the start. With both, the numbers of the plan are those that are known of the paper's environment.

| episodes side by side | environment steps/s |
| --- | --- |
{rows}"""


def _range(low: int, high: int) -> str:
  return f"{low}" if low == high else f"{low} to {high}"


def _values(values: list[float]) -> str:
  return "[" + ", ".join(f"{value:.3f}" for value in values) + "]"


def _crossing(multiple: float | None) -> str:
  return "-" if multiple is None else f"{multiple:.2f}"


def _limits(missing: Sequence[str]) -> str:
  """What is not here: parts without numbers, and what the package does not cover."""
  waiting = "; ".join(f"`structure {part}` ({_WAITING[part]})" for part in missing)
  measured = f"Not measured yet: {waiting}.\n\n" if missing else ""
  return f"""
## What is not here

{measured}Popular accounts of the paper name Atari as its next proof. Images with discrete actions are outside this package.
"""
