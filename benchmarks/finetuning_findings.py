"""What docs/finetuning.md says that its numbers show."""

from collections.abc import Iterator, Mapping
from typing import Any

from finetuning_figure import method
from finetuning_jobs import KEPT, LONGER, SCRATCH, SOURCE

_DMG = "DMG"


def findings(jobs: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
  """Lines in Markdown: gains over the offline score, and DMG beside what it is compared with.

  Args:
    jobs: as benchmarks/finetuning.py stores them, by name.
  """
  gains = {}
  rows = []
  for name, job in jobs.items():
    task, _, what = name.partition("-")
    if what != SOURCE:
      continue
    title, groups = job["task"]["title"], job["groups"]
    dmg = next((group for group in groups if method(group["label"]).startswith(_DMG)), None)
    if dmg is None:
      continue
    gains[title] = [(run["start"], run["end"]) for run in dmg["runs"]]
    others = [group for group in groups if group is not dmg]
    for kind in (KEPT, SCRATCH, LONGER):
      others += jobs.get(f"{task}-{kind}", {"groups": []})["groups"]
    rows += [_row(title, dmg, other) for other in others]
  if not gains:
    return
  yield "## What was found"
  yield ""
  yield from _gains(gains)
  yield from _longer(jobs)
  yield ""
  yield "| task | DMG fine-tuned against | after | regret |"
  yield "| --- | --- | --- | --- |"
  yield from rows
  yield ""
  yield "*Better*: each seed of DMG has a higher score, or a lower regret, than each of the other;"
  yield "*worse*: the other way round; neither: the seeds overlap."
  yield ""


def _gains(gains: Mapping[str, list[tuple[float, float]]]) -> Iterator[str]:
  """A line for each way in which the score after is related to the one before."""
  found: dict[str, list[str]] = {}
  for title, pairs in gains.items():
    if all(end > start for start, end in pairs):
      how = "every seed is above its offline score"
    elif all(start == end == 100 for start, end in pairs):
      how = "every seed has 100 before and after, and nothing to gain"
    else:
      better = sum(end > start for start, end in pairs)
      how = f"seeds above their offline score: {better} of {len(pairs)}"
    found.setdefault(how, []).append(title)
  for how, titles in found.items():
    yield f"* DMG fine-tuned in {', '.join(titles)}: {how}."


def _longer(jobs: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
  """What more offline steps change in AntMaze, where both are measured."""
  short, longer = (jobs.get(f"{name}-{SOURCE}") for name in ("antmaze", "antlonger"))
  if short is None or longer is None:
    return

  def before(job: Mapping[str, Any]) -> str:
    found = (
      f"{method(group['label']).split()[0]} {group['start']['mean']:.0f}" for group in job["groups"]
    )
    return f"after {job['task']['offline_steps']:,} offline steps, {', '.join(found)}"

  yield "* AntMaze-UMaze, before the first online step:"
  yield f"  {before(short)}; {before(longer)} at higher rates."
  yield "  So the first is too short, or its rates are too low, to reach the goal at all."


def _row(title: str, dmg: Mapping[str, Any], other: Mapping[str, Any]) -> str:
  after = _beside(dmg, other, "end", "{:.0f}", 1)
  regret = _beside(dmg, other, "regret", "{:.2f}", -1)
  return f"| {title} | {method(other['label'])} | {after} | {regret} |"


def _beside(
  dmg: Mapping[str, Any], other: Mapping[str, Any], name: str, form: str, sign: int
) -> str:
  """Two means, and whether the seeds overlap; sign: 1 where more is better, else -1."""
  mine, theirs = ([run[name] for run in group["runs"]] for group in (dmg, other))
  if None in (*mine, *theirs):
    return "-"
  means = " : ".join(form.format(group[name]["mean"]) for group in (dmg, other))
  mine, theirs = ([sign * value for value in values] for values in (mine, theirs))
  if min(mine) > max(theirs):
    return f"{means}, better"
  return f"{means}, worse" if max(mine) < min(theirs) else means
