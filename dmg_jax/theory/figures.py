"""The pictures of the study, each from its stored numbers alone."""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's colours, which colour-blind readers tell apart.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
_BLUE, _RED, _GREEN, _PINK, _ORANGE = _COLOURS
_GREY = "#777777"
_SETTINGS: dict[Any, Any] = {
  "font.size": 8,
  "axes.titlesize": 8,
  "legend.fontsize": 7,
  "lines.linewidth": 1.3,
  "axes.spines.top": False,
  "axes.spines.right": False,
  "axes.grid": True,
  "grid.color": "#e2e2e2",
  "grid.linewidth": 0.4,
  "axes.axisbelow": True,
  "legend.frameon": False,
  "savefig.dpi": 150,
}


def draw_all(results: Mapping[str, Any]) -> dict[str, bytes]:
  """Each picture as PNG, by its name; the same numbers give the same bytes."""
  theorems = results["theorems"]
  drawings: dict[str, tuple[Callable[[Any], Figure], Any]] = {
    "theorem_1": (_one_step, theorems["1"]),
    "theorem_2": (_contraction, theorems["2"]),
    "theorem_3": (_performance, theorems["3"]),
    "theorem_4": (_overestimation, theorems["4"]),
    "theorem_5": (_lower_bound, theorems["5"]),
    "assumptions": (_assumptions, results["assumptions"]),
    "practice_lambda": (_practice_lambda, results["practice"]),
    "practice_nu": (_practice_nu, results["practice"]),
  }
  pictures = {}
  for name, (draw, numbers) in drawings.items():
    buffer = io.BytesIO()
    with matplotlib.rc_context(_SETTINGS):
      draw(numbers).savefig(buffer, format="png")
    pictures[f"theory_{name}.png"] = buffer.getvalue()
  return pictures


def _panels(count: int, rows: int = 1, height: float = 2.7) -> tuple[Figure, np.ndarray]:
  figure = Figure(figsize=(7.2, height * rows), layout="constrained")
  return figure, figure.subplots(rows, count, squeeze=False)


def _one_step(numbers: Mapping[str, Any]) -> Figure:
  figure, axes = _panels(3)
  factor, share, curvature = axes[0]
  for row, colour in zip(numbers["rows"], _COLOURS, strict=False):
    label = f"width {row['width']}"
    factor.plot(numbers["distances"], row["mean_first"], "o-", ms=3, color=colour, label=label)
    share.loglog(numbers["rates"], row["remainder_share"], "o-", ms=3, color=colour)
    curvature.semilogx(numbers["rates"], row["curvature"], "o-", ms=3, color=colour)
  factor.set(
    title="$C_1$ at $\\tilde a$ (mean)",
    xlabel="$|\\tilde a-a|\\,/\\,(|\\nabla Q|/K_g)$",
    ylim=(0, 1),
  )
  factor.legend()
  share.set(
    title="remainder / change of Q (median)", xlabel="learning rate, as share of $1/g_{max}^2$"
  )
  curvature.set(
    title="remainder / $|\\theta'-\\theta|^2$ (median)",
    xlabel="learning rate, as share of $1/g_{max}^2$",
  )
  curvature.set_ylim(bottom=0)
  return figure


def _contraction(numbers: Mapping[str, Any]) -> Figure:
  figure, axes = _panels(2)
  ratio, error = axes[0]
  ratios = numbers["ratios"]
  ratio.plot([0.5, 0.95], [0.5, 0.95], color=_RED, label="$\\gamma$ (Theorem 2)")
  ratio.plot(ratios["discount"], ratios["ratio"], ".", ms=2, color=_BLUE, label="worst pair of Q")
  ratio.set(
    title=f"{len(ratios['ratio'])} of {numbers['instances']:,} MDPs",
    xlabel="$\\gamma$",
    ylabel="ratio of distances",
  )
  ratio.legend()
  shown = numbers["shown"]
  mild, full = str(shown["lam"]), "1.0"
  curves = {
    "full propagation ($\\lambda=1$)": (shown["free"][full], _RED, "-"),
    f"$\\lambda={mild}$": (shown["free"][mild], _BLUE, "-"),
    f"$\\lambda={mild}$, carried by generalisation alone": (shown["held"][mild], _GREEN, "-"),
  }
  for label, (curve, colour, dashes) in curves.items():
    error.semilogy(curve[:13], dashes, marker="o", ms=3, color=colour, label=label)
  steps = np.arange(13)
  discount, lam = shown["discount"], shown["lam"]
  error.semilogy(steps[1:], lam * discount ** steps[1:], ":", color=_GREY)
  error.semilogy(steps, (lam * discount) ** steps, ":", color=_GREY)
  error.set(
    title="an error of 1 off the data, followed",
    xlabel="backups",
    ylabel="what is left of it",
    ylim=(1e-7, 1e4),
  )
  error.legend(loc="upper left")
  return figure


