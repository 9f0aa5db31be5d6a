"""What benchmarks/beyond.py reads, counts and says, by hand and on made folders."""

import itertools
import json

import beyond
import beyond_figure
import beyond_jobs
import beyond_page
import beyond_read
import beyond_report_page
import beyond_scores
import made_directories
import pytest
from beyond_jobs import (
  COMBINED,
  LAST,
  MAZE_DATA,
  REPORT_DATA,
  SEARCH_DATA,
  VARIANTS,
  maze_jobs,
  report_jobs,
  search_jobs,
  second_jobs,
)

from dmg_jax import methods
from dmg_jax.errors import UserError
from dmg_jax.experiments import fields

A, B = "dmg/hopper/medium-v0", "dmg/hopper/random-v0"


def finished(directory, **scores):
  """A folder of a finished job: of each method, two seeds' four evaluations on two data sets."""
  groups = [
    {"method": method, "task": {"name": name}, "scores": two, "label": method.upper()}
    for method, two in scores.items()
    for name in (A, B)
  ]
  command = ["launch/main.py", "--config=x", "--root=/somebody/data", "--run_dir=/somebody/runs"]
  made_directories.write_groups(directory, groups, invocation=command)
  path = directory / "summary.json"
  summary = json.loads(path.read_text()) | {"seconds": {"train": 3.0}, "devices": ["a device"]}
  for group in summary["groups"]:
    group["data_score"] = 12.5
  path.write_text(json.dumps(summary))
  return directory


@pytest.fixture
def data(tmp_path):
  """Where the provenance of both data sets lies."""
  for name in (A, B):
    (tmp_path / name).mkdir(parents=True)
    command = "python launch/collect.py --env=X --root=/somebody"
    stored = {
      "command": command, "transitions": 9, "episodes": 2, "mean_episode_return": 1607.0138475
    }  # fmt: skip
    (tmp_path / name / "provenance.json").write_text(json.dumps(stored))
  return tmp_path


DMG = ((0.0, 0.0, 10.0, 20.0), (0.0, 0.0, 30.0, 30.0))
PLUS = ((0.0, 0.0, 60.0, 60.0), (0.0, 0.0, 40.0, 44.0))


def test_a_measure_is_the_mean_past_half_of_the_steps_and_a_swing_their_deviation(tmp_path):
  found = beyond_read.read(finished(tmp_path / "job", dmg=DMG))
  assert found["command"] == "python launch/main.py --config=x"
  side = beyond_scores.side(found["data"][A]["dmg"])
  assert side.measures == [15.0, 30.0]
  assert side.lasts == [20.0, 30.0]
  assert side.swing == pytest.approx(0.5 * 50**0.5)


def test_half_of_the_steps_is_not_past_it():
  assert beyond_read.last_half([1, 2, 3, 4], [5.0, 6.0, 7.0, 8.0]) == [7.0, 8.0]
  assert beyond_read.last_half([1, 2, 3], [5.0, 6.0, 7.0]) == [6.0, 7.0]


def test_the_verdict_by_hand(data, tmp_path):
  jobs = [finished(tmp_path / "runs" / "both", dmg=DMG, dmg_plus=PLUS)]
  sides = beyond_scores.report_sides(beyond.gather(jobs, data))
  found = beyond_scores.verdict(sides)
  # Measures 15 and 30 against 60 and 42 on both: of four runs one is cut from each end.
  assert float(found.iqm["dmg"].value) == pytest.approx(22.5)
  assert float(found.difference.value) == pytest.approx(51 - 22.5)
  assert float(found.mean_difference.value) == pytest.approx(51 - 22.5)
  assert float(found.improvement.value) == 1.0
  assert found.worse == []
  assert found.better
  # The bootstrap draws 0, 1 or 2 of the better run of each of four groups.
  low, high = float(found.difference.low), float(found.difference.high)
  assert 42 - 30 <= low < 51 - 22.5 < high <= 60 - 15
  swapped = {task: {"dmg": one["dmg_plus"], "dmg_plus": one["dmg"]} for task, one in sides.items()}
  # 22.5 + 10.6 is below 51.
  assert beyond_scores.verdict(swapped).worse == [A, B]
  assert not beyond_scores.verdict(swapped).better


