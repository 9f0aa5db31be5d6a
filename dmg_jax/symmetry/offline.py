"""Discrete IQL and CQL with data augmentation: arXiv 2607.02288, Tables 2 and 7 to 10.

The data are episodes of the teacher in context 0 alone, and augmentation supplies the other
three quarter turns. That is our reading of "from context 1": the printed returns in
training are those of a single episode, as 0.75 ± 0.43 is the deviation of zeros and ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import numpy as np

from dmg_jax.agents import discrete, discrete_cql, discrete_iql
from dmg_jax.envs import reacher
from dmg_jax.networks import Outputs
from dmg_jax.symmetry import contexts, groups, runs, teacher, teachers
from dmg_jax.symmetry.cells import Cells
from dmg_jax.types import Agent, Transitions

TRAINING = (0,)
HIDDEN_SIZES = (128, 64, 32)
QUARTER_TURNS = groups.rotations(4, vectors=5, actions=reacher.ACTIONS)
EXPLORATION, EPISODES = 0.6, 10
# Of ten episodes, how many are the teacher's own; the others explore.
GREEDY = {"expert": 10, "mixed": 5, "suboptimal": 0}
# Rows of all data sets of a population, filled up, so that populations share a compilation.
_PADDED = 16_384
# The paper's, but for CQL's learning rate, which was 1e-4 but for suboptimal data, for IQL's weight
# of DAC, which is not known, and for the length.
IQL: dict[str, dict[str, float]] = {
  "expert": {"expectile": 0.8, "inverse_temperature": 7},
  "mixed": {"expectile": 0.7, "inverse_temperature": 7},
  "suboptimal": {"expectile": 0.8, "inverse_temperature": 3},
}
CQL: dict[str, dict[str, float]] = {
  "expert": {"conservatism": 5, "dac_latent": 100, "dac_output": 100},
  "mixed": {"conservatism": 10, "dac_latent": 100, "dac_output": 100},
  "suboptimal": {"conservatism": 5, "dac_latent": 100, "dac_output": 10},
}
# What is also learned from expert data of the teacher whose plan is irregular.
COMPARED = tuple(
  (method, place, use)
  for method, place in (("iql", "actor"), ("cql", "critic"))
  for use in ("none", "aug_d", "dac_output")
)
SETTINGS: dict[str, Any] = {
  "teacher": "planner",
  "hidden_sizes": HIDDEN_SIZES,
  "seeds": 20,
  "steps": 10_000,
  "discount": 0.95,
  "iql": IQL,
  "iql_learning_rate": 1e-3,
  "iql_batch_size": 16,
  "iql_consistency": 10.0,
  "cql": CQL,
  "cql_learning_rate": 5e-4,
  "cql_batch_size": 32,
  "test_contexts": len(contexts.held_out()),
}


class Population(NamedTuple):
  """Cells that differ in their data alone, whose runs are trained together.

  Attributes:
    method, place, use: of all cells.
    sources: of each cell, by its name: teacher and data.
  """

  method: str
  place: str
  use: str
  sources: Mapping[str, tuple[str, str]]


def fill(seed: int, cells: Cells) -> None:
  """All cells of Tables 2 and 7, among them those of the other teacher, then of Tables 9 and 8."""
  for one in populations():
    cells.fill_together(list(one.sources), partial(measure, one, seed))


def populations() -> Iterator[Population]:
  """Of all cells."""
  for method, place in (("iql", "actor"), ("cql", "critic"), ("iql", "both"), ("iql", "critic")):
    for use in discrete.USES:
      if use == "none" and method == "iql" and place != "actor":
        continue  # Without augmentation all three are the same.
      sources = {name(method, place, data, use): (SETTINGS["teacher"], data) for data in GREEDY}
      if (method, place, use) in COMPARED:
        sources[f"dqn {name(method, place, 'expert', use)}"] = ("dqn", "expert")
      yield Population(method, place, use, sources)


def name(method: str, place: str, data: str, use: str) -> str:
  """Of a cell; without augmentation all three tables of IQL have the same."""
  where = "actor" if method == "iql" and use == "none" else place
  return f"{method} {where} {data} {use}"


def augmentation(use: str, *, acts: bool = True) -> discrete.Augmentation:
  """The quarter turns in one of `discrete.USES`, or nothing."""
  if use == "none" or not acts:
    return discrete.NONE
  return discrete.Augmentation(groups.turner(QUARTER_TURNS), use)


def make_agent(
  method: str, place: str, use: str, hidden_sizes: tuple[int, ...] = HIDDEN_SIZES
) -> Agent:
  """The agent of a cell."""
  if method == "cql":
    return discrete_cql.make(hidden_sizes, reacher.ACTIONS, augmentation(use))
  return discrete_iql.make(
    hidden_sizes,
    reacher.ACTIONS,
    augmentation(use, acts=place != "critic"),
    augmentation(use, acts=place != "actor"),
  )


def point(method: str, data: str, use: str) -> Any:
  """Hyperparameters of a cell."""
  shared = {"discount": SETTINGS["discount"]}
  if method == "cql":
    return discrete_cql.CQLHyperparameters(
      learning_rate=SETTINGS["cql_learning_rate"],
      conservatism=CQL[data]["conservatism"],
      consistency=CQL[data].get(use, 0.0),
      **shared,
    )
  return discrete_iql.IQLHyperparameters(
    learning_rate=SETTINGS["iql_learning_rate"],
    expectile=IQL[data]["expectile"],
    inverse_temperature=IQL[data]["inverse_temperature"],
    consistency=SETTINGS["iql_consistency"] if use.startswith("dac") else 0.0,
    **shared,
  )


@cache
def data_sets(taught_by: str, data: str, seeds: tuple[int, ...]) -> list[Transitions]:
  """Ten episodes of a teacher, of `teachers.KINDS`, in context 0, fresh for each seed."""
  share = np.where(np.arange(EPISODES) < GREEDY[data], 0.0, EXPLORATION).astype(np.float32)
  # Without exploration all seeds have the same.
  distinct = seeds if share.any() else seeds[:1]
  # The planner stops searching where an episode has ended, which an accelerator gains nothing by.
  with jax.default_device(jax.devices("cpu")[0]):
    found = [_data_set(taught_by, data, share, seed) for seed in distinct]
  return found * (len(seeds) // len(distinct))


def _data_set(taught_by: str, data: str, share: np.ndarray, seed: int) -> Transitions:
  key = jax.random.fold_in(jax.random.key(seed), list(GREEDY).index(data))
  played = teachers.KINDS[taught_by].play(share[:, None], np.zeros(EPISODES, np.float32), key)
  return teacher.rows_of(played)


def data_of(
  population: Population, seeds: tuple[int, ...]
) -> tuple[Transitions, list[tuple[int, int]]]:
  """The data sets of all runs, see `join`: a cell after another, in each of them all seeds."""
  return join([one for of in population.sources.values() for one in data_sets(*of, seeds)])


def train(
  population: Population,
  data: Transitions,
  spans: list[tuple[int, int]],
  seeds: tuple[int, ...],
  steps: int = SETTINGS["steps"],
  hidden_sizes: tuple[int, ...] = HIDDEN_SIZES,
) -> runs.Trained:
  """Trains a population on what `data_of` gives."""
  method, place, use, sources = population
  points = [point(method, data, use) for _, data in sources.values()]
  return runs.train(
    make_agent(method, place, use, hidden_sizes),
    seeds * len(sources),
    jax.tree.map(lambda *leaves: np.repeat(np.array(leaves, np.float32), len(seeds)), *points),
    data,
    spans,
    batch_size=SETTINGS[f"{method}_batch_size"],
    steps=steps,
    side_by_side=True,
  )


def measure(
  population: Population,
  seed: int,
  seeds: int = SETTINGS["seeds"],
  steps: int = SETTINGS["steps"],
  hidden_sizes: tuple[int, ...] = HIDDEN_SIZES,
) -> dict[str, dict[str, Any]]:
  """Trains a population, each run on a data set of its own, and plays its policies greedily.

  Args:
    population: whose cells.
    seed: the first.
    seeds: how many runs a cell has.
    steps: gradient steps.
    hidden_sizes: of the networks.

  Returns:
    Of each cell: returns in context 0 and in the test contexts, and the data's rows, of
    every seed.
  """
  numbers = tuple(range(seed, seed + seeds))
  joined, spans = data_of(population, numbers)
  trained = train(population, joined, spans, numbers, steps, hidden_sizes)
  training, test = contexts.returns(
    contexts.of_largest_output(Outputs(hidden_sizes, reacher.ACTIONS, "float32")),
    trained.policies,
    TRAINING,
    contexts.held_out(),
  )
  found = {}
  for cell, start in zip(population.sources, range(0, len(spans), seeds), strict=True):
    mine = slice(start, start + seeds)
    found[cell] = {
      "training": training[mine].tolist(),
      "test": test[mine].tolist(),
      "rows": [size for _, size in spans[mine]],
      "data_return": [
        float(joined.rewards[offset : offset + size].sum() / EPISODES)
        for offset, size in spans[mine]
      ],
      "inconsistency": float(trained.metrics["inconsistency"][mine].mean()),
      "updates_per_second": trained.updates_per_second,
      "diverged": int(trained.diverged[mine].sum()),
    }
  return found


def join(sets: Sequence[Transitions]) -> tuple[Transitions, list[tuple[int, int]]]:
  """Data sets one after another, and the offset and size of each.

  The rows are filled up to a multiple of a number, so that many cells share a compilation.
  """
  sizes = [len(one.rewards) for one in sets]
  offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]])
  padding = -sum(sizes) % _PADDED

  def stack(*leaves):
    rows = np.concatenate(leaves)
    return np.concatenate([rows, np.zeros((padding, *rows.shape[1:]), rows.dtype)])

  return jax.tree.map(stack, *sets), [(int(o), s) for o, s in zip(offsets, sizes, strict=True)]
