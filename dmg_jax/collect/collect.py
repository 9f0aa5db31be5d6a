"""Makes an offline data set by D4RL's recipe."""

import json
import platform
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import jax
import numpy as np

from dmg_jax import networks, run_config, run_directory
from dmg_jax.agents import dmg
from dmg_jax.collect import maze_data, tiers
from dmg_jax.collect.recording import Recipe, Recording, may_grow
from dmg_jax.collect.request import Request, check, check_keep
from dmg_jax.collect.rollout import Behaviour
from dmg_jax.data import catalog, d4rl_export, minari_files, minari_staging, policies
from dmg_jax.data.episodes import Episode
from dmg_jax.envs.make import LIMIT, make, spaces, step_limit
from dmg_jax.errors import StoppedError, StorageError, UserError

_PACKAGES = ("dmg_jax", "jax", "flax", "optax", "minari", "gymnasium", "mujoco", "numpy")
_STAND_IN = "in_place_of_a_replay"


class _Made(NamedTuple):
  """Episodes, their policies by name, the returns that score 0 and 100, and more provenance."""

  episodes: list[Episode]
  policies: dict[str, tiers.Policy]
  reference: tuple[float, float] | None
  notes: dict[str, Any]


def collect(
  request: Request, recipe: Recipe, directory: Path, tell: Callable[[str], None] = print
) -> Path:
  """Makes a data set, and trains online as far as its tier needs.

  *random*: uniform actions. *medium*: the first policy that reaches the level,
  and *expert*: the last one, both with noise; *medium-expert*: half of each.
  *medium-replay*: the replay up to the medium policy; *full-replay*: all of it.
  *play* and *diverse*: agents sent through a maze, see `maze_data`. Where the
  policies come with the package, nothing is trained; a replay is then replaced
  by episodes of policies along its training. Beside the data lie
  `provenance.json` and the recorded policies. The data set appears whole, or
  not at all.

  Args:
    request: the data set.
    recipe: of the training.
    directory: of the training's recording, which is continued if it was begun.
    tell: receives a line on how the data are made.

  Returns:
    The data set's folder.

  Raises:
    UserError: see `request.check`; or if the level is not reached.
    StorageError: if something could not be saved; a training continues with the
      same command.
    StoppedError: after SIGINT, SIGTERM or SIGHUP while training; everything is saved.
  """
  # Before any work, where JAX has no device: the provenance names it.
  jax.devices()
  env = make(recipe.env_id, recipe.env_kwargs)
  try:
    check(request, recipe)
    made = _make(request, recipe, directory, tell)
    return _store(request, made, env)
  except OSError as error:
    raise StorageError(
      f"{request.dataset_id} could not be made: {error.strerror or error}"
      f"{f' ({error.filename})' if error.filename else ''}; make room and start the same "
      "command again"
    ) from error
  except MemoryError as error:
    raise UserError(f"the memory does not suffice ({error}); lower --steps or --keep") from error
  finally:
    env.close()


def _store(request: Request, made: _Made, env: gymnasium.Env) -> Path:
  """Writes a data set, its provenance, and the export: all of it or nothing."""
  provenance = {
    "dataset": request.dataset_id,
    "made_by": "dmg_jax; not D4RL data",
    "command": run_directory.command(request.invocation),
    "tier": request.tier,
    "episodes": len(made.episodes),
    "transitions": sum(len(episode.rewards) for episode in made.episodes),
    "mean_episode_return": float(np.mean([episode.rewards.sum() for episode in made.episodes])),
    "reference_returns": made.reference,
    **made.notes,
    **{name: policy.quote for name, policy in made.policies.items()},
    "device": str(jax.devices()[0]),
    "versions": {name: metadata.version(name) for name in _PACKAGES}
    | {"python": platform.python_version()},
  }
  reference = {}
  if made.reference is not None:
    reference = {"ref_min_score": made.reference[0], "ref_max_score": made.reference[1]}
  what = made.notes.get(_STAND_IN, f"{request.tier} data")
  with minari_staging.staged(request.root, request.dataset_id) as stage:
    written = minari_files.write(
      stage,
      request.dataset_id,
      made.episodes,
      env,
      algorithm_name=_method(made),
      author="dmg_jax",
      description=f"{what}, of dmg_jax's own making; not D4RL data.",
      **reference,
    )
    provenance["sha256"] = minari_files.load(written).sha256
    (written / "provenance.json").write_text(json.dumps(provenance, indent=1) + "\n")
    for name, policy in made.policies.items():
      policies.save(written / f"{name}.npz", policy.actor)
    if request.export is not None:
      assert env.spec is not None
      metadata_ = {"env_id": env.spec.id, "provenance": json.dumps(provenance)}
      d4rl_export.write(request.export, made.episodes, metadata_)
  return request.root / request.dataset_id


