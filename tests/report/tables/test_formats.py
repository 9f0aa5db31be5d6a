import csv
import re

import pytest
from made_scores import final_only, made

from dmg_jax.report.paper import paper_scores
from dmg_jax.report.paper.comparison import compare
from dmg_jax.report.paper.comparison_text import caption
from dmg_jax.report.scores import aggregates, populations
from dmg_jax.report.tables import formats, words
from dmg_jax.report.tables.grids import overall_grid

MEDIUM, OWN = "hopper-medium-v2", "dmg/hopper/medium-replay-v0"
SCORES = [
  *made("DMG", MEDIUM, [100.0, 102.0, 104.0], curve=[40.0]),
  *made("DMG", "hopper-random-v2", [-0.04] * 5, steps=200_000),
  *made("DMG", OWN, [65.0, 66.0], steps=22_400),
]


def rendered(form, table=2, scores=SCORES):
  comparison = compare(table, scores)
  return form(comparison, caption(comparison))


def rows(text, *names):
  return [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in text.splitlines()
    if [cell.strip() for cell in line.strip("|").split("|")][: len(names)] == list(names)
  ]


def test_markdown_has_one_row_for_each_method_and_data_set():
  text = rendered(formats.markdown)
  header = rows(text, "data set", "method")[0]
  assert header[2:] == [
    "measured", "the paper's", "difference", "mean of last 1 or 2", "seeds", "steps",
  ]  # fmt: skip
  assert rows(text, MEDIUM, "DMG") == [
    [MEDIUM, "DMG", "102.0 ± 2.0", "100.6 ± 1.9", "+1.4, within", "71.0", "3", "1,000,000"]
  ]
  ((_, _, *absent),) = rows(text, "walker2d-medium-v2", "DMG")
  assert absent == ["missing", "92.4 ± 2.7", "", "", "", ""]


def test_seven_methods_are_rows_and_not_columns():
  names = ["BC", "CQL", "EDAC", "IQL", "LB-SAC", "SAC-N", "TD3+BC"]
  scores = [s for name in names for s in final_only(name, MEDIUM, [1.0, 2.0])]
  text = rendered(formats.markdown, scores=scores)
  measured = text.split("## Table 2, as")[0]
  assert {line.count("|") for line in measured.splitlines() if line.startswith("|")} == {9}
  assert max(len(line) for line in measured.splitlines() if line.startswith("|")) <= 120
  found = rows(measured, MEDIUM)
  # DMG first; then the methods that the paper has, in its order, then the others.
  assert [row[1] for row in found] == [
    "DMG", "BC", "TD3+BC", "CQL", "IQL", "EDAC", "LB-SAC", "SAC-N",
  ]  # fmt: skip
  assert [row[3] for row in found][1:6] == ["56.2", "59.3", "53.0", "66.2", ""]


def test_the_papers_table_stands_as_it_is_printed():
  text = rendered(formats.markdown).split("## Table 2, as the paper prints it")[1]
  (header,) = rows(text, "data set")
  assert header[1:] == ["BC", "BCQ", "BEAR", "DT", "AWAC", "OneStep", "TD3+BC", "CQL", "IQL", "DMG"]
  ((*_, iql, dmg),) = rows(text, MEDIUM)
  assert (iql, dmg) == ("66.2", "100.6 ± 1.9")
  assert rows(text, "total (15)")[0][-1] == "1182.9"


def test_zero_has_no_sign_in_any_format():
  scores = [*made("DMG", "hopper-random-v2", [-0.04] * 5), *made("DMG", MEDIUM, [100.58])]
  scores += made("DMG", OWN, [-0.01])
  comparison = compare(2, scores)
  (row,) = rows(formats.markdown(comparison, []), "hopper-random-v2", "DMG")
  assert row[2:5] == ["0.0 ± 0.0", "20.4 ± 10.4", "-20.4, outside"]
  assert rows(formats.markdown(comparison, []), MEDIUM, "DMG")[0][4] == "+0.0, within"
  for text in (
    formats.markdown(comparison, []),
    formats.latex(comparison, ["", ""]),
    formats.comma_separated(comparison).replace("-0.04", "").replace("-0.01", ""),
  ):
    assert not re.search(r"-0\.0\b", text)


def test_our_data_has_a_table_of_its_own():
  text = rendered(formats.markdown)
  before, after = text.split("## Our own data")
  assert OWN not in before
  (row,) = rows(after, OWN, "DMG")
  assert row == [OWN, "DMG", "65.5 ± 0.7", "65.5", "2", "22,400"]


