"""Names of data sets and recordings, and what is refused before any work."""

import pytest
from small_recipe import RECIPE

from dmg_jax.collect.request import Request, check, default_dataset_id, default_directory
from dmg_jax.errors import UserError


def request(tmp_path, **changes) -> Request:
  fields = {
    "tier": "medium",
    "level": 0.45,
    "noise": 0.2,
    "keep": 1000,
    "shipped": True,
    "dataset_id": "dmg/hopper/medium-v0",
    "root": tmp_path,
    "export": None,
    "invocation": ("launch/collect.py",),
  }
  return Request(**fields | changes)


@pytest.mark.parametrize(
  ("env_id", "tier", "expected"),
  [
    ("Hopper-v4", "medium", "dmg/hopper/medium-v0"),
    ("dmg_jax/PointMaze-UMaze-v0", "play", "dmg/pointmaze-umaze/play-v0"),
    ("package:Env.Of-Mine-v3", "expert", "dmg/package-env-of-mine/expert-v0"),
    # The data that come with the package have this name with -v0.
    ("Hopper-v4", "medium-replay", "dmg/hopper/medium-replay-v1"),
  ],
)
def test_names_that_are_not_given(tmp_path, env_id, tier, expected):
  assert default_dataset_id(env_id, tier) == expected
  check(request(tmp_path, dataset_id=expected), RECIPE)


def test_a_recording_is_found_again_with_more_steps_alone():
  assert default_directory(RECIPE) == default_directory(RECIPE._replace(steps=5))
  assert default_directory(RECIPE) != default_directory(RECIPE._replace(seed=1))
  # Where the learning rate falls to 0 at the end, the end is part of the training.
  annealed = RECIPE._replace(annealed_steps=100)
  assert default_directory(annealed) != default_directory(annealed._replace(steps=5))


@pytest.mark.parametrize(
  ("recipe", "changes", "message"),
  [
    ({"steps": 0}, {}, "--steps is 0"),
    ({"environments": 0}, {}, "--environments is 0"),
    ({"evaluate_every": 0}, {}, "--evaluate_every is 0"),
    ({"checkpoint_every": 0}, {}, "--checkpoint_every is 0"),
    ({"seed": -1}, {}, "--seed is -1"),
    ({"seed": 2**32 - 1}, {}, "--seed is 4294967295"),
    ({"annealed_steps": 301}, {}, "--annealed_steps is 301"),
    ({"random_steps": 300}, {}, "less than the 300 --steps"),
    (
      {"exploration_noise": (0.1,) * 3},
      {},
      "given 3 times, but it must be given from 1 to 2 times",
    ),
    ({}, {"keep": 0}, "--keep is 0"),
    ({}, {"noise": float("nan")}, "--noise is nan"),
    ({}, {"tier": "best"}, "--tier is best, but it must be one of random"),
    ({"learner": "ppo"}, {}, "--learner is ppo, but it must be one of sac, td3"),
    ({"exploration_noise": ()}, {}, "--exploration_noise is given 0 times"),
    ({"steps": 2**31}, {}, "--steps is 2147483648"),
    ({}, {"policies_of": "Hopper-v4", "shipped": False}, "leave out --train"),
    ({}, {"dataset_id": "mine"}, "'mine' is not the id of a Minari data set"),
    ({}, {"dataset_id": "dmg/hopper/medium-replay-v0"}, "comes with the package"),
  ],
)
def test_what_is_refused(tmp_path, recipe, changes, message):
  with pytest.raises(UserError, match=message) as error:
    check(request(tmp_path, **changes), RECIPE._replace(**recipe))
  assert "\n" not in str(error.value)


@pytest.mark.parametrize("tier", ["random", "play", "diverse"])
def test_without_a_training_there_may_be_fewer_steps_than_its_random_ones(tmp_path, tier):
  check(request(tmp_path, tier=tier), RECIPE._replace(steps=50))


def test_paths_that_are_refused(tmp_path):
  (tmp_path / "taken.hdf5").touch()
  (tmp_path / "dmg/hopper/medium-v0").mkdir(parents=True)
  for changes, message in (
    ({"export": tmp_path / "taken.hdf5", "dataset_id": "dmg/x/y-v0"}, "exists already"),
    ({"export": tmp_path / "medium", "dataset_id": "dmg/x/y-v0"}, r"must end in \.hdf5 or \.h5"),
    ({"export": tmp_path / "no/medium.hdf5", "dataset_id": "dmg/x/y-v0"}, "there is no folder"),
    ({}, "medium-v0 exists already"),
  ):
    with pytest.raises(UserError, match=message):
      check(request(tmp_path, **changes), RECIPE)
