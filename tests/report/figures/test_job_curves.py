import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from dmg_jax.errors import StorageError
from dmg_jax.report.figures import job_curves, job_panels, style
from dmg_jax.report.tables.job_table import Results
from dmg_jax.report.units import SCORE


def make_results(**changes):
  results = Results(
    task="data",
    method="dmg",
    label="DMG",
    point={},
    runs=("a", "b", "c"),
    seeds=np.array([0, 1, 2]),
    steps=np.arange(1, 7) * 1000,
    scores=np.array([[10.0], [20.0], [30.0]]) + np.zeros((3, 6)),
    unit=SCORE,
    episodes=10,
    frozen_at=np.array([-1, -1, -1]),
    data_return=140.0,
    data_score=45.0,
  )
  return results._replace(**changes)


def make_metrics(points=8):
  values = np.linspace(0, 100, points) + np.zeros((3, 1))
  return {
    "step": np.arange(1, points + 1) * 700,
    "policy_q": values,
    "q": values - 2,
    "v": values - 5,
  }


@pytest.fixture(autouse=True)
def _few_dots(monkeypatch, request):
  if "size" not in request.node.name:
    monkeypatch.setattr(job_curves, "_DOTS_PER_INCH", 30)


@pytest.fixture
def drawn(monkeypatch):
  """The figures made, with their axes still open to questions."""
  figures = []

  class Kept(Figure):
    def __init__(self, *args, **kwargs):
      super().__init__(*args, **kwargs)
      figures.append(self)

  monkeypatch.setattr(job_curves, "Figure", Kept)
  monkeypatch.setattr(job_panels, "Figure", Kept)
  return figures


def labels(axes):
  return axes.get_legend_handles_labels()[1]


def line(axes, label):
  return next(line for line in axes.lines if line.get_label() == label)


def test_picture_has_its_size_and_leaves_nothing_beside_it(tmp_path):
  job_curves.curves(tmp_path / "curves.png", [make_results()], [make_metrics()])
  assert imread(tmp_path / "curves.png").shape == (560, 1360, 4)
  assert [path.name for path in tmp_path.iterdir()] == ["curves.png"]


def test_same_numbers_same_bytes(tmp_path):
  job_curves.curves(tmp_path / "a.png", [make_results()], [make_metrics()])
  job_curves.curves(tmp_path / "b.png", [make_results()], [make_metrics()])
  assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_mean_shade_and_data(tmp_path, drawn):
  job_curves.curves(tmp_path / "curves.png", [make_results()], [make_metrics()])
  left, right = drawn[0].axes
  assert labels(left) == ["mean, 3 seeds", "± sd over seeds", "data's mean"]
  assert labels(right) == ["Q(s, π(s)), 3 seeds", "V(s), 3 seeds"]
  np.testing.assert_allclose(line(left, "mean, 3 seeds").get_ydata(), 20.0)
  np.testing.assert_allclose(line(left, "data's mean").get_ydata(), 45.0)
  heights = left.collections[0].get_paths()[0].vertices[:, 1]
  assert (heights.min(), heights.max()) == pytest.approx((10.0, 30.0))
  assert left.get_ylabel() == SCORE
  assert left.get_xlabel() == right.get_xlabel() == "gradient steps"


def test_a_diverged_run_is_dotted_ends_and_sets_no_scale(tmp_path, drawn):
  metrics = make_metrics()
  metrics["policy_q"][2] = 1e30
  results = make_results(frozen_at=np.array([-1, -1, 3000]))
  results.scores[2] = 1e6
  job_curves.curves(tmp_path / "curves.png", [results], [metrics])
  left, right = drawn[0].axes
  np.testing.assert_allclose(line(left, "mean, 2 seeds").get_ydata(), 15.0)
  assert line(left, "1 diverged").get_xdata().tolist() == [1000, 2000, 3000]
  assert line(right, "1 diverged").get_linestyle() == ":"
  assert left.get_ylim()[1] < 100
  assert right.get_ylim()[1] < 200


def test_all_diverged_still_draws_them(tmp_path, drawn):
  results = make_results(frozen_at=np.array([2000, 3000, 4000]))
  job_curves.curves(tmp_path / "curves.png", [results], [make_metrics()])
  left, _ = drawn[0].axes
  assert labels(left) == ["data's mean", "3 diverged"]


def test_one_seed_has_no_shade(tmp_path, drawn):
  results = make_results(
    runs=("a",),
    seeds=np.array([3]),
    scores=np.full((1, 6), 9.0),
    frozen_at=np.array([-1]),
    data_score=None,
  )
  metrics = {k: v[:1] if v.ndim == 2 else v for k, v in make_metrics().items()}
  job_curves.curves(tmp_path / "curves.png", [results], [metrics])
  left, _ = drawn[0].axes
  assert labels(left) == ["mean, 1 seed"]
  assert len(left.lines) == 1


def test_a_single_evaluation_shows_as_a_point(tmp_path, drawn):
  results = make_results(steps=np.array([1000]), scores=np.full((3, 1), 5.0))
  job_curves.curves(tmp_path / "curves.png", [results], [make_metrics()])
  assert line(drawn[0].axes[0], "mean, 3 seeds").get_marker() == "o"