def test_worse_is_by_more_than_the_deviation_and_better_beyond_the_interval():
  def sides(plain, plus):
    one = {
      name: beyond_scores.Side(values, values, [0.0, 0.0], 0, 2)
      for name, values in (("dmg", plain), ("dmg_plus", plus))
    }
    return {A: one}

  # A mean of 20 with a deviation of 14.1 against 30: below it, and not by more than that.
  assert beyond_scores.verdict(sides([30.0, 30.0], [10.0, 30.0])).worse == []
  assert beyond_scores.verdict(sides([35.0, 35.0], [10.0, 30.0])).worse == [A]
  unclear = beyond_scores.verdict(sides([0.0, 40.0], [10.0, 50.0]))
  assert float(unclear.difference.value) == 10
  assert float(unclear.difference.low) < 0
  assert not unclear.better


def test_a_job_all_of_whose_runs_diverged_is_measured(data, tmp_path):
  plain, plus = (finished(tmp_path / "runs" / name, **{name: DMG}) for name in ("dmg", "dmg_plus"))
  summary = (plus / "summary.json").read_text()
  cut_at(plus, 10)
  assert beyond_read.read(plus) is None
  (plus / "summary.json").write_text(summary)
  side = beyond_scores.report_sides(beyond.gather([plain, plus], data))[A]["dmg_plus"]
  assert (side.diverged, side.measures, side.lasts) == (2, [0.0, 0.0], [0.0, 0.0])


def test_a_part_keeps_its_jobs_of_other_names_and_one_kind_of_data(data, tmp_path):
  runs = tmp_path / "runs"
  first, second, again = (
    beyond.gather([finished(runs / place / name, **{name: two})], data)
    for place, name, two in (("a", "dmg", DMG), ("a", "dmg_plus", DMG), ("b", "dmg_plus", PLUS))
  )
  both = beyond.merged(beyond.merged(None, first), second)
  assert [*both["jobs"]] == ["dmg", "dmg_plus"]
  replaced = beyond.merged(both, again)
  assert replaced["jobs"] == {"dmg": both["jobs"]["dmg"], **again["jobs"]}
  for made in again["data"].values():
    made["sha256"] = "cd"
  with pytest.raises(UserError, match=rf"{A} is not the same data .* stored jobs \(dmg\)"):
    beyond.merged(both, again)
  assert beyond.merged(second, again) == again


def test_one_seed_and_a_search_without_dmg_are_refused(data, tmp_path):
  one = beyond.gather([finished(tmp_path / "runs" / "dmg", dmg=DMG[:1])], data)
  with pytest.raises(UserError, match="dmg has one seed"):
    beyond.check("report", one)
  lacking = beyond.gather([finished(tmp_path / "runs" / "norm", dmg=DMG)], data)
  beyond.check("report", lacking)
  with pytest.raises(UserError, match="maze compares with DMG"):
    beyond.check("maze", lacking)


def cut_at(directory, step, run=""):
  """Removes the summary, and the evaluations past a step, of all runs or of those named so."""
  (directory / "summary.json").unlink()
  path = directory / "evaluations.jsonl"
  rows = [json.loads(line) for line in path.read_text().splitlines()]
  kept = [row for row in rows if row["step"] <= step or run not in row["run"]]
  path.write_text("".join(json.dumps(row) + "\n" for row in kept))
  return directory


def test_jobs_that_were_cut_count_to_a_step_that_is_named(data, tmp_path):
  runs = tmp_path / "runs"
  # Of 20 steps, evaluated at 5, 10, 15 and 20.
  jobs = [
    cut_at(finished(runs / name, dmg=DMG), step) for name, step in (("dmg", 15), ("norm", 10))
  ]
  part = beyond.gather(jobs, data, to_step=15, device="a device")
  assert part["cut"] == ["norm"]
  assert part["jobs"]["dmg"]["devices"] == ["a device"]
  sides = beyond_scores.searched(part)
  assert [*sides] == ["dmg"]
  assert sides["dmg"][A].measures == [5.0, 15.0]
  with pytest.raises(UserError, match="no job reached its last step"):
    beyond.gather(jobs, data)


