"""A data set as one picture."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dmg_jax.data import catalog
from dmg_jax.data.dataset import Dataset
from dmg_jax.data.survey import Survey
from dmg_jax.data.whole_files import whole_file

_BLUE, _GREY = "#0072B2", "#999999"
_POINTS = 4_000
_SIZE, _DOTS_PER_INCH = (10.0, 4.0), 160


def principal_components(observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """The two directions in which standardised observations vary most.

  Args:
    observations: (N, S), S at least 2.

  Returns:
    (N, 2) projections, and the (2,) shares of the variance; 0 where nothing varies.
  """
  values = np.asarray(observations, np.float64)
  deviation = values.std(axis=0)
  values = (values - values.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
  variances, directions = np.linalg.eigh(values.T @ values / len(values))
  total = variances.sum()
  return values @ directions[:, :-3:-1], variances[:-3:-1] / (total if total > 0 else 1)


def overview(path: Path, dataset: Dataset, survey: Survey) -> None:
  """Writes a PNG of the episodes' returns, and of where the observations lie.

  Args:
    path: of the PNG.
    dataset: to draw; its environment decides what the axes are called.
    survey: of the same data set.

  Raises:
    StorageError: if the file cannot be written; nothing is left of it then.
  """
  figure = draw(dataset, survey)
  with whole_file(path) as partial:
    figure.savefig(partial, format="png")


def draw(dataset: Dataset, survey: Survey) -> Figure:
  """The figure that `overview` writes."""
  figure = Figure(figsize=_SIZE, dpi=_DOTS_PER_INCH, layout="constrained")
  left, right = figure.subplots(1, 2)
  figure.suptitle(f"{dataset.name}: {survey.transitions:,} transitions", fontsize=12)
  values, unit = survey.returns, "return"
  if survey.scores is not None and dataset.reference is not None:
    values, unit = survey.scores, catalog.score_name(dataset.env_id, dataset.reference)
  if len(values):
    left.hist(values, bins=50, color=_BLUE)
  else:
    left.text(0.5, 0.5, "no complete episode", ha="center", transform=left.transAxes)
  left.set(xlabel=f"{unit} of an episode", ylabel="episodes")
  _observations(right, dataset)
  for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
  return figure


def _observations(axes: Axes, dataset: Dataset) -> None:
  """Where the observations lie: x and y in a maze, else two principal components."""
  observations = np.asarray(dataset.transitions.observations)
  rows = np.linspace(0, len(observations) - 1, min(_POINTS, len(observations))).astype(int)
  if observations.shape[1] == 1:
    axes.plot(rows, observations[rows, 0], ".", color=_GREY, markersize=2)
    axes.set(xlabel="row", ylabel="observation")
    return
  if catalog.observes_position_first(dataset.env_id):
    places, labels = observations[:, :2], ["x (m)", "y (m)"]
    axes.set_aspect("equal", adjustable="datalim")
  else:
    places, shares = principal_components(observations)
    labels = [
      f"component {i + 1} ({100 * share:.0f} % of variance)" for i, share in enumerate(shares)
    ]
  points = axes.scatter(places[rows, 0], places[rows, 1], c=rows, s=3, cmap="viridis", linewidths=0)
  axes.set(xlabel=labels[0], ylabel=labels[1])
  assert axes.figure is not None
  axes.figure.colorbar(points, ax=axes, label="row")
