# ruff: noqa: E501, RUF001
# A row of a Markdown table stays on one line, and the Greek letters are meant.
"""The page on the theory, docs/theory.md, from the stored numbers alone."""

from collections.abc import Mapping
from typing import Any

from dmg_jax.theory import practice_page

# What float64 leaves of an equality here: values are of the order of 10.
ROUNDING = 1e-9

Numbers = Mapping[str, Any]


def page(results: Numbers, numbers_link: str) -> str:
  """The page in Markdown.

  Args:
    results: what `study.measure` and `study.provenance` gave.
    numbers_link: from the page to the JSON file.
  """
  theorems = results["theorems"]
  parts = [
    _head(results, numbers_link),
    _table(results),
    _generalisation(theorems["1"]),
    _contraction(theorems["2"]),
    _performance(theorems["3"]),
    _overestimation(theorems["4"]),
    _lower_bound(theorems["5"]),
    _assumptions(results["assumptions"]),
    practice_page.section(results["practice"]),
    _slips(theorems),
    _limits(),
  ]
  return "\n\n".join(part.strip() for part in parts) + "\n"


def verdict(margin: float) -> str:
  """Whether a statement held, by its worst margin: negative beyond rounding means that it failed."""
  return "held on all" if margin >= -ROUNDING else "FAILED"


def _head(results: Numbers, link: str) -> str:
  versions = results["versions"]
  seconds = sum(results["seconds"].values())
  processor_seconds = sum(results["processor_seconds"].values())
  return f"""
# The theory of DMG, checked

<!-- Made by `{results["command"]}` from {link}; not to be edited. -->

The paper ([arXiv 2411.07934](https://arxiv.org/abs/2411.07934)) proves five theorems. Here they
are programs that run on random MDPs whose exact values are known. Every number on this page is in
[`{link.rsplit("/", 1)[-1]}`]({link}), and all of it, pictures too, is made by

```bash
{results["command"]}
```

It took {processor_seconds:.0f} seconds of processor time ({seconds:.0f} on the clock, on cores that
others may have used too) with jax {versions["jax"]} on {results["device"]}, in float64 (float32 for
the networks of the practical part), with seed {results["seed"]}.

**The setting.** An MDP has few states, and in each state a few actions, which are points in R^D.
*The data* are a set of actions in each state (the support of the empirical behaviour β̂). *Mildly
generalised* actions (β̃) are all actions within a distance ε_a of the data's in the same state.
T_In backs up the maximum over the data's actions, T_DMG backs up
λ max over β̃ + (1 - λ) max over β̂. J is the value at the first state, not times 1 - γ.
"""


def _table(results: Numbers) -> str:
  theorems = results["theorems"]
  names = {
    "1": "one gradient step",
    "2": "contraction",
    "3": "performance",
    "4": "limited over-estimation",
    "5": "lower bound",
  }
  lines = [
    "| theorem | instances | result | worst margin |",
    "| --- | --- | --- | --- |",
  ]
  for number, name in names.items():
    row = theorems[number]
    count = row["tried_inside"] if number == "5" else row["instances"]
    lines.append(
      f"| {number}, {name} | {count:,} | {verdict(row['worst_margin'])} | "
      f"{row['worst_margin']:.2g} |"
    )
  return "\n".join(lines) + (
    f"\n\nA margin is what an inequality has to spare. Below zero it fails; down to -{ROUNDING:g} "
    "counts as zero, because that is rounding.\nTheorem 5 is tried with the reward's term added; "
    "as printed it fails, see below."
  )


def _generalisation(row: Numbers) -> str:
  lines = "\n".join(
    f"| {width['width']} | {width['smallest_first']:.3f} to {width['largest_first']:.3f} | "
    f"{width['largest_second_share']:.2f} | {width['remainder_share'][0]:.2g} | "
    f"{width['order']:.3f} |"
    for width in row["rows"]
  )
  return f"""
## Theorem 1: what one gradient step does nearby

A gradient step on Q at (s, a) also moves Q at an action ã near a, by C1 (T_u Q(s, ã) - Q(s, ã) +
C2 |ã - a|), with C1 in [0, 1] and |C2| at most K_Q + K_R + γ K_P |S| Q_max, up to a term of the order
of |θ' - θ|². So close to the data, an update acts as if it were made at ã itself, with an error that
grows with the distance.

![C1, the remainder and the curvature](theory_theorem_1.png)

{row["instances"]:,} MDPs with tanh networks of two hidden layers, {row["nearby"]} actions ã each, up
to the distance |∇Q| / K_g that the theorem allows, learning rate 1 / g_max².

| width | C1 | largest abs(C2) / bound | remainder / change (median) | order of the remainder |
| --- | --- | --- | --- | --- |
{lines}

The order is the power of the step's length with which the remainder vanishes; the theorem says 2. At
the theorem's largest learning rate the remainder is a smaller part of the change in wider networks.
The constants K_g, g_max, K_Q and Q_max are taken on a fine grid of actions: they are exact there, and
estimates in between."""


