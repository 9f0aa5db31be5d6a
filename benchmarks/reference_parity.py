"""Replays a trace of the authors' code through `dmg_jax.agents.dmg.update`, in float64.

  python benchmarks/reference_parity.py --trace=FILE.npz [--tolerance=1e-12]

Exits with 0 if the final parameters and learning rate agree, 1 if they do not,
and 2 if the trace cannot be read.
"""

import dataclasses
import sys

import jax
import jax.numpy as jnp
import numpy as np
import recorded_trace
import trace_files
from absl import app, flags
from recorded_trace import Snapshot, Trace

from dmg_jax import networks, schedules
from dmg_jax.agents import dmg
from dmg_jax.errors import UserError
from dmg_jax.types import Hyperparameters, Networks, TrainState

_TRACE = flags.DEFINE_string("trace", None, "The recorded trace (.npz).", required=True)
_TOLERANCE = flags.DEFINE_float("tolerance", 1e-12, "Largest deviation allowed.", lower_bound=0)
# Shared by all replays of a process, so that traces of one shape compile once.
_UPDATE = jax.jit(dmg.update, static_argnames="update_actor")


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
  state = _initial_state(trace)
  snapshots = {}
  for step in range(settings.N):
    now = start
    if settings.mode == "online":
      count = settings.start_step + step + 1
      now = schedules.decay_online(start, settings.lam_end, settings.nu_end, count)
    batch = jax.tree.map(lambda leaf, row=step: leaf[row], trace.batches)
    state, _ = _UPDATE(
      state, batch, trace.noise[step], now, update_actor=settings.updates_actor(step)
    )
    if f"after{step + 1}" in trace.snapshots:
      snapshots[f"after{step + 1}"] = _snapshot(state)
  snapshots["final"] = _snapshot(state)
  remaining = schedules.cosine(state.actor.optimiser.count, start.actor_schedule_steps)
  return snapshots, float(start.actor_learning_rate * remaining)


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
