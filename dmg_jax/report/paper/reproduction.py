"""The page that says how each table and figure of the paper is made, and what was made so far."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dmg_jax import stored_rates
from dmg_jax.report.paper import paper_scores
from dmg_jax.report.paper.comparison import SEEDS
from dmg_jax.report.paper.exhibits import STEPS, Exhibit, exhibits
from dmg_jax.report.scores.statistics import interquartile_mean, mean_and_deviation

COMMAND = "python benchmarks/reproduction.py"
_LEARNING = {
  "dmg_jax": "DMG",
  "pytorch": "DMG, the eager PyTorch step",
  "bc": "behaviour cloning",
}


def page(
  throughput: Mapping[str, Mapping[str, Any]],
  learning: Mapping[str, Any],
  tables: Mapping[int, Sequence[Mapping[str, str]]],
) -> str:
  """The page, in Markdown.

  Args:
    throughput: file name -> what `benchmarks/throughput.py` stored in it.
    learning: what `benchmarks/learning_comparison.py` stored.
    tables: number of the paper's table -> rows of a CSV that `launch/report.py` wrote.
  """
  return "\n".join(
    [
      "# Reproducing the paper",
      "",
      f"<!-- Made by `{COMMAND}` from benchmarks/results/; not to be edited. -->",
      "",
      "What each table and figure of *Doubly Mild Generalization for Offline Reinforcement",
      "Learning* (Mao, Wang, Qu, Jiang, Ji; NeurIPS 2024; arXiv 2411.07934) takes. This page is",
      f"made by `{COMMAND}` from `benchmarks/results/`.",
      "",
      "## What it takes",
      "",
      *_costs(throughput),
      "",
      "## The commands",
      "",
      "RUNS stands for the folder of the runs (`runs/`, unless `--run_dir` says otherwise), DIR",
      "for a folder of your own, and DATASET for each of the data sets named.",
      *(line for exhibit in exhibits() for line in _how(exhibit)),
      "",
      "## What was run so far",
      "",
      *_outcomes(tables),
      *_learning(learning),
      "",
    ]
  )


def _costs(throughput: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
  measured = [stored_rates.read(stored) for stored in throughput.values()]
  devices = [one.name for one in measured]
  yield from _row(
    "",
    "shows",
    "data sets",
    "runs x steps",
    *(f"hours, {device}" for device in devices),
  )
  yield from _row(*["---"] * 4, *["---:"] * len(devices))
  for exhibit in exhibits():
    runs = exhibit.runs * len(exhibit.datasets)
    size = f"{runs:,} x {exhibit.steps:,}" if runs else "no runs of its own"
    hours = [
      "> " * exhibit.online + stored_rates.hours(stored_rates.seconds(one, _works(exhibit, one)))
      if runs
      else ""
      for one in measured
    ]
    yield from _row(exhibit.name, exhibit.shows, _names(exhibit), size, *hours)
  yield ""
  yield "Hours are gradient steps over the best measured rate of the device, all runs together:"
  yield ""
  for name, stored in throughput.items():
    rates = ", ".join(
      f"{rate:,.0f} for {count} run{'s' * (count != '1')}"
      for count, rate in stored["steps_per_second"].items()
    )
    yield (
      f"* {stored_rates.read(stored).name}: {rates} steps per second "
      f"([{name}](../benchmarks/results/{name}), `{stored['command']}`)"
    )
  yield ""
  yield "The rates are of short rounds of training on made-up arrays of hopper's size (11"
  yield "observations, 3 actions). The hours of all data sets,"
  yield "AntMaze's too, are reckoned with them, though larger observations take more arithmetic."
  yield 'Evaluation and compilation come on top. Hours with ">" are of the gradient steps alone:'
  yield "[online](finetuning.md), simulators and a call for each step come on top, too."


def _works(exhibit: Exhibit, measured: stored_rates.Measured) -> list[stored_rates.Work]:
  """All runs together, each step as one of those that were measured."""
  runs = exhibit.runs * len(exhibit.datasets)
  return [stored_rates.Work(runs, exhibit.steps, measured.flops_per_step)]


def _names(exhibit: Exhibit) -> str:
  names = exhibit.datasets
  return ", ".join(names) if len(names) <= 4 else f"the {len(names)} of the table"


def _how(exhibit: Exhibit) -> Iterable[str]:
  yield from ("", f"### {exhibit.name}: {exhibit.shows}", "")
  if not exhibit.command and not exhibit.report:
    yield exhibit.note
  else:
    if exhibit.note:
      yield from (exhibit.note, "")
    if "DATASET" in exhibit.command:
      yield from (f"DATASET: {', '.join(exhibit.datasets)}", "")
    commands = [command for command in (exhibit.command, exhibit.report) if command]
    yield from ("```bash", *commands, "```")


def _outcomes(tables: Mapping[int, Sequence[Mapping[str, str]]]) -> Iterable[str]:
  if not tables:
    yield "On the paper's data: nothing yet."
  for number, rows in tables.items():
    names = {method for _, method in paper_scores.cells(number)}
    both = [row for row in rows if row["mean"] and row["paper_mean"] and row["method"] in names]
    whole = [row for row in both if _is_whole(number, row)]
    judged = [row for row in whole if row["within"]]
    within = sum(row["within"] == "yes" for row in judged)
    statistics = " or ".join(sorted({row["statistic"] for row in both}))
    yield (
      f"* [Table {number}](../benchmarks/results/table_{number}.csv), --statistic={statistics}: "
      f"{len(whole)} cells measured in full ({SEEDS[number]} seeds of {STEPS:,} steps), "
      f"{len(both) - len(whole)} in part; {within} of {len(judged)} full ones lie within the "
      "spread."
    )


def _is_whole(table: int, row: Mapping[str, str]) -> bool:
  """Whether a cell has all the seeds and steps that the table wants."""
  return len(row["seeds"].split()) >= SEEDS[table] and int(row["steps"] or 0) >= STEPS


def _learning(learning: Mapping[str, Any]) -> Iterable[str]:
  yield ""
  yield f"On our own data, {learning['dataset']} (not D4RL's), {learning['steps']:,} steps,"
  yield f"{learning['unit']} ({learning['episodes']} episodes), by `{learning['command']}`"
  yield "([learning_comparison.json](../benchmarks/results/learning_comparison.json)):"
  yield ""
  yield from _row("", "IQM", "mean ± sd", "seeds")
  yield from _row("---", "---:", "---:", "---:")
  for name, scores in learning["scores"].items():
    mean, deviation = mean_and_deviation(scores)
    yield from _row(
      _LEARNING[name],
      f"{interquartile_mean(scores):.1f}",
      f"{mean:.1f} ± {deviation:.1f}",
      str(len(scores)),
    )
  yield ""
  yield "Online, in point-mass mazes of our own: [finetuning.md](finetuning.md)."


def _row(*cells: str) -> Iterable[str]:
  yield "| " + " | ".join(cells) + " |"
