"""Tables of the jobs in benchmarks/results/family_h100.tar.gz, for `pages.py`.

The archive holds config, summary and logs of jobs that were trained on a lent
accelerator; `tar xzf` it and `launch/report.py` reads them.
"""

import json
import tarfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dmg_jax.errors import UserError

ARCHIVE = Path(__file__).parent / "results" / "family_h100.tar.gz"


def row(*cells: object) -> str:
  """A line of a Markdown table."""
  return f"| {' | '.join(map(str, cells))} |"


def job(name: str) -> tuple[list[dict[str, Any]], Mapping[str, Any]]:
  """The groups of a job, each with its method and point, and its summary.

  Raises:
    UserError: if the archive is not whole.
  """
  try:
    with tarfile.open(ARCHIVE, "r:gz") as archive:
      config, summary = (
        json.load(archive.extractfile(f"family_h100/{name}/{file}.json"))  # type: ignore[arg-type]
        for file in ("config", "summary")
      )
  except (OSError, EOFError, KeyError, ValueError, tarfile.TarError, zlib.error) as error:
    raise UserError(f"{ARCHIVE} is damaged or missing ({error}); restore it from git") from error
  runs = {(run["task"], run["label"]): run for run in config["runs"]}
  groups = [
    {**group, "method": run["method"], "point": run["point"]}
    for group in summary["groups"]
    if (run := runs[group["task"], group["label"]])
  ]
  return groups, summary


def score(group: Mapping[str, Any]) -> str:
  """Mean and deviation over seeds of the last evaluation; how many diverged."""
  diverged = sum(run["diverged_at"] is not None for run in group["runs"])
  found = f"{group['last']['mean']:.1f} ± {group['last']['sd']:.1f}"
  return found + (f" ({diverged} diverged)" if diverged else "")


def grid() -> Iterable[str]:
  """Lambda against nu on Hopper's medium data."""
  groups, _ = job("grid_hopper_medium")
  lams, nus = ([*dict.fromkeys(g["point"][name] for g in groups)] for name in ("lam", "nu"))
  cells = {(group["point"]["lam"], group["point"]["nu"]): group for group in groups}
  seeds = len(groups[0]["runs"])
  yield f"Data's mean {groups[0]['data_score']:.1f}; mean ± sd of {seeds} seeds."
  yield ""
  yield row("lambda", *(f"nu {nu:g}" for nu in nus))
  yield row(*["---"] * (1 + len(nus)))
  for lam in lams:
    yield row(f"{lam:g}", *(score(cells[lam, nu]) for nu in nus))


def lines() -> Iterable[str]:
  """Lambda at nu 0.1, and nu at lambda 0.25, on two other data sets."""
  yield row("data set", "its mean", "lambda", "nu", "score", "seeds")
  yield row(*["---"] * 6)
  for name in (
    "lambda_walker2d_medium-replay", "nu_walker2d_medium-replay",
    "lambda_halfcheetah_medium-expert", "nu_halfcheetah_medium-expert",
  ):  # fmt: skip
    for group in job(name)[0]:
      point = group["point"]
      yield row(
        f"`{group['task']}`", f"{group['data_score']:.1f}", f"{point['lam']:g}",
        f"{point['nu']:g}", score(group), len(group["runs"]),
      )  # fmt: skip


def methods() -> Iterable[str]:
  """The methods of Table 1 on Hopper's medium-expert data."""
  groups, _ = job("table1_hopper_me")
  yield f"Data's mean {groups[0]['data_score']:.1f}; {len(groups[0]['runs'])} seeds."
  yield ""
  yield row("method", "mean ± sd", "IQM, 95 % interval", "seeds")
  yield row(*["---"] * 4)
  for group in groups:
    low, high = group["last"]["iqm_interval"]
    yield row(
      f"`{group['method']}`", score(group), f"{group['last']['iqm']:.1f} [{low:.1f}, {high:.1f}]",
      ", ".join(f"{run['last']:.1f}" for run in group["runs"]),
    )  # fmt: skip


def precisions() -> Iterable[str]:
  """DMG on the embedded data with three precisions of products."""
  main_job = json.loads((ARCHIVE.parent / "main_job.json").read_text())
  found = [("float32", main_job)]
  found += [
    (name, job(file)[1])
    for name, file in (("tensorfloat32", "precision_tf32"), ("bfloat16", "precision_bf16"))
  ]
  yield row("precision", "device", "mean ± sd", "IQM, 95 % interval", "seeds")
  yield row(*["---"] * 5)
  for name, summary in found:
    (group,) = summary["groups"]
    low, high = group["last"]["iqm_interval"]
    yield row(
      name, summary["devices"][0], score(group),
      f"{group['last']['iqm']:.1f} [{low:.1f}, {high:.1f}]",
      ", ".join(f"{run['last']:.1f}" for run in group["runs"]),
    )  # fmt: skip
