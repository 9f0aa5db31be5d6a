"""Final scores of other methods, seed by seed, to stand as columns beside one's own.

`rebrac_final_scores.json.gz` holds what the authors of ReBRAC ("Revisiting the
Minimalist Approach to Offline Reinforcement Learning", Tarasov, Kurenkov,
Nikulin, Kolesnikov; NeurIPS 2023; arXiv 2305.09836) published with their code
(github.com/DT6A/ReBRAC, commit 7f4df8a, its pickled results, here as JSON):
method -> D4RL dataset -> the two settings that they chose for it -> the final
scores of ten seeds. SAC-RND's AntMaze data are -v1, all other AntMaze -v2.
"""

import gzip
import json
from importlib import resources

from dmg_jax.report.scores.score import Score

_FILE = "rebrac_final_scores.json.gz"
# As those authors ran them; runs of ours have the plain names.
_NAMES = {
  "ReBRAC": "ReBRAC",
  "TD3 + BC": "TD3+BC (ReBRAC paper)",
  "IQL": "IQL (ReBRAC paper)",
  "SAC-RND": "SAC-RND (ReBRAC paper)",
}
_PENALTIES = ("beta_1", "beta_2")
_SETTINGS = {"IQL": ("inverse_temperature", "expectile")}


def rebrac_scores() -> list[Score]:
  """Scores of ReBRAC, TD3+BC, IQL and SAC-RND on D4RL: Gym, AntMaze and Adroit, ten seeds each.

  The file numbers no seeds: they are called 0 to 9 in its order. Only final
  scores are known, so `steps` is 0, `last_ten` NaN, and there is no curve.
  """
  content = (resources.files("dmg_jax.report.scores") / _FILE).read_bytes()
  methods = json.loads(gzip.decompress(content))
  return [
    Score(
      method=_NAMES[method],
      dataset=dataset,
      seed=seed,
      steps=0,
      last=float(score),
      last_ten=float("nan"),
      evaluation_steps=(),
      evaluation_scores=(),
      settings=dict(
        zip(_SETTINGS.get(method, _PENALTIES), (float(first), float(second)), strict=True)
      ),
      source=f"dmg_jax/report/scores/{_FILE}",
    )
    for method, datasets in methods.items()
    for dataset, first_settings in datasets.items()
    for first, second_settings in first_settings.items()
    for second, scores in second_settings.items()
    for seed, score in enumerate(scores)
  ]
