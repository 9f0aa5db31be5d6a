# ruff: noqa: E501, RUF001
# A row of a Markdown table stays on one line, and the Greek letters are meant.
"""The section of docs/structure.md on DMG on the continuous reacher, from the stored numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dmg_jax.report.numbers import interval, signed
from dmg_jax.report.scores.intervals import mean_interval
from dmg_jax.symmetry import page_walker
from dmg_jax.symmetry.page_tables import row, sizes, spread

Numbers = Mapping[str, Any]
_USES = {**page_walker.USES, "false": "false symmetry"}


def mild(part: Numbers) -> str:
  """DMG on the continuous reacher: the grid of amounts and structure."""
  settings, cells = part["settings"], part["cells"]
  uses = _USES
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
  gains = _gains(cells, settings["nus"])
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

**Amount.** {_amounts(done["none"])}

**Structure.** Does it help at equal amounts? The difference from no symmetry in test, averaged over the grid, with Student's 95 %
interval over {settings["seeds"]} seeds: {against}.
{decided} of these {len(gains)} intervals exclude 0. The best point of each, chosen on the test returns themselves and so biased upwards: {best}.
Mean return in context 0 over the grid: {inside}. The same difference at each ν, averaged over λ:

{_by_nu(cells, settings["nus"])}
"""


def conclusion(part: Numbers) -> str:
  """A line for the head of the page."""
  if "none" not in part["cells"]:
    return ""
  nus = part["settings"]["nus"]
  told = []
  for nu in (nus[0], nus[-1]):
    gains = _gains(part["cells"], [nu])
    true = [gain for use, gain in gains.items() if use != "false"]
    above = sum(mean_interval(gain)[0] > 0 for gain in true)
    below = sum(mean_interval(gain)[1] < 0 for gain in true)
    told.append(f"at ν = {nu:g} {above} of {len(true)} are better and {below} worse")
  return (
    f"* DMG on the reacher: uses of the true symmetry against none, by 95 % intervals: {'; '.join(told)}. "
    f"{_amounts(part['cells']['none'])}"
  )


def _amounts(plain: Numbers) -> str:
  """The range over the grid without symmetry."""
  means = [float(np.mean(point["test"])) for point in plain["points"].values()]
  return f"Without symmetry the {len(means)} points of λ and ν lie from {min(means):.2f} to {max(means):.2f} in test."


def _gains(cells: Mapping[str, Numbers], nus: Sequence[float]) -> dict[str, np.ndarray]:
  """(S,) of each use: the difference from no symmetry in test, of each seed, at some nu."""
  return {
    use: _by_seed(cells[use], "test", nus) - _by_seed(cells["none"], "test", nus)
    for use in _USES
    if use != "none" and use in cells
  }


def _by_nu(cells: Mapping[str, Numbers], nus: Sequence[float]) -> str:
  found = [_gains(cells, [nu]) for nu in nus]
  lines = [row("ν", *(_USES[use] for use in found[0])), row(*["---"] * (1 + len(found[0])))]
  for nu, gains in zip(nus, found, strict=True):
    shown = (
      f"{signed(float(gain.mean()), 2)} {interval(mean_interval(gain), 2)}"
      for gain in gains.values()
    )
    lines.append(row(f"{nu:g}", *shown))
  return "\n".join(lines)


def _by_seed(cell: Numbers, contexts: str, nus: Sequence[float] | None = None) -> np.ndarray:
  """(S,) mean return over the grid, or over some nu of it, of each seed."""
  names = None if nus is None else {f"{nu:g}" for nu in nus}
  return np.mean(
    [
      point[contexts]
      for name, point in cell["points"].items()
      if names is None or name.split()[1] in names
    ],
    axis=0,
  )
