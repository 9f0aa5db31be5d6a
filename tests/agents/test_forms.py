"""Every method against a plain NumPy step, and against DMG's whole step at its coefficients."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from agents import numpy_step
from conftest import ACTION_SIZE, OBSERVATION_SIZE, make_transitions

from dmg_jax import in_sample, methods
from dmg_jax.agents import dmg
from dmg_jax.agents.form import Form
from dmg_jax.types import Hyperparameters

STEPS, BATCH = 40, 16
LEARNERS = {
  in_sample.EXPECTILE: "expectile",
  in_sample.GUMBEL: "gumbel",
  in_sample.SPARSE: "sparse",
  in_sample.EXPONENTIAL: "exponential",
}
# Temperatures at which advantages of some tenths matter.
BASE = Hyperparameters(value_temperature=0.3, target_rate=0.05, actor_schedule_steps=50.0)


@functools.cache
def batches():
  """The minibatches and the noise of all steps, float64."""
  data = jax.tree.map(np.float64, make_transitions(STEPS * BATCH))
  rows = jax.tree.map(lambda leaf: leaf.reshape(STEPS, BATCH, *leaf.shape[1:]), data)
  return rows, np.random.default_rng(3).normal(size=(STEPS, BATCH, ACTION_SIZE))


@functools.cache
def trainer(networks, form: Form):
  """A point's state after all steps, with the actor in every second: compiled once."""

  def train(state, point, batches):
    def cycle(state, inputs):
      for place in range(2):
        batch, draws = jax.tree.map(lambda leaf, place=place: leaf[place], inputs)
        state, _ = dmg.update(state, batch, draws, point, update_actor=place == 1, form=form)
      return state, None

    return jax.lax.scan(cycle, state, batches)[0]

  return jax.jit(train)


@functools.cache
def trained(networks, method: str, form: Form) -> dmg.TrainState:
  """All steps of a method's point in float64, by one form."""
  paired = jax.tree.map(lambda leaf: leaf.reshape(STEPS // 2, 2, *leaf.shape[1:]), batches())
  point = jax.tree.map(np.float64, methods.point(method, BASE))
  with jax.enable_x64(True):
    state = dmg.init(
      jax.random.key(4), OBSERVATION_SIZE, ACTION_SIZE, jnp.float64, networks=networks, form=form
    )
    return jax.device_get(trainer(networks, form)(state, point, paired))


@pytest.mark.parametrize("method", methods.METHODS)
def test_forty_steps_are_those_of_plain_numpy(method, small_networks):
  found, point = methods.find(method), methods.point(method, BASE)
  with jax.enable_x64(True):
    start = dmg.init(
      jax.random.key(4), OBSERVATION_SIZE, ACTION_SIZE, jnp.float64, networks=small_networks
    )
  oracle = numpy_step.Agent(
    start.actor.parameters, start.critic.parameters, start.value.parameters,
    LEARNERS[found.learner], point, found.first_critic,
  )  # fmt: skip
  rows, noise = batches()
  for step in range(STEPS):
    batch = jax.tree.map(lambda leaf, step=step: leaf[step], rows)
    oracle.step(batch, noise[step], update_actor=step % 2 == 1)
  state = trained(small_networks, method, found.form)
  pairs = [(numpy_step.layers(state.actor.parameters), oracle.actor)]
  if found.form.value:
    pairs.append((numpy_step.layers(state.value.parameters), oracle.value))
  if found.form.target_actor:
    pairs.append((numpy_step.layers(state.target_actor), oracle.target_actor))
  if found.form.critics:
    for place in range(2):
      pairs += [
        (numpy_step.layers(state.critic.parameters, place), oracle.critics[place]),
        (numpy_step.layers(state.target_critic, place), oracle.target_critics[place]),
      ]
  for ours, theirs in pairs:
    for our_layer, their_layer in zip(ours, theirs, strict=True):
      for a, b in zip(our_layer, their_layer, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", methods.METHODS)
def test_a_form_leaves_out_only_what_does_not_reach_the_policy(method, small_networks):
  """DMG's whole step, at the coefficients that the method fixes, gives the same policy."""
  found = methods.find(method)
  lean = trained(small_networks, method, found.form)
  form = Form(learner=found.learner, first_critic=found.first_critic)
  whole = trained(small_networks, method, form)
  for a, b in zip(jax.tree.leaves(lean.actor), jax.tree.leaves(whole.actor), strict=True):
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


def test_what_each_method_has():
  """Value, critics, target policy: who pays for which."""
  forms = {name: method.form for name, method in methods.METHODS.items()}
  has = {name: (form.value, form.critics, form.target_actor) for name, form in forms.items()}
  whole, in_sample_only = (True, True, True), (True, True, False)
  assert has == {
    "dmg": whole, "dmg_plus": whole, "xql_dmg": whole, "sql_dmg": whole, "eql_dmg": whole,
    "awac": whole,
    "iql": in_sample_only, "xql": in_sample_only, "sql": in_sample_only, "eql": in_sample_only,
    "td3": (False, True, True), "td3_bc": (False, True, True), "bc": (False, False, False),
  }  # fmt: skip


def test_a_form_keeps_no_parameters_that_it_does_not_use(small_networks):
  state = dmg.init(jax.random.key(0), 3, 2, networks=small_networks, form=methods.find("bc").form)
  assert state.critic is state.value is state.target_actor is state.target_critic is None
  whole = dmg.init(jax.random.key(0), 3, 2, networks=small_networks)
  for a, b in zip(jax.tree.leaves(state.actor), jax.tree.leaves(whole.actor), strict=True):
    np.testing.assert_array_equal(a, b)


def test_methods_that_differ_in_numbers_share_an_agent():
  point = {"policy_delay": 2}
  agents = {name: methods.agent(name, point, 3) for name in methods.METHODS}
  assert agents["td3"] is agents["td3_bc"]
  # Where a point does not name networks, `dmg_plus` has DMG's: 13 methods, 11 programs.
  assert agents["dmg_plus"] is agents["dmg"]
  assert len(set(agents.values())) == 11
