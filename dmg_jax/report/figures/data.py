"""A data set as one picture."""

import os

import numpy as np
from matplotlib.figure import Figure

from dmg_jax.data.dataset import Dataset
from dmg_jax.data.survey import Survey

_BLUE, _GREY = "#0072B2", "#999999"
_POINTS = 4_000
_SIZE, _DOTS_PER_INCH = (10.0, 4.0), 160


def principal_components(observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """The two directions in which standardised observations vary most.

  Args:
    observations: (N, S), S at least 2.

  Returns:
    (N, 2) projections, and the (2,) shares of the variance.
  """
  values = np.asarray(observations, np.float64)
  deviation = values.std(axis=0)
  values = (values - values.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
  variances, directions = np.linalg.eigh(values.T @ values / len(values))
  return values @ directions[:, :-3:-1], variances[:-3:-1] / variances.sum()


def overview(path: str | os.PathLike[str], dataset: Dataset, survey: Survey) -> None:
  """Writes a PNG of the episodes' returns, and of where the observations lie.

  Args:
    path: of the PNG.
    dataset: to draw.
    survey: of the same data set.
  """
  figure = Figure(figsize=_SIZE, dpi=_DOTS_PER_INCH, layout="constrained")
  left, right = figure.subplots(1, 2)
  figure.suptitle(f"{dataset.name}: {survey.transitions:,} transitions", fontsize=12)
  values = survey.returns if survey.scores is None else survey.scores
  unit = "return" if survey.scores is None else "D4RL-normalised score"
  if dataset.kind != "d4rl" and survey.scores is not None:
    unit = "normalised score"
  if len(values):
    left.hist(values, bins=50, color=_BLUE)
  else:
    left.text(0.5, 0.5, "no complete episode", ha="center", transform=left.transAxes)
  left.set(xlabel=f"{unit} of an episode", ylabel="episodes")
  observations = np.asarray(dataset.transitions.observations)
  rows = np.linspace(0, len(observations) - 1, min(_POINTS, len(observations))).astype(int)
  if observations.shape[1] > 1:
    projected, shares = principal_components(observations)
    points = right.scatter(*projected[rows].T, c=rows, s=3, cmap="viridis", linewidths=0)
    labels = [
      f"component {i + 1} ({100 * share:.0f} % of variance)" for i, share in enumerate(shares)
    ]
    right.set(xlabel=labels[0], ylabel=labels[1])
    figure.colorbar(points, ax=right, label="row")
  else:
    right.plot(rows, observations[rows, 0], ".", color=_GREY, markersize=2)
    right.set(xlabel="row", ylabel="observation")
  for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
  figure.savefig(path, format="png")
