import numpy as np
import pytest
from made_scores import ablated, final_only, made
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.image import imread

from dmg_jax import run_config
from dmg_jax.report.figures import ablations, curve_figures, gallery, style
from dmg_jax.report.figures import population_figures as population
from dmg_jax.report.paper import paper_scores
from dmg_jax.report.scores import aggregates, lines, populations

MEDIUM, OWN = "hopper-medium-v2", "dmg/hopper/medium-replay-v0"
COLUMN, FULL = style.WIDTHS["column"], style.WIDTHS["full"]


@pytest.fixture(autouse=True)
def _style(monkeypatch):
  # What is drawn does not depend on how many draws an interval takes.
  monkeypatch.setattr(aggregates, "DRAWS", 20)
  with style.style():
    yield


def learning_curves(cells):
  looks = style.looks({method for _, method in cells})
  printed = {MEDIUM: paper_scores.cells(2)[MEDIUM, "DMG"]}
  return curve_figures.learning_curves(cells, COLUMN, looks, printed)


def curves(**lasts):
  """Two seeds of each method on hopper-medium, evaluated twice."""
  return {
    (MEDIUM, name): made(name, MEDIUM, values, curve=[10.0]) for name, values in lasts.items()
  }


def draw(scores, statistic="last"):
  return list(gallery.draw(scores, populations.compared(scores, statistic), statistic, COLUMN))


def drawn_names(scores, statistic="last"):
  return [named.name for named in draw(scores, statistic)]


def texts(figure):
  return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_a_curve_is_the_mean_and_students_interval():
  steps, mean, low, high = curve_figures.curve(made("DMG", MEDIUM, [20.0, 22.0], curve=[10.0]))
  np.testing.assert_array_equal(steps, [500_000, 1_000_000])
  np.testing.assert_allclose(mean, [10, 21])
  np.testing.assert_allclose(low, [10, 21 - 12.7062], atol=1e-3)
  np.testing.assert_allclose(high, [10, 21 + 12.7062], atol=1e-3)


def test_a_curve_has_the_evaluations_that_all_seeds_have():
  long = made("DMG", MEDIUM, [20.0], curve=[10.0])
  short = [made("DMG", MEDIUM, [30.0])[0]._replace(seed=1)]
  steps, mean, *_ = curve_figures.curve([*long, *short])
  assert (steps.tolist(), mean.tolist()) == ([1_000_000], [25.0])


def test_learning_curves_show_methods_and_the_papers_number():
  figure = learning_curves(curves(DMG=[90.0, 92.0], BC=[50.0, 50.0]))
  (axes,) = figure.axes
  assert axes.get_title(loc="right") == MEDIUM
  assert texts(figure) == ["DMG", "BC", "the paper's DMG"]
  ours, _, printed = axes.lines
  assert ours.get_ydata().tolist() == [10.0, 91.0]
  assert set(printed.get_ydata()) == {100.6}
  assert len(axes.collections) == 2
  assert figure.get_supylabel() == "D4RL-normalised score"
  assert figure.get_supxlabel() == "gradient steps"


def test_our_data_has_no_line_of_the_papers():
  figure = learning_curves({(OWN, "DMG"): made("DMG", OWN, [60.0])})
  assert len(figure.axes[0].lines) == 1
  assert texts(figure) == []


def test_mazes_are_counted_in_successes():
  mazes = ["antmaze-umaze-v2", "dmg/pointmaze-large/diverse-v0"]
  assert curve_figures.unit(mazes) == "success rate (%)"
  assert curve_figures.unit(["antmaze-umaze-v2", MEDIUM]) == "D4RL-normalised score"


@pytest.mark.parametrize(
  ("count", "width", "columns"),
  [(1, COLUMN, 1), (15, COLUMN, 2), (4, FULL, 4), (15, FULL, 3), (2, FULL, 2)],
)
def test_panels_fill_the_width(count, width, columns):
  figure, axes = style.panels([str(place) for place in range(count)], width)
  assert figure.get_figwidth() == width
  assert figure.get_figheight() < 9.5
  assert len(axes) == len(figure.axes) == count
  assert axes[0].get_subplotspec().get_gridspec().ncols == columns