def _method(made: _Made) -> str:
  """How the data's actions were chosen."""
  if "method" in made.notes:
    return made.notes["method"]
  return next(iter(made.policies.values())).quote["training"]["method"]


def _make(request: Request, recipe: Recipe, directory: Path, tell: Callable[[str], None]) -> _Made:
  """The tier's episodes."""
  found = _shipped(request, recipe) if request.shipped else {}
  if request.tier in maze_data.TIERS:
    return _sent(request, recipe)
  _check_keep(request, recipe, len(found))
  known = catalog.reference_returns(recipe.env_id)
  if request.tier == "random":
    (episodes,) = tiers.behaviour_episodes(
      recipe.env_id, [None], request.keep, recipe.seed, recipe.env_kwargs
    )
    return _Made(episodes, {}, known, {"seed": recipe.seed, "method": "uniform actions"})
  if found:
    tell(f"policies that come with the package: {', '.join(found)} (--train trains instead)")
    episodes, notes = _roll(request, recipe, found)
    if request.tier in tiers.REPLAYS:
      notes[_STAND_IN] = f"policies along a training, in place of its {request.tier}"
    training = next(iter(found.values())).quote["training"]
    reference = known or tuple(training["reference_returns"])
    if request.policies_of is not None:
      notes["policies_of"] = request.policies_of
    return _Made(episodes, found, reference, {"seed": recipe.seed, **notes})
  env = make(recipe.env_id, recipe.env_kwargs)
  limit = step_limit(env)
  env.close()
  if limit is None:
    raise UserError(
      f"environment {recipe.env_id!r} has no step limit, so that an evaluation of the training "
      f"might never end; name one with --env_kwargs='{{\"{LIMIT}\": STEPS}}'"
    )
  tell(f"training, as far as needed, recorded in {directory}")
  return _train(request, recipe, directory)


def _check_keep(request: Request, recipe: Recipe, shipped: int) -> None:
  """Before any work: whether the recorded policies get one episode each."""
  if request.tier in tiers.REPLAYS and not shipped:
    return
  env = make(recipe.env_id, recipe.env_kwargs)
  policies_ = shipped or len(request.tier.split("-"))
  check_keep(request.keep, policies_, recipe.env_id, step_limit(env))
  env.close()


def _train(request: Request, recipe: Recipe, directory: Path) -> _Made:
  """The tier's episodes, from a training that is continued as far as they need."""
  config = {
    "format": run_config.FORMAT,
    "kind": run_config.COLLECT,
    "invocation": list(request.invocation),
    "recipe": recipe._asdict(),
  }
  steps = frozenset(f"recipe.{name}" for name in may_grow(recipe))
  claim = run_directory.claim(directory, config, steps, steps | {"invocation"})
  try:
    recording = Recording(recipe, directory)
    claim.store_growth()
    try:
      return _cut(request, recording)
    except StoppedError as stopped:
      again = run_directory.command(request.invocation)
      raise StoppedError(f"{stopped}; to continue: {again}", stopped.exit_code) from stopped
    finally:
      recording.close()
  finally:
    claim.close()


def _shipped(request: Request, recipe: Recipe) -> dict[str, tiers.Policy]:
  """The policies of the package for the tier; none if it has none, or for other settings.

  Raises:
    UserError: where those of another environment are asked for, and there are none, or they
      do not fit.
  """
  if recipe.env_kwargs and request.policies_of is None:
    return {}
  source = recipe.env_id if request.policies_of is None else request.policies_of
  found = {
    name: tiers.Policy(policies.load(path), policies.provenance(path))
    for name, path in policies.shipped(source, request.tier).items()
  }
  levels = {policy.quote["training"]["level"] for policy in found.values()}
  if "medium" in request.tier and levels != {request.level}:
    found = {}
  if request.policies_of is not None:
    _check_fit(found, request, recipe)
  return found


