"""A step of every method in plain NumPy, with gradients by hand: an oracle for `dmg.update`."""

from typing import Any

import numpy as np

Layers = list[tuple[np.ndarray, np.ndarray]]


def layers(parameters: Any, critic: int | None = None) -> Layers:
  """The weights and biases of a network of ours; of one critic, where there are several."""
  (network,) = parameters["params"].values()
  found = [network[f"layer_{place}"] for place in range(len(network))]
  pick = (lambda leaf: np.array(leaf)) if critic is None else lambda leaf: np.array(leaf[critic])
  return [(pick(layer["kernel"]), pick(layer["bias"])) for layer in found]


def forward(network: Layers, inputs: np.ndarray) -> list[np.ndarray]:
  """The inputs of every layer, and the output; ReLU between them."""
  activations = [inputs]
  for place, (kernel, bias) in enumerate(network):
    outputs = activations[-1] @ kernel + bias
    activations.append(outputs if place == len(network) - 1 else np.maximum(outputs, 0))
  return activations


def backward(network: Layers, activations: list[np.ndarray], slope: np.ndarray):
  """Slopes of all weights and biases, and of the inputs, from that of the output."""
  found: Layers = []
  for place in reversed(range(len(network))):
    kernel, _ = network[place]
    found.insert(0, (activations[place].T @ slope, slope.sum(axis=0)))
    slope = slope @ kernel.T
    if place:
      slope = slope * (activations[place] > 0)
  return found, slope


class Adam:
  """Moments of one network, moved in place."""

  def __init__(self, network: Layers):
    self.network, self.count = network, 0
    self.first = [[np.zeros_like(array) for array in layer] for layer in network]
    self.second = [[np.zeros_like(array) for array in layer] for layer in network]

  def descend(self, slopes: Layers, rate: float) -> None:
    self.count += 1
    for layer, slope, first, second in zip(
      self.network, slopes, self.first, self.second, strict=True
    ):
      for array, g, m, v in zip(layer, slope, first, second, strict=True):
        m += 0.1 * (g - m)
        v += 0.001 * (g * g - v)
        unbiased = m / (1 - 0.9**self.count), v / (1 - 0.999**self.count)
        array -= rate * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-8)


def copy(network: Layers) -> Layers:
  return [(kernel.copy(), bias.copy()) for kernel, bias in network]


class Agent:
  """All networks of the family, whether a method uses them or not.

  Args:
    actor, critic, value: parameters as `dmg.from_parameters` takes them.
    learner: "expectile", "gumbel", "sparse" or "exponential".
    point: hyperparameters, as numbers.
    first_critic: whether the actor climbs the first critic alone.
  """

  def __init__(self, actor, critic, value, learner: str, point, first_critic: bool):
    self.h, self.learner, self.climbed = point, learner, 1 if first_critic else 2
    self.actor, self.value = layers(actor), layers(value)
    self.critics = [layers(critic, place) for place in range(2)]
    self.target_actor = copy(self.actor)
    self.target_critics = [copy(network) for network in self.critics]
    self.adam_actor, self.adam_value = Adam(self.actor), Adam(self.value)
    self.adam_critics = [Adam(network) for network in self.critics]

  def value_slope(self, u: np.ndarray) -> np.ndarray:
    """Of the value's loss at each V, before the mean."""
    t = self.h.value_temperature
    if self.learner == "expectile":
      return -2 * np.where(u < 0, 1 - self.h.expectile, self.h.expectile) * u
    if self.learner == "sparse":
      return -np.maximum(1 + u / (2 * t), 0) / t + 1 / t
    limit = 7 if self.learner == "gumbel" else 5
    z = np.minimum(u / t, limit)
    m = max(z.max(), -1)
    uncut = u / t < limit
    if self.learner == "gumbel":
      return -(np.exp(z - m) - np.exp(-m)) * uncut / t
    return -np.exp(z - m) * uncut / t + np.exp(-m) / t

  def weights(self, advantages: np.ndarray) -> np.ndarray:
    if self.learner == "sparse":
      return np.clip(advantages, 0, self.h.weight_clip)
    inverse = self.h.inverse_temperature
    if self.learner == "exponential":
      inverse = 10 / self.h.value_temperature
    return np.minimum(np.exp(inverse * advantages), self.h.weight_clip)

  def step(self, batch, noise: np.ndarray, *, update_actor: bool) -> None:
    h, size = self.h, len(batch.rewards)
    pair = np.concatenate([batch.observations, batch.actions], axis=1)
    target_q = np.min([forward(net, pair)[-1][:, 0] for net in self.target_critics], axis=0)

    seen = forward(self.value, batch.observations)
    slope = self.value_slope(target_q - seen[-1][:, 0]) / size
    self.adam_value.descend(backward(self.value, seen, slope[:, None])[0], h.value_learning_rate)

    smoothing = np.clip(h.smoothing_noise * noise, -h.smoothing_clip, h.smoothing_clip)
    next_actions = np.tanh(forward(self.target_actor, batch.next_observations)[-1])
    next_pair = [batch.next_observations, np.clip(next_actions + smoothing, -1, 1)]
    next_pair = np.concatenate(next_pair, axis=1)
    next_q = np.min([forward(net, next_pair)[-1][:, 0] for net in self.target_critics], axis=0)
    next_v = forward(self.value, batch.next_observations)[-1][:, 0]
    mixture = h.lam * next_q + (1 - h.lam) * next_v
    q_target = batch.rewards + h.discount * batch.not_dones * mixture
    for network, adam in zip(self.critics, self.adam_critics, strict=True):
      seen = forward(network, pair)
      slope = 2 * (seen[-1] - q_target[:, None]) / size
      adam.descend(backward(network, seen, slope)[0], h.critic_learning_rate)
    if update_actor:
      self.move_actor(batch, target_q)

  def move_actor(self, batch, target_q: np.ndarray) -> None:
    h, size = self.h, len(batch.rewards)
    advantages = target_q - forward(self.value, batch.observations)[-1][:, 0]
    weights = self.weights(advantages)[:, None]
    seen = forward(self.actor, batch.observations)
    actions = np.tanh(seen[-1])
    slope = 2 * h.nu * weights * (actions - batch.actions) / actions.size
    pair = np.concatenate([batch.observations, actions], axis=1)
    climbed = self.critics[: self.climbed]
    passes = [forward(network, pair) for network in climbed]
    q = np.stack([activations[-1][:, 0] for activations in passes])
    smallest, scale = q.argmin(axis=0), np.abs(q.min(axis=0)).mean()
    for place, (network, activations) in enumerate(zip(climbed, passes, strict=True)):
      towards = -h.q_coefficient * (smallest == place) / (scale * size)
      inputs = backward(network, activations, towards[:, None])[1]
      slope = slope + inputs[:, batch.observations.shape[1] :]
    slope = slope * (1 - actions**2)
    step = self.adam_actor.count
    rate = h.actor_learning_rate
    if np.isfinite(h.actor_schedule_steps):
      rate *= 0.5 * (1 + np.cos(np.pi * step / h.actor_schedule_steps))
    self.adam_actor.descend(backward(self.actor, seen, slope)[0], rate)
    pairs = [(self.actor, self.target_actor), *zip(self.critics, self.target_critics, strict=True)]
    for new, old in pairs:
      for new_layer, old_layer in zip(new, old, strict=True):
        for ours, theirs in zip(new_layer, old_layer, strict=True):
          theirs += h.target_rate * (ours - theirs)
