"""DMG's gradient step in eager PyTorch, for comparison with ours alone.

The same algorithm, in the idiom of PyTorch: `Agent.train` trains on transitions,
and `replay` proves the step on a recorded trace.
"""

import copy
import dataclasses
from collections.abc import Sequence

import numpy as np
import recorded_trace
import torch
from recorded_trace import Settings, Snapshot, Trace
from torch import Tensor, nn
from torch.nn import functional

from dmg_jax.errors import UserError
from dmg_jax.types import Transitions

_MARKS = (1, 2, 4, 20)

# observations, actions, rewards, next observations, 1 - terminal.
Batch = Sequence[Tensor]


class Actor(nn.Module):
  """(B, S) -> (B, A) in [-1, 1]."""

  def __init__(self, observation_size: int, action_size: int, hidden_sizes: tuple[int, int]):
    super().__init__()
    self.l1 = nn.Linear(observation_size, hidden_sizes[0])
    self.l2 = nn.Linear(*hidden_sizes)
    self.l3 = nn.Linear(hidden_sizes[1], action_size)

  def forward(self, observations: Tensor) -> Tensor:
    hidden = functional.relu(self.l2(functional.relu(self.l1(observations))))
    return torch.tanh(self.l3(hidden))


class Critic(nn.Module):
  """(B, S), (B, A) -> (B,) and (B,)."""

  def __init__(self, observation_size: int, action_size: int, hidden_sizes: tuple[int, int]):
    super().__init__()
    self.l1 = nn.Linear(observation_size + action_size, hidden_sizes[0])
    self.l2 = nn.Linear(*hidden_sizes)
    self.l3 = nn.Linear(hidden_sizes[1], 1)
    self.l4 = nn.Linear(observation_size + action_size, hidden_sizes[0])
    self.l5 = nn.Linear(*hidden_sizes)
    self.l6 = nn.Linear(hidden_sizes[1], 1)

  def forward(self, observations: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
    inputs = torch.cat([observations, actions], dim=1)
    first = self.l3(functional.relu(self.l2(functional.relu(self.l1(inputs)))))
    second = self.l6(functional.relu(self.l5(functional.relu(self.l4(inputs)))))
    return first.squeeze(1), second.squeeze(1)


class Value(nn.Module):
  """(B, S) -> (B,)."""

  def __init__(self, observation_size: int, hidden_sizes: tuple[int, int]):
    super().__init__()
    self.l1 = nn.Linear(observation_size, hidden_sizes[0])
    self.l2 = nn.Linear(*hidden_sizes)
    self.l3 = nn.Linear(hidden_sizes[1], 1)

  def forward(self, observations: Tensor) -> Tensor:
    return self.l3(functional.relu(self.l2(functional.relu(self.l1(observations))))).squeeze(1)


class Agent:
  """Networks, optimisers and the gradient step.

  Attributes:
    networks: by the names of `recorded_trace.NETWORKS`.
    steps: gradient steps taken, from the settings' `start_step`.
  """

  def __init__(self, settings: Settings, hidden_sizes: tuple[int, int], dtype: torch.dtype):
    sizes = (settings.S, settings.A, hidden_sizes)
    self.settings = settings
    self.steps = settings.start_step
    self.actor = Actor(*sizes).to(dtype)
    self.critic = Critic(*sizes).to(dtype)
    self.value = Value(settings.S, hidden_sizes).to(dtype)
    self.target_actor = copy.deepcopy(self.actor).requires_grad_(False)
    self.target_critic = copy.deepcopy(self.critic).requires_grad_(False)
    self.networks: dict[str, nn.Module] = {
      "actor": self.actor,
      "critic": self.critic,
      "value_critic": self.value,
      "actor_target": self.target_actor,
      "critic_target": self.target_critic,
    }
    self.actor_optimiser = self._adam(self.actor)
    self.critic_optimiser = self._adam(self.critic)
    self.value_optimiser = self._adam(self.value)
    self.schedule = None
    if settings.mode == "offline":
      self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        self.actor_optimiser, T_max=settings.cosine_steps()
      )

  @staticmethod
  def _adam(network: nn.Module) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), lr=recorded_trace.LEARNING_RATE)

  def actor_learning_rate(self) -> float:
    """The rate of the actor's next step."""
    return float(self.actor_optimiser.param_groups[0]["lr"])

  def mildness(self) -> tuple[float, float]:
    """lambda and nu of the current step: constant offline, decaying online."""
    settings = self.settings
    if settings.mode == "offline":
      return settings.lam, settings.nu
    remaining = 0.99 ** (self.steps // 1000)
    lam = settings.lam_end + (settings.lam - settings.lam_end) * remaining
    nu = settings.nu_end + (settings.nu - settings.nu_end) * remaining
    return lam, nu

  def step(self, batch: Batch, noise: Tensor) -> None:
    """One gradient step: value, critics, and on schedule the actor and targets.

    Args:
      batch: B transitions.
      noise: (B, A) standard normal draws.
    """
    observations, actions, rewards, next_observations, not_dones = batch
    settings = self.settings
    self.steps += 1
    lam, nu = self.mildness()

    with torch.no_grad():
      target_q = torch.minimum(*self.target_critic(observations, actions))
    difference = target_q - self.value(observations)
    # Not torch.where of two numbers, which would be float32 in a float64 replay.
    asymmetry = (settings.expectile - (difference < 0).to(difference.dtype)).abs()
    _descend(self.value_optimiser, (asymmetry * difference.square()).mean())

    with torch.no_grad():
      bound = recorded_trace.SMOOTHING_CLIP
      smoothing = (recorded_trace.SMOOTHING_NOISE * noise).clamp(-bound, bound)
      next_actions = (self.target_actor(next_observations) + smoothing).clamp(-1, 1)
      next_q = torch.minimum(*self.target_critic(next_observations, next_actions))
      bootstrap = lam * next_q + (1 - lam) * self.value(next_observations)
      q_target = rewards + settings.discount * not_dones * bootstrap
    first, second = self.critic(observations, actions)
    critic_loss = functional.mse_loss(first, q_target) + functional.mse_loss(second, q_target)
    _descend(self.critic_optimiser, critic_loss)

    if self.steps % settings.policy_freq:
      return
    with torch.no_grad():
      advantages = target_q - self.value(observations)
      weights = torch.exp(settings.temperature * advantages).clamp(max=settings.max_weight)
    # The critics' own gradients are of no use here.
    self.critic.requires_grad_(False)
    policy_actions = self.actor(observations)
    policy_q = torch.minimum(*self.critic(observations, policy_actions))
    regression = (weights.unsqueeze(1) * (policy_actions - actions).square()).mean()
    actor_loss = -policy_q.mean() / policy_q.detach().abs().mean() + nu * regression
    _descend(self.actor_optimiser, actor_loss)
    self.critic.requires_grad_(True)
    if self.schedule is not None:
      self.schedule.step()
    _follow(self.target_critic, self.critic, settings.tau)
    _follow(self.target_actor, self.actor, settings.tau)

  def train(self, data: Transitions, steps: int) -> None:
    """Takes `steps` gradient steps on minibatches drawn uniformly, with replacement.

    Args:
      data: Transitions of numpy arrays with a leading axis of N.
      steps: how many.
    """
    dtype = self.value.l1.weight.dtype
    leaves = tuple(torch.as_tensor(leaf, dtype=dtype) for leaf in _leaves(data))
    batch_size, action_size = self.settings.B, self.settings.A
    for _ in range(steps):
      rows = torch.randint(len(leaves[0]), (batch_size,))
      noise = torch.randn(batch_size, action_size, dtype=dtype)
      self.step([leaf[rows] for leaf in leaves], noise)

  def snapshot(self) -> Snapshot:
    """All parameters, as numpy copies."""
    return {
      name: {key: tensor.numpy().copy() for key, tensor in network.state_dict().items()}
      for name, network in self.networks.items()
    }

  def load(self, init: Snapshot) -> None:
    """Sets the parameters to a trace's initial ones, and the targets to copies."""
    for name, network in self.networks.items():
      tensors = init[name.removesuffix("_target")]
      network.load_state_dict({key: torch.from_numpy(array) for key, array in tensors.items()})


def _descend(optimiser: torch.optim.Adam, loss: Tensor) -> None:
  optimiser.zero_grad(set_to_none=True)
  loss.backward()
  optimiser.step()


@torch.no_grad()
def _follow(target: nn.Module, network: nn.Module, rate: float) -> None:
  torch._foreach_lerp_(list(target.parameters()), list(network.parameters()), rate)


def _leaves(data: Transitions) -> tuple[np.ndarray, ...]:
  return tuple(getattr(data, field.name) for field in dataclasses.fields(data))


def run(agent: Agent, batches: Transitions, noise: np.ndarray) -> dict[str, Snapshot]:
  """Steps through recorded minibatches, in float64.

  Returns:
    Snapshots by mark: whole ones before ("init") and after ("final"), and the
    last layers at some steps between.
  """
  snapshots = {"init": {name: agent.snapshot()[name] for name in recorded_trace.LEARNERS}}
  for step in range(len(noise)):
    batch = tuple(torch.from_numpy(leaf[step]) for leaf in _leaves(batches))
    agent.step(batch, torch.from_numpy(noise[step]))
    if step + 1 in _MARKS:
      snapshots[f"after{step + 1}"] = {
        name: {key: array for key, array in tensors.items() if key.startswith(("l3.", "l6."))}
        for name, tensors in agent.snapshot().items()
      }
  return snapshots | {"final": agent.snapshot()}


def replay(trace: Trace) -> tuple[dict[str, Snapshot], float]:
  """Replays a trace: snapshots by mark, and the actor's rate after the last step.

  Raises:
    UserError: a network has other than two hidden layers, or other widths than the rest.
  """
  init = trace.snapshots["init"]
  sizes = {recorded_trace.hidden_sizes(name, tensors) for name, tensors in init.items()}
  if len(sizes) > 1 or len(hidden_sizes := sizes.pop()) != 2:
    raise UserError("the PyTorch step has two hidden layers, of the same widths in each network")
  agent = Agent(trace.settings, (hidden_sizes[0], hidden_sizes[1]), torch.float64)
  agent.load(init)
  return run(agent, trace.batches, trace.noise), agent.actor_learning_rate()