def _contraction(row: Numbers) -> str:
  shown = row["shown"]
  return f"""
## Theorem 2: T_DMG is a contraction

Where generalised values behave as if T_DMG had updated them (oracle generalisation), T_DMG brings any
two Q closer by the factor γ, in the sup norm over β̃. So it has one fixed point, whatever the start.

![Ratios beside γ, and errors that are followed](theory_theorem_2.png)

* {row["pairs"]:,} random pairs of Q on {row["instances"]:,} MDPs: the largest ratio was
  {row["largest_share_of_discount"]:.4f} γ. Two Q that differ by a constant give γ itself
  (smallest share {row["constant_shift_share_of_discount"]:.6f}), so the factor cannot be improved.
* From {row["starts"]} starts on each of {row["fixed_points"]:,} MDPs, {row["backups"]} backups ended
  within {row["farthest_end"]:.1g} of the fixed point that policy iteration finds.
* **The effective discount λγ.** The paper says that generalisation is discounted by λγ and rewards by
  γ. We raised the values off the data once, by 1, and followed the error on
  {row["perturbed_instances"]:,} MDPs. After k backups at most λγ^k is left of it, not (λγ)^k: the first
  backup writes the error, times λγ, into the data's values too, and from there it decays by γ as any
  value does. (λγ)^k is right for the part that generalisation alone carries, which shows when the
  data's values are held (green). Neither limit was exceeded by more than
  {max(row["largest_excess_free"], row["largest_excess_held"]):.1g}; an MDP whose best actions are all
  off the data attains both (in the picture, γ = {shown["discount"]} and λ = {shown["lam"]})."""


def _performance(row: Numbers) -> str:
  sweep = row["sweep"]
  low, high = sweep["share"][0], sweep["share"][-1]
  return f"""
## Theorem 3: DMG is at least as good as in-sample learning

Under oracle generalisation the greedy policy of Q*_DMG over β̃ has a value of at least that of the
in-sample policy, in every state. This holds for every λ and every ε_a.

![Gaps of value](theory_theorem_3.png)

* {row["instances"]:,} MDPs in one compiled call, {row["states"]:,} states: the smallest gap was
  {row["worst_margin"]:.2g}, the largest {row["largest_gap"]:.2f} (rewards lie in
  [0, {row["rewards_up_to"]:g}]).
* {row["strictly_better"]:,} were strictly better somewhere, {row["equal"]:,} equal everywhere.
  **Equality** holds exactly where no generalised action has a larger Q*_In than the data's best one, in
  any state; λ plays no part in it. This rule was wrong on {row["equality_predicted_wrongly"]} MDPs.
* With ε_a the gain grows from {high[0]:.0%} of what is possible (V* - V_In) at ε_a = 0 to between
  {low[-1]:.0%} (λ = 0) and {high[-1]:.0%} (λ = 1) at ε_a = {sweep["radii"][-1]:g}. Most of it is there
  at λ = 0 already: to act on generalised values matters more than to bootstrap from them."""