def test_a_folder_that_is_not_there_and_an_unknown_part_are_told_in_a_line(data, tmp_path, capsys):
  with pytest.raises(UserError, match=r"config\.json cannot be read; name run directories"):
    beyond.gather([tmp_path / "nothing"], data)
  for words in ([], ["all"], ["search", "12000"]):
    with pytest.raises(SystemExit):
      beyond_jobs.main(words)
    assert capsys.readouterr().err.startswith("error: name one part: search,")


def test_a_run_that_diverged_is_counted_and_its_variant_is_out(data, tmp_path):
  part = beyond.gather([cut_at(finished(tmp_path / "runs" / "dmg", dmg=DMG), 10, "seed=1")], data)
  sides = beyond_scores.searched(part)
  assert sides["dmg"][A].diverged == 1
  assert sides["dmg"][A].lasts == [20.0]
  assert beyond_scores.measures(sides) == {}


def test_jobs_on_different_data_of_one_name_are_refused(data, tmp_path):
  jobs = [finished(tmp_path / "runs" / name, dmg=DMG) for name in ("dmg", "norm")]
  path = jobs[1] / "config.json"
  path.write_text(path.read_text().replace("ab" * 32, "cd" * 32))
  with pytest.raises(UserError, match="different data of one name"):
    beyond.gather(jobs, data)


def test_the_page_says_what_was_cut_and_whether_the_goal_is_reached(data, tmp_path):
  runs = tmp_path / "runs"
  search = [finished(runs / name, dmg=two) for name, two in (("dmg", DMG), ("norm", PLUS))]
  both = finished(runs / "both", dmg=PLUS, dmg_plus=DMG)
  result = {"search": beyond.gather(search, data) | {"cut": ["norm_batch"]}}
  assert "This report is not made yet" in beyond_page.page(result)
  text = beyond_page.page(result | {"report": beyond.gather([both], data)})
  assert "This report is not made yet" not in text
  # A return half way between the reference's.
  assert (
    f"| `{A}` | the first search, the report | 9 | 50.0 | `python launch/collect.py --env=X` |"
    in text
  )
  assert "| LayerNorm in critics and value | 51.0 | DMG | +28.5 ±" in text
  assert "Stopped before this step, for lack of time: LayerNorm, batches of 512." in text
  assert "So far it is not reached." in text  # of ten data sets one is there
  assert "somebody" not in text
  beyond_figure.draw_gains(result["search"], tmp_path / "gains.png")
  beyond_figure.draw_runs(
    beyond_scores.report_sides(beyond.gather([both], data)), tmp_path / "runs.png"
  )
  for name in ("gains.png", "runs.png"):
    assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_the_verdict_is_of_all_data_sets_only_where_all_are_measured(data, tmp_path, monkeypatch):
  part = beyond.gather([finished(tmp_path / "both", dmg=DMG, dmg_plus=PLUS)], data)
  config, _, how = REPORT_DATA["hopper"]
  for planned, words in (((A, B), "the 2"), ((A, B, "dmg/new"), "2 of 3")):
    monkeypatch.setattr(beyond_report_page, "REPORT_DATA", {"hopper": (config, planned, how)})
    text = "\n".join(beyond_report_page.report(part, "a.png"))
    whole = words == "the 2"
    assert f"| over {words} planned data sets | value" in text
    assert ("over seeds. It is reached." in text.replace("\n", " ")) == whole
    assert ("over seeds. So far it is reached." in text.replace("\n", " ")) != whole
    assert ("Planned, and not finished: `dmg/new`." in text) != whole
    headline = " ".join(beyond_report_page.headline(beyond_scores.report_sides(part)))
    assert ("Result on 2 data sets" in headline and "The goal is reached" in headline) == whole
    assert ("Result so far on 2" in headline and "So far the goal is reached" in headline) != whole


