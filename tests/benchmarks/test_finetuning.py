import json
import subprocess
import sys

import finetuning
import finetuning_figure
import finetuning_findings
import finetuning_jobs
import finetuning_page
import pytest

from dmg_jax import run_log

CURVES = {"dmg,seed=0": {0: [0, 100], 200: [100, 100]}, "dmg,seed=1": {0: [0, 0], 200: [80, 100]}}


def group(label="DMG fine-tuned (target_rate 0.05, lam and nu kept)"):
  rows = [
    {"id": "dmg,seed=0", "start": 95.0, "end": 100.0, "diverged_at": None, "regret": 0.25},
    {"id": "dmg,seed=1", "start": 95.0, "end": 90.0, "diverged_at": None, "regret": 0.25},
  ]
  over = {"mean": 95.0, "sd": 7.07}
  return {"label": label, "runs": rows, "start": over, "end": over, "regret": {"mean": 0.25}}


def test_the_page_holds_the_commands_of_its_numbers(tmp_path, monkeypatch):
  commands = []

  def leave(command):
    commands.append(command)
    directory = tmp_path / command[-1].removeprefix("--run_dir=")
    directory.mkdir(parents=True)
    summary = {"online": [group()], "seconds": {}, "devices": ["cpu"], "versions": {}}
    (directory / "summary.json").write_text(json.dumps(summary))
    rows = [
      {"run": run, "step": step, "episode": episode, "score": score}
      for step in (0, 200)
      for run, curve in CURVES.items()
      for episode, score in enumerate(curve[step])
    ]
    (directory / run_log.EVALUATIONS).write_text("".join(json.dumps(row) + "\n" for row in rows))

  monkeypatch.setattr(finetuning, "run", leave)
  monkeypatch.setattr(finetuning, "ROOT", tmp_path)
  result = finetuning.collected("python benchmarks/finetuning.py", ["medium-kept"], {})
  page = finetuning_page.page(result)
  assert (
    "| PointMaze-Medium | DMG fine-tuned (lam and nu kept) | 4,000, 100,000 | 95 ± 7 | 95 ± 7 | "
    "100, 90 | 0.25 |"
  ) in page
  assert [command[1] for command in commands] == [
    "launch/collect.py", "launch/main.py", "launch/finetune.py",
  ]  # fmt: skip
  assert "--config.decay=False" in page
  assert "--config.runs=dmg,seed=0 dmg,seed=1 dmg,seed=2" in commands[2]
  # A shell gets it as one word.
  assert "'--config.runs=dmg,seed=0 dmg,seed=1 dmg,seed=2'" in page
  # Before the first online step and after the last, of each seed; a mean over episodes.
  seeds = [{0: 50.0, 200: 100.0}, {0: 0.0, 200: 90.0}]
  restored = json.loads(json.dumps(result))
  assert finetuning_figure.curves(restored) == {
    "PointMaze-Medium": {"DMG fine-tuned (lam and nu kept)": seeds}
  }
  assert "![Scores against online steps](finetuning_curves.png)" in page
  finetuning_figure.draw(restored, tmp_path / "curves.png")
  assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("job", finetuning_jobs.JOBS)
def test_every_job_has_commands(job):
  *_, last = finetuning_jobs.commands(job)
  launcher = "main" if job.endswith("longer") else "finetune"
  assert last.startswith(f"python launch/{launcher}.py --config=configs/")
  assert ("--config.source=" in last) == job.endswith(("online", "kept"))


def test_jobs_of_other_commands_are_forgotten(monkeypatch):
  monkeypatch.setattr(
    finetuning, "measure", lambda job: {"commands": finetuning_jobs.commands(job)}
  )
  stale = {"umaze-online": {"commands": ["python launch/other.py"]}}
  first = finetuning.collected("", ["hopper-kept"], {"jobs": stale})
  assert list(first["jobs"]) == ["hopper-kept"]
  second = finetuning.collected("", ["medium-online"], first)
  assert list(second["jobs"]) == ["medium-online", "hopper-kept"]


def test_the_curves_have_no_run_that_diverged():
  diverged = group()
  diverged["runs"][0]["diverged_at"] = 7
  job = {
    "task": {"title": "Large"},
    "groups": [diverged],
    "evaluations": {"dmg,seed=1": {"0": 1.0}},
  }
  (seeds,) = finetuning_figure.curves({"jobs": {"large-kept": job}})["Large"].values()
  assert seeds == [{0: 1.0}]


def test_the_stored_page_is_what_the_stored_result_makes():
  stored = json.loads(finetuning_page.RESULT.read_text())
  assert finetuning_page.PAGE.read_text(encoding="utf-8") == finetuning_page.page(stored)