def test_a_cell_counts_its_diverged_seeds():
  seeds = [("DMG", MEDIUM, 3), ("DMG", "walker2d-medium-v2", 0), ("DMG", OWN, 2), ("DMG", OWN, 5)]
  seeds.append(("DMG", "hopper-random-v2", 5))
  comparison = compare(2, SCORES, "last", seeds)
  text = formats.markdown(comparison, caption(comparison))
  assert rows(text, MEDIUM, "DMG")[0][2::4] == ["102.0 ± 2.0", "3, 1 diverged"]
  assert rows(text, "hopper-random-v2", "DMG")[0][6] == "5, 1 diverged"
  assert rows(text, "walker2d-medium-v2", "DMG")[0][2::4] == ["none", "0, 1 diverged"]
  assert rows(text, OWN, "DMG")[0][-2:] == ["2, 2 diverged", "22,400"]
  found = csv.DictReader(formats.comma_separated(comparison).splitlines())
  assert {(row["dataset"], row["method"]): row["diverged"] for row in found if row["diverged"]} == {
    (MEDIUM, "DMG"): "3",
    ("walker2d-medium-v2", "DMG"): "0",
    ("hopper-random-v2", "DMG"): "5",
    (OWN, "DMG"): "2 5",
  }


def test_a_mean_of_fewer_than_ten_evaluations_is_called_so():
  scores = [
    *made("DMG", OWN, [65.0], curve=[1.0] * 7),
    *made("DMG", MEDIUM, [100.0], curve=[1.0] * 11),
    *final_only("other", OWN, [1.0]),
  ]
  before, after = rendered(formats.markdown, scores=scores).split("## Our own data")
  assert "mean of last ten" in rows(before, "data set", "method")[0]
  assert "mean of last 8" in rows(after, "data set", "method")[0]
  comparison = compare(2, scores, "last_ten")
  assert "mean score of the last 8 or ten evaluations" in formats.latex(
    comparison, caption(comparison)
  )
  assert "last ten evaluations" in " ".join(caption(compare(2, scores[1:2], "last_ten")))


def test_every_line_of_a_markdown_table_is_as_long():
  for block in rendered(formats.markdown).split("\n\n"):
    if block.startswith("|"):
      assert len({len(line) for line in block.splitlines()}) == 1
      assert len({line.count("|") for line in block.splitlines()}) == 1


def test_figures_missing_and_notices_are_lists():
  comparison = compare(2, SCORES)._replace(notices=("run left out: why",))
  text = formats.markdown(comparison, caption(comparison), (), ["curves: scores"])
  assert "## Figures\n\n* curves: scores" in text
  assert "## Missing\n\n* DMG on" in text
  assert text.endswith("## Notices\n\n* run left out: why\n")


def test_a_bar_in_a_name_stays_in_its_cell():
  text = rendered(formats.markdown, scores=final_only("a|b", MEDIUM, [1.0]))
  assert r"a\|b" in text


def test_latex_has_booktabs_and_as_many_cells_as_columns():
  text = rendered(formats.latex)
  assert text.count(r"\begin{table*}") == text.count(r"\end{table*}") == 3
  for tabular in re.findall(r"\\begin\{tabular\}.*?\\end\{tabular\}", text, re.DOTALL):
    (columns,) = re.findall(r"\\begin\{tabular\}\{([lr]+)\}", tabular)
    lines = [line for line in tabular.splitlines() if line.endswith(r" \\")]
    assert {line.count(" & ") for line in lines} == {len(columns) - 1}
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
      assert rule in tabular
  assert r"102.0 $\pm$ 2.0 & 100.6 $\pm$ 1.9 & +1.4, within" in text
  assert r"95 \%" not in text
  # Wide tables are scaled, braces and all; the narrow one is not.
  assert text.count(r"\resizebox") == text.count(r"\end{tabular}}") == 2


def test_a_latex_table_that_is_too_long_for_a_page_is_continued():
  names = [f"method {letter}" for letter in "abcdefg"]
  datasets = [name for name, method in paper_scores.cells(2) if method == "DMG"]
  scores = [s for name in names for data in datasets for s in final_only(name, data, [1.0])]
  text = rendered(formats.latex, scores=scores)
  tables = re.findall(r"\\begin\{tabular\}.*?\\end\{tabular\}", text, re.DOTALL)
  assert [table.count(r" \\") - 1 <= 45 for table in tables] == [True] * len(tables)
  assert text.count("Table 2, continued.") == len(tables) - 2
  for name in names:
    assert text.count(f"& {name} &") == len(datasets) + 2  # and both totals


def test_latex_is_plain_ascii():
  text = rendered(formats.latex)
  outside = [line for line in text.splitlines() if not line.startswith("%")]
  assert "\n".join(outside).isascii()