def test_what_was_run_last_counts_and_the_result_without_it_stands_beside(
  data, tmp_path, monkeypatch
):
  """On A `dmg_plus` is better, on B, which was run last, it is worse."""
  part = beyond.gather([finished(tmp_path / "both", dmg=DMG, dmg_plus=PLUS)], data)
  methods = part["jobs"]["both"]["data"][B]
  methods["dmg"], methods["dmg_plus"] = methods["dmg_plus"], methods["dmg"]
  plan = {
    "hopper": ("mujoco", (A,), REPORT_DATA["hopper"][2]),
    LAST: ("mujoco", (B,), REPORT_DATA["hopper"][2]),
  }
  monkeypatch.setattr(beyond_report_page, "REPORT_DATA", plan)
  text = " ".join(beyond_report_page.report(part, "a.png"))
  headline = " ".join(beyond_report_page.headline(beyond_scores.report_sides(part)))
  assert "Result on 2 data sets that the search did not see: the IQM of `dmg_plus`" in headline
  assert "minus DMG's is 0.0 [" in headline
  assert f"The goal is not reached, as it is worse on `{B}`: " in headline
  assert "| IQM, `dmg_plus` minus DMG | 0.0 |" in text
  assert "| IQM, `dmg_plus` minus DMG, without what was run last | 28.5 |" in text
  assert f"is not reached. Data sets on which it is below by more than that: `{B}`." in text


def test_the_page_says_where_the_difference_is_clear_and_where_it_is_large(data, tmp_path):
  part = beyond.gather([finished(tmp_path / "both", dmg=DMG, dmg_plus=PLUS)], data)
  # DMG's 22.5 is below A's own 50, and not below B's 0; the difference is 28.5 on both.
  part["data"][B]["score"] = 0.0
  text = " ".join(beyond_report_page.report(part, "a.png"))
  # 60 and 42 against 15 and 30 have a standard error of 11.7.
  assert (
    "Of these 2 data sets, the interval of the difference is above zero on 0, below zero on 0,"
    in text
  )
  assert "and contains zero on 2." in text
  assert "is +28.5 on the 1 where DMG scores below the data's own mean, and +28.5 on the 1" in text


def test_the_parts_after_the_choice_have_sections_and_name_their_data(data, tmp_path):
  jobs = {"dmg": DMG, "scale": PLUS, "norm": DMG, "norm_ten_critics": PLUS}
  runs = [finished(tmp_path / "runs" / name, dmg=two) for name, two in jobs.items()]
  part = beyond.gather(runs, data)
  other = json.loads(json.dumps(part))
  for made in other["data"].values():
    made["sha256"] = "cd" * 32
  parts = dict.fromkeys(("search", "second", "maze"), part)
  text = " ".join(beyond_page.page(parts | {"robots": other, "costly": other}).split())
  robots = text.split("## The choice on the robots, at the paper's rates")[1]
  assert "few steps. The data were made anew, by the commands below, and have other" in robots
  assert "The gain of the choice over DMG is +28.5 ±" in robots
  assert "had no time. The data are those of the choice on the robots." in robots
  assert "| rewards times 0.1 | DMG | robots, the paper's rates | 2 |" in robots
  assert "| 10 critics | LayerNorm | the other ingredients | 2 | 3.5 | 1.4 |" in robots
  assert f"| `{A}` | the choice on the robots, the other ingredients | 9 |" in robots
  same = " ".join(beyond_page.page(parts | {"robots": part}).split())
  assert "few steps. The data are those of the second search." in same
  assert "Ingredients that the first search did not measure" not in same


def test_the_report_counts_the_runs_that_diverged(data, tmp_path):
  both = finished(tmp_path / "both", dmg=(*DMG, DMG[0]), dmg_plus=PLUS)
  part = beyond.gather([cut_at(both, 10, "seed=2")], data)
  (line,) = (one for one in beyond_report_page.report(part, "a.png") if one.startswith(f"| `{A}`"))
  # 15, 30 and 0 in the place of the third.
  assert "| 15.0 ± 15.0 (1 diverged) | 51.0 ± 12.7 |" in line


