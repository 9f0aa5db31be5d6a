"""Agents of continuous actions that know a symmetry: augmented batches, or symmetric networks."""

import functools
from typing import Any

import jax.numpy as jnp
from flax import linen as nn

from dmg_jax.symmetry.groups import Group, picks
from dmg_jax.types import Agent, Array, Metrics, Networks, Transitions


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
