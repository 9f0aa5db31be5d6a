"""The plain-text table of a finished job, at most 100 columns wide.

A job of one group gets a line for each seed; a job of several gets a line for each
method and point, under the name of its data set.
"""

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from dmg_jax.report.numbers import fixed, interval, plus_minus
from dmg_jax.report.scores.labels import shorten
from dmg_jax.report.tables.job_table import Results, summarise
from dmg_jax.report.units import SCORE

_WIDTH = 100
_LABEL, _COLUMN = 30, 32
# Of a job of several groups.
_NAME, _CELL, _IQM = 28, 16, 24


def text(groups: Sequence[Results]) -> str:
  """The table of a job.

  Args:
    groups: one or more.

  Raises:
    ValueError: if the arrays' shapes do not belong together.
  """
  summaries = [summarise(group) for group in groups]
  lines = _one_group(summaries[0]) if len(summaries) == 1 else _several_groups(summaries)
  return "\n".join(line.rstrip() for line in lines)


def _clip(words: str, width: int = _WIDTH) -> str:
  return words if len(words) <= width else words[: width - 3] + "..."


def _decimals(summaries: Iterable[dict[str, Any]]) -> int:
  """One for scores and for returns in the tens; three for small returns, none for large."""
  summaries = list(summaries)
  rows = [row for summary in summaries for row in summary["runs"] if row["last"] is not None]
  largest = max((abs(row["last"]) for row in rows), default=0)
  if summaries[0]["unit"] == SCORE or 10 <= largest < 10_000:
    return 1
  return 3 if largest < 10 else 0


def _unevaluated(summary: dict[str, Any]) -> str:
  """Why a group has no evaluations."""
  if not summary["simulator"]:
    return "No evaluations: there was no simulator, so these policies have no score."
  return "No evaluations: every run diverged before its first."


def _seed_count(summary: dict[str, Any]) -> str:
  count, total = summary["last"]["seeds"], len(summary["runs"])
  return f"{count} of {total}" if count < total else str(count)


# A job of one group.


def _line(label: str, *cells: str) -> str:
  return f"{label:<{_LABEL}}" + "".join(f"{cell:>{_COLUMN}}" for cell in cells)


def _one_group(summary: dict[str, Any]) -> list[str]:
  heading = _clip(f"{summary['label']} on {summary['task']}")
  body = _evaluated(summary) if summary["evaluations"] else _not_evaluated(summary)
  return [heading, "", *body]


def _not_evaluated(summary: dict[str, Any]) -> list[str]:
  lines = [_unevaluated(summary)]
  lines += [
    _line(f"seed {row['seed']}", f"diverged at step {row['diverged_at']}")
    for row in summary["runs"]
    if row["diverged_at"] is not None
  ]
  return lines + _data_lines(summary)


def _evaluated(summary: dict[str, Any]) -> list[str]:
  columns = ("last", "mean_of_window")
  decimals = _decimals([summary])
  window, episodes = summary["window"], summary["episodes_per_evaluation"]
  rule = "-" * (_LABEL + 2 * _COLUMN)
  lines = [
    _line(summary["unit"], "last evaluation", f"mean of last {window}"),
    _line("episodes per seed", str(episodes), str(episodes * window)),
    rule,
  ]
  for row in summary["runs"]:
    label = f"seed {row['seed']}"
    if row["diverged_at"] is not None:
      lines.append(_line(label, f"diverged at step {row['diverged_at']}"))
    elif row["no_score_at"] is not None:
      lines.append(_line(label, f"no score at step {row['no_score_at']}"))
    else:
      lines.append(_line(label, *(fixed(row[column], decimals) for column in columns)))
  lines.append(rule)
  count = summary["last"]["seeds"]
  if count == 0:
    lines.append("no seed is left to average")
  else:
    over = [summary[column] for column in columns]
    seeds = f"{_seed_count(summary)} seed{'s' * (len(summary['runs']) > 1)}"
    lines += [
      _line(
        f"mean ± sd, {seeds}", *(plus_minus(cell["mean"], cell["sd"], decimals) for cell in over)
      ),
      _line("interquartile mean (IQM)", *(fixed(cell["iqm"], decimals) for cell in over)),
      _line(
        "  95 % interval of the IQM", *(interval(cell["iqm_interval"], decimals) for cell in over)
      ),
    ]
  return lines + _data_lines(summary) + _paper_lines(summary) + ["", *_footer(summary)]


def _data_lines(summary: dict[str, Any]) -> list[str]:
  mean, score = summary["data_return"], summary["data_score"]
  if mean is None:
    return []
  cells = [f"return {fixed(mean, 1 if abs(mean) >= 10 else 3)}"]
  if score is not None:
    cells.append(f"score {fixed(score)}")
  return [_line("the data's own mean", *cells)]


def _paper_lines(summary: dict[str, Any]) -> list[str]:
  paper = summary["paper"]
  if paper is None:
    return []
  name, second = paper["method"], paper["table_2"]
  spread = "sd" if second["sd"] is not None else "no spread printed"
  lines = [
    _line(f"the paper's {name}, Table 2", plus_minus(second["mean"], second["sd"]))
    + f"   ({spread}, {second['seeds']} seeds)"
  ]
  if "table_6" in paper:
    sixth = paper["table_6"]
    lines.append(
      _line(f"the paper's {name}, Table 6", plus_minus(sixth["mean"], sixth["ci95"]))
      + f"   (95 % interval, {sixth['seeds']} seeds)"
    )
  return lines


