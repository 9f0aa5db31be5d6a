"""The theorems on an MDP of one's own, read from an .npz file."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax.errors import UserError
from dmg_jax.theory import extension, generators, lower_bound, overestimation
from dmg_jax.theory.contraction import Case, contraction_ratio
from dmg_jax.theory.mdp import FiniteMDP, check
from dmg_jax.theory.operators import data_of, in_sample_fixed_point
from dmg_jax.theory.performance import compare
from dmg_jax.types import Array

_FIELDS = ("actions", "transitions", "rewards", "discount", "support")
_PAIRS, _BACKUPS = 1000, 40


def read(path: Path) -> tuple[FiniteMDP, np.ndarray]:
  """The MDP and the support of its data.

  The file holds actions (S, A, D), transitions (S, A, S), rewards (S, A), discount (), support
  (S, A), and, if it is not uniform, initial (S,).

  Raises:
    UserError: for a file that is not such a one.
  """
  try:
    with np.load(path, allow_pickle=False) as file:
      arrays = {name: file[name] for name in file.files}
  except (OSError, ValueError, zipfile.BadZipFile, AttributeError) as error:
    raise UserError(f"{path} cannot be read as an .npz file of arrays: {error}") from error
  missing = [name for name in _FIELDS if name not in arrays]
  if missing:
    raise UserError(f"{path} has no {', '.join(missing)}: it must hold {', '.join(_FIELDS)}")
  numbers = {}
  for name in (*_FIELDS[:4], "initial"):
    if name == "initial" and name not in arrays:
      continue
    if arrays[name].dtype.kind not in "biuf":
      raise UserError(f"{path}: {name} holds {arrays[name].dtype}, but must hold numbers")
    numbers[name] = arrays[name].astype(np.float64)
  if numbers["discount"].size != 1:
    raise UserError(f"{path}: discount has shape {numbers['discount'].shape}, but must be a number")
  states = len(numbers["rewards"]) if numbers["rewards"].ndim else 1
  initial = numbers.get("initial", np.full(states, 1 / max(states, 1)))
  mdp = FiniteMDP(
    actions=numbers["actions"],
    transitions=numbers["transitions"],
    rewards=numbers["rewards"],
    discount=float(numbers["discount"].reshape(())),
    initial=initial,
  )
  return mdp, arrays["support"].astype(bool)


def smoothness(mdp: FiniteMDP) -> generators.Smoothness:
  """The smallest Lipschitz constants that the MDP's own actions allow.

  Infinite where two actions at one place differ in what they do.
  """
  apart = extension.distances(mdp.actions)

  def steepest(rises: Array) -> jax.Array:
    slopes = jnp.where(rises > 0, rises / apart, 0)
    return jnp.max(slopes)

  rewards, transitions = jnp.asarray(mdp.rewards), jnp.asarray(mdp.transitions)
  moved = jnp.abs(transitions[:, :, None] - transitions[:, None, :])
  return generators.Smoothness(
    rewards=steepest(jnp.abs(rewards[:, :, None] - rewards[:, None, :])),
    transitions=steepest(jnp.sum(moved, axis=-1)),
    transition_entries=steepest(jnp.max(moved, axis=-1)),
  )


def report(path: Path, radius: float, lam: float, seed: int) -> Iterator[str]:
  """Lines on Theorems 2 to 5 for the MDP of a file.

  Rewards are divided by the largest, as the theorems' constants are for R_max = 1; what is
  printed is in the file's units.

  Args:
    path: see `read`.
    radius: eps_a.
    lam: lambda.
    seed: of the random pairs of Q.

  Raises:
    UserError: see `read` and `mdp.check`.
  """
  mdp, support = read(path)
  check(mdp, support, radius, lam)
  unit = float(np.max(mdp.rewards)) or 1.0
  with jax.enable_x64(True):
    mdp = jax.tree.map(jnp.asarray, mdp.replace(rewards=mdp.rewards / unit))
    data = jax.jit(data_of)(mdp.actions, jnp.asarray(support), radius)
    yield from _lines(Case(mdp, data, jnp.asarray(lam)), unit, radius, seed)


def _lines(case: Case, unit: float, radius: float, seed: int) -> Iterator[str]:
  mdp, data, lam = case
  added = int(jnp.sum(data.generalised & ~data.support))
  yield f"data         {int(jnp.sum(data.support))} actions, {added} more within eps_a = {radius:g}"
  keys = jax.random.split(jax.random.key(seed))
  first, second = (jax.random.normal(key, (_PAIRS, *mdp.rewards.shape)) for key in keys)
  ratio = jnp.max(jax.vmap(lambda one, two: contraction_ratio(case, one, two))(first, second))
  yield f"Theorem 2    worst ratio {ratio:.4f} over {_PAIRS} pairs of Q, gamma {mdp.discount:.4f}"
  compared = jax.jit(compare)(case)
  gaps = unit * (compared["mild"] - compared["in_sample"])
  yield f"Theorem 3    V_DMG - V_In from {jnp.min(gaps):.6g} to {jnp.max(gaps):.6g} over states"
  constants = smoothness(mdp)
  lipschitz = generators.q_lipschitz(constants, mdp.discount, lam, radius)
  yield f"constants    K_R {unit * constants.rewards:.4g}, K_P {constants.transitions:.4g} (L1)"
  if not jnp.isfinite(lipschitz):
    yield "Theorem 4, 5 no K_Q holds for all iterates at this eps_a and lambda; take smaller ones"
    return
  smooth = overestimation.SmoothCase(mdp, data, lam, jnp.asarray(radius), lipschitz)
  largest_errors = jnp.ones((_BACKUPS + 1, *mdp.rewards.shape))
  most = unit * jnp.max(jax.jit(overestimation.excess)(smooth, largest_errors)[-1])
  limit = unit * overestimation.bound(smooth, jnp.asarray(_BACKUPS))
  yield f"Theorem 4    over-estimation up to {most:.6g} after {_BACKUPS} backups, bound {limit:.6g}"
  q = in_sample_fixed_point(mdp, data)
  largest = lower_bound.threshold(q, data.support, lipschitz, mdp.discount, lam)
  loss = lower_bound.largest_loss(constants, mdp.discount, radius)
  allowed = unit * (loss["reward"] + loss["transition"])
  word = "below" if radius < largest else "NOT below"
  yield f"Theorem 5    eps_a is {word} the threshold {largest:.4g}; J may lose {allowed:.6g} there"
