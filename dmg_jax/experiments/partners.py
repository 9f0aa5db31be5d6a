"""What the processes of one job on several hosts tell one another: states, rows, agreement.

With one process everything is returned as it came.
"""

import json
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

import jax
import numpy as np

from dmg_jax import named_leaves, processes, run_config, run_directory, run_log
from dmg_jax.checkpoints import Restored
from dmg_jax.errors import UserError
from dmg_jax.training import Runs

_PACKAGES = ("dmg_jax", "jax", "jaxlib")


def agree(config: Mapping[str, Any]) -> None:
  """Refuses processes that would not train the same job.

  Args:
    config: of the job, with the hashes of its data.

  Raises:
    UserError: in all processes, naming what differs in which.
    PartnerError: as `processes.exchange`; so do the others.
  """
  if processes.count() == 1:
    return
  versions = {f"version of {name}": metadata.version(name) for name in _PACKAGES}
  mine = run_log.encode({**config, **versions})
  first, *others = map(json.loads, processes.exchange(json.dumps(mine).encode()))
  for process, other in enumerate(others, start=1):
    changes, _ = run_config.differences(first, other, frozenset(), run_directory.MAY_DIFFER)
    if changes:
      raise UserError(
        f"process {process} was started for another job than process 0 ({'; '.join(changes)}); "
        "start all with the same command, versions and data"
      )


def restored(found: Restored, like: Any) -> Restored:
  """What the first process restored, in all of them.

  Args:
    found: in the first process, from its record; not used in others.
    like: the state at step 0.
  """
  if processes.count() == 1:
    return found
  content = b""
  if processes.first():
    named = {f"tree/{name}": leaf for name, leaf in named_leaves.leaves(found.tree).items()}
    content = named_leaves.to_bytes({**named, "step": np.int64(found.step)})
  named = named_leaves.from_bytes(processes.exchange(content)[0])
  if processes.first():
    return found
  step = int(named.pop("step"))
  tree = {name.removeprefix("tree/"): leaf for name, leaf in named.items()}
  return Restored(step, named_leaves.restructure(tree, like), {}, {}, ())


def whole(mine: Mapping[int, Runs], like: Sequence[Runs]) -> list[Runs]:
  """All runs of each population, in the first process; of the others, nothing.

  Args:
    mine: number of a population -> its runs that this process trains.
    like: all runs of each population, as shapes and dtypes.
  """
  if processes.count() == 1:
    return [mine[number] for number in range(len(like))]
  content = named_leaves.to_bytes(
    named_leaves.leaves({str(number): runs for number, runs in mine.items()})
  )
  received = processes.exchange(content)
  if not processes.first():
    return []
  parts = [named_leaves.from_bytes(one) for one in received]
  joined, start = [], 0
  for number, runs in enumerate(like):
    count = runs.seeds.shape[0]
    places = [processes.places(start, count, process) for process in range(len(parts))]
    names = named_leaves.leaves({str(number): runs})
    leaves = {name: np.empty(leaf.shape, leaf.dtype) for name, leaf in names.items()}
    for name, leaf in leaves.items():
      for part, rows in zip(parts, places, strict=True):
        if rows:
          leaf[rows] = part[name]
    joined.append(named_leaves.restructure(leaves, {str(number): runs})[str(number)])
    start += count
  return joined


def together(mine: Mapping[str, Any]) -> dict[str, Any]:
  """The entries of all processes' mappings, as JSON can hold them; no key is in two of them."""
  if processes.count() == 1:
    return dict(mine)
  content = json.dumps(run_log.encode(mine)).encode()
  return {
    key: value
    for one in processes.exchange(content)
    for key, value in run_log.decode(json.loads(one)).items()
  }


def shapes(tree: Any) -> Any:
  """The shapes and dtypes of a tree of arrays."""
  return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(np.shape(leaf), leaf.dtype), tree)
