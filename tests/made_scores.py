"""Scores as reports read them, of runs that never were."""

from dmg_jax.report.method_names import usual_settings
from dmg_jax.report.scores.score import Score

HYPERPARAMETERS = ("lam", "nu")


def made(method, dataset, lasts, *, steps=1_000_000, curve=(), first_seed=0, **settings):
  """A score for each last evaluation; before it the curve, the same for all seeds."""
  usual = {name: usual_settings(dataset)[name] for name in HYPERPARAMETERS}
  count = len(curve) + 1
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
      source=f"runs/{dataset}/{method}",
    )
    for place, last in enumerate(lasts)
  ]


def final_only(method, dataset, lasts):
  """Scores of which only the end is known, as in a foreign table."""
  return [
    score._replace(
      steps=0, last_ten=float("nan"), evaluation_steps=(), evaluation_scores=(), settings={}
    )
    for score in made(method, dataset, lasts)
  ]
