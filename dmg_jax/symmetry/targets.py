"""Pessimistic targets of the distillation: of a teacher's values, symmetric or not.

arXiv 2607.02288, its experiment of Table 1. The formulas are ours where the notes that
we have of it leave room, and agree with what they say.
"""

from collections.abc import Sequence

import numpy as np

from dmg_jax.symmetry.contexts import radians

# Both targets are the same at this pessimism, which every sub-optimal action has.
SMALLEST = 0.01
# Pairs of actions whose values turn with the context: the paper's, then others that its authors
# tried. The first pair counts that is nowhere the teacher's choice.
_PAIRS = ((1, 5), (0, 4), (1, 3), (0, 1), (3, 6), (3, 4))


def rotated(observations: np.ndarray, angles: Sequence[float]) -> np.ndarray:
  """(C, T, 10): a context's observations (T, 10), in contexts that are turned by degrees (C,)."""
  pairs = observations.reshape(len(observations), -1, 2)
  cosine, sine = np.cos(radians(angles)), np.sin(radians(angles))
  x, y = pairs[..., 0][None], pairs[..., 1][None]
  cosine, sine = cosine[:, None, None], sine[:, None, None]
  turned = np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=-1)
  return turned.reshape(len(angles), *observations.shape).astype(np.float32)


def symmetric(values: np.ndarray, eta: float, contexts: int) -> np.ndarray:
  """(C, T, A): eta off every action but the greedy, in all contexts alike.

  Args:
    values: (T, A) of the teacher.
    eta: the largest pessimism.
    contexts: C.
  """
  greedy = np.argmax(values, axis=1)[:, None] == np.arange(values.shape[1])
  return np.repeat((values - eta * ~greedy)[None], contexts, axis=0)


def turned_actions(values: np.ndarray) -> tuple[int, int]:
  """The pair of actions, both sub-optimal in all states of values (T, A), that turn."""
  greedy = set(np.argmax(values, axis=1).tolist())
  return next(pair for pair in _PAIRS if not greedy & set(pair))


def asymmetric(values: np.ndarray, eta: float, contexts: int) -> np.ndarray:
  """(C, T, A): the symmetric target of 0.01, with two actions' values turned with the context.

  In context k the values of `turned_actions` are turned by 90 k degrees about a centre
  that lies (eta - 0.01) / 2 below both, so that no value is below the teacher's by more
  than eta, and both targets agree at eta = 0.01.

  Args:
    values: (T, A) of the teacher.
    eta: the largest pessimism, at least 0.01.
    contexts: C, at 90 degrees from one another.
  """
  targets = symmetric(values, SMALLEST, contexts)
  half = (eta - SMALLEST) / 2
  first, second = half, half
  for context in range(contexts):
    targets[context][:, turned_actions(values)] += np.array([first - half, second - half])
    first, second = -second, first
  return targets


def pessimism(values: np.ndarray, targets: np.ndarray) -> float:
  """The largest teacher's value less its target, over contexts, states and actions."""
  return float((values[None] - targets).max())