def _overestimation(row: Numbers) -> str:
  share = row["share_of_bound"]
  return f"""
## Theorem 4: over-estimation is limited

Now Q off the data may be anything that is K_Q-Lipschitz in the action, and only the data's values are
backed up. Then for all k and all actions of the data, Q_In^k ≤ Q̂_DMG^k ≤ Q_In^k +
λ ε_a K_Q γ (1 - γ^k) / (1 - γ), if both start from the same Q⁰.

![Values against k, with random and adversarial errors](theory_theorem_4.png)

* {row["instances"]:,} Lipschitz MDPs, {row["backups"]} backups, with random errors and with the largest
  Lipschitz ones; on {row["searched"]} of them errors were searched by {row["iterations"]} steps of
  gradient ascent too. Smallest distance to the upper bound {row["worst_margin"]:.1g}, to the lower one
  {row["worst_margin_below"]:.1g}: both limits are met, none is crossed beyond rounding.
* The largest over-estimation, as a share of the bound, was {share["random"]["mean"]:.2f} with random
  errors (mean over MDPs, at the last k), {share["ascent"]["mean"]:.3f} with those of the ascent
  ({share["ascent"]["most"]:.3f} at most), and {share["largest_extension"]["mean"]:.3f} with the largest
  Lipschitz extension of the data's values, which no Lipschitz error can exceed (the backup is
  monotone). The ascent's share was above that of this extension on no MDP by more than
  {max(0.0, row["ascent_beyond_largest_extension"]):.1g}.
* So **the bound is attained**: on an MDP of one state and two actions the share is
  {row["attaining_share"]:.6f}. It is attained wherever each state's best action of the data has a neighbour at ε_a whose
  value no other action of the data limits.
* K_Q is not measured but computed so that all iterates keep it; the steepest of them had
  {row["largest_steepness"]:.4f} of it."""


def _lower_bound(row: Numbers) -> str:
  crossing = {case["multiple"]: case for case in row["crossing"]}
  inside, beyond = crossing[0.99], crossing[1.01]
  return f"""
## Theorem 5: a lower bound on the return

With the same errors as in Theorem 4, and ε_a below (1 - γ) gap / (K_Q (1 - γ + λγ)), the greedy policy
stays within ε_a of the in-sample one, so that its return falls by no more than a constant times ε_a.
The gap is that between the best and the second action of the data, in Q*_In.

![Loss of return against the radius](theory_theorem_5.png)

The paper prints the loss as C K_P R_max / (1 - γ) ε_a (beside ε_D = J(π*) - J(π*_In)) and names no C.
We use what the performance difference gives: ε_a / (1 - γ) times (K_R + γ K_P R_max / (2 (1 - γ))),
with K_P in the L1 norm. **The term in K_R is not in the paper**, and without it the bound fails where
the reward depends on the action: at K_P = 0 the printed loss is 0 for every C, but the constructed MDP
loses {inside["loss"]:.2f} just inside the threshold (its bound with K_R: {inside["bound"]:.2f}).

* Inside the threshold, {row["tried_inside"]:,} trials on {row["instances"]:,} MDPs, with an adversary
  who picks the most harmful action that can be made greedy: smallest margin
  {row["worst_margin"]:.2g}, and the policy {"always" if row["stays_near_inside"] else "NOT always"}
  stayed within ε_a of the in-sample action. Without the term in K_R, with C = γ / (2 (1 - γ)), the
  bound failed in {row["printed_broken_inside"]:,} of them.
* Beyond it, up to {row["rows"][-1]["multiple"]:g} times the threshold, the bound failed in
  {row["broken_beyond"]:,} of {row["tried_beyond"]:,} trials; at the end the policy was still near the
  in-sample action in all states in {row["rows"][-1]["stays_near"]:.0%} of them (green). On random MDPs the bound has slack; on the constructed one (λ = 0, reward as
  steep as K_R allows) the loss jumps at the threshold, from {inside["loss"]:.2f} to {beyond["loss"]:.2f},
  where the bound is {beyond["bound"]:.2f}. So the threshold is sharp.
* λ enters the threshold alone, not the loss."""