def _footer(summary: dict[str, Any]) -> list[str]:
  lines = [
    f"last evaluation: at gradient step {summary['last_step']}, mean over a fixed number of"
    f" {summary['episodes_per_evaluation']} episodes per seed.",
    f"mean of last {summary['window']}: over the last {summary['window']} of"
    f" {summary['evaluations']} evaluations; neither column is picked by its score.",
    "sd: over seeds, with n - 1. IQM: mean of the middle half; its interval: bootstrap over seeds.",
  ]
  if summary["last"]["seeds"] < len(summary["runs"]):
    lines.append("Seeds without a number are in no average.")
  if summary["paper"] is not None:
    lines.append("The paper does not say which evaluation of a run its tables show.")
  return lines


# A job of several groups.


def _several_groups(summaries: list[dict[str, Any]]) -> list[str]:
  tasks: dict[str, list[dict[str, Any]]] = {}
  for summary in summaries:
    tasks.setdefault(summary["task"], []).append(summary)
  windows = sorted({summary["window"] for summary in summaries if summary["last"]["seeds"]})
  window = " or ".join(map(str, windows)) or "ten"
  lines = [
    _row("data set, method", "last evaluation", f"mean of last {window}", "IQM, last", "seeds"),
    "-" * _WIDTH,
  ]
  short, shared = shorten((summary["method"], summary["label"]) for summary in summaries)
  for task, groups in tasks.items():
    decimals = _decimals(groups)
    lines.append(_clip(f"{task}: {groups[0]['unit']}"))
    lines += [_group_row(summary, short[summary["label"]], decimals) for summary in groups]
    lines += _beside(groups, decimals)
  if shared:
    lines += ["", *textwrap.wrap(f"All that use them: {shared}.", _WIDTH)]
  return [*lines, "", *_common_footer(summaries)]


def _row(name: str, last: str, window: str, iqm: str, seeds: str) -> str:
  """A line; two where the name is too long, for what is cut off may tell groups apart."""
  above = ""
  if len(name) >= _NAME:
    above, name = f"{_clip(name)}\n", ""
  cells = f"{name:<{_NAME}}{last:>{_CELL}}{window:>{_CELL}}{iqm:>{_IQM}}"
  return f"{above}{cells} {seeds}"


def _group_row(summary: dict[str, Any], label: str, decimals: int) -> str:
  diverged = sum(row["diverged_at"] is not None for row in summary["runs"])
  seeds = str(summary["last"]["seeds"]) + f"; {diverged} diverged" * (diverged > 0)
  last, window = summary["last"], summary["mean_of_window"]
  name = f"  {label}"
  if not summary["evaluations"] and not summary["simulator"]:
    return _row(name, "no simulator", "-", "-", str(len(summary["runs"])))
  iqm = fixed(last["iqm"], decimals)
  if last["iqm_interval"] is not None:
    iqm = f"{iqm} {interval(last['iqm_interval'], decimals)}"
  return _row(
    name,
    plus_minus(last["mean"], last["sd"], decimals),
    plus_minus(window["mean"], window["sd"], decimals),
    iqm,
    seeds,
  )


def _beside(groups: list[dict[str, Any]], decimals: int) -> list[str]:
  """The paper's numbers and the data's own mean, beneath the groups of a data set."""
  lines = []
  for paper in (summary["paper"] for summary in groups):
    if paper is not None:
      second = paper["table_2"]
      printed = plus_minus(second["mean"], second["sd"])
      seeds = str(second["seeds"])
      lines.append(_row(f"  paper's {paper['method']}, Table 2", printed, "", "", seeds))
  data = groups[0]["data_score" if groups[0]["unit"] == SCORE else "data_return"]
  if data is not None:
    lines.append(_row("  the data's own mean", fixed(data, decimals), "", "", ""))
  return lines


def _common_footer(summaries: list[dict[str, Any]]) -> list[str]:
  steps = sorted({summary["last_step"] for summary in summaries if summary["last"]["seeds"]})
  if not steps:
    evaluated = any(summary["evaluations"] for summary in summaries)
    return ["No seed is left to average."] if evaluated else [_unevaluated(summaries[0])]
  episodes = sorted({summary["episodes_per_evaluation"] for summary in summaries})
  lines = [
    f"last evaluation: at gradient step {' or '.join(map(str, steps))}, mean over a fixed number"
    f" of {' or '.join(map(str, episodes))} episodes per seed.",
    "Neither column is picked by its score. ±: sd over seeds, with n - 1.",
    "IQM, last: mean of the middle half of the last evaluations; 95 % interval by bootstrap over"
    " seeds.",
  ]
  if any(summary["last"]["seeds"] < len(summary["runs"]) for summary in summaries):
    lines.append("Seeds without a number are in no average.")
  if any(summary["paper"] for summary in summaries):
    lines.append("The paper does not say which evaluation of a run its tables show.")
  return lines
