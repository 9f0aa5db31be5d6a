"""How a population that learns online begins: its agents, its rows and its simulators."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from dmg_jax import experience, methods, training
from dmg_jax.agents import decayed, sac
from dmg_jax.data.scaling import Scaling
from dmg_jax.data.stream import Stream
from dmg_jax.envs.make import limited, make
from dmg_jax.errors import storage
from dmg_jax.experiments.online_fields import ONLINE, SYMMETRIC
from dmg_jax.experiments.sources import Source
from dmg_jax.online import exploration
from dmg_jax.online.loop import Loop, Settings
from dmg_jax.online.playing import Playing, none_shared
from dmg_jax.plan import Run
from dmg_jax.tasks import TRACED, Task
from dmg_jax.training import Runs
from dmg_jax.types import Agent, Hyperparameters, Transitions

STREAMS = "streams"
# Of a run's episodes: not the seeds of an evaluation.
_EPISODES = 1


class OnlineBeginning:
  """What the runs of one population start from.

  Args:
    runs: of the population, in the plan's order.
    tasks: by name.
    transitions: name of a task -> its data, as the networks see them.
    scalings: by name of the task.
    settings: of the job.
    source: whose runs go on; None from scratch.
    directory: of the job.

  Attributes:
    tasks: names of the population's tasks, each once.
    agent: of all runs.
    places: of the runs that this process trains: all.
  """

  def __init__(
    self,
    runs: Sequence[Run],
    tasks: Mapping[str, Task],
    transitions: Mapping[str, Transitions],
    scalings: Mapping[str, Scaling],
    settings: Mapping[str, Any],
    source: Source | None,
    directory: Path,
  ):
    self._members, self._settings, self._source = runs, settings, source
    self.places = list(range(len(runs)))
    self._tasks, self._scalings = tasks, scalings
    self._folder = directory / STREAMS
    self.tasks = tuple(dict.fromkeys(run.task for run in runs))
    self._parts = [transitions[name] for name in self.tasks]
    self._sizes = self._parts[0].observations.shape[1], self._parts[0].actions.shape[1]
    if settings["sampling"] == ONLINE:
      self._parts = [none_shared(*self._sizes)] * len(self.tasks)
    made = methods.agent(runs[0].method, runs[0].point, self._sizes[1], settings["precision"])
    self._soft = methods.find(runs[0].method).soft
    self.agent: Agent = made if self._soft else decayed.make(made)
    self._streams: dict[str, Stream] = {}
    self._loop: Loop | None = None

  def runs(self) -> Runs:
    """The runs at step 0, as NumPy arrays."""
    sizes = [len(part.rewards) for part in self._parts]
    spans = np.array(list(zip(np.cumsum([0, *sizes[:-1]]), sizes, strict=True)), np.int32)
    places = [self.tasks.index(run.task) for run in self._members]
    seeds, count = [run.seed for run in self._members], len(self._members)
    nothing = np.zeros(count, np.int32)
    if self._source is None:
      made = training.start(seeds, self.agent, none_shared(*self._sizes))
    else:
      made = Runs(
        states=self._source.states(self._members),
        seeds=np.array(seeds, np.uint32),
        offsets=nothing,
        sizes=nothing,
        frozen_at=np.full(count, training.ACTIVE, np.int32),
      )
    offsets, sizes_ = spans[places].T
    return made.replace(
      offsets=offsets.copy(), sizes=sizes_.copy(), own=experience.Region(nothing, nothing)
    )

  def turns(self, steps: int) -> int:
    """Rounds: each run has one environment."""
    return steps

  def population(self, runs: Runs, data: Any) -> Loop:
    """The population, with its simulators where they were.

    Args:
      runs: from `runs`, or a checkpoint.
      data: not used: what an earlier population learns from holds its own rows, too.

    Raises:
      UserError: if a part of what a run went through is missing or damaged.
    """
    del data
    settings = self._settings
    assert runs.own is not None
    playing = [
      self._playing(run, int(size)) for run, size in zip(self._members, runs.own.sizes, strict=True)
    ]
    self._loop = Loop(
      training.make_program(
        self.agent,
        len(self._members),
        self._members[0].point["batch_size"],
        symmetric=settings["sampling"] == SYMMETRIC,
      ),
      runs,
      self._temperate() if self._soft else self._decay(),
      self._exploration(),
      playing,
      jax.tree.map(lambda *parts: np.concatenate(parts), *self._parts),
      Settings(
        settings["random_steps"],
        settings["learn_every"],
        settings["updates_per_step"],
        settings["workers"],
      ),
    )
    return self._loop

  def save(self) -> None:
    """Writes what the runs went through since the last checkpoint.

    Raises:
      StorageError: if that fails; the earlier parts are intact.
    """
    with storage(self._folder):
      self._folder.mkdir(exist_ok=True)
    for name, stream in self._streams.items():
      stream.save(self._folder / name)

  def close(self) -> None:
    """Frees the simulators."""
    if self._loop is not None:
      self._loop.close()

  def _playing(self, run: Run, steps: int) -> Playing:
    task = self._tasks[run.task]
    seed = np.random.SeedSequence(run.seed, spawn_key=(_EPISODES,)).generate_state(1)[0]
    stream = Stream(self._settings["steps"], 1, *self._sizes, int(seed))
    stream.load(self._folder / run.id, steps)
    self._streams[run.id] = stream
    env = make(task.env, limited(task.env, task.env_kwargs, task.step_limit))
    return Playing([env], stream, self._scalings[run.task], task.reward_shift)

  def _exploration(self) -> exploration.Exploration:
    if self._soft:
      point, precision = self._members[0].point, self._settings["precision"]
      return exploration.stochastic(methods.soft_networks(point, self._sizes[1], precision))
    return exploration.gaussian(self.agent, (self._settings["exploration_noise"],), 0.0)

  def _column(self, name: str) -> np.ndarray:
    """(R,) a field of the runs' points."""
    return np.array([run.point[name] for run in self._members], np.float32)

  def _temperate(self) -> sac.SoftHyperparameters:
    default = sac.SoftHyperparameters()
    count = len(self._members)
    return sac.SoftHyperparameters(
      **{
        name: self._column(name)
        if name in TRACED
        else np.full(count, getattr(default, name), np.float32)
        for name in vars(default)
      }
    )

  def _decay(self) -> decayed.Decay:
    first_step = 0 if self._source is None else self._source.step
    return decayed.Decay(
      Hyperparameters(**{name: self._column(name) for name in TRACED}),
      self._column("lam_end"),
      self._column("nu_end"),
      np.full(len(self._members), first_step, np.int32),
    )