def _assumptions(row: Numbers) -> str:
  extrapolation, misled = row["extrapolation"], row["misled"]
  stuck, spikes, other = row["stuck"], row["spikes"], row["other_start"]
  factor, cliff = row["first_factor"], row["cliff"]
  crossing = row["crossing"]
  growth = extrapolation["growth"]
  end = {lam: curve[-1] for lam, curve in extrapolation["curves"].items()}
  return f"""
## What each assumption buys

![A diverging learner, and an in-sample maximum that is stuck](theory_assumptions.png)

| assumption | where it holds | where it fails |
| --- | --- | --- |
| oracle generalisation, or a K_Q (Theorems 2, 4) | in-sample values end at {end["0.0"]:.1f}, the truth is {extrapolation["truth"]:.0f} | a learner that extrapolates linearly {extrapolation["beyond"]} beyond the data multiplies its error by γ(1 + {extrapolation["beyond"]}λ): {growth["1.0"]:.2f} at λ = 1, so that it **diverges** ({end["1.0"]:.0f} after {len(extrapolation["curves"]["1.0"]) - 1} backups); {growth["0.25"]:.3f} at λ = 0.25, so that it settles (at {end["0.25"]:.1f} by then) |
| oracle generalisation (Theorem 3) | worse than in-sample on {misled["worse_with_oracle"]} of {misled["instances"]:,} MDPs | normal errors (standard deviation 3) at generalised actions: worse somewhere on {misled["worse_without"]:,} of {misled["instances"]:,}, by up to {-misled["worst_without"]:.1f} |
| generalisation at all (ε_a > 0) | J = {stuck["mild"][-1]:.0f} once ε_a reaches the good action | the in-sample maximum is **stuck** at the data's poor action: J = {stuck["in_sample"][-1]:.0f} for every ε_a |
| Q is K_Q-Lipschitz (Theorem 4) | over-estimation is {spikes["share_at_1"]:.2f} of the bound | errors of three times K_Q ε_a: {spikes["share_at_3"]:.2f} of it |
| the same Q⁰ (Theorem 4) | least over-estimation after a backup {other["lowest_same"]:.2g} | DMG starts 1 lower: {other["lowest_other"]:.2g}, below the lower limit |
| ε_a below the threshold (Theorem 5) | loss {crossing["inside"]["loss"]:.2f} of {crossing["inside"]["bound"]:.2f} allowed | loss {crossing["beyond"]["loss"]:.2f} of {crossing["beyond"]["bound"]:.2f} |
| P is K_P-Lipschitz (Theorem 5) | the loss shrinks with ε_a | a cliff beside the data: loss {cliff[0]["loss"]:.1f} at ε_a = {cliff[0]["radius"]:g} and {cliff[-1]["loss"]:.1f} at {cliff[-1]["radius"]:g} |
| learning rate ≤ 1 / g_max² (Theorem 1) | C1 ≤ 1 | at four times that, C1 up to {factor["largest_fast"]:.2f} |
| distance ≤ abs(∇Q) / K_g (Theorem 1) | C1 ≥ 0 | farther away, C1 down to {factor["smallest_far"]:.2f} |

At γ = 1 there is no contraction, so that γ ≥ 1 is refused as input."""


def _slips(theorems: Numbers) -> str:
  three, five = theorems["3"], theorems["5"]
  count = three["instances"]
  return f"""
## Slips in the printed proofs

Of the statements only Theorem 5's bound has to change.

| where | printed | what holds |
| --- | --- | --- |
| Eq. 35 | the fixed point of T_DMG with the maximum over β̃ alone | the λ-mixture of both maxima, as in Definition 2. The printed one differs on {three["generalised_fixed_point_differs"]:,} of {count:,} MDPs, by up to {three["largest_fixed_point_difference"]:.2f} |
| proof of Theorem 3 | V of π*_DMG equals V*_DMG, the maximum of Q*_DMG over β̃ | it is at least that: above it on {three["mixed_value_below_policy"]:,} of {count:,} MDPs, below it on {three["mixed_value_above_policy"]}. The theorem stands |
| Eq. 64 | ≤ | ≥ is needed. Read, not measured |
| proof of Theorem 5 | the step from L1 to total variation | a factor 2 is dropped, which the unnamed C absorbs |
| Theorem 5 | a loss with K_P alone | a term K_R ε_a / (1 - γ) is needed where the reward depends on the action: without it the bound failed in {five["printed_broken_inside"]:,} of {five["tried_inside"]:,} trials |
| Algorithm 1 | an expectation under π | Definition 2 has a maximum over β̃. An expectation is at most the maximum, so the upper bound of Theorem 4 stays, and the lower one need not |
| text on Definition 2 | generalisation is discounted by λγ | once by λγ, then by γ, see Theorem 2 |"""


def _limits() -> str:
  return """
## What this does not show

* A check on random MDPs is no proof. It would have found a false statement of the kind that fails on a
  visible share of small MDPs.
* Each state has data here. The paper's theorems speak of states of the data too.
* The oracle generalisation of Theorems 2 and 3 is assumed here as it is in the paper. Whether a network
  has it is what Theorem 1 speaks about, for one step.
* The practical part has four MDPs with one-dimensional actions. It shows mechanisms, and no rates."""
