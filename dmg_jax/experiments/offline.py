"""The main job: train all seeds on a data set, evaluate, save, and show the result."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from dmg_jax import networks, run_config, run_directory, run_log, training
from dmg_jax.agents import dmg
from dmg_jax.checkpoints import Checkpoints
from dmg_jax.data import catalog, scaling
from dmg_jax.data.dataset import Dataset, check_actions
from dmg_jax.envs.make import make, spaces
from dmg_jax.errors import UserError
from dmg_jax.evaluation import Policies, Simulators, episode_seeds, evaluate
from dmg_jax.experiments import outcome
from dmg_jax.experiments import settings as settings_module
from dmg_jax.experiments.settings import NO_ENVIRONMENT, Settings
from dmg_jax.interruption import Interruption
from dmg_jax.progress import Progress
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
  claim = run_directory.claim(directory, _stored(settings, dataset, reference))
  try:
    checkpoints = Checkpoints(directory)
    job = _Job(settings, dataset, units, reference, directory, checkpoints, announce)
    claim.store_growth()
    if job.step >= settings.config["steps"]:
      announce(f"finished already: the checkpoint of step {job.step:,} is the last")
      job.simulators.close()
    else:
      with Interruption() as stop:
        job.run(stop)
        if stop.requested and job.step < settings.config["steps"]:
          command = run_directory.command(claim.config["invocation"], directory)
          announce(f"interrupted at step {job.step:,}; saved; this goes on: {command}")
          sys.exit(stop.exit_code)
    return outcome.conclude(directory, settings.config, dataset, job._frozen_at(), reference)
  finally:
    claim.close()


def _stored(settings: Settings, dataset: Dataset, reference) -> dict[str, Any]:
  """The config in format 2."""
  config = settings.config
  point = {name: config[name] for name in settings_module._HYPERPARAMETERS}
  point |= {"batch_size": config["batch_size"], "policy_delay": config["policy_delay"]}
  for name in ("actor", "critic", "value"):
    point[f"{name}_hidden_sizes"] = config["hidden_sizes"]
  return {
    "format": run_config.FORMAT,
    "kind": run_config.OFFLINE,
    "invocation": sys.argv,
    "settings": {
      name: config[name]
      for name in (
        "steps", "evaluation_interval", "evaluation_episodes", "evaluation_seed", "log_interval",
        "checkpoint_interval", "precision",
      )
    } | {"workers": 1},
    "tasks": [
      {
        "name": dataset.name,
        "source": dataset.name,
        "kind": dataset.kind,
        "sha256": dataset.sha256,
        "env": config["env"],
        "normalise_observations": config["normalise_observations"],
        "clip_actions": config["clip_actions"],
        "reward_shift": config["reward_shift"],
        "reference": reference,
      }
    ],
    "runs": [
      {
        "id": f"dmg,seed={seed}", "task": dataset.name, "method": "dmg", "label": "DMG",
        "point": point, "seed": seed, "population": 0,
      }
      for seed in settings.seeds()
    ],
  }  # fmt: skip


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
    sizes = tuple(config["hidden_sizes"])
    self.networks: Networks = networks.make(
      dataset.transitions.actions.shape[1],
      networks.Architecture(sizes, sizes, sizes, precision=config["precision"]),
    )
    agent = dmg.make(self.networks, config["policy_delay"])
    self.program = training.make_program(agent, len(self.seeds), config["batch_size"])
    transitions: Transitions = jax.tree.map(np.float32, units.apply(dataset.transitions))
    runs = training.gather(training.start(self.seeds, agent, transitions), len(self.seeds))
    restored = checkpoints.restore_latest(
      {"populations": {"0": runs}, "scalings": {"0": units}}, config["steps"]
    )
    runs, self.step = restored.tree["populations"]["0"], restored.step
    for notice in restored.notices:
      announce(notice)
    if restored.step:
      announce(f"continuing from the checkpoint of step {self.step:,}")
    if self.step >= config["steps"]:
      run_log.check(directory, restored.positions)
    else:
      self.log = run_log.RunLog(directory, restored.positions)
      self.events = outcome.Events(directory)
    self.hyperparameters: Hyperparameters = jax.tree.map(np.float32, settings.hyperparameters())
    self.runs, self.placed_hyperparameters, self.data = training.place(
      runs, self.hyperparameters, transitions, self.program
    )
    self.compiled: dict[int, Callable[..., Any]] = {}

  def run(self, stop: Interruption) -> None:
    """Trains to the last step, or until a signal."""
    config = self.config
    intervals = [config["log_interval"], config["checkpoint_interval"]]
    if config["env"] != NO_ENVIRONMENT:
      intervals.append(config["evaluation_interval"])
    description = f"{len(self.seeds)} runs"
    with Progress(config["steps"], self.step, "step", description) as self.progress:
      while self.step < config["steps"] and not stop.requested:
        ends = [(self.step // interval + 1) * interval for interval in intervals]
        self._advance(min(*ends, config["steps"]))
        if self._due("evaluation_interval") and config["env"] != NO_ENVIRONMENT:
          self.progress.note(self._evaluate())
        if self._due("checkpoint_interval"):
          self._save()
      if stop.requested:
        self._save()
    self.close()

  def close(self) -> None:
    self.simulators.close()
    self.log.close()
    self.events.close()

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
    self.progress.update(end - self.step)
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
      Policies(self.networks, actors, scalings),
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
    self.checkpoints.save(
      self.step,
      {"populations": {"0": runs}, "scalings": {"0": self.units}},
      self.log.positions(),
      only_as_end=self.step == self.config["steps"]
      and run_config.ends_off_the_grid(self.config, self.config["env"] != NO_ENVIRONMENT),
    )
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
    self.progress.write(
      f"seed {self.seeds[run]} diverged: numbers stopped being finite after step {step:,}; "
      "its last finite state is kept, the other seeds go on"
    )
