"""The forms of Algorithm 1, which make the family's methods."""

from collections.abc import Callable
from typing import NamedTuple

from dmg_jax import in_sample
from dmg_jax.types import Array


class Form(NamedTuple):
  """Which parts of Algorithm 1 a method has: static, so that no other is computed.

  The defaults are DMG's: all.

  Attributes:
    learner: of V on the data's actions: its loss, and the weights of the regression.
    generalises: whether targets bootstrap from the target policy's actions (lambda > 0).
    bootstraps_in_sample: whether they bootstrap from V (lambda < 1).
    maximises: whether the actor's loss has the Q term.
    weighted: whether advantages weigh the regression.
    first_critic: whether that term is the first critic's value, as in TD3, and not the
      smallest of all critics'.
    penalty: of (policy, observations, its actions), a term that is added to the actor's
      loss; hashable. DMG has none.
    lower_confidence_bound: whether critics count by their mean minus their standard
      deviation, and not by the smallest, see `losses.lower_confidence_bound`.
    averaged_policy: whether the target policy, whose parameters are an average of the
      actor's with the rate xi, is the one that is evaluated; it needs `generalises`.
    reward_scale: multiplies the data's rewards; Q and V are of the same scale, what is
      logged of them is in the data's own. Static: at 1 it must not change a rounding.
  """

  learner: in_sample.Learner = in_sample.EXPECTILE
  generalises: bool = True
  bootstraps_in_sample: bool = True
  maximises: bool = True
  weighted: bool = True
  first_critic: bool = False
  penalty: Callable[[Callable[[Array], Array], Array, Array], Array] | None = None
  lower_confidence_bound: bool = False
  averaged_policy: bool = False
  reward_scale: float = 1.0

  @property
  def critics(self) -> bool:
    """Whether the policy depends on critics; cloning has none."""
    return self.maximises or self.weighted

  @property
  def value(self) -> bool:
    """Whether the policy depends on V."""
    return self.critics and (self.bootstraps_in_sample or self.weighted)

  @property
  def target_actor(self) -> bool:
    """Whether the policy depends on the target policy."""
    return self.critics and self.generalises


DMG = Form()
