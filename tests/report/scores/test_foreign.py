import json
import math

import pytest

from dmg_jax.errors import UserError
from dmg_jax.report.scores.foreign import read_scores
from dmg_jax.report.scores.score import Score

HEADER = "method,dataset,seed,score\n"
GOOD = "Mine,hopper-medium-v2,0,51.5\n"


def write(folder, name, text):
  path = folder / name
  path.write_text(text if isinstance(text, str) else json.dumps(text))
  return path


def record(**changes):
  return {"method": "Mine", "dataset": "hopper-medium-v2", "seed": 0, "score": 51.5} | changes


def same(first, second):
  """Equality of scores, NaN being equal to NaN."""
  return all(
    a == b or (isinstance(a, float) and math.isnan(a) and math.isnan(b))
    for a, b in zip(first, second, strict=True)
  )


def test_one_row_for_each_seed_is_a_final_score(tmp_path):
  path = write(tmp_path, "mine.csv", HEADER + GOOD + "Mine,hopper-medium-v2,1,-2\n")
  first, second = read_scores(path)
  expected = Score(
    "Mine", "hopper-medium-v2", 0, 0, 51.5, math.nan, (), (), settings={}, source=str(path)
  )
  assert same(first, expected)
  assert same(second, expected._replace(seed=1, last=-2.0))


def test_a_step_of_a_final_score_is_kept(tmp_path):
  path = write(tmp_path, "mine.json", [record(step=1_000_000)])
  (score,) = read_scores(path)
  assert (score.steps, score.last, score.evaluation_steps) == (1_000_000, 51.5, ())
  assert math.isnan(score.last_ten)


def test_one_row_for_each_evaluation_is_a_curve(tmp_path):
  # Not in order; of twelve evaluations 0, 10, ..., 110 the last ten average 65.
  rows = [record(step=100 * i + 100, score=10.0 * i) for i in reversed(range(12))]
  (score,) = read_scores(write(tmp_path, "mine.json", rows))
  assert (score.steps, score.last, score.last_ten) == (1200, 110.0, 65.0)
  assert score.evaluation_steps == tuple(range(100, 1300, 100))
  assert score.evaluation_scores == tuple(10.0 * i for i in range(12))


def test_csv_and_json_say_the_same(tmp_path):
  rows = [record(step=step, seed=seed, score=step / 7) for seed in (3, 4) for step in (10, 20)]
  text = "score, step,seed,dataset,method\n" + "".join(
    f"{row['score']}, {row['step']},{row['seed']},{row['dataset']},{row['method']}\n\n"
    for row in rows
  )
  csv, as_json = write(tmp_path, "a.CSV", text), write(tmp_path, "a.json", rows)
  assert [score._replace(source="") for score in read_scores(csv)] == [
    score._replace(source="") for score in read_scores(as_json)
  ]


def test_a_spreadsheets_mark_and_quotes_are_read(tmp_path):
  path = tmp_path / "mine.csv"
  path.write_bytes(b"\xef\xbb\xbf" + (HEADER + '"Mine, new",hopper-medium-v2,0,1\r\n').encode())
  assert read_scores(path)[0].method == "Mine, new"


def test_spaces_and_empty_lines_around_are_not_read(tmp_path):
  path = write(tmp_path, "mine.csv", "\n\n" + HEADER + "\n" + GOOD)
  (expected,) = read_scores(path)
  assert expected.method == "Mine"
  path = write(tmp_path, "mine.json", [record(method=" Mine\n", dataset="\thopper-medium-v2 ")])
  (score,) = read_scores(path)
  assert same(score._replace(source=""), expected._replace(source=""))


