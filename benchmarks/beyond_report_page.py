"""The section of docs/beyond.md on data sets that the search did not see."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from beyond_jobs import BASE, LAST, METHODS, PLUS, REPORT_DATA
from beyond_scores import Side, Verdict, report_sides, verdict
from beyond_words import bounds, estimate, seeds, spread, steps, wrapped
from family_pages import row

from dmg_jax.report.scores.intervals import difference_interval

_TITLE = "## On data sets that the search did not see"
_HOW = """The plan, made before its runs began: Walker2d's five tiers, random and full-replay of
Hopper and HalfCheetah, made by `launch/collect.py` with `--keep=40000`, PointMaze-Large
(`--tier=diverse --steps=100000`) and AntMaze-UMaze (`--tier=diverse --steps=200000`). Layers are of
64, in AntMaze of 128, which a CPU trains for 100,000 steps; learning and target rates are the
paper's, in AntMaze those of the first search.

The two mazes were in the first plan of the study. DMG's scores there were known before the present
`dmg_plus` was chosen: [fine-tuning](finetuning.md) had 0 in PointMaze-Large and 25 ± 17 in
AntMaze-UMaze.

AntMaze-Medium (`--tier=diverse --steps=200000`) was in the first plan too, if its data could be
made. It was run last, when the other results were known. It counts as they do.