def _performance(numbers: Mapping[str, Any]) -> Figure:
  figure, axes = _panels(2)
  gaps, gains = axes[0]
  quantiles = np.linspace(0, 100, len(numbers["gaps"]))
  gaps.plot(quantiles, numbers["gaps"], color=_BLUE)
  gaps.axhline(0, color=_GREY, lw=0.8)
  gaps.set(
    title=f"{numbers['instances']:,} random MDPs",
    xlabel="MDPs, sorted (%)",
    ylabel="mean over states of $V_{DMG}-V_{In}$",
  )
  sweep = numbers["sweep"]
  for lam, share, colour in zip(sweep["lambdas"], sweep["share"], _COLOURS, strict=True):
    gains.plot(sweep["radii"], share, "o-", ms=3, color=colour, label=f"$\\lambda={lam:g}$")
  gains.set(
    title=f"{sweep['instances']:,} MDPs",
    xlabel="$\\epsilon_a$ (actions lie in $[-1,1]^2$)",
    ylabel="gain, as share of $V^*-V_{In}$",
    ylim=(-0.02, 1.02),
  )
  gains.legend()
  return figure


def _overestimation(numbers: Mapping[str, Any]) -> Figure:
  figure, axes = _panels(2)
  values, excess = axes[0]
  shown = numbers["shown"]
  steps = np.arange(len(shown["in_sample"]))
  in_sample = np.array(shown["in_sample"])
  limit = np.array(shown["bound"]) - in_sample
  for panel, base in ((values, np.zeros_like(in_sample)), (excess, in_sample)):
    panel.fill_between(
      steps,
      np.array(shown["random_lowest"]) - base,
      np.array(shown["random_highest"]) - base,
      color=_BLUE,
      alpha=0.25,
      lw=0,
      label="DMG, 200 random errors",
    )
    panel.plot(
      steps,
      np.array(shown["ascent"]) - base,
      color=_GREEN,
      lw=3,
      alpha=0.6,
      label="DMG, errors by gradient ascent",
    )
    panel.plot(
      steps,
      np.array(shown["largest_extension"]) - base,
      "--",
      color="black",
      lw=1,
      label="DMG, largest Lipschitz errors",
    )
    panel.plot(steps, in_sample + limit - base, ":", color=_RED, label="bound of Theorem 4")
    panel.plot(steps, in_sample - base, color=_GREY, label="in-sample")
    panel.set_xlabel("backups k")
  settings = (
    f"$\\gamma={shown['discount']:.2f}$, $\\lambda={shown['lam']:.2f}$, "
    f"$\\epsilon_a={shown['radius']:.2f}$, $K_Q={shown['lipschitz']:.1f}$"
  )
  values.set(title=settings, ylabel="$Q^k$ at one action of the data")
  excess.set(title="the same, less the in-sample value")
  values.legend(loc="lower right")
  return figure


def _lower_bound(numbers: Mapping[str, Any]) -> Figure:
  figure, axes = _panels(2)
  random, crossing = axes[0]
  rows = numbers["rows"]
  multiples = [row["multiple"] for row in rows]
  for field, label, colour in (
    ("largest_loss_share", "largest", _RED),
    ("mean_loss_share", "mean", _BLUE),
  ):
    random.plot(
      multiples, [row[field] for row in rows], "o-", ms=3, color=colour, label=f"loss, {label}"
    )
  random.plot(
    multiples,
    [row["stays_near"] for row in rows],
    "s--",
    ms=3,
    color=_GREEN,
    label="share near the in-sample action",
  )
  random.axhline(1, color="black", lw=0.8)
  random.set(
    title=f"{numbers['instances']:,} random MDPs",
    xscale="log",
    xlabel="$\\epsilon_a$ / threshold",
    ylabel="loss of J / bound",
    ylim=(0, 1.5),
  )
  rows = numbers["crossing"]
  multiples = [row["multiple"] for row in rows]
  crossing.plot(multiples, [row["loss"] for row in rows], "o-", ms=3, color=_RED, label="loss")
  crossing.plot(
    multiples, [row["bound"] for row in rows], "s--", ms=3, color="black", label="bound with $K_R$"
  )
  crossing.plot(
    multiples,
    [row["printed_bound"] for row in rows],
    ":",
    color=_PINK,
    label="bound as printed ($K_P=0$)",
  )
  crossing.set(title="the constructed MDP", xlabel="$\\epsilon_a$ / threshold", ylabel="loss of J")
  for panel in (random, crossing):
    panel.axvline(1, color=_GREY, lw=0.8)
  random.legend(loc="upper left")
  crossing.legend(loc="upper left")
  return figure


