"""Which swings docs/beyond.md compares, by hand."""

import beyond_swing_page

HOPPER = "dmg/hopper/medium-v0"
# Past half of four evaluations: means 10 and 20, deviations of sqrt(2) times 10 and 0.
WILD = [[0.0, 0.0, 0.0, 20.0], [0.0, 0.0, 20.0, 20.0]]
# Means 30 and 30, deviations of 0.
CALM = [[0.0, 0.0, 30.0, 30.0], [9.0, 9.0, 30.0, 30.0]]


def job(task, scores, method="dmg", diverged=()):
  stored = {"steps": [1, 2, 3, 4], "seeds": [0, 1], "scores": scores, "diverged": [*diverged]}
  return {"data": {task: {method: stored}}}


def part(**jobs):
  return {"jobs": jobs}


def rows(result):
  return [line for line in beyond_swing_page.section(result) if line.startswith("| ")][2:]


def test_what_is_added_to_layer_norm_is_compared_with_layer_norm():
  jobs = {"dmg": job(HOPPER, WILD), "norm": job(HOPPER, CALM), "norm_average": job(HOPPER, WILD)}
  first, second = rows({"search": part(**jobs)})
  # Welch's interval of -sqrt(50) with an error of sqrt(50) at one degree of freedom.
  assert first.startswith("| LayerNorm | DMG | first search | 2 | 7.1 | 0.0 | -7.1 [-96.9, 82.8] |")
  assert first.endswith("| +15.0 [-48.5, 78.5] |")
  assert second.startswith(
    "| averaged policy evaluated | LayerNorm | first search | 2 | 0.0 | 7.1 |"
  )


def test_what_is_calmer_is_named():
  """Swings of 14.1 and 9.9 are clearly above none; of 14.1 and 0 they are not clearly."""
  wild = [WILD[0], [0.0, 0.0, 0.0, 14.0]]
  for theirs, told in ((wild, "LayerNorm (first search)"), (WILD, "none")):
    found = {"search": part(dmg=job(HOPPER, theirs * 2), norm=job(HOPPER, CALM * 2))}
    assert f"by an interval below zero: {told}." in "\n".join(beyond_swing_page.section(found))


def test_the_report_s_two_settings_are_compared():
  report = part(plain=job(HOPPER, WILD), plus=job(HOPPER, CALM, "dmg_plus"))
  (line,) = rows({"search": part(dmg=job(HOPPER, WILD)), "report": report})
  assert line.startswith("| `dmg_plus` | DMG | data of the report | 2 | 7.1 | 0.0 | -7.1 [")


def test_the_second_search_shows_what_it_chose():
  second = part(dmg=job(HOPPER, CALM), norm=job(HOPPER, WILD), scale=job(HOPPER, CALM))
  assert rows({"search": part(dmg=job(HOPPER, WILD)), "second": second}) == []
  second["jobs"]["norm"] = job(HOPPER, [[60.0] * 4, [50.0] * 4])
  (line,) = rows({"search": part(dmg=job(HOPPER, WILD)), "second": second})
  assert line.startswith("| LayerNorm in critics and value | DMG | second search | 2 | 0.0 | 0.0 |")


def test_a_setting_of_which_a_run_diverged_is_named_and_not_compared():
  jobs = {"dmg": job(HOPPER, WILD), "norm": job(HOPPER, CALM[:1], diverged=[1])}
  (line,) = rows({"search": part(**jobs)})
  assert line == "| LayerNorm | DMG | first search | a run diverged |  |  |  |  |"