def _check_fit(found: dict[str, tiers.Policy], request: Request, recipe: Recipe) -> None:
  """Refuses the policies of another environment where there are none, or of other sizes."""
  asked = f"--policies_of={request.policies_of}"
  if not found:
    raise UserError(
      f"{asked}: no policies for {request.tier} data at this --level come with the package; name "
      "an environment that it has policies of, or leave the flag out"
    )
  env = make(recipe.env_id, recipe.env_kwargs)
  own = spaces(env)
  env.close()
  layers = next(iter(found.values())).actor["params"]["policy"]
  sizes = len(layers["layer_0"]["kernel"]), len(layers[max(layers)]["bias"])
  if sizes != (own.observation_size, len(own.action_low)):
    raise UserError(
      f"{asked}: its policies take {sizes[0]} observed numbers and give {sizes[1]} actions, but "
      f"{recipe.env_id} has {own.observation_size} and {len(own.action_low)}; name another"
    )


def _sent(request: Request, recipe: Recipe) -> _Made:
  """Episodes of agents sent through a maze; their score is the success rate."""
  whole, rules = maze_data.episodes(
    recipe.env_id, request.tier, recipe.steps, request.noise, recipe.seed, recipe.env_kwargs
  )
  notes = {
    "seed": recipe.seed,
    "method": "shortest paths through the maze",
    "steps": recipe.steps,
    "noise": request.noise,
    **rules,
  }
  return _Made(tiers.thin(whole, request.keep), {}, (0.0, 1.0), notes)


def _cut(request: Request, recording: Recording) -> _Made:
  """The tier's episodes, from a recorded training."""
  replay = request.tier in tiers.REPLAYS
  rows: dict[str, dict[str, Any]] = {}
  if "medium" in request.tier:
    rows["recording_policy" if replay else "medium"] = tiers.at_level(recording, request.level)
  if request.tier == "full-replay":
    rows["recording_policy"] = tiers.at_end(recording)
  if "expert" in request.tier:
    rows["expert"] = tiers.at_end(recording)
  found = {name: tiers.policy(recording, row) for name, row in rows.items()}
  last = max(row["round"] for row in rows.values())
  notes: dict[str, Any] = {
    "recipe": recording.recipe._asdict(),
    "level": request.level,
    "method": recording.learner.description,
    "evaluations": [row for row in recording.evaluations if row["round"] <= last],
    "seconds": recording.seconds(),
  }
  if replay:
    found |= tiers.course(recording, last)
    whole = recording.stream.episodes(last)
    episodes = tiers.thin(whole, request.keep)
    notes["kept"] = f"{len(episodes)} of {len(whole)} episodes, evenly spaced"
  else:
    episodes, recorded = _roll(request, recording.recipe, found)
    notes = recorded | notes
  return _Made(episodes, found, tiers.reference(recording), notes)


def _roll(
  request: Request, recipe: Recipe, found: dict[str, tiers.Policy]
) -> tuple[list[Episode], dict[str, Any]]:
  """Episodes of policies with noise, in equal shares, and each one's mean return with it."""
  env = make(recipe.env_id, recipe.env_kwargs)
  act = dmg.make(networks.make(len(spaces(env).action_low))).act
  env.close()
  behaviours = [Behaviour(act, policy.actor, request.noise) for policy in found.values()]
  shares = tiers.behaviour_episodes(
    recipe.env_id, behaviours, request.keep, recipe.seed, recipe.env_kwargs
  )
  notes: dict[str, Any] = {"noise": request.noise, "mean_episode_return_with_noise": {}}
  for name, share in zip(found, shares, strict=True):
    mean = float(np.mean([episode.rewards.sum() for episode in share]))
    notes["mean_episode_return_with_noise"][name] = mean
  return [episode for share in shares for episode in share], notes
