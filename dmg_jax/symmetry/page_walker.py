# ruff: noqa: E501, RUF001
# A row of a Markdown table stays on one line, and the Greek letters are meant.
"""The section of docs/structure.md on symmetric DMG in Walker2d, from the stored numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dmg_jax.report.numbers import interval, plus_minus, signed
from dmg_jax.report.scores.intervals import Interval, mean_interval
from dmg_jax.symmetry import walker_summary
from dmg_jax.symmetry.page_tables import row, sizes

Numbers = Mapping[str, Any]
USES = {
  "none": "no symmetry",
  "augmented": "augmented batches",
  "consistency": "consistency",
  "networks": "symmetric networks",
}


def walker(part: Numbers) -> str:
  """The section, as far as its cells are measured."""
  settings, cells = part["settings"], part["cells"]
  done = walker_summary.sets(part)
  if not done:
    return "\n## Symmetric DMG on Walker2d-v5\n\nNo set is measured with all uses yet."
  uses = settings["uses"]
  commands = "\n".join(cells["data"][tier]["command"] for tier in settings["tiers"])
  symmetry = cells["symmetry"]
  gains = {of: _gains(cells, of, uses) for of in done}
  return f"""
## Symmetric DMG on Walker2d-v5

Does DMG that knows the exchange of legs learn more from the same data? The simulator agrees with the exchange to
{max(symmetry["state"], symmetry["reward"]):.1g}; the command asks it before it trains. The data are our own, not D4RL's: the policies that come
with the package for `Walker2d-v4`, with noise, recorded in `{settings["env"]}` (*medium-replay* has policies along the training
in place of its replay).{_asymmetry(cells, settings["tiers"])}

```bash
{commands}
```

* **Sets.** Each tier whole, and parts of it: whole episodes, drawn for each seed anew until they hold 10 % and 1 % of the
  transitions.
* **Uses.** *Augmented batches*: each sample is exchanged with probability 1/2. *Consistency*: the actor also pays
  {settings["consistency_weight"]:g} · E|π(g s) - g π(s)|², averaged over both elements g and over the action's dimensions; the weight is not tuned.
  *Symmetric networks*: actor, critics and value are averages over both elements, in what they learn and how they act.
