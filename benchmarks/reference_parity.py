"""Replays a trace of the authors' code in float64: offline steps through `dmg.update`,
online ones through `training.advance_steps`.

  python benchmarks/reference_parity.py --trace=FILE.npz [--tolerance=1e-12]

Exits with 0 if the final parameters and learning rate agree, 1 if they do not,
and 2 if the trace cannot be read.
"""

import dataclasses
import functools
import sys
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import recorded_trace
import trace_files
from absl import app, flags
from flax import struct
from recorded_trace import Snapshot, Trace

from dmg_jax import networks, schedules, training
from dmg_jax.agents import decayed, dmg
from dmg_jax.errors import UserError
from dmg_jax.types import Agent, Array, Hyperparameters, Networks, TrainState, Transitions

_TRACE = flags.DEFINE_string("trace", None, "The recorded trace (.npz).", required=True)
_TOLERANCE = flags.DEFINE_float("tolerance", 1e-12, "Largest deviation allowed.", lower_bound=0)
# Shared by all replays of a process, so that traces of one shape compile once.
_UPDATE = jax.jit(dmg.update, static_argnames="update_actor")


class _Recorded(struct.PyTreeNode):
  """What a step of a trace is taken with: its hyperparameters, and what chance decided.

  Attributes:
    point: of the agent.
    batches, noise: of all steps.
    first_step: number of the first one.
  """

  point: Any
  batches: Transitions
  noise: Array
  first_step: Array | np.integer


@functools.cache
def _replaying(agent: Agent) -> Agent:
  """The agent whose minibatches and noise are the trace's, whatever it is given."""

  def update(state, batch, noise, recorded, *, update_actor):
    step = state.step - recorded.first_step
    batch = jax.tree.map(lambda leaf: leaf[step], recorded.batches)
    return agent.update(
      state, batch, recorded.noise[step], recorded.point, update_actor=update_actor
    )

  return agent._replace(update=update)


@dataclasses.dataclass(frozen=True)
class Parity:
  """How far a replay is from its trace, relative to the recorded values.

  Attributes:
    parameters: by mark ("after1", ..., "final"), then network.
    actor_learning_rate: of the rate after the last step.
  """

  parameters: dict[str, dict[str, float]]
  actor_learning_rate: float

  def largest(self) -> float:
    """The largest deviation after the last step; NaN if any is."""
    return float(np.max([*self.parameters["final"].values(), self.actor_learning_rate]))


def compare(trace: Trace) -> Parity:
  """Replays a trace in float64, whatever precision JAX is set to."""
  with jax.enable_x64(True):
    snapshots, rate = _replay(trace)
  recorded_rate = trace.settings.lr_actor_final
  return Parity(
    parameters={
      mark: recorded_trace.deviations(snapshot, snapshots[mark])
      for mark, snapshot in trace.snapshots.items()
      if mark != "init"
    },
    actor_learning_rate=abs(rate - recorded_rate) / (abs(recorded_rate) or 1.0),
  )


def _replay(trace: Trace) -> tuple[dict[str, Snapshot], float]:
  """Parameters at each mark, and the actor's learning rate after the last step."""
  settings = trace.settings
  start = _hyperparameters(trace)
  steps = _offline(trace, start) if settings.mode == "offline" else _online(trace, start)
  snapshots = {}
  for step, state in enumerate(steps, start=1):
    if f"after{step}" in trace.snapshots:
      snapshots[f"after{step}"] = _snapshot(state)
  snapshots["final"] = _snapshot(state)
  remaining = schedules.cosine(state.actor.optimiser.count, start.actor_schedule_steps)
  return snapshots, float(start.actor_learning_rate * remaining)


def _offline(trace: Trace, start: Hyperparameters) -> Iterator[TrainState]:
  """The agent after each step of `dmg.update`."""
  state = _initial_state(trace)
  for step in range(trace.settings.N):
    batch = jax.tree.map(lambda leaf, row=step: leaf[row], trace.batches)
    update_actor = trace.settings.updates_actor(step)
    state, _ = _UPDATE(state, batch, trace.noise[step], start, update_actor=update_actor)
    yield state