def _assumptions(numbers: Mapping[str, Any]) -> Figure:
  figure, axes = _panels(2)
  diverging, stuck = axes[0]
  extrapolation = numbers["extrapolation"]
  for (lam, curve), colour in zip(extrapolation["curves"].items(), _COLOURS, strict=False):
    growth = extrapolation["growth"][lam]
    diverging.semilogy(
      range(1, len(curve)),
      curve[1:],
      color=colour,
      label=f"$\\lambda={float(lam):g}$ (factor {growth:.3g})",
    )
  diverging.axhline(extrapolation["truth"], color="black", lw=0.8, ls="--")
  diverging.set(
    title="a learner that extrapolates linearly",
    xlabel="backups",
    ylabel="Q of the data's best action",
  )
  diverging.legend()
  numbers = numbers["stuck"]
  stuck.plot(numbers["radii"], numbers["mild"], "o-", ms=3, color=_BLUE, label="DMG")
  stuck.plot(numbers["radii"], numbers["in_sample"], "s-", ms=3, color=_GREY, label="in-sample")
  stuck.set(
    title="data with one poor action, a good one 0.3 away",
    xlabel="$\\epsilon_a$",
    ylabel="J",
    ylim=(0, 11),
  )
  stuck.legend()
  return figure


def _practice_lambda(numbers: Mapping[str, Any]) -> Figure:
  return _practice(numbers, "lambdas", "lam", "$\\lambda$", log=False)


def _practice_nu(numbers: Mapping[str, Any]) -> Figure:
  return _practice(numbers, "nus", "nu", "$\\nu$", log=True)


def _practice(numbers: Mapping[str, Any], sweep: str, field: str, label: str, log: bool) -> Figure:
  """A column for each MDP: learned values of the data above, returns below."""
  mdps = numbers["mdps"]
  figure, axes = _panels(len(mdps), rows=2, height=2.1)
  for place, mdp in enumerate(mdps):
    q, returns = axes[:, place]
    rows = mdp[sweep]
    at = [row[field] for row in rows]
    _spread(q, at, [row["q"] for row in rows], _BLUE, "learned Q of the data")
    q.plot(
      at,
      [mdp["mean_in_sample_q"] + max(row["limit"]) for row in rows],
      ":",
      color=_RED,
      label="$Q_{In}$ + bound (largest of the seeds)",
    )
    q.axhline(mdp["mean_in_sample_q"], color="black", lw=0.8, label="$Q_{In}$")
    q.axhline(
      mdp["mean_expectile_q"], color=_GREY, lw=0.8, ls="--", label="$Q_{In}$ with the expectile"
    )
    q.set_ylim(0.7 * mdp["mean_expectile_q"], 1.15 * max(max(row["q"]) for row in rows) + 0.5)
    q.set_title(f"MDP {place}")
    _spread(returns, at, [row["true_return"] for row in rows], _BLUE, "return of the policy")
    for name, colour, dashes in (
      ("optimal", _GREEN, "-"),
      ("in_sample", "black", "-"),
      ("behaviour", _GREY, "--"),
    ):
      returns.axhline(
        mdp["return"][name], color=colour, lw=0.8, ls=dashes, label=name.replace("_", "-")
      )
    returns.set_xlabel(label)
    if log:
      for panel in (q, returns):
        panel.set_xscale("log")
        panel.invert_xaxis()
  axes[0, 0].set_ylabel("Q")
  axes[1, 0].set_ylabel("J")
  handles = {
    name: handle
    for panel in axes[:, 0]
    for handle, name in zip(*panel.get_legend_handles_labels(), strict=True)
  }
  figure.legend(list(handles.values()), list(handles), loc="outside upper center", ncols=4)
  return figure


def _spread(
  axes: Axes, at: Sequence[float], values: Sequence[Sequence[float]], colour: str, label: str
) -> None:
  """Mean and range over seeds."""
  table = np.array(values)
  axes.plot(at, table.mean(axis=1), "o-", ms=3, color=colour, label=label)
  axes.fill_between(at, table.min(axis=1), table.max(axis=1), color=colour, alpha=0.2, lw=0)