Earlier attempts: two jobs had the first choice's settings, the paper's networks, 20,000 steps and
higher rates. They were stopped before both settings had finished. In PointMaze-Large the first
choice scored 0 in all 45 episodes of three evaluations; in Walker2d's three tiers its mean score
was 25.9 at step 5,000, and DMG was not evaluated. Then a machine was lost with jobs of the present
plan: PointMaze-Large with both settings (most of DMG's scores there were 0) and Hopper's DMG up to
step 80,000. No file of these is left. What the table shows was run after that, on data made again.

```bash
python benchmarks/beyond_jobs.py report     # the arguments of `launch/main.py`, job by job
python benchmarks/beyond.py report --data=ROOT RUN_DIR [RUN_DIR...]
```

On D4RL's data, both settings are one job:

```bash
python launch/main.py --config=configs/mujoco.py:hopper-medium-v2 --config.methods=dmg,dmg_plus
```
"""
# Data set -> method -> side.
_Sides = Mapping[str, Mapping[str, Side]]


def headline(sides: _Sides) -> Iterator[str]:
  """What came out, in two sentences."""
  found = verdict(sides)
  value, interval = estimate(found.difference, 1)
  robots = _robots(sides)
  without = ""
  if 0 < len(robots) < len(sides):
    less, bounded = estimate(verdict(robots).difference, 1)
    without = f"Without the mazes it is {less} {bounded}. "
  so_far = "so far " if missing(sides) else ""
  below = f", as it is worse on {_names(found.worse)}" if found.worse else ""
  yield from wrapped(
    f"Result {so_far}on {len(sides)} data sets that the search did not see: the IQM of `dmg_plus` "
    f"minus DMG's is {value} {interval}. {without}{so_far.capitalize()}"
    f"{'the' if so_far else 'The'} goal is {_reached(found)}{below}: "
    "[the report](#on-data-sets-that-the-search-did-not-see)."
  )
  yield ""


def report(part: Mapping[str, Any], figure: str) -> Iterator[str]:
  """Lines on DMG and `dmg_plus`, and whether the goal is reached.

  Args:
    part: as stored.
    figure: file of the runs' measures, beside the page.
  """
  sides = report_sides(part)
  yield _TITLE
  yield ""
  jobs = part["jobs"].values()
  precisions = " or ".join(dict.fromkeys(job["precision"] for job in jobs))
  yield from wrapped(
    f"{seeds({task: one[BASE] for task, one in sides.items()})} seeds, {steps(jobs)}, "
    f"{precisions}, {_evaluations()}. Measures: mean ± standard deviation over seeds, and the "
    "interval of the difference. The last evaluation and the swing stand beside."
  )
  yield ""
  yield from _table(part, sides)
  yield from _left_out(sides)
  yield f"![Measures of the runs of both settings]({figure})"
  yield ""
  yield from _verdict(sides)
  yield from _where(part, sides)
  yield from _against_the_data(part, sides)
  yield from _times(part)
  yield _HOW


def missing(sides: _Sides) -> list[str]:
  """Planned data sets on which not both settings have finished."""
  return [name for _, names, _ in REPORT_DATA.values() for name in names if name not in sides]


def _robots(sides: _Sides) -> _Sides:
  return {task: one for task, one in sides.items() if "maze" not in task}


def _first(sides: _Sides) -> _Sides:
  """Without what was run when the results of the others were known."""
  _, last, _ = REPORT_DATA.get(LAST, ("", (), None))
  return {task: one for task, one in sides.items() if task not in last}


def _names(tasks: Iterable[str]) -> str:
  return ", ".join(f"`{task}`" for task in tasks)


def not_made() -> Iterator[str]:
  """Lines where nothing of it ran."""
  yield _TITLE
  yield ""
  yield "This report is not made yet: whether `dmg_plus` is better than DMG is not known."
  yield ""
  yield _HOW


def _evaluations() -> str:
  """How often the jobs of the report are evaluated."""
  parts = [part for _, _, part in REPORT_DATA.values()]
  counts, episodes = (
    " or ".join(map(str, sorted({getattr(part, name) for part in parts})))
    for name in ("evaluations", "episodes")
  )
  return f"{counts} evaluations of {episodes} episodes"


def _left_out(sides: _Sides) -> Iterator[str]:
  if names := missing(sides):
    yield from wrapped(f"Planned, and not finished: {_names(names)}.")
    yield ""
  if any(side.diverged for one in sides.values() for side in one.values()):
    yield from wrapped(
      "A run diverged if its numbers stopped being finite. It counts as one that scored 0; in the "
      "swing it does not count."
    )
    yield ""


def _against_the_data(part: Mapping[str, Any], sides: _Sides) -> Iterator[str]:
  """Where a method is worse than the data that it learned from."""
  below = {
    name: [
      task
      for task, one in sides.items()
      if np.mean(one[name].measures) < part["data"][task]["score"]
    ]
    for name in METHODS
  }
  both = [task for task in below[BASE] if task in below[PLUS]]
  counts = ", ".join(f"{METHODS[name]} on {len(tasks)}" for name, tasks in below.items())
  yield from wrapped(
    f"Below the data's own mean score: {counts} of {len(sides)} data sets; both on "
    f"{_names(both) or 'none'}."
  )
  yield ""


def _where(part: Mapping[str, Any], sides: _Sides) -> Iterator[str]:
  """On which data the difference is clear, and on which it is large."""
  clear = [difference_interval(one[PLUS].measures, one[BASE].measures) for one in sides.values()]
  better, worse = sum(low > 0 for low, _ in clear), sum(high < 0 for _, high in clear)
  groups: dict[bool, list[float]] = {True: [], False: []}
  for task, one in sides.items():
    plain, plus = (float(np.mean(one[name].measures)) for name in (BASE, PLUS))
    groups[plain < part["data"][task]["score"]].append(plus - plain)
  told = [
    f"{np.mean(gains):+.1f} on the {len(gains)} where DMG scores {where} the data's own mean"
    for gains, where in ((groups[True], "below"), (groups[False], "at least"))
    if gains
  ]
  yield from wrapped(
    f"Of these {len(sides)} data sets, the interval of the difference is above zero on {better}, "
    f"below zero on {worse}, and contains zero on {len(sides) - better - worse}. The mean "
    f"difference is {', and '.join(told)}. This groups by DMG's own result, which favours "
    "`dmg_plus` in the first group."
  )
  yield ""


def _table(part: Mapping[str, Any], sides: _Sides) -> Iterator[str]:
  yield row(
    "data set", "data's mean", "DMG", "`dmg_plus`", "difference, 95 %", "last: DMG", "`dmg_plus`",
    "swing: DMG", "`dmg_plus`",
  )  # fmt: skip
  yield row("---", *["---:"] * 8)
  for task, one in sides.items():
    plain, plus = one[BASE], one[PLUS]
    low, high = difference_interval(plus.measures, plain.measures)
    yield row(
      f"`{task}`",
      f"{part['data'][task]['score']:.1f}",
      *(spread(side.measures) + _diverged(side) for side in (plain, plus)),
      bounds(low, high),
      *(spread(side.lasts) for side in (plain, plus)),
      *(f"{side.swing:.1f}" for side in (plain, plus)),
    )
  yield ""


def _diverged(side: Side) -> str:
  return f" ({side.diverged} diverged)" if side.diverged else ""


def _verdict(sides: _Sides) -> Iterator[str]:
  found = verdict(sides)
  whole = not missing(sides)
  planned = len(sides) + len(missing(sides))
  counted = f"the {planned}" if whole else f"{len(sides)} of {planned}"
  yield row(f"over {counted} planned data sets", "value", "95 %")
  yield row("---", "---:", "---:")
  for name, title in METHODS.items():
    yield row(f"IQM, {title}", *estimate(found.iqm[name], 1))
  yield row("IQM, `dmg_plus` minus DMG", *estimate(found.difference, 1))
  yield row("mean over the data sets, `dmg_plus` minus DMG", *estimate(found.mean_difference, 1))
  yield row("probability that a run of `dmg_plus` scores more", *estimate(found.improvement, 2))
  for words, some in (
    ("without the mazes", _robots(sides)),
    ("without what was run last", _first(sides)),
  ):
    if 0 < len(some) < len(sides):
      yield row(f"IQM, `dmg_plus` minus DMG, {words}", *estimate(verdict(some).difference, 1))
  yield ""
  yield from wrapped(
    "IQM (interquartile mean), mean and probability are of the runs' measures. Their intervals are "
    "bootstraps over seeds, which are too narrow for few seeds; those in the table of data sets "
    "are Welch's."
  )
  yield ""
  yield from wrapped(
    "The goal was an IQM of `dmg_plus` above DMG's with an interval that excludes zero, and no "
    "data set on which the mean of `dmg_plus` is below DMG's by more than the standard deviation "
    f"of `dmg_plus` over seeds. {'It' if whole else 'So far it'} is {_reached(found)}. Data sets "
    f"on which it is below by more than that: {_names(found.worse) or 'none'}."
  )
  yield ""


def _times(part: Mapping[str, Any]) -> Iterator[str]:
  """How much longer the jobs of `dmg_plus` trained."""
  jobs = part["jobs"]
  ratios = [
    jobs[f"{name}_{PLUS}"]["seconds"]["train"] / jobs[f"{name}_{BASE}"]["seconds"]["train"]
    for name in REPORT_DATA
    if all("seconds" in jobs.get(f"{name}_{method}", {}) for method in METHODS)
  ]
  if ratios:
    yield from wrapped(
      f"The training of `dmg_plus` took {np.median(ratios):.2f} times as long as DMG's (median of "
      f"{len(ratios)} pairs of jobs, {min(ratios):.2f} to {max(ratios):.2f}). Other programs ran "
      "beside, so that this is rough. With the paper's networks it is less: "
      "[below](#what-a-gradient-step-costs)."
    )
    yield ""


def _reached(found: Verdict) -> str:
  return "reached" if found.better else "not reached"
