"""The section of docs/beyond.md on data sets that the search did not see."""

from collections.abc import Iterator, Mapping
from typing import Any

from beyond_jobs import BASE, PLUS, REPORT_DATA
from beyond_scores import Side, report_sides, verdict
from beyond_words import estimate, score, seeds, spread, steps, wrapped
from family_pages import row

from dmg_jax.report.scores.intervals import difference_interval

_TITLE = "## On data sets that the search did not see"
_HOW = """The data sets are Walker2d's five tiers, random and full-replay of Hopper and HalfCheetah,
made by `launch/collect.py` with `--keep=40000`, PointMaze-Large (`--tier=diverse --steps=100000`)
and AntMaze-UMaze (`--tier=diverse --steps=200000`). Layers are of 64, in AntMaze of 128, which a
CPU trains for 100,000 steps; learning and target rates are the paper's, in AntMaze those of the
first search. Two jobs had been begun with the paper's networks, the first choice's settings, 20,000
steps and higher rates, and were stopped before a job of both settings ended: in PointMaze-Large the
first choice scored 0 in all 45 episodes of three evaluations; in Walker2d's three tiers its mean
score was 25.9 at step 5,000, and DMG was not evaluated. The jobs of the table were begun on another
machine, which was lost with what it held: PointMaze-Large of both settings (DMG's scores there were
mostly 0) and Hopper's DMG up to step 80,000. All were begun anew, on data made anew. This section
is made by

```bash
python benchmarks/beyond_jobs.py report     # the arguments of `launch/main.py`, job by job
python benchmarks/beyond.py report --data=ROOT RUN_DIR [RUN_DIR...]
```

On D4RL's data, both settings are one job:

```bash
python launch/main.py --config=configs/mujoco.py:hopper-medium-v2 --config.methods=dmg,dmg_plus
```
"""


def report(part: Mapping[str, Any]) -> Iterator[str]:
  """Lines on DMG and `dmg_plus`, and whether the goal is reached."""
  sides = report_sides(part)
  yield _TITLE
  yield ""
  jobs = part["jobs"].values()
  precisions = " or ".join(dict.fromkeys(job["precision"] for job in jobs))
  yield from wrapped(
    f"{seeds({task: one[BASE] for task, one in sides.items()})} seeds, {steps(jobs)}, "
    f"{precisions}. Mean ± standard deviation over seeds."
  )
  yield ""
  yield from _table(part, sides)
  missing = [name for _, names, _ in REPORT_DATA.values() for name in names if name not in sides]
  if missing:
    yield from wrapped(
      f"Planned, and not measured yet: {', '.join(f'`{name}`' for name in missing)}."
    )
    yield ""
  yield from _verdict(sides, whole=not missing)
  yield _HOW


def not_made() -> Iterator[str]:
  """Lines where nothing of it ran."""
  yield _TITLE
  yield ""
  yield from wrapped(
    "This report is not made yet: whether `dmg_plus` is better than DMG is not known. The search "
    "compares what was chosen with what it was chosen from, so its numbers are too good for what "
    "was chosen."
  )
  yield ""
  yield _HOW


def _table(part: Mapping[str, Any], sides: Mapping[str, Mapping[str, Side]]) -> Iterator[str]:
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
      score(part["data"][task]["score"]),
      *(spread(side.measures) + _diverged(side) for side in (plain, plus)),
      f"[{low:.1f}, {high:.1f}]",
      *(spread(side.lasts) for side in (plain, plus)),
      *(f"{side.swing:.1f}" for side in (plain, plus)),
    )
  yield ""


def _diverged(side: Side) -> str:
  return f" ({side.diverged} diverged)" if side.diverged else ""


def _verdict(sides: Mapping[str, Mapping[str, Side]], whole: bool) -> Iterator[str]:
  found = verdict(sides)
  yield row(f"over {'all' if whole else 'these'} data sets", "value", "95 %")
  yield row("---", "---:", "---:")
  for name, title in ((BASE, "DMG"), (PLUS, "`dmg_plus`")):
    yield row(f"IQM, {title}", *estimate(found.iqm[name], 1))
  yield row("IQM, `dmg_plus` less DMG", *estimate(found.difference, 1))
  yield row("probability that a run of `dmg_plus` scores more", *estimate(found.improvement, 2))
  yield ""
  worse = ", ".join(f"`{task}`" for task in found.worse) or "none"
  reached = f"{'It' if whole else 'So far it'} is {'reached' if found.better else 'not reached'}."
  yield from wrapped(
    "The goal was a better IQM with an interval that excludes zero, and no data set on which "
    f"`dmg_plus` is below DMG by more than its own deviation. {reached} Data sets on which it is "
    f"below by more than that: {worse}."
  )
  yield ""
