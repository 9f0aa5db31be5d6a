"""docs/beyond.md, from what benchmarks/beyond.py stored."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import beyond_choice
import beyond_cost
import beyond_figure
from beyond_choice import Measures
from beyond_jobs import BASE, COMBINED, LEFT_OUT, NORMALISED, TITLES
from beyond_scores import (
  PLUS,
  Side,
  gain_interval,
  measures,
  report_sides,
  searched,
  verdict,
)
from family_pages import row
from jobs import ROOT

from dmg_jax import study_files
from dmg_jax.report.scores import statistics
from dmg_jax.report.scores.intervals import Estimate, difference_interval

PAGE = ROOT / "docs" / "beyond.md"
FIGURE = PAGE.with_name("beyond.png")
_HEAD = """# Beyond the paper: one setting of DMG against the paper's

<!-- Made by `python benchmarks/beyond.py`; not to be edited. -->

Is there one setting of this package's DMG that is better than the paper's on the same data? It was
chosen on some data sets and judged on others. All data are our own (`launch/collect.py`), not
D4RL's, and small. The runs are far shorter than the paper's million steps, at higher rates, so
these numbers say nothing about the paper's.

A run's *measure* is the mean of its evaluations past half of its steps; its *swing* is the standard
deviation of these evaluations. Scores are normalised by D4RL's reference returns.
"""
_NOT_JUDGED = """## On data sets that the search did not see

This report is not made yet: whether `dmg_plus` is better than DMG is not known. The search compares
what was chosen with what it was chosen from, so its numbers are too good for what was chosen.
The report's data sets are Walker2d's five tiers, random and full-replay of Hopper and HalfCheetah,
and PointMaze-Large. They are made by `launch/collect.py` with `--keep=40000` (the maze:
`--tier=diverse --steps=40000`); then

```bash
python benchmarks/beyond_jobs.py report     # the arguments of `launch/main.py`, job by job
python benchmarks/beyond.py report --data=ROOT RUN_DIR [RUN_DIR...]
```

make this section. On D4RL's data, both settings are one job:

