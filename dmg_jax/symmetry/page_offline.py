# ruff: noqa: E501, RUF001
# A row of a Markdown table stays on one line, and the Greek letters are meant.
"""The section of docs/structure.md on offline learners, from the stored numbers."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from dmg_jax.agents import discrete
from dmg_jax.report.numbers import signed
from dmg_jax.report.scores.intervals import difference_interval
from dmg_jax.symmetry import offline, printed
from dmg_jax.symmetry.page_tables import printed_pair, rates_of, row, sizes, spread

Numbers = Mapping[str, Any]
# Seeds of the paper's tables.
_PRINTED_SEEDS = 20
TITLES = {
  "none": "no augmentation",
  "aug_d": "Aug-D",
  "aug_d_online": "Aug-D-Online",
  "dac_latent": "DAC-Latent",
  "dac_output": "DAC-Output",
}
_TABLES = {
  "iql actor": ("IQL, augmentation of the actor", 2),
  "cql critic": ("CQL", 7),
  "iql both": ("IQL, augmentation of actor and critics", 9),
  "iql critic": ("IQL, augmentation of the critics", 8),
}


def offline_learners(part: Numbers) -> str:
  """Tables 2 and 7 to 10 of the paper beside ours, as far as there are cells."""
  settings, cells = part["settings"], part["cells"]
  made = [
    _table(kind, title, number, cells)
    for kind, (title, number) in _TABLES.items()
    if any(name.startswith(kind) and not name.endswith("none") for name in cells)
  ]
  rates = [cell["updates_per_second"] for cell in cells.values()]
  count = sum(len(cell["test"]) for cell in cells.values())
  of_tables = {
    offline.name(method, place, data, use)
    for method, place in map(str.split, _TABLES)
    for data in offline.GREEDY
    for use in discrete.USES
  }
  missing = len(of_tables - set(cells))
  return f"""
## Offline learners with data augmentation

