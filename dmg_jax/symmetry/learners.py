"""Agents of continuous actions that know a symmetry, in three ways.

Batches are augmented, the actor pays for what is not consistent, or the networks are
symmetric by construction.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from flax import linen as nn

from dmg_jax.agents import dmg
from dmg_jax.agents.form import DMG
from dmg_jax.symmetry.groups import Group, picks
from dmg_jax.types import Agent, Array, Metrics, Networks, Transitions

# How DMG can use a symmetry; "none" not at all.
USES = ("none", "augmented", "consistency", "networks")


def make(use: str, networks: Networks, group: Group, weight: float) -> Agent:
  """DMG that uses a group in one of `USES`.

  Args:
    use: each sample turned by an element, the penalty `Consistency`, or averaged networks.
    networks: of `dmg_jax.networks.make`.
    group: on observations and actions, as the networks see them.
    weight: of the penalty; the other uses have none.
  """
  if use == "networks":
    return dmg.make(symmetric_networks(networks, group))
  if use == "consistency":
    return dmg.make(networks, form=DMG._replace(penalty=Consistency(group, weight)))
  agent = dmg.make(networks)
  return augmented(agent, group) if use == "augmented" else agent


@functools.cache
def augmented(agent: Agent, group: Group) -> Agent:
  """An agent each of whose samples is turned by an element of a group, drawn uniformly.

  Equal arguments give the same object.

  Args:
    agent: whose update takes noise (B, A).
    group: on its observations and actions.
  """

  def update(
    state: Any, batch: Transitions, noise: Array, hyperparameters: Any, *, update_actor: bool
  ) -> tuple[Any, Metrics]:
    chosen = picks(noise[:, -1], group.order)
    turned = batch.replace(
      observations=_turned(group.observations, chosen, batch.observations),
      actions=_turned(group.actions, chosen, batch.actions),
      next_observations=_turned(group.observations, chosen, batch.next_observations),
    )
    return agent.update(state, turned, noise[:, :-1], hyperparameters, update_actor=update_actor)

  return agent._replace(
    update=update, noise_shape=lambda batch_size, action_size: (batch_size, action_size + 1)
  )


@dataclasses.dataclass(frozen=True)
class Consistency:
  """A penalty of `agents.form.Form`: weight * E[|pi(g s) - g pi(s)|^2].

  The expectation over the group is taken exactly, the identity included, where a drawn
  element would do: a group of n elements costs n - 1 more passes. The square is averaged over the
  action's dimensions, as in the actor's regression, so that the weight has the scale of nu.
  Gradients flow through both actions.

  Attributes:
    group: on observations, as the networks see them, and actions.
    weight: of the term.
  """

  group: Group
  weight: float

  def __call__(
    self, policy: Callable[[Array], Array], observations: Array, actions: Array
  ) -> Array:
    """The term, a scalar; `actions` (B, A) are the policy's at `observations` (B, S)."""
    on_observations, on_actions = (part[1:] for part in self.group)
    if not on_observations:
      return jnp.zeros((), actions.dtype)
    ahead = policy(_copies(on_observations, observations))
    squares = jnp.square(ahead - _copies(on_actions, actions))
    return self.weight * jnp.mean(squares) * len(on_observations) / self.group.order


def _turned(matrices: tuple, chosen: Array, vectors: Array) -> Array:
  """(B, D): each of vectors (B, D) under its element."""
  of_each = jnp.asarray(matrices, vectors.dtype)[chosen]
  return jnp.einsum("bij,bj->bi", of_each, vectors, precision="highest")


def _copies(matrices: tuple, vectors: Array) -> Array:
  """(G, ..., D): vectors (..., D) under every element."""
  return jnp.einsum(
    "gij,...j->g...i", jnp.asarray(matrices, vectors.dtype), vectors, precision="highest"
  )


class SymmetricActor(nn.Module):
  """The mean over elements g of g⁻¹ π(g s): a policy with π(g s) = g π(s)."""

  inner: nn.Module
  group: Group

  @nn.compact
  def __call__(self, observations: Array) -> Array:
    actions = self.inner(_copies(self.group.observations, observations))
    back = jnp.asarray(self.group.actions, actions.dtype)
    turned = jnp.einsum("gji,g...j->g...i", back, actions, precision="highest")
    return jnp.mean(turned, axis=0)


class SymmetricCritic(nn.Module):
  """The mean over elements g of Q(g s, g a): the same for all copies of a pair."""

  inner: nn.Module
  group: Group

  @nn.compact
  def __call__(self, observations: Array, actions: Array) -> Array:
    copies = _copies(self.group.observations, observations), _copies(self.group.actions, actions)
    return jnp.mean(self.inner(*copies), axis=1)

  def first_alone(self) -> nn.Module:
    """As of `networks.Critic`."""
    return self.clone(inner=self.inner.first_alone())


class SymmetricValue(nn.Module):
  """The mean over elements g of V(g s)."""

  inner: nn.Module
  group: Group

  @nn.compact
  def __call__(self, observations: Array) -> Array:
    return jnp.mean(self.inner(_copies(self.group.observations, observations)), axis=0)


@functools.cache
def symmetric_networks(networks: Networks, group: Group) -> Networks:
  """An agent's networks, averaged over a group; equal arguments give the same object.

  Args:
    networks: of `dmg_jax.networks.make`.
    group: on observations and actions, as the networks see them: where observations
      are normalised, mean and deviation have to be symmetric too.
  """
  return Networks(
    actor=SymmetricActor(networks.actor, group),
    critic=SymmetricCritic(networks.critic, group),
    value=SymmetricValue(networks.value, group),
  )
