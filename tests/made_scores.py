"""Scores as reports read them, of runs that never were."""

from made_directories import config, runs, task

from dmg_jax.report.scores.commands import Job
from dmg_jax.report.scores.score import Score
from dmg_jax.tasks import paper_point

INVOCATION = ["launch/main.py", "--config=configs/mujoco.py:{}"]
MEMBERS = {"DMG": "dmg", "TD3": "td3", "TD3+BC": "td3_bc", "IQL": "iql", "BC": "bc"}


def made(method, dataset, lasts, *, steps=1_000_000, curve=(), first_seed=0, **settings):
  """A score for each last evaluation; before it the curve, the same for all seeds."""
  usual = {name: paper_point(dataset)[name] for name in ("lam", "nu")}
  count = len(curve) + 1
  job = made_job(method, dataset, range(first_seed, first_seed + len(lasts)), steps)
  return [
    Score(
      method=method,
      dataset=dataset,
      seed=first_seed + place,
      steps=steps,
      last=last,
      last_ten=(sum(curve) + last) / count,
      evaluation_steps=tuple(steps * (i + 1) // count for i in range(count)),
      evaluation_scores=(*curve, last),
      settings=usual | settings,
      source=job.directory,
      job=job,
    )
    for place, last in enumerate(lasts)
  ]


def ablated(setting, values, dataset="hopper-medium-v2", **others):
  """DMG at several values of a setting; two seeds, which score the value and 2 more."""
  return [
    score
    for value in values
    for score in made(f"DMG ({setting} {value})", dataset, [value, value + 2.0])
    for score in [score._replace(settings={**score.settings, **others, setting: value})]
  ]


def made_job(method, dataset, seeds, steps, invocation=INVOCATION):
  """The job that such scores could be of."""
  words = [word.format(dataset) for word in invocation]
  member = MEMBERS.get(method.split(" (")[0], "dmg")
  members = runs(member, method, seeds, dataset)
  stored = config([task(dataset)], members, words, steps=steps)
  return Job(f"runs/{dataset}/{method}", stored, dataset, method)


def final_only(method, dataset, lasts):
  """Scores of which only the end is known, as in a foreign table."""
  return [
    score._replace(
      steps=0,
      last_ten=float("nan"),
      evaluation_steps=(),
      evaluation_scores=(),
      settings={},
      source="theirs.csv",
      job=None,
    )
    for score in made(method, dataset, lasts)
  ]
