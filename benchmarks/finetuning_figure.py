"""The learning curves of benchmarks/finetuning.py: scores against online steps, task by task."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def draw(result: Mapping[str, Any], path: Path) -> None:
  """Writes a PNG: a panel for each task, a line for each method.

  A line is the mean over seeds, shaded from the least to the largest seed. Its first point,
  at step 0, is the policy before the first online step: the offline one, where there is a
  source. Runs that diverged are left out.

  Args:
    result: as benchmarks/finetuning.py stores it.
    path: of the PNG.
  """
  # Here, and not above: the page is made without a figure.
  import numpy as np

  from dmg_jax.report.figures import style

  found = curves(result)
  methods = list(dict.fromkeys(method for lines in found.values() for method in lines))
  handles: dict[str, Any] = {}
  with style.style():
    figure, panels = style.panels(list(found), style.WIDTHS["full"])
    for panel, (title, lines) in zip(panels, found.items(), strict=True):
      for method, seeds in lines.items():
        colour, dashes = style.appearance(methods.index(method))
        steps, scores = np.array(list(seeds[0])), np.array([list(seed.values()) for seed in seeds])
        (line,) = panel.plot(steps, scores.mean(axis=0), color=colour, linestyle=dashes)
        panel.fill_between(
          steps, scores.min(axis=0), scores.max(axis=0), color=colour, alpha=0.15, linewidth=0
        )
        handles.setdefault(method, line)
      if "Maze" in title:
        panel.set_ylim(-3, 103)
      style.in_steps(panel)
    figure.supxlabel("environment steps", fontsize=7)
    figure.supylabel("success (%), score", fontsize=7)
    style.legend_above(figure, handles)
    figure.savefig(path, dpi=150)


def curves(result: Mapping[str, Any]) -> dict[str, dict[str, list[dict[int, float]]]]:
  """Task -> method -> of each seed that did not diverge, step -> score."""
  found: dict[str, dict[str, list[dict[int, float]]]] = {}
  for job in result["jobs"].values():
    for group in job["groups"]:
      seeds = [
        {int(step): score for step, score in job["evaluations"][run["id"]].items()}
        for run in group["runs"]
        if run["diverged_at"] is None
      ]
      if seeds:
        found.setdefault(job["task"]["title"], {})[method(group["label"])] = seeds
  return found


def method(label: str) -> str:
  """A label without what all these runs share."""
  title, _, inside = label.partition(" (")
  kept = [part for part in inside.removesuffix(")").split(", ") if part.endswith(" kept")]
  return f"{title} ({', '.join(kept)})" if kept else title