```bash
python launch/main.py --config=configs/mujoco.py:hopper-medium-v2 --config.methods=dmg,dmg_plus
```
"""


def write(result: Mapping[str, Any]) -> None:
  """Makes the page and its figure from the stored results."""
  study_files.write({PAGE: page(result).encode()})
  beyond_figure.draw(result, FIGURE)


def page(result: Mapping[str, Any]) -> str:
  """The page in Markdown."""
  lines = [_HEAD, *_search(result["search"])]
  lines += [f"![Gains in the search, with 95 % intervals]({FIGURE.name})", ""]
  lines += ["Orange: over DMG; blue: over LayerNorm in critics and value.", ""]
  lines += _report(result["report"]) if "report" in result else [_NOT_JUDGED]
  lines += beyond_cost.section()
  lines += _how(result)
  return "\n".join(lines)


def _search(part: Mapping[str, Any]) -> Iterator[str]:
  sides = searched(part)
  complete = measures(sides)
  gains = beyond_choice.gains(complete)
  base = part["jobs"][BASE]
  yield "## The search"
  yield ""
  yield from _wrapped(
    f"On {', '.join(f'`{name}`' for name in part['data'])}: {_seeds(sides[BASE])} seeds, "
    f"{_steps([base])}, {base['precision']}. LayerNorm's gain is over DMG, that of "
    "what is added to LayerNorm over LayerNorm alone. Intervals are 95 %: what other seeds would "
    "give on these data. Cost: floating-point operations of a gradient step over DMG's, in "
    "Hopper's sizes; products alone, so that LayerNorm itself costs nothing here."
  )
  yield ""
  robots = _robots(part["data"])
  yield row("setting", "mean", "gain, ± standard error", "95 %", "swing", "cost", *robots)
  yield row("---", *["---:"] * (5 + len(robots)))
  for name, tasks in sides.items():
    means = {task: statistics.mean_and_deviation(one.measures)[0] for task, one in tasks.items()}
    cells = ["", ""]
    if name in gains:
      reference = NORMALISED if name.startswith(f"{NORMALISED}_") else BASE
      low, high = gain_interval(complete, name, reference)
      cells = [
        f"{gains[name].mean:+.1f} ± {gains[name].error:.1f}", f"[{low:.1f}, {high:.1f}]"
      ]  # fmt: skip
    diverged = sum(one.diverged for one in tasks.values())
    yield row(
      TITLES[name] + (f" ({diverged} runs diverged)" if diverged else ""),
      f"{sum(means.values()) / len(means):.1f}",
      *cells,
      f"{sum(one.swing for one in tasks.values()) / len(tasks):.1f}",
      f"{part['jobs'][name]['step_flops'][BASE] / base['step_flops'][BASE]:.2f}",
      *(" / ".join(f"{means[task]:.0f}" for task in robots[robot]) for robot in robots),
    )
  yield ""
  tiers = [task.split("/")[2] for task in next(iter(robots.values()))]
  yield f"The robots' columns: {' / '.join(tiers)}."
  if part["cut"]:
    yield f"Did not come so far in the time that there was: {_titles(part['cut'])}."
  if lacking := [name for name in TITLES if name not in {*part["jobs"], *part["cut"]}]:
    yield f"Planned, and not begun: {_titles(lacking)}."
  yield ""
  yield "The rule of choice, written before the search ran (`benchmarks/beyond_choice.py`):"
  yield ""
  yield (beyond_choice.__doc__ or "").split("\n\n", 1)[1].rstrip()
  yield ""
  names = beyond_choice.chosen(complete)
  if not names:
    yield "By this rule nothing is chosen: there is no `dmg_plus`."
  else:
    changed = ", ".join(f"`{name}` {value}" for name, value in beyond_choice.fields(names).items())
    yield from _wrapped(f"It chooses: {_titles(names)}. That is {changed}.")
    yield ""
    yield from _limits(complete, names)
  yield ""
  if COMBINED in complete:
    yield from _left_out(complete)


def _left_out(complete: Measures) -> Iterator[str]:
  """The combination against what is left of it without one ingredient."""
  yield "What the combination has more than the same without one ingredient, in points of score:"
  yield ""
  yield row("without", "that is", "difference", "95 %")
  yield row("---", "---", "---:", "---:")
  for ingredient, name in LEFT_OUT.items():
    if name in complete:
      low, high = gain_interval(complete, COMBINED, name)
      mean = beyond_choice.gain(complete[COMBINED], complete[name]).mean
      yield row(ingredient, TITLES[name], f"{mean:+.1f}", f"[{low:.1f}, {high:.1f}]")
  yield ""


def _limits(complete: Measures, names: list[str]) -> Iterator[str]:
  """What the choice does not say."""
  low, high = gain_interval(complete, NORMALISED, BASE)
  yield "What the choice does not say:"
  yield ""
  yield f"* The interval of LayerNorm's gain {_holds(low, high)}."
  for name in names:
    reference = BASE if name == NORMALISED else NORMALISED
    pairs = [(complete[name][task], complete[reference][task]) for task in complete[name]]
    higher = sum(statistics.mean(ours) > statistics.mean(theirs) for ours, theirs in pairs)
    yield f"* {TITLES[name]}: a higher mean on {higher} of {len(pairs)} data sets."
  if len(names) > 2 and COMBINED not in complete:
    yield "* What is chosen was not trained together in the search."
  if "norm_scale" in names:
    yield "* A scale of the rewards is also one of the advantages: the regression's weights are as"
    yield "  with a smaller inverse temperature. Which of the two helps was not measured."


def _holds(low: float, high: float) -> str:
  return f"[{low:.1f}, {high:.1f}] {'holds' if low <= 0 <= high else 'does not hold'} zero"


def _report(part: Mapping[str, Any]) -> Iterator[str]:
  sides = report_sides(part)
  found = verdict(sides)
  yield "## On data sets that the search did not see"
  yield ""
  jobs = part["jobs"].values()
  precisions = " or ".join(dict.fromkeys(job["precision"] for job in jobs))
  seeds = _seeds({task: one[BASE] for task, one in sides.items()})
  yield from _wrapped(
    f"{seeds} seeds, {_steps(jobs)}, {precisions}. Mean ± standard deviation over seeds."
  )
  yield ""
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
      _score(part["data"][task]["score"]),
      *(_spread(side.measures) for side in (plain, plus)),
      f"[{low:.1f}, {high:.1f}]",
      *(_spread(side.lasts) for side in (plain, plus)),
      *(f"{side.swing:.1f}" for side in (plain, plus)),
    )
  yield ""
  yield row("over all data sets", "value", "95 %")
  yield row("---", "---:", "---:")
  for name, title in ((BASE, "DMG"), (PLUS, "`dmg_plus`")):
    yield row(f"IQM, {title}", *_estimate(found.iqm[name], 1))
  yield row("IQM, `dmg_plus` less DMG", *_estimate(found.difference, 1))
  yield row("probability that a run of `dmg_plus` scores more", *_estimate(found.improvement, 2))
  yield ""
  worse = ", ".join(f"`{task}`" for task in found.worse) or "none"
  yield from _wrapped(
    "The goal was a better IQM with an interval that excludes zero, and no data set on which "
    "`dmg_plus` is below DMG by more than its own deviation. It is "
    f"{'reached' if found.better else 'not reached'}. Data sets on which it is below by more than "
    f"that: {worse}."
  )
  yield ""


def _how(result: Mapping[str, Any]) -> Iterator[str]:
  yield "## How it was made"
  yield ""
  jobs = [job for part in result.values() for job in part["jobs"].values()]
  devices = dict.fromkeys(device for job in jobs for device in job["devices"])
  versions = dict.fromkeys(job["versions"]["jax"] for job in jobs if "versions" in job)
  yield from _wrapped(
    f"On {', '.join(devices)}{''.join(f', jax {version}' for version in versions)} (jobs that were "
    "cut do not record versions). The command of each job is in "
    "[`beyond.json`](../benchmarks/results/beyond.json), with all evaluations. Data of recorded "
    "policies do not have the same bits on every machine; the hashes of ours:"
  )
  yield ""
  yield row("data set", "transitions", "mean score", "made by", "SHA-256 of the arrays")
  yield row("---", "---:", "---:", "---", "---")
  for part in result.values():
    for name, made in part["data"].items():
      yield row(
        f"`{name}`",
        f"{made['transitions']:,}",
        _score(made["score"]),
        f"`{made['command']}`",
        f"`{made['sha256'][:16]}…`",
      )
  yield ""


def _steps(jobs: Iterable[Mapping[str, Any]]) -> str:
  """How long the runs were, and to where they count."""
  found = dict.fromkeys(
    f"{job['steps']:,} gradient steps"
    + (f", cut: they count to {job['to_step']:,}" if job["to_step"] < job["steps"] else "")
    for job in jobs
  )
  return " or ".join(found)


def _robots(data: Mapping[str, Any]) -> dict[str, list[str]]:
  found: dict[str, list[str]] = {}
  for name in data:
    found.setdefault(name.split("/")[1], []).append(name)
  return {robot: sorted(names, key=len) for robot, names in found.items()}


def _seeds(sides: Mapping[str, Side]) -> str:
  counts = dict.fromkeys(str(len(one.measures)) for one in sides.values())
  return " or ".join(counts)


def _titles(names: Iterable[str]) -> str:
  return "; ".join(TITLES.get(name, name) for name in names)


def _spread(values: list[float]) -> str:
  mean, deviation = statistics.mean_and_deviation(values)
  return f"{mean:.1f} ± {deviation:.1f}"


def _score(value: float | None) -> str:
  return "-" if value is None else f"{value:.1f}"


def _estimate(found: Estimate, digits: int) -> tuple[str, str]:
  value, low, high = (f"{float(number):.{digits}f}" for number in found)
  return value, f"[{low}, {high}]"


def _wrapped(text: str) -> list[str]:
  return textwrap.wrap(text, 100, break_long_words=False, break_on_hyphens=False)
