"""The main job: train all seeds on a data set, evaluate, save, and show the result."""

import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from tqdm import tqdm

from dmg_jax import networks, run_directory, run_log, training
from dmg_jax.agents import dmg
from dmg_jax.checkpoints import Checkpoints
from dmg_jax.data import catalog, scaling
from dmg_jax.data.dataset import Dataset, check_actions
from dmg_jax.envs.make import make, spaces
from dmg_jax.errors import UserError
from dmg_jax.evaluation import Policies, Simulators, episode_seeds, evaluate
from dmg_jax.experiments import outcome
from dmg_jax.experiments.settings import MAY_GROW, NO_ENVIRONMENT, Settings
from dmg_jax.types import Hyperparameters, Networks, Transitions


def prepare(settings: Settings, dataset: Dataset) -> tuple[Dataset, scaling.Scaling]:
  """The data as it will train, checked against the simulator, and its scaling.

  Rewards are moved by `reward_shift`; returns and scores stay in the file's rewards.

  Raises:
    UserError: if observations or actions do not fit the simulator or its box.
  """
  observation_size = dataset.transitions.observations.shape[1]
  action_size = dataset.transitions.actions.shape[1]
  low, high = dataset.action_low, dataset.action_high
  if settings.config["env"] != NO_ENVIRONMENT:
    env = make(settings.config["env"])
    their_size, low, high = spaces(env)
    for field, ours, theirs in (
      ("observations", observation_size, their_size),
      ("actions", action_size, len(low)),
    ):
      if ours != theirs:
        raise UserError(
          f"{dataset.name}: {field} have {ours} numbers, but those of {settings.config['env']} "
          f"have {theirs}; name the right --config.env, or none"
        )
    env.close()
  if low is None or high is None:
    low, high = -np.ones(action_size), np.ones(action_size)
  dataset = check_actions(dataset, low, high, settings.config["clip_actions"])
  if shift := settings.config["reward_shift"]:
    rewards = dataset.transitions.rewards + np.float32(shift)
    notice = f"rewards moved by {shift:g}, to between {rewards.min():g} and {rewards.max():g}"
    dataset = dataset._replace(
      transitions=dataset.transitions.replace(rewards=rewards),
      notices=(*dataset.notices, notice),
    )
  units = scaling.for_actions(observation_size, low, high)
  if settings.config["normalise_observations"]:
    units = scaling.with_statistics(units, dataset.transitions.observations)
  return dataset, units


def train(
  settings: Settings,
  dataset: Dataset,
  directory: Path,
  announce: Callable[[str], None],
) -> outcome.Outcome:
  """Runs the job, or what is left of it, in a run directory.

  Started again after an interruption, with the same settings, it continues from
  the last checkpoint and ends with the same parameters and logs as if nothing
  had happened. Started again when finished, it only reports.

  Args:
    settings: resolved for the data set.
    dataset: raw.
    directory: of the run.
    announce: shows a line to the user.

  Raises:
    UserError: on data that do not fit, or a directory of another job.
    StorageError: if something could not be saved.
  """
  notices = len(dataset.notices)
  dataset, units = prepare(settings, dataset)
  for notice in dataset.notices[notices:]:
    announce(notice)
  reference = catalog.reference_returns(settings.config["env"]) or dataset.reference
  lock = run_directory.claim(directory, settings.config, MAY_GROW)
  checkpoints = Checkpoints(directory)
  try:
    if (latest := checkpoints.latest()) is not None and latest >= settings.config["steps"]:
      announce(f"finished already: the checkpoint of step {latest:,} is the last")
      frozen_at = checkpoints.restore(latest)[0]["runs"]["frozen_at"]
    else:
      job = _Job(settings, dataset, units, reference, directory, checkpoints, announce)
      frozen_at = job.run()
    return outcome.conclude(directory, settings.config, dataset, frozen_at, reference)
  finally:
    checkpoints.close()
    lock.close()


