"""A training of seconds, for the tests of the collector."""

from dmg_jax.collect.recording import Recipe

RECIPE = Recipe(
  env_id="Hopper-v4",
  env_kwargs={},
  seed=0,
  steps=300,
  learner="td3",
  environments=2,
  random_steps=100,
  exploration_noise=(0.1, 0.2),
  noise_correlation=0.5,
  batch_size=8,
  learning_rate=1e-3,
  target_rate=0.005,
  annealed_steps=0,
  evaluate_every=100,
  episodes=1,
  checkpoint_every=60,
)