Ten episodes of the planner in context 0: *expert* are greedy, *suboptimal* have 60 % of their actions drawn at random, *mixed*
are five of each; every seed has a data set of its own, but that greedy episodes are all the same. Each machine played the data
itself; rounding may differ. Augmentation turns each sample by a quarter turn drawn at random, 0
included. *Aug-D*: batch and turned copy, everywhere. *Aug-D-Online*: the learner sees both, targets come from the batch.
*DAC-Latent*, *DAC-Output*: the batch, with a penalty on the mean squared difference between both of the last hidden layer, or of the
output. Mean and deviation of the return in {settings["test_contexts"]} contexts of the test, and in training, which is context 0; {settings["seeds"]} seeds (the paper: 20), {count} runs.
{f"Of the {len(of_tables)} cells of all tables {missing} are not measured yet; they have a dash." if missing else ""}
Our choices: data of one context, as the paper's returns in training have the deviations of single episodes; networks of
{sizes(settings["hidden_sizes"])} (a quarter of the paper's 512, 256 and 128); {settings["steps"]:,} steps (2,000 epochs); γ = {settings["discount"]:g} (not known); batches of
{settings["iql_batch_size"]} for IQL (64, and 16 for suboptimal data) and {settings["cql_batch_size"]} for CQL (128); learning rates {settings["iql_learning_rate"]:g} and {settings["cql_learning_rate"]:g}
(1e-3, and 1e-4 to 5e-4); weight of DAC in IQL {settings["iql_consistency"]:g} (not known). The others are the paper's.

{(chr(10) * 2).join(made) or "No table is complete enough to be shown."}
{_answers(cells)}
{rates_of(rates)} of all runs of a population together.
"""


def _table(kind: str, title: str, number: int, cells: Mapping[str, Numbers]) -> str:
  lines = [
    f"**{title}** (Table {number}; in training, Table 10).",
    "",
    row("data", "", *TITLES.values()),
    row(*["---"] * (2 + len(TITLES))),
  ]
  method, place = kind.split()
  for data in offline.GREEDY:
    found = [cells.get(offline.name(method, place, data, use)) for use in discrete.USES]
    for where, tables in (("test", printed.OFFLINE), ("training", printed.OFFLINE_TRAINING)):
      theirs = tables[kind][data]
      lines += [
        row(data, where, *(spread(cell[where]) if cell else "-" for cell in found)),
        row("", "the paper's", *map(printed_pair, theirs)),
        row(
          "", "difference",
          *(
            signed(float(np.mean(cell[where])) - mean, 2) if cell else "-"
            for cell, (mean, _) in zip(found, theirs, strict=True)
          ),
        ),
      ]  # fmt: skip
    if all(found):
      plain, output = (cell["test"] for cell in (found[0], found[-1]) if cell)
      low, high = difference_interval(output, plain)
      lines.append(
        row(
          "",
          "DAC-Output less none in test, 95 %",
          f"[{low:.2f}, {high:.2f}]",
          *[""] * (len(TITLES) - 1),
        )
      )
  return "\n".join(lines)


class _Counts(NamedTuple):
  """Of a table: cells with augmentation, those above and below none; means, those that agree with
  the paper's; the least and the largest difference from these."""

  cells: int
  above: int
  below: int
  means: int
  agree: int
  least: float
  largest: float


def _counts(kind: str, cells: Mapping[str, Numbers]) -> _Counts:
  method, place = kind.split()
  against_none, agree, differences = [], 0, []
  for data in offline.GREEDY:
    plain = cells.get(offline.name(method, place, data, "none"))
    for use, theirs in zip(discrete.USES, printed.OFFLINE[kind][data], strict=True):
      cell = cells.get(offline.name(method, place, data, use))
      if cell is None:
        continue
      differences.append(float(np.mean(cell["test"])) - theirs[0])
      agree += _agrees(cell["test"], *theirs)
      if plain is not None and use != "none":
        against_none.append(difference_interval(cell["test"], plain["test"]))
  return _Counts(
    len(against_none),
    sum(low > 0 for low, _ in against_none),
    sum(high < 0 for _, high in against_none),
    len(differences),
    agree,
    min(differences, default=0.0),
    max(differences, default=0.0),
  )


def conclusion(part: Numbers) -> str:
  """A line for the head of the page."""
  found = {kind: _counts(kind, part["cells"]) for kind in _TABLES}
  told = "; ".join(
    f"{_TABLES[kind][0]} {one.above} of {one.cells}" for kind, one in found.items() if one.cells
  )
  if not told:
    return ""
  return (
    "* Offline learners that know the quarter turns, in how many cells they are better than without "
    f"augmentation, by 95 % intervals: {told}."
  )


def _answers(cells: Mapping[str, Numbers]) -> str:
  """How many cells are above no augmentation, and how many agree with the paper's."""
  lines = []
  for kind, (title, number) in _TABLES.items():
    one = _counts(kind, cells)
    if one.cells:
      lines.append(
        f"* {title}: of {one.cells} cells with augmentation {one.above} are above no augmentation, {one.below} below. "
        f"{one.agree} of {one.means} means agree with those of Table {number}; the differences go from "
        f"{signed(one.least, 2)} to {signed(one.largest, 2)}."
      )
  if not lines:
    return ""
  return (
    "\n**Does the structure help?** By 95 % intervals of the difference in test; *agree*: the interval of the "
    f"difference from the printed mean, with both deviations, holds 0.\n\n{chr(10).join(lines)}\n"
  )


def _agrees(mine: list[float], mean: float, deviation: float) -> bool:
  """Whether the normal 95 % interval of the difference from a printed mean holds 0."""
  variances = np.var(mine, ddof=1) / len(mine) + deviation**2 / _PRINTED_SEEDS
  return bool(abs(np.mean(mine) - mean) <= 1.96 * np.sqrt(variances))
