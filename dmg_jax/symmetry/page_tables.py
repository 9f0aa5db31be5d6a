# ruff: noqa: E501, RUF001
# A row of a Markdown table stays on one line, and the Greek letters are meant.
"""The sections of docs/structure.md on the teacher and on distillation, from the stored numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dmg_jax.report.numbers import signed
from dmg_jax.report.scores.intervals import Interval, difference_interval
from dmg_jax.symmetry import distillation as distilled
from dmg_jax.symmetry import printed

Numbers = Mapping[str, Any]


def row(*cells: object) -> str:
  """A line of a Markdown table."""
  return f"| {' | '.join(map(str, cells))} |"


def spread(values: Sequence[float]) -> str:
  """Mean and deviation over seeds."""
  deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
  return f"{np.mean(values):.2f} ± {deviation:.2f}"


def teacher(part: Numbers) -> str:
  """The teacher's paragraph."""
  settings, found = part["settings"], part["cells"]["teacher"]
  changes = int(np.count_nonzero(np.diff(found["greedy_actions"])))
  return f"""
## Double DQN as a teacher

Double DQN with networks of {sizes(settings["hidden_sizes"])}, trained in context 0 alone on {found["environment_steps"]:,} stored steps with
{found["gradient_steps"]:,} gradient steps (the paper: 1.5 million steps, networks of 512, 256 and 128). Its greedy episode takes
{found["greedy_steps"]} steps and changes its action {changes} times. It gives the start {found["value_of_the_start"]:.3f}; the true value is γ^{found["greedy_steps"] - 1} = {settings["discount"] ** (found["greedy_steps"] - 1):.3f}. It comes
with the package, as the Q-values of its states and its parameters; `structure teacher` trains it again. Values of a
state that is turned are those of the state itself, so that data of all contexts are exact copies."""


def distillation(part: Numbers) -> str:
  """Table 1 of the paper beside ours, and its worst cell taken apart."""
  settings, cells = part["settings"], part["cells"]
  lines = [
    row(
      "target",
      "η",
      "right actions",
      "training",
      "the paper's",
      "test",
      "the paper's",
      "difference in test",
    ),
    row(*["---"] * 8),
  ]
  for target in ("symmetric", "asymmetric"):
    for eta in settings["etas"]:
      # At the smallest eta both targets are the same.
      cell = _distilled(settings, cells, target, eta)
      if cell is not None:
        theirs = printed.DISTILLATION[target][f"{eta:g}"]
        lines.append(
          row(
            target, f"{eta:g}", spread(cell["right_in_training"]), spread(cell["training"]), printed_pair(theirs[0]), spread(cell["test"]),
            printed_pair(theirs[1]), signed(float(np.mean(cell["test"])) - theirs[1][0], 2),
          )
        )  # fmt: skip
  rates = [cell["updates_per_second"] for cell in cells.values() if "test" in cell]
  if not rates:
    return ""
  text = f"""
## Distillation of pessimistic values

A fresh network is fitted to a target made of the planner's values at the states of four contexts (0, 90, 180 and 270
degrees), and acts greedily. *Symmetric*: η off every action but the teacher's. *Asymmetric*: the symmetric target of
η = 0.01, but the values of two sub-optimal actions turn with the context, so that some values are η too low. Which two
is the first pair, of those that the paper's authors tried, that the planner never chooses. No value is too low by more than η in
either; both are optimal in training. Returns (1 at the goal, else 0) in the four contexts and in {settings["test_contexts"]} others; mean and
deviation of {settings["seeds"]} networks of {sizes(settings["hidden_sizes"])}, {settings["steps"]:,} steps with batches of {settings["batch_size"]}, Adam at
{settings["learning_rate"]:g} (the paper: four times as wide, 512, 256 and 128; 2,000 epochs with batches of 6, Adam at 5e-4).

{chr(10).join(lines)}

*Right actions*: at how many of the training's states the network's greedy action is the teacher's. Where it is
below 1, the networks did not fit their target, so that a low return in test is not yet a failure to generalise. A larger
symmetric η also widens the margin that has to be fitted.{_both_targets(settings, cells)}{_lacking(settings, cells)}
"""
  apart = {
    name.removeprefix("apart: "): cell for name, cell in cells.items() if name.startswith("apart")
  }
  if apart:
    text += _apart(settings, apart)
  return f"""{text}
{rates_of(rates)} of all networks together.
"""