* **Settings.** The paper's for locomotion with λ = {settings["lam"]:g}, but {settings["steps"]:,} steps, batches of {settings["batch_size"]}, networks of {sizes(settings["hidden_sizes"])}, learning rate
  {settings["learning_rate"]:g} (the actor's falls to 0) and target rate {settings["target_rate"]:g}. Observations are standardised by mean and deviation of the run's own
  rows and their exchanged copies, in all uses, so that the exchange acts on what the networks see as on the raw numbers.
  Networks and steps are few so that a processor of two cores can do it; larger ones are open.
  The values of ν were chosen after a trial on *medium*, in which a smaller ν lost the gait.
* **Scores.** {settings["episodes"]} episodes of the last policy, on the scale of D4RL's references of `Walker2d-v4`; mean and deviation of
  {settings["seeds"]} seeds. `data` is the mean of the recorded episodes.

{_progress(settings, done)}![Score against nu for each set and use](structure_walker.png)

{_grid(part, done)}

**Does the best symmetric point beat the best of the sweep over ν?** The best ν of each use is chosen on
the same seeds that it is quoted for, so its mean is biased upwards. The gain is not: for each seed, the other seeds choose the
point with the symmetry and the point without it, and the gain is the difference of this seed's scores there. Brackets: Student's 95 % interval over {settings["seeds"]} seeds. *Any* is the best of the three uses and all ν.

{_best(cells, done, uses, gains)}

{_verdict(gains, settings["seeds"])}
"""


def conclusion(part: Numbers) -> str:
  """A line for the head of the page."""
  cells, done, uses = part["cells"], walker_summary.sets(part), part["settings"]["uses"]
  found = [_gains(cells, of, uses).get("any") for of in done]
  intervals = [mean_interval(one.gains) for one in found if one]
  if not intervals:
    return ""
  above = sum(low > 0 for low, _ in intervals)
  below = sum(high < 0 for _, high in intervals)
  every = len(part["settings"]["tiers"]) * len(part["settings"]["shares"])
  return (
    f"* DMG on Walker2d: the best use of the legs' exchange against the best of the sweep over ν, by 95 % intervals: "
    f"better in {above} of {len(intervals)} sets, worse in {below}, open in {len(intervals) - above - below}"
    f"{'' if len(intervals) == every else f'; {every - len(intervals)} sets are not measured yet'}."
  )


def _asymmetry(cells: Numbers, tiers: list[str]) -> str:
  """How unlike its mirror image the recorded gait is, where that was measured."""
  if "asymmetry" not in cells:
    return ""
  each = " and ".join(f"{cells['asymmetry'][tier]:.1f} ({tier})" for tier in tiers)
  return (
    "\nThe gait is not its own mirror image: the means of two exchanged numbers differ by up to "
    f"{each} standard deviations."
  )


def _progress(settings: Numbers, done: list[str]) -> str:
  """What is not measured yet; nothing once all is."""
  every = len(settings["tiers"]) * len(settings["shares"])
  if len(done) == every:
    return ""
  return f"Measured so far: {len(done)} of {every} sets, each with all uses; the same command goes on.\n\n"


def name(of: str) -> str:
  """A set for people: of "medium 0.1", "medium, 10 %"."""
  tier, share = of.split()
  return tier if share == "1" else f"{tier}, {float(share):.0%}".replace("%", " %")


def _grid(part: Numbers, done: list[str]) -> str:
  settings, cells = part["settings"], part["cells"]
  lines = [
    row("set", "transitions", "data", "ν", *(USES[use] for use in settings["uses"])),
    row(*["---"] * (4 + len(settings["uses"]))),
  ]
  for of in done:
    plain = cells[f"{of} none"]
    for place, nu in enumerate(settings["nus"]):
      scores = (cells[f"{of} {use}"]["scores"][f"{nu:g}"] for use in settings["uses"])
      head = ["", "", ""]
      if place == 0:
        data = f"{np.mean(plain['data_score']):.1f}"
        head = [name(of), f"{np.mean(plain['transitions']):,.0f}", data]
      lines.append(row(*head, f"{nu:g}", *map(_score, scores)))
  return "\n".join(lines)


def _score(scores: list[float | None]) -> str:
  kept = [score for score in scores if score is not None]
  lost = len(scores) - len(kept)
  shown = plus_minus(float(np.mean(kept)), float(np.std(kept, ddof=1))) if len(kept) > 1 else "-"
  return f"{shown} ({lost} diverged)" if lost else shown


def _gains(cells: Numbers, of: str, uses: list[str]) -> dict[str, walker_summary.Comparison]:
  plain = walker_summary.points(cells, of, ["none"])
  groups = {use: [use] for use in uses if use != "none"} | {
    "any": [use for use in uses if use != "none"]
  }
  found = {name: walker_summary.points(cells, of, members) for name, members in groups.items()}
  return {
    name: walker_summary.compare(mine, plain) for name, mine in found.items() if mine and plain
  }


def _best(
  cells: Numbers,
  done: list[str],
  uses: list[str],
  gains: Mapping[str, Mapping[str, walker_summary.Comparison]],
) -> str:
  named = [use for use in uses if use != "none"]
  lines = [
    row("set", "best ν of each", *(f"gain, {USES[use]}" for use in named), "gain, any"),
    row(*["---"] * (3 + len(named))),
  ]
  for of in done:
    plain = walker_summary.points(cells, of, ["none"])
    best = max(plain, key=lambda point: plain[point].mean(), default=None)
    quoted = [] if best is None else [_quoted("none", best[1], float(plain[best].mean()))]
    quoted += [
      _quoted(use, gains[of][use].best[1], gains[of][use].mean) for use in named if use in gains[of]
    ]
    lines.append(
      row(name(of), "; ".join(quoted), *(_gain(gains[of].get(name)) for name in (*named, "any")))
    )
  return "\n".join(lines)


def _quoted(use: str, nu: str, mean: float) -> str:
  return f"{USES[use]} {mean:.1f} (ν = {nu})"


def _gain(comparison: walker_summary.Comparison | None) -> str:
  if comparison is None:
    return "-"
  return f"{signed(float(comparison.gains.mean()))} {interval(mean_interval(comparison.gains))}"


def _verdict(gains: Mapping[str, Mapping[str, walker_summary.Comparison]], seeds: int) -> str:
  """Counts of intervals on one side of 0: what the numbers answer."""
  lines = []
  for name in (*(use for use in USES if use != "none"), "any"):
    found: list[Interval] = [
      mean_interval(rows[name].gains) for rows in gains.values() if name in rows
    ]
    above = sum(low > 0 for low, _ in found)
    below = sum(high < 0 for _, high in found)
    title = USES.get(name, "the best of the three")
    lines.append(
      f"* {title}: better than no symmetry in {above} of {len(found)} sets, worse in {below}, and "
      f"left open by {seeds} seeds in {len(found) - above - below}."
    )
  return "\n".join(["By these intervals:", "", *lines])