def test_training_on_the_data_alone_has_the_columns_of_online_training():
  """Evaluated at 4, 8 and 12 thousand steps; online training would begin at 4."""
  curves = {
    f"dmg,seed={seed}": finetuning.since({"4000": 0.0, "8000": 50.0, "12000": end}, 4000)
    for seed, end in enumerate((100.0, 40.0))
  }
  assert curves["dmg,seed=0"] == {"0": 0.0, "4000": 50.0, "8000": 100.0}
  stored = {
    "task": "dmg/pointmaze-large/diverse-v0",
    "method": "dmg",
    "point": {},
    "unit": "D4RL-normalised score",
    "episodes_per_evaluation": 20,
    "runs": [{"id": name, "seed": seed, "diverged_at": None} for seed, name in enumerate(curves)],
  }
  (group,) = finetuning.alone([stored], curves)
  assert group["label"] == "DMG on the data alone"
  assert (group["start"]["mean"], group["end"]["mean"]) == (0, 70)
  assert group["regret"]["mean"] == pytest.approx((0.5 + 0.7) / 2)


def test_the_page_says_what_it_lacks_and_nothing_of_rows_that_it_has_not():
  task = finetuning_jobs.TASKS["medium"]._asdict()
  online = {"task": task, "groups": [group("IQL fine-tuned")], "evaluations": {}, "commands": []}
  alone = online | {"groups": [group(f"DMG {finetuning_jobs.DATA_ALONE}")]}
  page = finetuning_page.page({"jobs": {"medium-online": online}})
  assert "is not measured in PointMaze-Medium." in page
  assert "*Kept*" not in page
  assert "*On the data alone*" not in page
  page = finetuning_page.page({"jobs": {"medium-online": online, "medium-longer": alone}})
  assert "is not measured" not in page
  assert "| DMG on the data alone | 104,000, 0 |" in page
  assert "*On the data alone*" in page


def test_an_unknown_job_is_one_line():
  script = finetuning_page.ROOT / "benchmarks" / "finetuning.py"
  result = subprocess.run(
    [sys.executable, script, "--jobs=medium-online,../medium"],
    capture_output=True,
    text=True,
    check=False,
  )
  assert result.returncode != 0
  assert "a name is no job; --help lists them" in result.stderr
  assert "Traceback" not in result.stderr


def test_findings_compare_the_seeds():
  def of(label, regrets, ends=(50.0, 60.0)):
    runs = [
      {"start": 40.0, "end": end, "regret": regret}
      for regret, end in zip(regrets, ends, strict=True)
    ]
    mean = {"mean": None if None in regrets else sum(regrets) / 2}
    return {"label": label, "runs": runs, "end": {"mean": sum(ends) / 2}, "regret": mean}

  def job(title, *groups):
    return {"task": {"title": title}, "groups": groups}

  jobs = {
    "large-online": job(
      "Large", of("DMG fine-tuned", (0.5, 0.3)), of("IQL fine-tuned", (0.9, 0.6), (0.0, 49.0))
    ),
    "hopper-online": job(
      "Hopper", of("DMG fine-tuned", (None, None)), of("IQL", (None, None), (61.0, 70.0))
    ),
    "large-kept": job("Large", of("DMG fine-tuned (lam and nu kept)", (0.4, 0.1))),
    "large-td3": job("Large", of("TD3 from scratch", (0.1, 0.2), (0.0, 0.0))),
  }
  lines = list(finetuning_findings.findings(jobs))
  assert "* DMG fine-tuned in Large, Hopper: every seed is above its offline score." in lines
  rows = [line for line in lines if line.startswith(("| Large", "| Hopper"))]
  assert rows == [
    "| Large | IQL fine-tuned | 55 : 24, better | 0.40 : 0.75, better |",
    "| Large | DMG fine-tuned (lam and nu kept) | 55 : 55 | 0.40 : 0.25 |",
    "| Large | TD3 from scratch | 55 : 0, better | 0.40 : 0.15, worse |",
    "| Hopper | IQL | 55 : 66, worse | - |",
  ]
  for name, start, steps in (("antmaze", 0.0, 20_000), ("antlonger", 25.0, 100_000)):
    one = of("DMG fine-tuned", (0.9, 0.9)) | {"start": {"mean": start}}
    jobs[f"{name}-online"] = {"task": {"title": "Ant", "offline_steps": steps}, "groups": [one]}
  text = "\n".join(finetuning_findings.findings(jobs))
  assert "after 20,000 offline steps, DMG 0; after 100,000 offline steps, DMG 25 at higher" in text
  same = [{"start": 100.0, "end": 100.0, "regret": 0.0}] * 2
  jobs["large-online"]["groups"][0]["runs"] = same
  assert any("nothing to gain" in line for line in finetuning_findings.findings(jobs))
  assert list(finetuning_findings.findings({})) == []