def _online(trace: Trace, start: Hyperparameters) -> Iterator[TrainState]:
  """The agent after each step of `training.advance_steps`, one in a call: as it fine-tunes."""
  settings = trace.settings
  first_step = np.int32(settings.start_step)
  state = _initial_state(trace).replace(step=first_step)
  agent = _replaying(decayed.make(dmg.make(state.networks, settings.policy_freq)))
  decay = decayed.Decay(start, np.float64(settings.lam_end), np.float64(settings.nu_end), 0)
  recorded = _Recorded(decay, trace.batches, trace.noise, first_step)
  state, recorded = jax.tree.map(lambda leaf: np.asarray(leaf)[None], (state, recorded))
  nothing = np.zeros(1, np.int32)
  runs = training.Runs(state, np.zeros(1, np.uint32), nothing, nothing + 1, nothing - 1)
  program = training.make_program(agent, 1, 1, jax.devices()[:1])
  data = jax.tree.map(lambda leaf: leaf[0], trace.batches)
  runs, recorded, data = training.place(runs, recorded, data, program)
  for step in range(settings.N):
    phase = (settings.start_step + step) % settings.policy_freq
    runs, _ = training.advance_steps(runs, recorded, data, program, phase, 1)
    yield jax.tree.map(lambda leaf: np.asarray(leaf)[0], runs.states)


def _hyperparameters(trace: Trace) -> Hyperparameters:
  settings = trace.settings
  online = settings.mode == "online"
  values = Hyperparameters(
    lam=settings.lam,
    nu=settings.nu,
    q_coefficient=1,
    expectile=settings.expectile,
    inverse_temperature=settings.temperature,
    weight_clip=settings.max_weight,
    discount=settings.discount,
    target_rate=settings.tau,
    smoothing_noise=recorded_trace.SMOOTHING_NOISE,
    smoothing_clip=recorded_trace.SMOOTHING_CLIP,
    actor_learning_rate=recorded_trace.LEARNING_RATE,
    critic_learning_rate=recorded_trace.LEARNING_RATE,
    value_learning_rate=recorded_trace.LEARNING_RATE,
    actor_schedule_steps=np.inf if online else settings.cosine_steps(),
  )
  return jax.tree.map(np.float64, values)


def _initial_state(trace: Trace) -> TrainState:
  init = trace.snapshots["init"]
  sizes = {name: recorded_trace.hidden_sizes(name, tensors) for name, tensors in init.items()}
  actor, critic, value = (
    jax.tree.map(jnp.asarray, recorded_trace.flax_parameters(name, init[name]))
    for name in recorded_trace.LEARNERS
  )
  modules = Networks(
    actor=networks.Actor(sizes["actor"], trace.settings.A, "float32"),
    critic=networks.Critic(sizes["critic"], "float32"),
    value=networks.Value(sizes["value_critic"], "float32"),
  )
  return dmg.from_parameters(modules, actor, critic, value)


def _snapshot(state: TrainState) -> Snapshot:
  parameters = {
    "actor": state.actor.parameters,
    "critic": state.critic.parameters,
    "value_critic": state.value.parameters,
    "actor_target": state.target_actor,
    "critic_target": state.target_critic,
  }
  return {name: recorded_trace.torch_tensors(name, tree) for name, tree in parameters.items()}


def _mark_order(mark: str) -> float:
  return np.inf if mark == "final" else int(mark.removeprefix("after"))


def report(trace: Trace, parity: Parity) -> str:
  """A table of deviations, networks by marks."""
  settings = trace.settings
  marks = sorted(parity.parameters, key=_mark_order)
  lines = [
    f"{settings.mode}, {settings.N} steps from {settings.start_step}, batch {settings.B}, "
    f"S = {settings.S}, A = {settings.A}, policy delay {settings.policy_freq}",
    "largest deviation relative to each tensor's largest magnitude (marks before the end: last "
    "layers only)",
    "".join([f"{'network':<15}", *(f"{mark:>11}" for mark in marks)]),
  ]
  for network in recorded_trace.NETWORKS:
    cells = [parity.parameters[mark].get(network) for mark in marks]
    texts = [f"{'-':>11}" if cell is None else f"{cell:>11.2e}" for cell in cells]
    lines.append("".join([f"{network:<15}", *texts]))
  lines.append(f"actor's learning rate after the last step: {parity.actor_learning_rate:.2e}")
  return "\n".join(lines)


def main(_) -> int:
  try:
    trace = trace_files.load(_TRACE.value)
  except UserError as error:
    print(f"error: {error}", file=sys.stderr)
    return 2
  parity = compare(trace)
  print(report(trace, parity))
  # Written so that NaN fails.
  agrees = parity.largest() <= _TOLERANCE.value
  verdict = "within" if agrees else "ABOVE"
  print(f"largest: {parity.largest():.2e}, {verdict} the tolerance of {_TOLERANCE.value:g}")
  return 0 if agrees else 1


if __name__ == "__main__":
  app.run(main)
