import csv
import re

import pytest
from made_scores import final_only, made

from dmg_jax.report.paper.comparison import compare
from dmg_jax.report.paper.comparison_text import caption
from dmg_jax.report.tables import formats

MEDIUM, OWN = "hopper-medium-v2", "dmg/hopper/medium-replay-v0"
SCORES = [
  *made("DMG", MEDIUM, [100.0, 102.0, 104.0], curve=[40.0]),
  *made("DMG", "hopper-random-v2", [-0.04] * 5, steps=200_000),
  *made("DMG", OWN, [65.0, 66.0], steps=22_400),
]


def rendered(form, table=2, scores=SCORES):
  comparison = compare(table, scores)
  return form(comparison, caption(comparison))


def rows(text, name):
  return [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in text.splitlines()
    if line.startswith(f"| {name} ")
  ]


def test_markdown_row():
  text = rendered(formats.markdown)
  (header,) = rows(text.split("## Our own data")[0], "data set")
  (row,) = rows(text, MEDIUM)
  cells = dict(zip(header, row, strict=True))
  assert cells["DMG"] == "100.6 ± 1.9"
  assert cells["DMG, measured"] == "102.0 ± 2.0 (3 seeds)"
  assert cells["difference"] == "+1.4, within"
  assert cells["mean of last 1 or 2"] == "71.0"
  (absent,) = rows(text, "walker2d-medium-v2")
  assert absent[-3:] == ["missing", "", ""]


def test_shorter_runs_are_marked_and_zero_has_no_sign():
  text = rendered(formats.markdown)
  (row,) = rows(text, "hopper-random-v2")
  assert row[-3:] == ["0.0 ± 0.0†", "-20.4, outside", "0.0"]
  assert "† after fewer than 1,000,000 gradient steps." in text
  assert "†" not in rendered(formats.markdown, scores=SCORES[:3])
  # Of unknown length is not shorter.
  assert "†" not in rendered(formats.markdown, scores=final_only("DMG", MEDIUM, [1.0]))


def test_our_data_has_a_table_of_its_own():
  text = rendered(formats.markdown)
  before, after = text.split("## Our own data")
  assert OWN not in before
  (row,) = rows(after, OWN)
  assert row == [OWN, "DMG", "65.5 ± 0.7", "65.5", "2", "22,400"]


def test_a_cell_counts_its_diverged_seeds():
  seeds = [("DMG", MEDIUM, 3), ("DMG", "walker2d-medium-v2", 0), ("DMG", OWN, 2), ("DMG", OWN, 5)]
  seeds.append(("DMG", "hopper-random-v2", 5))
  comparison = compare(2, SCORES, "last", seeds)
  text = formats.markdown(comparison, caption(comparison))
  (row,) = rows(text, MEDIUM)
  assert "102.0 ± 2.0 (3 seeds, 1 diverged)" in row
  (row,) = rows(text, "hopper-random-v2")
  assert "0.0 ± 0.0† (5 seeds, 1 diverged)" in row
  (row,) = rows(text, "walker2d-medium-v2")
  assert row[-3:] == ["1 diverged", "", ""]
  (row,) = rows(text, OWN)
  assert row[-2:] == ["2, 2 diverged", "22,400"]
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
  assert "mean of last ten" in rows(before, "data set")[0]
  assert "mean of last 8" in rows(after, "data set")[0]
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
  text = formats.markdown(comparison, caption(comparison), ["curves: scores"])
  assert "## Figures\n\n* curves: scores" in text
  assert "## Missing\n\n* DMG on" in text
  assert text.endswith("## Notices\n\n* run left out: why\n")


def test_a_bar_in_a_name_stays_in_its_cell():
  text = rendered(formats.markdown, scores=final_only("a|b", MEDIUM, [1.0]))
  assert r"a\|b" in text


def test_latex_has_booktabs_and_as_many_cells_as_columns():
  text = rendered(formats.latex)
  assert text.count(r"\begin{table*}") == text.count(r"\end{table*}") == 2
  for tabular in re.findall(r"\\begin\{tabular\}.*?\\end\{tabular\}", text, re.DOTALL):
    (columns,) = re.findall(r"\\begin\{tabular\}\{([lr]+)\}", tabular)
    lines = [line for line in tabular.splitlines() if line.endswith(r" \\")]
    assert {line.count(" & ") for line in lines} == {len(columns) - 1}
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
      assert rule in tabular
  assert r"102.0 $\pm$ 2.0 (3 seeds)" in text
  assert r"95 \%" not in text
  # The wide table is scaled, braces and all; the narrow one is not.
  assert text.count(r"\resizebox") == text.count(r"\end{tabular}}") == 1


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
  (row,) = rows(four, maze)
  assert row[4:] == ["92.4", "92.5 ± 0.7 (2 seeds)", "+0.1, within", "98.4", "missing", ""]
  three = rendered(formats.markdown, 3, made("XQL+DMG", MEDIUM, [90.0] * 5))
  (row,) = rows(three, MEDIUM)
  assert row[1:7] == ["71.1", "missing", "", "90.1", "90.0 ± 0.0", "-0.1, outside"]
