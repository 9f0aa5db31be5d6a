"""Records a trace of the PyTorch step, on random transitions.

python benchmarks/record_trace.py --record=FILE.npz [--trace_settings=JSON]
"""

import dataclasses
import json
import sys

import numpy as np
import recorded_trace
import torch
import torch_step
import trace_files
from absl import app, flags
from recorded_trace import Settings, Trace

from dmg_jax.errors import UserError
from dmg_jax.types import Transitions

_RECORD = flags.DEFINE_string("record", None, "The trace to write (.npz).", required=True)
_SETTINGS = flags.DEFINE_string(
  "trace_settings", "{}", "JSON: what differs from a small Gym trace, as in its hyper_json."
)
_HIDDEN_SIZES = flags.DEFINE_list("trace_hidden_sizes", ["32", "32"], "Widths of the networks.")
_SEED = flags.DEFINE_integer("trace_seed", 0, "Seed of parameters, minibatches and noise.")

GYM = Settings(
  S=11,
  A=3,
  B=256,
  N=20,
  start_step=0,
  mode="offline",
  discount=0.99,
  tau=0.005,
  policy_freq=2,
  expectile=0.7,
  temperature=3.0,
  lam=0.25,
  lam_end=0.5,
  nu=0.1,
  nu_end=0.005,
  max_weight=3.0,
  lr_actor_final=recorded_trace.LEARNING_RATE,
)


def record(settings: Settings, hidden_sizes: tuple[int, int], seed: int) -> Trace:
  """Makes a trace of this step, on random transitions.

  Args:
    settings: of the trace; `lr_actor_final` is replaced by what comes out.
    hidden_sizes: widths of all networks.
    seed: of everything random.
  """
  torch.manual_seed(seed)
  random = np.random.default_rng(seed)
  lead = (settings.N, settings.B)
  batches = Transitions(
    observations=random.normal(size=(*lead, settings.S)),
    actions=random.uniform(-1, 1, (*lead, settings.A)),
    rewards=random.normal(size=lead),
    next_observations=random.normal(size=(*lead, settings.S)),
    not_dones=(random.uniform(size=lead) < 0.9).astype(np.float64),
  )
  noise = random.normal(size=(*lead, settings.A))
  agent = torch_step.Agent(settings, hidden_sizes, torch.float64)
  # Fresh critics are almost constant. Larger outputs around 0 give advantages of
  # both signs, and some of the weights reach their clip.
  with torch.no_grad():
    inputs = torch.from_numpy(batches.observations[0]), torch.from_numpy(batches.actions[0])
    for layer, output in ((agent.critic.l3, 0), (agent.critic.l6, 1)):
      layer.weight *= 8
      layer.bias.sub_(agent.critic(*inputs)[output].mean())
  agent.target_critic.load_state_dict(agent.critic.state_dict())
  snapshots = torch_step.run(agent, batches, noise)
  settings = dataclasses.replace(settings, lr_actor_final=agent.actor_learning_rate())
  return Trace(settings, batches, noise, snapshots)


def main(_) -> int:
  try:
    changes = json.loads(_SETTINGS.value)
    settings = dataclasses.replace(GYM, **changes)
    first, second = (int(width) for width in _HIDDEN_SIZES.value)
  except (UserError, ValueError, TypeError) as error:
    print(f"error: --trace_settings or --trace_hidden_sizes: {error}", file=sys.stderr)
    return 2
  trace_files.save(_RECORD.value, record(settings, (first, second), _SEED.value))
  return 0


if __name__ == "__main__":
  app.run(main)