def conclusion(part: Numbers) -> str:
  """A line for the head of the page."""
  settings, cells = part["settings"], part["cells"]
  found = _differences(settings, cells)
  if not found:
    return ""
  above = sum(low > 0 for low, _ in found.values())
  asymmetric = [cells[f"asymmetric {eta:g}"]["right_in_training"] for eta in found]
  fitted = [float(np.mean(right)) for right in asymmetric]
  return (
    f"* Distillation: with the symmetric target the return in new contexts is higher at {above} of {len(found)} η, by "
    "95 % intervals. A part of it is a failure to fit: the asymmetric target's right actions in training are "
    f"{min(fitted):.2f} to {max(fitted):.2f}."
  )


def rates_of(rates: Sequence[float]) -> str:
  """The beginning of a sentence on the speed of training, from that of each cell."""
  low, high = (f"{rate:,.0f}" for rate in (min(rates), max(rates)))
  return f"Training ran at {low if low == high else f'{low} to {high}'} updates per second,"


def _differences(settings: Numbers, cells: Mapping[str, Numbers]) -> dict[float, Interval]:
  """Of each eta but the least: symmetric less asymmetric in test."""
  found = {}
  for eta in settings["etas"][1:]:
    both = [cells.get(f"{target} {eta:g}") for target in ("symmetric", "asymmetric")]
    if all(both):
      found[eta] = difference_interval(*(cell["test"] for cell in both if cell))
  return found


def _both_targets(settings: Numbers, cells: Mapping[str, Numbers]) -> str:
  """Symmetric less asymmetric, in test, with intervals; and both from the least eta to the largest."""
  intervals = _differences(settings, cells)
  if not intervals:
    return ""
  above = sum(low > 0 for low, _ in intervals.values())
  found = [
    f"[{signed(low, 2)}, {signed(high, 2)}] at η = {eta:g}"
    for eta, (low, high) in intervals.items()
  ]
  least, most = settings["etas"][0], settings["etas"][-1]
  ends = []
  for target in ("symmetric", "asymmetric"):
    pair = [_distilled(settings, cells, target, eta) for eta in (least, most)]
    if all(pair):
      first, last = (float(np.mean(cell["test"])) for cell in pair if cell)
      ends.append(
        f" From η = {least:g} to {most:g} the {target} target goes from {first:.2f} to {last:.2f} in test."
      )
  return (
    " The symmetric target's return in test less the asymmetric one's, 95 % intervals of the mean: "
    f"{', '.join(found)}; {above} of {len(found)} lie above 0.{''.join(ends)}"
  )


def _lacking(settings: Numbers, cells: Mapping[str, Numbers]) -> str:
  """How many lines of Table 1 there are no numbers of."""
  lines = [(target, eta) for target in ("symmetric", "asymmetric") for eta in settings["etas"]]
  missing = sum(_distilled(settings, cells, *line) is None for line in lines)
  return (
    f" Of the {len(lines)} lines of the table {missing} are not measured yet." if missing else ""
  )


def _distilled(
  settings: Numbers, cells: Mapping[str, Numbers], target: str, eta: float
) -> Numbers | None:
  """A cell, if it is there; at the smallest eta both targets are the same."""
  target = "symmetric" if eta == settings["etas"][0] else target
  return cells.get(f"{target} {eta:g}")


def _apart(settings: Numbers, apart: Mapping[str, Numbers]) -> str:
  lines = [
    row(
      "changed",
      "right actions in training",
      "training",
      "test",
      "test, of networks that are perfect in training",
    ),
    row(*["---"] * 5),
  ]
  for name, cell in ((name, apart[name]) for name in distilled.APART if name in apart):
    perfect = [
      test for training, test in zip(cell["training"], cell["test"], strict=True) if training == 1
    ]
    shown = f"{spread(perfect)} ({len(perfect)} of {len(cell['test'])})" if perfect else "- (none)"
    lines.append(
      row(
        name,
        spread(cell["right_in_training"]),
        spread(cell["training"]),
        spread(cell["test"]),
        shown,
      )
    )
  missing = [name for name in distilled.APART if name not in apart]
  waiting = f"Not measured yet: {'; '.join(missing)}." if missing else ""
  return f"""
**The cell that the paper leaves open.** With the asymmetric target and η = {settings["etas"][-1]:g} its networks fail in training already, so
that the cell mixes a failure to fit with one to generalise. {settings["seeds_apart"]} networks each; *longer* is {settings["longer"]:,} steps, the *larger network*
{sizes(settings["larger"])}; *scaled targets* are shifted and divided to mean 0 and deviation 1:

{chr(10).join(lines)}

{waiting}
"""


def printed_pair(pair: tuple[float, float]) -> str:
  """Of the paper: mean and deviation."""
  return f"{pair[0]:.2f} ± {pair[1]:.2f}"


def sizes(widths: Sequence[int]) -> str:
  """Such as "64, 64 and 32"."""
  *first, last = map(str, widths)
  return f"{', '.join(first)} and {last}" if first else last