class _Job:
  """The state of a job between its chunks of compiled training."""

  def __init__(
    self,
    settings: Settings,
    dataset: Dataset,
    units: scaling.Scaling,
    reference: tuple[float, float] | None,
    directory: Path,
    checkpoints: Checkpoints,
    announce: Callable[[str], None],
  ):
    config = settings.config
    self.config, self.seeds = config, settings.seeds()
    self.units, self.reference, self.checkpoints = units, reference, checkpoints
    self.simulators = Simulators(config["env"])
    self.networks: Networks = networks.make(
      dataset.transitions.actions.shape[1], tuple(config["hidden_sizes"]), config["precision"]
    )
    self.act = functools.partial(dmg.act, self.networks)
    self.program = training.make_program(
      len(self.seeds), config["batch_size"], config["policy_delay"]
    )
    transitions: Transitions = jax.tree.map(np.float32, units.apply(dataset.transitions))
    runs = training.gather(training.start(self.seeds, self.networks, transitions), len(self.seeds))
    self.step = 0
    positions: dict[str, int] = {}
    if (latest := checkpoints.latest()) is not None:
      tree, positions = checkpoints.restore(latest, {"runs": runs, "scaling": units})
      runs, self.step = tree["runs"], latest
      announce(f"continuing from the checkpoint of step {latest:,}")
    self.log = run_log.RunLog(directory, positions)
    self.events = outcome.Events(directory)
    self.hyperparameters: Hyperparameters = jax.tree.map(np.float32, settings.hyperparameters())
    self.runs, self.placed_hyperparameters, self.data = training.place(
      runs, self.hyperparameters, transitions, self.program
    )
    self.compiled: dict[int, Callable[..., Any]] = {}

  def run(self) -> np.ndarray:
    """Trains to the last step; (R,) at which step each run diverged, if it did."""
    config = self.config
    intervals = [config["log_interval"], config["checkpoint_interval"]]
    if config["env"] != NO_ENVIRONMENT:
      intervals.append(config["evaluation_interval"])
    with tqdm(
      total=config["steps"],
      initial=self.step,
      unit="step",
      desc=f"{len(self.seeds)} runs",
      smoothing=0.1,
    ) as progress:
      while self.step < config["steps"]:
        ends = [(self.step // interval + 1) * interval for interval in intervals]
        self._advance(min(*ends, config["steps"]))
        progress.update(self.step - progress.n)
        if self._due("evaluation_interval") and config["env"] != NO_ENVIRONMENT:
          progress.set_postfix_str(self._evaluate())
        if self._due("checkpoint_interval"):
          self._save()
    self.simulators.close()
    self.log.close()
    self.events.close()
    return self._frozen_at()

  def _due(self, interval: str) -> bool:
    return self.step % self.config[interval] == 0 or self.step == self.config["steps"]

  def _advance(self, end: int) -> None:
    """One compiled call, to step `end`, and its rows in the logs."""
    cycles = (end - self.step) // self.config["policy_delay"]
    arguments = (self.runs, self.placed_hyperparameters, self.data)
    if cycles not in self.compiled:
      started = time.monotonic()
      lowered = training.advance.lower(*arguments, program=self.program, cycles=cycles)
      self.compiled[cycles] = lowered.compile()
      self._time("compile", time.monotonic() - started)
    started = time.monotonic()
    before = self._frozen_at()
    self.runs, metrics = self.compiled[cycles](*arguments)
    metrics = training.gather(metrics, len(self.seeds))
    seconds = time.monotonic() - started
    self.step = end
    rate = cycles * self.config["policy_delay"] * len(self.seeds) / seconds
    self._time("train", seconds, steps_per_second=rate)
    frozen_at = self._frozen_at()
    for run in np.flatnonzero(frozen_at != before):
      self._tell_frozen(int(run), frozen_at[run])
    rows = [
      {"step": end, "run": run, "seed": seed}
      | {name: float(values[run]) for name, values in metrics.items()}
      for run, seed in enumerate(self.seeds)
      if frozen_at[run] == training.ACTIVE
    ]
    self.log.append(run_log.METRICS, rows)
    self.events.add(run_log.METRICS, rows)

  def _evaluate(self) -> str:
    """Evaluates every run that has not diverged; a few words on how it went."""
    started = time.monotonic()
    frozen_at = self._frozen_at()
    active = np.flatnonzero(frozen_at == training.ACTIVE)
    if not len(active):
      return "all diverged"
    actors = training.gather(self.runs.states.actor.parameters, len(self.seeds))
    actors = jax.tree.map(lambda leaf: leaf[active], actors)
    scalings = jax.tree.map(lambda leaf: np.stack([leaf] * len(active)), self.units)
    seeds = [self.seeds[run] for run in active]
    result = evaluate(
      self.simulators,
      Policies(self.act, actors, scalings),
      episode_seeds(
        self.config["evaluation_seed"], seeds, self.step, self.config["evaluation_episodes"]
      ),
    )
    bad = np.isnan(result.returns).any(axis=1)
    for run in active[bad]:
      self._freeze(run)
    rows = []
    for place in np.flatnonzero(~bad):
      for episode, value in enumerate(result.returns[place]):
        row = {
          "step": self.step,
          "run": int(active[place]),
          "seed": seeds[place],
          "episode": episode,
          "return": float(value),
          "length": int(result.lengths[place, episode]),
        }
        if self.reference is not None:
          row["score"] = float(catalog.normalised_score(value, self.reference))
        rows.append(row)
    self.log.append(run_log.EVALUATIONS, rows)
    self.events.add(run_log.EVALUATIONS, rows)
    self._time("evaluation", time.monotonic() - started)
    measure = "return" if self.reference is None else "score"
    values = [row[measure] for row in rows]
    return f"{measure} {np.mean(values):.1f}" if values else "all diverged"

  def _save(self) -> None:
    """Commits the complete state, and with it all rows logged so far."""
    started = time.monotonic()
    runs = training.gather(self.runs, len(self.seeds))
    self.checkpoints.save(self.step, {"runs": runs, "scaling": self.units}, self.log.positions())
    self._time("checkpoint", time.monotonic() - started)

  def _time(self, what: str, seconds: float, **more: float) -> None:
    row = {"step": self.step, "what": what, "seconds": seconds, **more}
    self.log.append(run_log.TIMING, [row])

  def _frozen_at(self) -> np.ndarray:
    return training.gather(self.runs.frozen_at, len(self.seeds))

  def _freeze(self, run: int) -> None:
    """Freezes a run whose policy gave a simulator no number, at its state of now."""
    placed = self.runs.frozen_at
    assert isinstance(placed, jax.Array)
    frozen_at = np.array(placed)
    frozen_at[run] = self.step
    self.runs = self.runs.replace(frozen_at=jax.device_put(frozen_at, placed.sharding))
    self._tell_frozen(run, self.step)

  def _tell_frozen(self, run: int, step: int) -> None:
    tqdm.write(
      f"seed {self.seeds[run]} diverged: numbers stopped being finite after step {step:,}; "
      "its last finite state is kept, the other seeds go on"
    )
