# ruff: noqa: E501, RUF001
# A row of a Markdown table stays on one line, and the Greek letters are meant.
"""The section of docs/theory.md on the practical objective."""

from collections.abc import Mapping
from typing import Any

Numbers = Mapping[str, Any]


def section(row: Numbers) -> str:
  """In Markdown, of what `practice` measured."""
  mdps, counts = row["mdps"], _counts(row)
  best = []
  for place, mdp in enumerate(mdps):
    points = {
      label: max(mdp[sweep], key=lambda point: _mean(point["true_return"]))
      for label, sweep in (("lam", "lambdas"), ("nu", "nus"))
    }
    full = mdp["lambdas"][-1]
    best.append(
      f"| {place} | {mdp['return']['in_sample']:.2f} | {mdp['return']['optimal']:.2f} | "
      f"{points['lam']['lam']:g} ({_mean(points['lam']['true_return']):.2f}) | "
      f"{points['nu']['nu']:g} ({_mean(points['nu']['true_return']):.2f}) | "
      f"{_mean(full['own_q']):.1f} | {_mean(full['true_q']):.1f} |"
    )
  table = "\n".join(best)
  return f"""
## From theory to practice

The practical objective (Eq. 13 to 16) in place of the operators: Q is a ReLU network, V an expectile
(τ = {row["expectile"]}), and the policy is drawn to the data by ν. {row["instances"]} random MDPs of
four states and one-dimensional actions, none chosen for what it shows; {row["seeds"]} seeds,
{row["steps"]:,} full-batch steps, γ = {row["discount"]}; {row["runs"]} runs in one compiled call. The
pictures are those of the paper's Figures 1 and 2, with the truth known.

λ varied, ν = {row["fixed"]["nu"]}:

![Learned Q and return against λ](theory_practice_lambda.png)

ν varied, λ = {row["fixed"]["lam"]} (less regularisation to the right):

![Learned Q and return against ν](theory_practice_nu.png)

| MDP | J in-sample | J optimal | best λ (J) | best ν (J) | Q at the policy, λ = 1 | its true value |
| --- | --- | --- | --- | --- | --- | --- |
{table}

* **Does the learned Q lie between Q_In and the bound?** With ε_a the largest distance of the learned
  policy from the data, and K_Q the steepest slope of the learned Q that near to the data,
  {row["above_bound"]:.1%} of the values lie above the bound (λ > 0; smallest margin
  {row["worst_margin"]:.2g}). Below Q_In lie {row["below_in_sample"]:.0%}, as an expectile is less than
  a maximum; below the exact fixed point with the expectile, {row["below_expectile"]:.0%}, by
  {-row["lowest_above_expectile"]:.2g} at most, which is error of fit. The learned policy is often far
  from the data at small ν: then ε_a is no longer small, and the bound says little.
* As in the paper, learned Q grows with λ: it is larger at λ = 1 than at λ = 0 on {counts["rises"]} of
  {len(mdps)} MDPs, and above the true value of the learned policy on {counts["too_high"]} of them.
  {counts["impossible"]} of {counts["runs"]} runs of that sweep learned a Q above
  R_max / (1 - γ) = {1 / (1 - row["discount"]):.0f}, which no policy reaches; none diverged to infinity.
* A moderate λ was best on {counts["moderate_lambda"]} of {len(mdps)} MDPs and a moderate ν on
  {counts["moderate_nu"]}, by the mean return of {row["seeds"]} seeds. So unlike in the paper's figures
  it is **not always best** here. We read it so: where the network's guess beyond the data is right, more
  generalisation is better, and where it is wrong, the return falls below that of in-sample learning. The
  last two columns of the table show that the learned Q does not tell which of the two is the case."""


def _counts(row: Numbers) -> dict[str, int]:
  """How many MDPs, or runs over lambda, show what the paper's figures show."""
  counts = dict.fromkeys(("rises", "too_high", "moderate_lambda", "moderate_nu"), 0)
  impossible, runs = 0, 0
  for mdp in row["mdps"]:
    first, last = mdp["lambdas"][0], mdp["lambdas"][-1]
    counts["rises"] += _mean(last["q"]) > _mean(first["q"])
    counts["too_high"] += _mean(last["own_q"]) > _mean(last["true_q"])
    for sweep, name in (("lambdas", "moderate_lambda"), ("nus", "moderate_nu")):
      returns = [_mean(point["true_return"]) for point in mdp[sweep]]
      counts[name] += 0 < returns.index(max(returns)) < len(returns) - 1
    learned = [q for point in mdp["lambdas"] for q in point["own_q"]]
    impossible += sum(q > 1 / (1 - row["discount"]) for q in learned)
    runs += len(learned)
  return counts | {"impossible": impossible, "runs": runs}


def _mean(values: list[float]) -> float:
  return sum(values) / len(values)