def test_latex_says_as_comments_what_is_missing():
  assert "% missing: DMG on walker2d-medium-v2, all 5 seeds: python" in rendered(formats.latex)


@pytest.mark.parametrize(
  ("text", "escaped"),
  [
    ("a_b & 5 %", r"a\_b \& 5 \%"),
    ("$x^2$ {#1} ~ \\", r"\$x\textasciicircum{}2\$ \{\#1\} \textasciitilde{} \textbackslash{}"),
    ("1 ± 2 → 3 < 4 | 5", r"1 $\pm$ 2 $\to$ 3 $<$ 4 \textbar{} 5"),
  ],
)
def test_latex_sets_text_as_it_stands(text, escaped):
  assert formats.escape(text) == escaped


def test_csv_keeps_every_digit():
  scores = made("DMG", MEDIUM, [1 / 3, 2 / 3], first_seed=4)
  found = list(csv.DictReader(formats.comma_separated(compare(2, scores)).splitlines()))
  (row,) = (row for row in found if (row["dataset"], row["method"]) == (MEDIUM, "DMG"))
  assert float(row["mean"]) == 0.5
  assert float(row["spread"]) == pytest.approx(0.05555555555555555**0.5, rel=1e-12)
  assert (row["spread_is"], row["seeds"], row["steps"]) == ("sd over seeds", "4 5", "1000000")
  assert (row["paper_mean"], row["paper_spread"], row["paper_seeds"]) == ("100.6", "1.9", "5")
  assert (row["difference"], row["within"]) == ("-100.1", "no")
  assert len(found) == 21 * 10


def test_csv_of_our_data_has_no_paper_numbers():
  found = list(csv.DictReader(formats.comma_separated(compare(2, SCORES)).splitlines()))
  (row,) = (row for row in found if row["dataset"] == OWN)
  assert row["section"] == "our own data"
  assert {row[name] for name in row if name.startswith("paper")} == {""}
  assert row["difference"] == row["within"] == ""


def test_three_and_four_have_their_form():
  maze = "antmaze-umaze-v2"
  four = rendered(formats.markdown, 4, made("DMG", maze, [92.0, 93.0]))
  found = {row[1]: row[2:5] for row in rows(four.split("## Table 4, as")[0], maze)}
  assert found == {
    "DMG offline": ["92.5 ± 0.7", "92.4", "+0.1, within"],
    "DMG after 1M online steps": ["missing", "98.4", ""],
  }
  three = rendered(formats.markdown, 3, made("XQL+DMG", MEDIUM, [90.0] * 5))
  found = {row[1]: row[2:5] for row in rows(three.split("## Table 3, as")[0], MEDIUM)}
  assert found["XQL"] == ["missing", "71.1", ""]
  assert found["XQL+DMG"] == ["90.0 ± 0.0", "90.1", "-0.1, outside"]


def test_numbers_over_several_data_sets_are_a_table_and_lines_of_csv(monkeypatch):
  monkeypatch.setattr(aggregates, "DRAWS", 50)
  scores = [
    *made("DMG", MEDIUM, [80.0, 90.0]), *made("BC", MEDIUM, [50.0, 50.0]),
    *final_only("few", OWN, [1.0]), *made("TD3+BC", "hopper-random-v2", [3.0]),
  ]  # fmt: skip
  d4rl, own = populations.compared(scores, "last")
  grid = overall_grid(d4rl, words.over_tasks(d4rl, scores, "last"))
  text = formats.markdown(compare(2, scores), [], [grid])
  section = text.split("## Over several data sets: D4RL's data")[1].split("## ")[0]
  (row,) = rows(section, "BC")
  assert row == ["BC", "50.0 [50.0, 50.0]", "50.0 [50.0, 50.0]", "1.00 [1.00, 1.00]"]
  assert rows(section, "DMG")[0][1] == "85.0 [80.0, 90.0]"
  assert "Left out: TD3+BC (no scores on hopper-medium-v2)." in section
  found = list(csv.DictReader(formats.overall_comma_separated(d4rl, "last").splitlines()))
  assert [(r["number"], r["method"], r["over"], float(r["value"])) for r in found] == [
    ("iqm", "DMG", "", 85.0), ("iqm", "BC", "", 50.0),
    ("optimality_gap", "DMG", "", 15.0), ("optimality_gap", "BC", "", 50.0),
    ("probability_of_improvement", "DMG", "BC", 1.0),
  ]  # fmt: skip
  assert {(r["data_sets"], r["runs"], r["statistic"]) for r in found} == {("1", "2", "last")}
  assert list(own.population) == ["few"]
  assert r"85.0 [80.0, 90.0]" in formats.latex(compare(2, scores), ["", ""], [grid])
