"""Who learns online: an agent, its settings, and how it explores."""

import functools
from typing import Any, NamedTuple

from dmg_jax import methods, networks
from dmg_jax.agents import dmg, sac
from dmg_jax.online import exploration
from dmg_jax.types import Agent, Hyperparameters

NAMES = ("sac", "td3")


class OnlineLearner(NamedTuple):
  """What the online loop needs to know of who learns.

  Attributes:
    description: of the method, for the data's provenance.
    agent: learns.
    hyperparameters: of the agent; scalars.
    exploration: acts.
  """

  description: str
  agent: Agent
  hyperparameters: Any
  exploration: exploration.Exploration


class Settings(NamedTuple):
  """What a person chooses.

  Attributes:
    action_size: A.
    learning_rate: of all networks.
    target_rate: of the target networks.
    exploration_noise: TD3 only; for each of N environments, the standard deviation
      of the noise on actions in [-1, 1].
    noise_correlation: TD3 only; of the noise from one round to the next, in [0, 1).
  """

  action_size: int
  learning_rate: float
  target_rate: float
  exploration_noise: tuple[float, ...]
  noise_correlation: float


@functools.cache  # So that equal learners are one object, and are compiled once.
def make(name: str, settings: Settings) -> OnlineLearner:
  """The learner of one of the `NAMES`.

  Raises:
    KeyError: for any other name.
  """
  return {"sac": _soft, "td3": _td3}[name](settings)


def _td3(settings: Settings) -> OnlineLearner:
  """DMG's step at lambda = 1 and nu = 0, with correlated Gaussian noise."""
  agent = dmg.make(networks.make(settings.action_size), form=methods.find("td3").form)
  return OnlineLearner(
    description=f"DMG's step at lambda 1, nu 0: {methods.find('td3').description}",
    agent=agent,
    hyperparameters=methods.point("td3", Hyperparameters()).replace(
      actor_learning_rate=settings.learning_rate,
      critic_learning_rate=settings.learning_rate,
      value_learning_rate=settings.learning_rate,
      target_rate=settings.target_rate,
    ),
    exploration=exploration.gaussian(agent, settings.exploration_noise, settings.noise_correlation),
  )


def _soft(settings: Settings) -> OnlineLearner:
  """Soft actor-critic, which explores by its own policy's randomness."""
  modules = sac.make_networks(settings.action_size)
  return OnlineLearner(
    description="soft actor-critic (arXiv 1812.05905), critics' layers normalised, actor averaged",
    agent=sac.make(modules),
    hyperparameters=sac.SoftHyperparameters(
      target_rate=settings.target_rate,
      actor_learning_rate=settings.learning_rate,
      critic_learning_rate=settings.learning_rate,
    ),
    exploration=exploration.stochastic(modules),
  )
