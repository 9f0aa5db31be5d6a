"""The jobs of benchmarks/beyond.py, and their commands.

  python benchmarks/beyond_jobs.py search
  python benchmarks/beyond_jobs.py second
  python benchmarks/beyond_jobs.py maze
  python benchmarks/beyond_jobs.py robots
  python benchmarks/beyond_jobs.py costly
  python benchmarks/beyond_jobs.py grid
  python benchmarks/beyond_jobs.py report

prints, for each job of a part, its name and the arguments of `launch/main.py`. The jobs may run
anywhere, side by side; benchmarks/beyond.py reads the folders that they leave.
"""

import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from dmg_jax import methods

SEARCH, SECOND, MAZE, GRID, REPORT = "search", "second", "maze", "grid", "report"
ROBOTS, COSTLY = "robots", "costly"
BASE, NORMALISED, COMBINED, PLUS = "dmg", "norm", "combined", "dmg_plus"

METHODS: Mapping[str, str] = {BASE: "DMG", PLUS: "`dmg_plus`"}

# An ingredient: the fields that it changes.
_NORM = {"critic_layer_norm": True, "value_layer_norm": True}
_DEPTH = {"critic_hidden_sizes": (256, 256, 256), "value_hidden_sizes": (256, 256, 256)}
_CRITICS = {"critics": 4}
_SCALE = {"reward_scale": 0.1}
# Without LayerNorm, and with it in critics and value: most of what has been published puts it
# first, so that the others are tried on top of it, and the costly ones also without it.
VARIANTS: Mapping[str, Mapping[str, Any]] = {
  BASE: {},
  NORMALISED: _NORM,
  "norm_depth": _NORM | _DEPTH,
  "norm_critics": _NORM | _CRITICS,
  "norm_bound": _NORM | _CRITICS | {"lower_confidence_bound": True},
  "depth": _DEPTH,
  "norm_average": _NORM | {"averaged_policy": True},
  "norm_discount": _NORM | {"discount": 0.995},
  "norm_rate": _NORM | {"target_rate": 0.005},
  "norm_scale": _NORM | _SCALE,
  "norm_actor": _NORM | {"actor_layer_norm": True},
  "norm_constant": _NORM | {"actor_schedule_steps": "inf"},
  "norm_batch": _NORM | {"batch_size": 512},
  "critics": _CRITICS,
  "norm_depth_critics": _NORM | _DEPTH | _CRITICS,
  "norm_ten_critics": _NORM | {"critics": 10},
  # What the first search chose, and what lacks LayerNorm of it.
  COMBINED: _NORM | _DEPTH | _SCALE,
  "depth_scale": _DEPTH | _SCALE,
  "scale": _SCALE,
}
# Name -> which of LayerNorm, the third layer and the scale it has: every set of them.
FACTORS: Mapping[str, frozenset[str]] = {
  BASE: frozenset(),
  NORMALISED: frozenset({"norm"}),
  "depth": frozenset({"depth"}),
  "scale": frozenset({"scale"}),
  "norm_depth": frozenset({"norm", "depth"}),
  "norm_scale": frozenset({"norm", "scale"}),
  "depth_scale": frozenset({"depth", "scale"}),
  COMBINED: frozenset({"norm", "depth", "scale"}),
}
TITLES: Mapping[str, str] = {
  BASE: "DMG",
  NORMALISED: "LayerNorm in critics and value",
  "norm_depth": "LayerNorm, third layer in critics and value",
  "norm_critics": "LayerNorm, 4 critics, the smallest",
  "norm_bound": "LayerNorm, 4 critics, mean minus deviation",
  "depth": "third layer in critics and value",
  "norm_average": "LayerNorm, averaged policy evaluated",
  "norm_discount": "LayerNorm, discount 0.995",
  "norm_rate": "LayerNorm, target rate 0.005",
  "norm_scale": "LayerNorm, rewards times 0.1",
  "norm_actor": "LayerNorm, also in the actor",
  "norm_constant": "LayerNorm, constant rate of the actor",
  "norm_batch": "LayerNorm, batches of 512",
  "critics": "4 critics, the smallest",
  "norm_depth_critics": "LayerNorm, third layer, 4 critics",
  "norm_ten_critics": "LayerNorm, 10 critics, the smallest",
  COMBINED: "LayerNorm, third layer, rewards times 0.1",
  "depth_scale": "third layer, rewards times 0.1",
  "scale": "rewards times 0.1",
}