def test_methods_are_told_apart_by_colour_and_dashes():
  looks = [style.appearance(place) for place in range(7)]
  assert len({colour for colour, _ in looks}) == 7
  okabe_ito = {"#000000", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00"}
  assert {to_hex(colour) for colour, _ in looks} <= okabe_ito | {"#cc79a7"}
  assert len({style.appearance(place) for place in range(28)}) == 28


def test_a_profile_is_the_share_of_runs_above():
  tasks = {"DMG": {MEDIUM: [10.0, 20.0, 40.0, 50.0]}}
  figure = population.performance_profiles(tasks, COLUMN, "score", style.looks(tasks))
  (line,) = figure.axes[0].lines
  shares = dict(zip(np.round(line.get_xdata(), 6), line.get_ydata(), strict=True))
  assert [shares[level] for level in (0, 15, 30, 45, 50)] == [1, 0.75, 0.5, 0.25, 0]


def test_aggregates_have_a_row_for_each_method():
  tasks = {"DMG": {MEDIUM: [80.0, 90.0]}, "BC": {MEDIUM: [50.0, 50.0]}}
  left, right = population.aggregate_intervals(
    aggregates.aggregate(tasks), COLUMN, "score", style.looks(tasks)
  ).axes
  assert [label.get_text() for label in left.get_yticklabels()] == ["DMG", "BC"]
  assert [line.get_xdata()[0] for line in left.lines[1::2]] == [85.0, 50.0]
  assert [line.get_xdata()[0] for line in right.lines[1::2]] == [15.0, 50.0]
  # The first is on top.
  assert left.get_ylim()[0] > left.get_ylim()[1]


def test_improvement_is_over_each_other_method():
  tasks = {
    "DMG": {MEDIUM: [1.0, 3.0]},
    "BC": {MEDIUM: [0.0, 2.0]},
    "IQL": {MEDIUM: [9.0, 9.0]},
  }
  axes = population.improvement(
    aggregates.aggregate(tasks), COLUMN, "score", style.looks(tasks)
  ).axes[0]
  assert [label.get_text() for label in axes.get_yticklabels()] == ["DMG > BC", "DMG > IQL"]
  assert [line.get_xdata()[0] for line in axes.lines[1:4:2]] == [0.75, 0.0]


@pytest.mark.parametrize("draw_rows", [population.improvement, population.aggregate_intervals])
def test_long_names_push_no_label_off_the_page(draw_rows):
  names = ["IQL (ReBRAC paper)", "ReBRAC", "TD3+BC (ReBRAC paper)"]
  tasks = {name: {MEDIUM: [80.0, 90.0]} for name in names}
  figure = draw_rows(aggregates.aggregate(tasks), COLUMN, "score", style.looks(tasks))
  FigureCanvasAgg(figure).draw()
  for axes in figure.axes:
    place = axes.xaxis.label.get_window_extent()
    assert place.x0 >= 0
    assert place.x1 <= figure.bbox.x1


def test_an_ablation_draws_scores_against_the_setting():
  scores = [*made("DMG", MEDIUM, [4.0, 6.0]), *ablated("lam", [1.0, 0.5])]
  found = lines.lines(scores, [], ("lam",), "last")
  figure = ablations.ablation(found, "lam", COLUMN, "score")
  (axes,) = figure.axes
  mean = axes.lines[-1]
  assert mean.get_xdata().tolist() == [0.25, 0.5, 1.0]
  assert mean.get_ydata().tolist() == [5.0, 1.5, 2.0]
  assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0.25", "0.5", "1"]
  assert figure.get_supxlabel() == r"$\lambda$"


def crosses(axes):
  return [(*line.get_xdata(), *line.get_ydata()) for line in axes.lines if line.get_marker() == "x"]


def test_learned_values_stand_below_and_crosses_mark_divergence():
  """At lambda 0.5 Q is beyond 1.5 times the bound; at 1 both seeds' numbers were not finite."""
  scores = ablated("lam", [0.25, 0.5])
  values = {0.25: 100.0, 0.5: 950.0}
  scores = [
    s._replace(learned={"q": values[lam], "largest_q": values[lam], "q_bound": 600.0})
    for s in scores
    for lam in [s.settings["lam"]]
  ]
  diverged = [s._replace(last=float("nan")) for s in ablated("lam", [1.0])]
  found = lines.lines(scores, diverged, ("lam",), "last")
  figure = ablations.ablation(found, "lam", COLUMN, "score")
  upper, lower = figure.axes
  assert crosses(upper) == [(0.5, 1.5), (1.0, 0.03)]
  assert crosses(lower) == [(0.5, 950.0), (1.0, 0.03)]
  assert [line.get_ydata()[0] for line in lower.lines if line.get_linestyle() == ":"] == [600.0]
  assert [tick.get_text() for tick in upper.get_xticklabels()] == ["0.25", "0.5", "1"]


def test_a_grid_is_a_map_of_mean_scores():
  scores = [
    score
    for nu in (0.1, 1.0)
    for lam in (0.0, 0.5)
    for score in made(f"DMG (lam {lam}, nu {nu})", OWN, [10 * lam, nu], lam=lam, nu=nu)
  ]
  (named,) = [named for named in draw(scores) if named.name == "ablation_grid"]
  axes = named.figure.axes[0]
  assert axes.get_title(loc="right") == OWN
  shown = np.array([text.get_text() for text in axes.texts]).reshape(2, 2)
  # Rows lambda 0 and 0.5, columns nu 0.1 and 1.
  assert shown.tolist() == [["0", "0"], ["3", "3"]]
  np.testing.assert_allclose(axes.images[0].get_array(), [[0.05, 0.5], [2.55, 3.0]])


def test_methods_on_two_axes():
  ends = {
    "TD3": {"policy_distance": 0.64, "generalised_share": 1.0},
    "DMG": {"policy_distance": 0.04, "generalised_share": 0.25},
    "BC": {"policy_distance": 0.01},
  }
  scores = [
    score._replace(learned=learned)
    for method, learned in ends.items()
    for score in made(method, OWN, [10.0, 20.0])
  ]
  (named,) = [named for named in draw(scores) if named.name == "two_axes"]
  axes = named.figure.axes[0]
  assert {text.get_text(): text.xy for text in axes.texts} == {
    "TD3 15": (0.8, 1.0), "DMG 15": (0.2, 0.25), "BC 15": (0.1, 0.0),
  }  # fmt: skip


@pytest.mark.parametrize(("values", "scale"), [([0.01, 1.0], "log"), ([0.0, 0.1], "symlog")])
def test_nu_is_varied_by_factors(values, scale):
  found = lines.lines(ablated("nu", values), [], ("nu",), "last")
  assert ablations.ablation(found, "nu", COLUMN, "score").axes[0].get_xscale() == scale


def test_what_there_is_decides_what_is_drawn():
  assert drawn_names([]) == []
  assert drawn_names(made("DMG", OWN, [1.0, 2.0], curve=[0.0])) == [
    "learning_curves_own_data",
    "profiles_own_data",
    "aggregates_own_data",
  ]
  both = [
    *made("DMG", MEDIUM, [1.0, 2.0]),
    *made("DMG", "antmaze-umaze-v2", [3.0, 4.0]),
    *final_only("other", MEDIUM, [1.0]),
    *final_only("other", "antmaze-umaze-v2", [1.0]),
    *made("DMG (lam 0)", MEDIUM, [1.0, 2.0], lam=0.0),
  ]
  assert drawn_names(both) == [
    "learning_curves_locomotion",
    "learning_curves_antmaze",
    "ablation_lambda",
    "profiles_d4rl",
    "aggregates_d4rl",
    "improvement_d4rl",
  ]


def test_curves_of_online_runs_are_apart_and_begin_with_the_offline_score():
  maze = "antmaze-umaze-v2"
  online = [
    score._replace(
      evaluation_steps=(0, *score.evaluation_steps),
      evaluation_scores=(70.0, *score.evaluation_scores),
      job=score.job._replace(config={**score.job.config, "kind": run_config.ONLINE}),
    )
    for score in made("DMG fine-tuned", maze, [90.0, 94.0])
  ]
  offline = made("DMG", maze, [70.0, 70.0])
  first, second, *_ = draw([*offline, *online])
  assert [first.name, second.name] == ["learning_curves_antmaze", "online_curves_antmaze"]
  (axes,) = second.figure.axes
  ours, printed = axes.lines
  assert (ours.get_xdata().tolist(), ours.get_ydata().tolist()) == ([0, 1_000_000], [70.0, 92.0])
  assert set(printed.get_ydata()) == {98.4}
  labels = [named.figure.get_supxlabel() for named in (first, second)]
  assert labels == ["gradient steps", "environment steps"]
  assert "online, at step 0 before the first step" in second.caption
  short = draw([score._replace(steps=20) for score in online])
  assert "; environment steps of the runs: 20" in short[1].caption


def test_settings_that_all_runs_on_a_data_set_share_do_not_keep_them_from_the_curves():
  shared = [
    *made("DMG (target_rate 0.05, lam 0.5)", OWN, [1.0, 2.0]),
    *made("IQL (target_rate 0.05)", OWN, [3.0, 4.0]),  # lambda has no effect in it
  ]
  first, *_ = draw(shared)
  assert first.name == "learning_curves_own_data"
  assert texts(first.figure) == ["DMG", "IQL"]
  assert first.caption.endswith(f"; all on {OWN}: target_rate 0.05, lam 0.5.")
  (alone, *_) = draw(made("DMG (target_rate 0.05)", OWN, [1.0, 2.0]))
  assert alone.caption.endswith(f"; all on {OWN}: target_rate 0.05.")
  # Variants of one method, or beside the method itself, are no curves.
  for other in ("DMG (target_rate 0.1)", "DMG"):
    scores = [*made("DMG (target_rate 0.05)", OWN, [1.0]), *made(other, OWN, [2.0])]
    named = [figure for figure in draw(scores) if figure.name.startswith("learning_curves")]
    assert [len(figure.figure.axes[0].lines) for figure in named] == [1] * (other == "DMG")


def test_captions_name_who_is_left_out_and_why():
  scores = [
    *made("DMG", MEDIUM, [1.0, 2.0]), *made("DMG", "walker2d-medium-v2", [1.0, 2.0]),
    *final_only("few", MEDIUM, [1.0]), *final_only("both", MEDIUM, [1.0]),
    *final_only("both", "walker2d-medium-v2", [1.0]),
  ]  # fmt: skip
  captions = {named.name: named.caption for named in draw(scores)}
  for name in ("profiles_d4rl", "aggregates_d4rl", "improvement_d4rl"):
    assert captions[name].endswith(". Left out: few (no scores on walker2d-medium-v2).")
  captions = {named.name: named.caption for named in draw(scores, "best")}
  assert captions["profiles_d4rl_best"].endswith(
    ". Left out: both (only final scores on hopper-medium-v2, walker2d-medium-v2); "
    "few (no scores on walker2d-medium-v2, only final scores on hopper-medium-v2)."
  )


def test_captions_name_statistic_interval_and_seeds():
  scores = [*made("DMG", MEDIUM, [1.0, 2.0]), *final_only("other", MEDIUM, [1.0])]
  captions = {named.name: named.caption for named in draw(scores, "best")}
  assert captions["learning_curves_locomotion"].endswith(
    "95 % interval (Student's t); seeds of each: 2."
  )
  assert "BEST" in captions["profiles_d4rl_best"]
  assert "stratified bootstrap" in captions["aggregates_d4rl_best"]
  assert "1 data set, seeds of each: 2." in captions["aggregates_d4rl_best"]


@pytest.mark.parametrize(
  ("statistic", "words"),
  [("last", None), ("last_ten", "mean of last 2 evaluations"), ("best", "best evaluation")],
)
def test_figures_of_another_statistic_than_the_last_say_so(statistic, words):
  scores = [
    score
    for method, lam in (("DMG", 0.25), ("DMG (lam 0.5)", 0.5), ("BC", 0.25))
    for score in made(method, MEDIUM, [1.0, 2.0], curve=[3.0], lam=lam)
  ]
  names = ["ablation_lambda", "profiles_d4rl", "aggregates_d4rl", "improvement_d4rl"]
  curves, *others = draw(scores, statistic)
  assert curves.name == "learning_curves_locomotion"
  ends = f"_{statistic}" if words else ""
  assert [named.name for named in others] == [name + ends for name in names]
  for _, _, figure in others:
    labels = [figure.get_supylabel(), figure.get_suptitle(), *(a.get_xlabel() for a in figure.axes)]
    (unit,) = (label for label in labels if "D4RL-normalised score" in label)
    assert unit.removesuffix(r", $\tau$") == "\n".join(filter(None, [
      "D4RL-normalised score", words
    ]))  # fmt: skip
  if statistic == "last_ten":
    assert others[1].caption.split("; ")[1].startswith("mean score of the last 2 evaluations,")


def test_captions_tell_lengths_that_are_not_the_papers():
  other = "walker2d-medium-v2"
  scores = [*made("DMG", MEDIUM, [1.0]), *made("DMG", other, [2.0], steps=20)]
  captions = {named.name: named.caption for named in draw(scores)}
  assert captions["aggregates_d4rl"].endswith("; gradient steps of the runs: 20 or 1,000,000.")
  usual = [*made("DMG", MEDIUM, [1.0]), *final_only("DMG", other, [2.0])]
  assert not any("gradient steps of" in named.caption for named in draw(usual))
  short = [*made("DMG", MEDIUM, [1.0], steps=20), *made("TD3", MEDIUM, [1.0], steps=10, lam=1.0)]
  short += made("DMG (lam 0)", MEDIUM, [1.0], steps=20, lam=0.0)
  captions = {named.name: named.caption for named in draw(short)}
  # TD3 is on no line of the ablation.
  assert captions["ablation_lambda"].endswith("; gradient steps of the runs: 20.")


def test_dmg_has_the_first_colour_whatever_comes_first():
  cells = curves(BC=[50.0, 50.0], DMG=[90.0, 92.0])
  (axes,) = learning_curves(cells).axes
  assert texts(axes.figure)[:2] == ["DMG", "BC"]
  assert to_hex(axes.lines[0].get_color()) == style.COLOURS[0].lower()
  assert axes.lines[0].get_ydata()[-1] == 91.0


def test_every_data_set_of_the_paper_has_a_figure():
  kinds = {populations.family(dataset) for dataset, _ in paper_scores.cells(2)}
  assert kinds == {"locomotion", "antmaze"}
  assert populations.family("hopper-medium-v0") == "other_data"
  assert populations.family("dmg/hopper-medium-v2") == "own_data"


def test_files_have_their_size_embedded_fonts_and_the_same_bytes(tmp_path):
  for name in ("a", "b"):
    figure = learning_curves(curves(DMG=[90.0, 92.0]))
    png, pdf = style.write(figure, tmp_path / name)
  assert imread(png).shape[1] == round(COLUMN * 300)
  # 42 is TrueType; type 3 is what journals refuse.
  assert b"/Type3" not in pdf.read_bytes()
  assert b"/FontFile2" in pdf.read_bytes()
  assert (tmp_path / "a.png").read_bytes() == png.read_bytes()
  assert (tmp_path / "a.pdf").read_bytes() == pdf.read_bytes()


def test_a_method_looks_the_same_in_all_figures_of_a_report():
  # "few" has no scores on one of the data sets: it is in the curves and not in the profiles.
  scores = [s for name in ("DMG", "zz") for s in made(name, MEDIUM, [1.0], curve=[0.0])]
  scores += [s for name in ("DMG", "zz") for s in made(name, "hopper-random-v2", [1.0])]
  scores += made("few", MEDIUM, [1.0], curve=[0.0])
  figures = {named.name: named.figure for named in draw(scores)}
  colours = []
  for name in ("learning_curves_locomotion", "profiles_d4rl"):
    (legend,) = figures[name].legends
    texts = [text.get_text() for text in legend.get_texts()]
    colours.append(to_hex(legend.get_lines()[texts.index("zz")].get_color()))
  row = figures["improvement_d4rl"].axes[0].lines[0]
  assert [*colours, to_hex(row.get_color())] == [style.COLOURS[2].lower()] * 3
