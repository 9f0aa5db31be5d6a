"""A plan in slices: each is an offline job of its own."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from dmg_jax.experiments.settings import Job
from dmg_jax.plan import Plan, Run


class Slice(NamedTuple):
  """Some runs of one population, trained together.

  Attributes:
    name: of its folder: "003", the population's number; "003-01" where that is divided.
    job: its runs with the ids of the whole plan, as population 0, and the plan's settings.
  """

  name: str
  job: Job


def divide(job: Job, runs_per_task: int | None) -> list[Slice]:
  """The slices of a job, in the order of its populations.

  A population is divided into as few slices as the limit allows, of sizes that differ by one
  at most; the runs of a slice are neighbours in the plan.

  Args:
    job: resolved.
    runs_per_task: runs of a slice at most; whole populations, if not given.
  """
  slices = []
  for number, runs in enumerate(job.plan.populations()):
    parts = _balanced(runs, len(runs) if runs_per_task is None else runs_per_task)
    for place, part in enumerate(parts):
      name = f"{number:03d}" if len(parts) == 1 else f"{number:03d}-{place:02d}"
      slices.append(Slice(name, Job(_plan(job.plan, part), job.settings, ())))
  return slices


def _balanced(runs: Sequence[Run], most: int) -> list[Sequence[Run]]:
  count = -(-len(runs) // most)
  ends = [len(runs) * place // count for place in range(count + 1)]
  return [runs[begin:end] for begin, end in itertools.pairwise(ends)]


def _plan(whole: Plan, runs: Sequence[Run]) -> Plan:
  names = {run.task for run in runs}
  return Plan(
    tuple(task for task in whole.tasks if task.name in names),
    tuple(run._replace(population=0) for run in runs),
  )
