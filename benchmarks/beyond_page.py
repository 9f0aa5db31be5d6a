"""docs/beyond.md, from what benchmarks/beyond.py stored."""

from collections.abc import Iterator, Mapping
from typing import Any

import beyond_after_page
import beyond_cost
import beyond_figure
import beyond_grid
import beyond_probe_page
import beyond_second
import beyond_swing_page
from beyond_jobs import COSTLY, MAZE, REPORT, ROBOTS, SEARCH, SECOND
from beyond_report_page import headline, not_made, report
from beyond_scores import Side, report_sides, searched_measures
from beyond_search_page import maze, search, second
from beyond_words import wrapped
from family_pages import row
from jobs import ROOT

from dmg_jax import study_files

PAGE = ROOT / "docs" / "beyond.md"
FIGURE = PAGE.with_name("beyond.png")
REPORT_FIGURE = PAGE.with_name("beyond_report.png")
_TITLES = {
  SEARCH: "the first search",
  SECOND: "the second search",
  MAZE: "the maze",
  REPORT: "the report",
  ROBOTS: "the choice on the robots",
  COSTLY: "the other ingredients",
}
_HEAD = """# Beyond the paper: one setting of DMG against the paper's

<!-- Made by `python benchmarks/beyond.py`; not to be edited. -->

We looked for one setting of this package's DMG that scores more than the paper's on the same data.
We chose it on some data sets and tested it on others. All data are our own (`launch/collect.py`),
not D4RL's, and small. The runs are far shorter than the paper's million steps, many at higher rates
or with smaller networks, so these numbers cannot be compared with the paper's results.

A run's *measure* is the mean of its evaluations past half of its steps; its *swing* is the standard
deviation of these evaluations. Scores are normalised by D4RL's reference returns.
"""


def write(result: Mapping[str, Any]) -> None:
  """Makes the page and its figures from the stored results."""
  study_files.write({PAGE: page(result).encode()})
  beyond_figure.draw_gains(result[SEARCH], FIGURE)
  if sides := _sides(result):
    beyond_figure.draw_runs(sides, REPORT_FIGURE)
  beyond_probe_page.publish()


def page(result: Mapping[str, Any]) -> str:
  """The page in Markdown."""
  sides = _sides(result)
  lines = [_HEAD]
  lines += headline(sides) if sides else []
  lines += search(result[SEARCH])
  lines += [f"![Gains in the search, with 95 % intervals]({FIGURE.name})", ""]
  lines += ["Orange: over DMG; blue: over LayerNorm in critics and value.", ""]
  lines += maze(result[MAZE]) if MAZE in result else []
  lines += second(result[SECOND], searched_measures(result)) if SECOND in result else []
  lines += report(result[REPORT], REPORT_FIGURE.name) if sides else not_made()
  if ROBOTS in result and (chosen := beyond_second.chosen(searched_measures(result))):
    lines += beyond_after_page.robots(result[ROBOTS], chosen, _named(result, SECOND))
  if COSTLY in result:
    lines += beyond_after_page.costly(result[COSTLY], _named(result, SECOND, ROBOTS))
  lines += beyond_swing_page.section(result)
  lines += beyond_probe_page.section()
  lines += beyond_grid.section()
  lines += beyond_cost.section()
  lines += _how(result)
  return "\n".join(lines)


def _named(result: Mapping[str, Any], *parts: str) -> dict[str, Any]:
  """Title -> part, of those that were measured."""
  return {_TITLES[part]: result[part] for part in parts if part in result}


def _sides(result: Mapping[str, Any]) -> dict[str, dict[str, Side]]:
  return report_sides(result[REPORT]) if REPORT in result else {}


def _how(result: Mapping[str, Any]) -> Iterator[str]:
  yield "## How it was made"
  yield ""
  jobs = [job for part in result.values() for job in part["jobs"].values()]
  devices = dict.fromkeys(device for job in jobs for device in job["devices"])
  versions = dict.fromkeys(job["versions"]["jax"] for job in jobs if "versions" in job)
  yield from wrapped(
    f"On {', '.join(devices)}{''.join(f', jax {version}' for version in versions)} (jobs that were "
    "cut do not record versions). The command of each job is in "
    "[`beyond.json`](../benchmarks/results/beyond.json), with all evaluations. Data of recorded "
    "policies do not have the same bits on every machine; the hashes of ours follow, those of the "
    "sections on Q off the data and on lambda and nu stand there."
  )
  yield ""
  yield row("data set", "of", "transitions", "mean score", "made by", "SHA-256 of the arrays")
  yield row("---", "---", "---:", "---:", "---", "---")
  data: dict[tuple[str, str], Mapping[str, Any]] = {}
  users: dict[tuple[str, str], list[str]] = {}
  for part, title in _TITLES.items():
    for name, made in result.get(part, {"data": {}})["data"].items():
      data[name, made["sha256"]] = made
      users.setdefault((name, made["sha256"]), []).append(title)
  for (name, digest), made in data.items():
    yield row(
      f"`{name}`",
      ", ".join(users[name, digest]),
      f"{made['transitions']:,}",
      f"{made['score']:.1f}",
      f"`{made['command']}`",
      f"`{digest[:16]}…`",
    )
  yield ""