@pytest.mark.parametrize(
  ("text", "message"),
  [
    ("", "there are no scores in it"),
    (HEADER, "there are no scores in it"),
    ("method,dataset,seed\nMine,x,0\n", "line 1: score missing"),
    ("method,dataset,seed,score,steps\n", "line 1: unknown steps"),
    ("method,method,dataset,seed,score\n", "line 1: a column is named twice"),
    (HEADER + GOOD + "Mine,x,0\n", "line 3: 3 values for 4 columns"),
    (HEADER + "\n" + GOOD.replace("51.5", "high"), "line 3: score is 'high'"),
    (HEADER + GOOD.replace("51.5", "nan"), "line 2: score is 'nan'"),
    (HEADER + GOOD.replace("51.5", "inf"), "line 2: score is 'inf'"),
    (HEADER + GOOD.replace("51.5", ""), "line 2: score is ''"),
    (HEADER + GOOD.replace(",0,", ",0.5,"), "line 2: seed is '0.5'"),
    (HEADER + GOOD.replace(",0,", ",-1,"), "line 2: seed is '-1'"),
    (HEADER + GOOD.replace("Mine", ""), "line 2: method is ''"),
    (HEADER + GOOD.replace("Mine", "a$b_{$c"), r"line 2: method is 'a\$b_\{\$c'; .* without \$"),
    (HEADER + GOOD.replace("hopper", r"$\frac$"), "line 2: dataset is .*; names .* without"),
    (
      HEADER + GOOD.replace("Mine", '"Mi\nne"'),
      r"line 3: method is 'Mi\\nne'; names go",
    ),
    (HEADER + GOOD + '"' + 200_000 * "x", r"is no CSV \(field larger than .* quote"),
    (HEADER + GOOD.replace("Mine", "DMG"), "line 2: method is 'DMG', as the runs of this package"),
    (HEADER + GOOD.replace("Mine", " DMG offline"), "line 2: method is 'DMG offline', as the runs"),
    (HEADER + GOOD.replace("hopper-medium-v2", " "), "line 2: dataset is ''"),
    (HEADER + GOOD + GOOD, r"line 3: seed 0 of Mine on hopper-medium-v2 is there already \(.* 2\)"),
    (
      "method,dataset,seed,score,step\nMine,x,0,1,10\nMine,x,0,2,20\nMine,x,0,3,10\n",
      r"line 4: seed 0 of Mine on x is there already \(.* line 2\)",
    ),
    (
      "method,dataset,seed,score,step\nMine,x,0,1,10\nMine,x,0,2,\n",
      r"line 3: seed 0 of Mine on x is there already \(.* line 2\)",
    ),
    ("method,dataset,seed,score,step\nMine,x,0,1,ten\n", "line 2: step is 'ten'"),
    (
      "method,dataset,seed,score,step\nMine,x,0,1,10\nMine,x,1,2,20\n",
      "Mine on x has seeds of different lengths: 10 steps",
    ),
    (
      "method,dataset,seed,score,step\nMine,x,0,1,10\nMine,x,0,2,20\nMine,x,1,3,20\n",
      r"Mine on x: seed 1 was not evaluated .* seed 0 was \(seed 1 has 1 rows; seed 0 has 2 rows",
    ),
    (
      "method,dataset,seed,score,step\nM,x,0,1,10\nM,x,0,2,20\nM,x,1,3,15\nM,x,1,3,20\n",
      "M on x: seed 1 was not evaluated at the steps",
    ),
  ],
)
def test_a_bad_csv_file_is_refused_by_line(tmp_path, text, message):
  path = write(tmp_path, "mine.csv", text)
  with pytest.raises(UserError, match=message) as caught:
    read_scores(path)
  assert str(path) in str(caught.value)
  assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
  ("content", "message"),
  [
    ("", "there are no scores in it"),
    ("[]", "there are no scores in it"),
    ('[{"method": }]', r"is no JSON \(.*line 1 column 13"),
    ('{"method": "Mine"}', "line 1: is no list"),
    ('[\n{"method": "Mine"}]', "line 2: dataset, seed, score missing"),
    ([record(), 7], "line 1: is no object"),
    ([record(best=90.0)], "line 1: unknown best"),
    ([record(score="high")], "line 1: score is 'high'"),
    ([record(score=None)], "line 1: score is None"),
    ([record(score=True)], "line 1: score is True"),
    ([record(score=math.nan)], "line 1: score is nan"),
    ([record(score=10**400)], "line 1: score is 1000"),
    ([record(seed=True)], "line 1: seed is True"),
    ([record(seed=1.0)], r"line 1: seed is 1\.0"),
    ([record(method=3)], "line 1: method is 3"),
    ([record(method=" ")], "line 1: method is ' '"),
    ([record(method="Mi\u2028ne")], r"line 1: method is 'Mi\\u2028ne'; names go on one line"),
    (100_000 * "[", r"is no JSON \(maximum recursion depth"),
    ([record(step=-5)], "line 1: step is -5"),
    ([record(), record()], "line 1: seed 0 of Mine on hopper-medium-v2 is there already"),
  ],
)
def test_a_bad_json_file_is_refused_by_line(tmp_path, content, message):
  path = write(tmp_path, "mine.json", content)
  with pytest.raises(UserError, match=message) as caught:
    read_scores(path)
  assert str(path) in str(caught.value)
  assert "\n" not in str(caught.value)


def test_json_records_are_named_by_the_line_they_begin_on(tmp_path):
  text = json.dumps([record(seed=seed) for seed in range(3)] + [record(seed="x")], indent=2)
  # A bracket, then three records of six lines.
  with pytest.raises(UserError, match="line 20: seed is 'x'"):
    read_scores(write(tmp_path, "mine.json", text))


def test_other_endings_are_refused(tmp_path):
  with pytest.raises(UserError, match=r"mine\.txt: scores are read from \.csv and \.json"):
    read_scores(write(tmp_path, "mine.txt", HEADER + GOOD))


def test_files_that_cannot_be_read_are_named(tmp_path):
  with pytest.raises(UserError, match=r"missing\.csv: cannot be read"):
    read_scores(tmp_path / "missing.csv")
  (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
  with pytest.raises(UserError, match=r"binary\.csv: cannot be read as text"):
    read_scores(tmp_path / "binary.csv")


@pytest.mark.parametrize("name", ["TD3BC", "TD3+BC", "TD3 + BC", "TD3_BC"])
def test_a_method_has_one_name_however_it_is_written(tmp_path, name):
  path = tmp_path / "theirs.csv"
  path.write_text(f"method,dataset,seed,score\n{name},hopper-medium-v2,0,1.0\n")
  assert read_scores(path)[0].method == "TD3+BC"