_TIERS = ("medium", "medium-replay", "medium-expert")


def _data(robot: str, tiers: tuple[str, ...]) -> tuple[str, ...]:
  """Ids of our own data; Hopper's medium-replay-v0 comes with the package, and is not it."""
  return tuple(
    f"dmg/{robot}/{tier}-v{int((robot, tier) == ('hopper', 'medium-replay'))}" for tier in tiers
  )


class Part(NamedTuple):
  """What jobs have in common.

  Attributes:
    seeds, steps: of each run.
    evaluations: in all, evenly spaced.
    episodes: of an evaluation.
    fields: of every run.
    width: of all hidden layers; the paper's, if not given.
  """

  seeds: int
  steps: int
  evaluations: int
  episodes: int
  fields: Mapping[str, Any] = {}
  width: int | None = None

  def sized(self, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields with layers of this width."""
    return {
      name: (self.width,) * len(value) if self.width and isinstance(value, tuple) else value
      for name, value in fields.items()
    }


# Higher than the paper's, for few steps.
_RATES = {
  "target_rate": 0.02,
  "actor_learning_rate": 1e-3,
  "critic_learning_rate": 1e-3,
  "value_learning_rate": 1e-3,
}
_LAYERS = {f"{network}_hidden_sizes": (256, 256) for network in ("actor", "critic", "value")}
# Of positions in a maze of any size.
_SCALED = {"normalise_observations": True}
_LAMBDAS_AND_NUS = {"lam": (0.0, 0.25, 0.5, 1.0), "nu": (1.0, 0.1, 0.01)}
# Networks of 64 and 128 are those that a CPU trains for so many steps.
_SEARCH = Part(3, 12_000, 5, 3, _RATES)
_SECOND = Part(3, 20_000, 8, 3, _RATES, 64)
_MAZE = Part(3, 100_000, 10, 10, _SCALED, 64)
_ROBOTS = Part(3, 100_000, 10, 3, {}, 64)
_GRID = Part(2, 20_000, 4, 5, _RATES, 64)
_REPORT = Part(5, 100_000, 10, 3, {}, 64)
_REPORT_MAZE = Part(5, 100_000, 10, 10, _SCALED, 64)
_REPORT_ANT = Part(5, 100_000, 10, 10, _RATES | _SCALED, 128)
SEARCH_DATA = (*_data("hopper", _TIERS), *_data("halfcheetah", _TIERS))
MAZE_DATA = "dmg/pointmaze-medium/diverse-v0"
GRID_DATA = ("dmg/hopper/medium-expert-v0", "dmg/halfcheetah/medium-expert-v0")
_MORE = ("random", "full-replay")
# Job of the report -> its config file, its data sets, none of which the search had, and how.
REPORT_DATA: Mapping[str, tuple[str, tuple[str, ...], Part]] = {
  "walker2d": ("mujoco", _data("walker2d", _TIERS), _REPORT),
  "walker2d_more": ("mujoco", _data("walker2d", _MORE), _REPORT),
  "hopper": ("mujoco", _data("hopper", _MORE), _REPORT),
  "halfcheetah": ("mujoco", _data("halfcheetah", _MORE), _REPORT),
  "pointmaze": ("antmaze", ("dmg/pointmaze-large/diverse-v0",), _REPORT_MAZE),
  "antmaze": ("antmaze", ("dmg/antmaze-umaze/diverse-v0",), _REPORT_ANT),
  "antmaze_medium": ("antmaze", ("dmg/antmaze-medium/diverse-v0",), _REPORT_ANT),
}
# Job that was run when the results of the others were known.
LAST = "antmaze_medium"


def settings(part: Part) -> dict[str, Any]:
  """Fields of every run of a part.

  The actor's cosine covers the run, as the paper's covers its million steps.
  """
  return {
    "seeds": part.seeds,
    "steps": part.steps,
    "evaluation_interval": part.steps // part.evaluations,
    "evaluation_episodes": part.episodes,
    "log_interval": part.steps // (2 * part.evaluations),
    "checkpoint_interval": part.steps // part.evaluations,
    "actor_schedule_steps": part.steps // 2,
    **part.fields,
    **(part.sized(_LAYERS) if part.width else {}),
  }


def search_jobs() -> dict[str, list[str]]:
  """Name of a job -> arguments of `launch/main.py`: `VARIANTS` of the first plan."""
  data = _listed(SEARCH_DATA)
  return {
    name: [f"--config=configs/mujoco.py:{data}", *_fields({**settings(_SEARCH), **fields})]
    for name, fields in VARIANTS.items()
    if name not in (COMBINED, "depth_scale", "scale", "norm_ten_critics")
  }


def second_jobs() -> dict[str, list[str]]:
  """With and without each of three ingredients, on the same data; small networks."""
  return _on_the_robots(FACTORS, _SECOND)


def robots_jobs() -> dict[str, list[str]]:
  """The choice, and parts of it, for as long as the report and at its rates."""
  return _on_the_robots((BASE, NORMALISED, "scale", "norm_scale"), _ROBOTS)


def costly_jobs() -> dict[str, list[str]]:
  """What the first search did not measure; small networks."""
  return _on_the_robots((BASE, NORMALISED, "critics", "norm_batch", "norm_ten_critics"), _SECOND)


def _on_the_robots(names: Iterable[str], part: Part) -> dict[str, list[str]]:
  data = _listed(SEARCH_DATA)
  return {
    name: [
      f"--config=configs/mujoco.py:{data}",
      *_fields({**settings(part), **part.sized(VARIANTS[name])}),
    ]
    for name in names
  }


def maze_jobs() -> dict[str, list[str]]:
  """All of `VARIANTS` in a maze, with small networks."""
  return {
    name: [
      f"--config=configs/antmaze.py:{MAZE_DATA}",
      *_fields({**settings(_MAZE), **_MAZE.sized(fields)}),
    ]
    for name, fields in VARIANTS.items()
  }


def grid_jobs() -> dict[str, list[str]]:
  """Name of a job -> arguments of `launch/main.py`: lambda and nu, a job for each method."""
  points = [f"--config.{name}={_listed(values)}" for name, values in _LAMBDAS_AND_NUS.items()]
  return {
    f"grid_{method}": [*_of_method(method, "mujoco", GRID_DATA, _GRID), *points]
    for method in (BASE, PLUS)
  }


def report_jobs() -> dict[str, list[str]]:
  """Name of a job -> arguments of `launch/main.py`: a job for each robot and method."""
  return {
    f"{name}_{method}": _of_method(method, config, data, part)
    for name, (config, data, part) in REPORT_DATA.items()
    for method in (PLUS, BASE)
  }


def _of_method(method: str, config: str, data: tuple[str, ...], part: Part) -> list[str]:
  usual = methods.find(method).usual
  # A method's own number of layers, as wide as the others.
  layers = {name: value for name, value in usual.items() if name in _LAYERS}
  fields = settings(part) | (part.sized(layers) if part.width else {})
  return [
    f"--config=configs/{config}.py:{_listed(data)}",
    f"--config.methods={method}",
    *_fields(fields),
  ]


def _fields(values: Mapping[str, Any]) -> list[str]:
  return [f"--config.{name}={_text(value)}" for name, value in values.items()]


def _text(value: Any) -> str:
  return f"({_listed(value)})" if isinstance(value, tuple) else str(value)


def _listed(values: Iterable[Any]) -> str:
  return ",".join(map(str, values))


_PARTS = {
  SEARCH: search_jobs,
  SECOND: second_jobs,
  MAZE: maze_jobs,
  ROBOTS: robots_jobs,
  COSTLY: costly_jobs,
  GRID: grid_jobs,
  REPORT: report_jobs,
}


def main(words: list[str]) -> None:
  if len(words) != 1 or words[0] not in _PARTS:
    print(f"error: name one part: {', '.join(_PARTS)}", file=sys.stderr)
    sys.exit(2)
  for name, arguments in _PARTS[words[0]]().items():
    print(name, *arguments)


if __name__ == "__main__":
  main(sys.argv[1:])
