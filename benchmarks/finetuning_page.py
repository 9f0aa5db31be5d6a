"""docs/finetuning.md, from what benchmarks/finetuning.py and finetune_speed.py stored."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import finetune_speed_page
from finetuning_figure import method
from finetuning_findings import findings
from finetuning_jobs import DATA_ALONE, EPISODES, SEEDS, TARGET_RATE
from finetuning_rules import RULES
from jobs import RESULTS, ROOT

from dmg_jax import study_files
from dmg_jax.report.scores.labels import FROM_SCRATCH

RESULT = RESULTS / "finetuning.json"
PAGE = ROOT / "docs" / "finetuning.md"
FIGURE = PAGE.with_name("finetuning_curves.png")
# Part of a label -> what a reader has to know of such a row.
_NOTES = {
  " kept": "*Kept*: λ and ν do not move.",  # noqa: RUF001 - the paper's symbol
  FROM_SCRATCH: "What is from scratch has 0 steps offline.",
  DATA_ALONE: "*On the data alone*: the gradient steps of both phases, without a simulator; "
  "before: where the others go online.",
}


def write() -> None:
  """Makes the page from the stored results."""
  study_files.write({PAGE: page(json.loads(RESULT.read_text())).encode()})


def page(result: Mapping[str, Any]) -> str:
  """Rules, the table and the commands that make its numbers, in Markdown."""
  jobs = result["jobs"].values()
  commands = dict.fromkeys(command for job in jobs for command in job["commands"])
  return "\n".join(
    [
      RULES,
      "## What was measured",
      "",
      f"Data of our own (not D4RL's), {SEEDS} seeds, {EPISODES} episodes an evaluation, a target "
      f"rate of {TARGET_RATE:g}.",
      "The offline phase is short and the networks are small, so these numbers say what this code "
      "does, and do not compare",
      "with the paper's.",
      "",
      "| task | method | steps offline, online | before | after | by seed | regret |",
      "| --- | --- | ---: | ---: | ---: | --- | ---: |",
      *(_row(job["task"], group) for job in jobs for group in job["groups"]),
      "",
      *_notes(result),
      "",
      *findings(result["jobs"]),
      f"![Scores against online steps]({FIGURE.name})",
      "",
      "Lines are means over seeds, shaded from the least to the largest seed. Step 0 is the policy "
      "before the first",
      "online step: the offline one, or an untrained one from scratch.",
      "",
      "```bash",
      *commands,
      "```",
      "",
      "Versions and devices are in [`finetuning.json`](../benchmarks/results/finetuning.json).",
      "",
      *finetune_speed_page.section(),
    ]
  )


def _notes(result: Mapping[str, Any]) -> Iterator[str]:
  """What the table's columns and the rows that it has mean, and what it lacks."""
  jobs = result["jobs"].values()
  labels = [group["label"] for job in jobs for group in job["groups"]]
  yield "Before and after: success in per cent, in Hopper the normalised score; mean ± standard"
  yield "deviation over seeds. Regret is 1 - success, averaged over all evaluations, the one before"
  yield "the first step included; less is better."
  yield from (note for part, note in _NOTES.items() if any(part in label for label in labels))
  alone = {job["task"]["title"] for job in jobs if _is_alone(job)}
  others = dict.fromkeys(job["task"]["title"] for job in jobs if not _is_alone(job))
  if lacking := [title for title in others if title not in alone]:
    yield "Online steps are also further gradient steps on the data; what these alone would bring"
    yield f"is not measured in {', '.join(lacking)}."


def _is_alone(job: Mapping[str, Any]) -> bool:
  return all(group["label"].endswith(DATA_ALONE) for group in job["groups"])


def _row(task: Mapping[str, Any], group: Mapping[str, Any]) -> str:
  seeds = ", ".join(_whole(row["end"]) for row in group["runs"])
  over = [
    f"{_whole(group[name]['mean'])} ± {_whole(group[name]['sd'])}" for name in ("start", "end")
  ]
  regret = group["regret"]["mean"]
  offline, online = task["offline_steps"], task["online_steps"]
  if FROM_SCRATCH in group["label"]:
    offline = 0
  if group["label"].endswith(DATA_ALONE):
    offline, online = offline + online, 0
  cells = [
    task["title"], method(group["label"]), f"{offline:,}, {online:,}", *over, seeds,
    "-" if regret is None else f"{regret:.2f}",
  ]  # fmt: skip
  return f"| {' | '.join(cells)} |"


def _whole(value: float | None) -> str:
  return "-" if value is None else f"{value:.0f}"