def test_the_report_says_how_much_longer_dmg_plus_trains(data, tmp_path):
  jobs = [
    finished(tmp_path / "runs" / f"hopper_{name}", **{name: DMG}) for name in ("dmg", "dmg_plus")
  ]
  part = beyond.gather(jobs, data)
  part["jobs"]["hopper_dmg_plus"]["seconds"]["train"] = 4.5
  told = " ".join(beyond_report_page.report(part, "a.png"))
  assert "took 1.50 times as long as DMG's (median of 1 pairs of jobs, 1.50 to 1.50)." in told


def test_the_second_search_is_judged_with_the_maze(data, tmp_path):
  made = {
    "search": {"dmg": DMG, "norm": PLUS},
    "second": {"dmg": DMG, "scale": PLUS, "norm": PLUS},
    "maze": {"dmg": PLUS, "norm": DMG, "scale": PLUS, "norm_actor": DMG},
  }
  result = {
    part: beyond.gather(
      [finished(tmp_path / part / name, dmg=two) for name, two in jobs.items()], data
    )
    for part, jobs in made.items()
  }
  # All parts are on the same two sets here: another name tells the maze's apart.
  for job in result["maze"]["jobs"].values():
    job["data"] = {"dmg/maze/diverse-v0": job["data"][A]}
  result["maze"]["data"] = {"dmg/maze/diverse-v0": result["maze"]["data"][A]}
  alone = beyond_page.page({part: result[part] for part in ("search", "second")})
  assert "| gain over DMG | 95 % | hopper | on the robots |" in alone
  found = beyond_scores.searched_measures(result)
  assert {name: [*tasks] for name, tasks in found.items()} == {
    name: [A, B, "dmg/maze/diverse-v0"] for name in ("dmg", "norm", "scale")
  }
  section = beyond_page.page(result).split("## The second search")[1]
  # DMG has 22.5 on both sets and 51 in the maze, the scale 51 everywhere, LayerNorm 51 and 22.5.
  assert "| gain over DMG | 95 % | hopper | maze | on the robots | 95 % |" in section
  assert "| DMG | 36.8 |  |  | 22.5 | 51.0 |  |  |" in section
  assert "| rewards times 0.1 | 51.0 | +14.2 ±" in section
  assert "| LayerNorm in critics and value | 36.8 | +0.0 ±" in section
  assert "It chooses: rewards times 0.1. That is `reward_scale` 0.1. The interval" in section
  assert "What an ingredient brings" not in section  # five of the eight were not run


def test_small_networks_have_as_many_layers_as_large_ones():
  assert "--config.critic_hidden_sizes=(64,64,64)" in maze_jobs()[COMBINED]
  assert "--config.critic_hidden_sizes=(64,64)" in maze_jobs()["norm"]
  layers = len(methods.find("dmg_plus").usual.get("critic_hidden_sizes", (256, 256)))
  for name, width in (("walker2d", 64), ("antmaze", 128)):
    jobs = report_jobs()
    plain, plus = (str((width,) * count).replace(" ", "") for count in (2, layers))
    assert f"--config.critic_hidden_sizes={plain}" in jobs[f"{name}_dmg"]
    assert f"--config.critic_hidden_sizes={plus}" in jobs[f"{name}_dmg_plus"]


def test_the_jobs_name_fields_that_a_config_has_and_no_data_of_both_parts():
  parts = search_jobs(), second_jobs(), maze_jobs(), report_jobs()
  for job in itertools.chain.from_iterable(part.values() for part in parts):
    names = {word.removeprefix("--config.").split("=")[0] for word in job[1:]}
    assert names <= {*fields.POINT, *fields.JOB}
  unseen = {name for _, names, _ in REPORT_DATA.values() for name in names}
  assert not unseen & {*SEARCH_DATA, MAZE_DATA}
  assert all({*changes} <= {*fields.POINT} for changes in VARIANTS.values())


def test_the_page_is_what_the_stored_result_gives():
  result = json.loads(beyond.RESULT.read_text())
  assert beyond_page.PAGE.read_text() == beyond_page.page(result)