def test_without_evaluations_the_panel_says_so(tmp_path, drawn):
  results = make_results(steps=np.zeros(0, int), scores=np.zeros((3, 0)), simulator=False)
  job_curves.curves(tmp_path / "curves.png", [results], [make_metrics()])
  left, right = drawn[0].axes
  (words,) = left.texts
  assert words.get_text() == "no evaluations:\nno simulator"
  assert left.get_xticks().size == 0
  assert len(right.lines) == 8


def test_a_missing_evaluation_is_left_out_of_the_mean(tmp_path, drawn):
  results = make_results()
  results.scores[2, 1] = np.nan
  job_curves.curves(tmp_path / "curves.png", [results], [make_metrics()])
  means = line(drawn[0].axes[0], "mean, 3 seeds").get_ydata()
  np.testing.assert_allclose(means, [20, 15, 20, 20, 20, 20])


def test_a_failed_write_keeps_the_old_picture(tmp_path, monkeypatch):
  path = tmp_path / "curves.png"
  path.write_bytes(b"old")

  def fail(self, target, **_):
    target.write_bytes(b"half")
    raise OSError(28, "No space left on device")

  monkeypatch.setattr(Figure, "savefig", fail)
  with pytest.raises(StorageError, match="No space left on device"):
    job_curves.curves(path, [make_results()], [make_metrics()])
  assert path.read_bytes() == b"old"
  assert list(tmp_path.iterdir()) == [path]


def seven_on_two():
  labels = ["DMG", "DMG (lam 0.5)", "TD3", "TD3+BC", "IQL", "AWAC", "BC"]
  return [
    make_results(task=task, label=label, scores=make_results().scores + place)
    for task in ("data", "other")
    for place, label in enumerate(labels)
  ]


def test_seven_methods_on_two_data_sets_have_panels_and_one_legend(tmp_path, drawn):
  groups = seven_on_two()
  job_curves.curves(tmp_path / "curves.png", groups, [make_metrics()] * len(groups))
  (figure,) = drawn
  axes = [panel for panel in figure.axes if panel.get_visible()]
  assert [panel.get_title(loc="right") for panel in axes] == ["data", "other", "", ""]
  (legend,) = figure.legends
  assert [text.get_text() for text in legend.get_texts()] == [
    "DMG", "DMG (lam 0.5)", "TD3", "TD3+BC", "IQL", "AWAC", "BC", "data's mean",
  ]  # fmt: skip
  scores = axes[0].lines[:7]
  assert [line.get_ydata()[0] for line in scores] == [20.0 + place for place in range(7)]
  assert len({(line.get_color(), line.get_linestyle()) for line in scores}) == 7
  # One label, one look in all panels.
  for panel in axes[1:]:
    assert [line.get_color() for line in panel.lines[:7]] == [line.get_color() for line in scores]


def test_the_shade_of_a_group_is_its_own_deviation(tmp_path, drawn):
  groups = [make_results(), make_results(label="BC", scores=np.full((3, 6), 7.0))]
  job_curves.curves(tmp_path / "curves.png", groups, [make_metrics()] * 2)
  heights = [c.get_paths()[0].vertices[:, 1] for c in drawn[0].axes[0].collections]
  assert [(h.min(), h.max()) for h in heights] == [(10.0, 30.0), (7.0, 7.0)]


def test_a_group_that_diverged_has_no_line_and_is_in_the_legend(tmp_path, drawn):
  groups = [make_results(), make_results(label="TD3", frozen_at=np.array([1000, 2000, 3000]))]
  metrics = make_metrics()
  metrics["policy_q"] = np.full_like(metrics["policy_q"], 1e30)
  job_curves.curves(tmp_path / "curves.png", groups, [make_metrics(), metrics])
  upper, lower = drawn[0].axes
  assert len(upper.lines) == 2
  assert lower.get_ylim()[1] < 200
  assert "TD3 (3 diverged)" in [text.get_text() for text in drawn[0].legends[0].get_texts()]


def test_a_learned_value_far_beyond_the_others_flattens_none(tmp_path, drawn):
  large = make_metrics()
  large["q"] = 1e6 * np.ones_like(large["q"])
  groups = [make_results(label=label) for label in ("DMG", "BC", "TD3")]
  job_curves.curves(tmp_path / "curves.png", groups, [make_metrics(), make_metrics(), large])
  assert drawn[0].axes[1].get_yscale() == "symlog"


def test_many_data_sets_are_in_several_rows(tmp_path, drawn):
  groups = [make_results(task=str(place), label=name) for place in range(4) for name in "ab"]
  job_curves.curves(tmp_path / "curves.png", groups, [make_metrics()] * 8)
  titles = [a.get_title(loc="right") for a in drawn[0].axes if a.get_visible()]
  assert [title for title in titles if title] == ["0", "1", "2", "3"]
  assert drawn[0].get_figwidth() == style.WIDTHS["full"]


def test_a_method_without_some_learned_values_is_drawn_without_them(tmp_path):
  """Cloning has no Q and no V; methods without a Q term have Q at the data's actions alone."""
  for missing in (("policy_q",), ("policy_q", "q", "v")):
    metrics = make_metrics()
    for name in missing:
      metrics[name] = np.full_like(metrics[name], np.nan)
    path = tmp_path / f"{len(missing)}.png"
    job_curves.curves(path, [make_results()], [metrics])
    assert path.stat().st_size > 0
