"""The tables of several hosts, of evaluation's share, and of many runs, as they were measured."""

import json
from collections.abc import Iterable
from typing import Any

from family_pages import row
from jobs import RESULTS

from dmg_jax import stored_rates

HOSTS, SHARE = "hosts.json", "evaluation_share.json"
SCALING = "scaling_2_x_amd_epyc.json"
_FAMILIES = {"locomotion": "locomotion", "antmaze": "AntMaze"}


def hosts() -> Iterable[str]:
  """One job, trained by several numbers of processes in turn."""
  result = _stored(HOSTS)
  yield from _source(result, HOSTS)
  yield ""
  yield row("processes", "what happened to one of them", "exit codes", "from step", "to step")
  yield row(*["---"] * 5)
  for stage in result["stages"]:
    happened = f"process {stage['to_process']}: {stage['signal']}" if stage["signal"] else "nothing"
    codes = ", ".join(map(str, stage["exit_codes"]))
    yield row(
      stage["processes"], happened, codes, stage["checkpoint_before"], stage["checkpoint_after"]
    )
  said = {line for stage in result["stages"] for lines in stage["errors"] for line in lines}
  yield ""
  if result["different"]:
    yield f"Different from the undisturbed job of one process: {', '.join(result['different'])}."
  else:
    yield (
      "Parameters, metrics and evaluations are those of one undisturbed process, to the bit: "
      f"{result['rows_of_metrics']} rows of metrics, none twice."
    )
  if said:
    yield f"What the others of a killed one say: {' '.join(f'`{line}`' for line in sorted(said))}."


def evaluation_share() -> Iterable[str]:
  """Evaluation's share of the wall clock, at the paper's protocol."""
  result = _stored(SHARE)
  yield from _source(result, SHARE)
  yield ""
  yield row("simulator", "steps a second of a core", "with two worker processes")
  yield row(*["---"] * 3)
  for environments in result["steps_per_processor_second"].values():
    for name, rates in environments.items():
      yield row(name, f"{rates['1']:,.0f}", f"{rates['2']:,.0f}")
  yield ""
  yield row(
    "data", "training on", "cores that play", "training, h", "evaluation, h",
    "share if training waits", "share beside training",
  )  # fmt: skip
  yield row(*["---"] * 7)
  for one in result["shares"]:
    beside = one["share_beside_training"]
    yield row(
      _FAMILIES[one["family"]],
      one["device"],
      one["cores"],
      stored_rates.hours(3600 * one["training_hours"]),
      stored_rates.hours(3600 * one["evaluation_hours"]),
      f"{one['share_if_training_waits']:.0%}",
      "" if beside is None else f"{beside:.0%}",
    )


def scaling() -> Iterable[str]:
  """Rates on a CPU, against the number of runs and of worker threads."""
  result = _stored(SCALING)
  yield (
    f"{result['device']}, jax {result['versions']['jax']}, median of {result['rounds']} rounds of "
    f"{result['work']:,} steps of all runs together, from"
  )
  yield f"[`{SCALING}`](../benchmarks/results/{SCALING}):"
  yield ""
  yield row("workers", "runs", "steps/s", "ms for a step of a run", "of the matmul rate")
  yield row(*["---"] * 5)
  for series in result["series"]:
    for found in series["runs"]:
      rate, share = found["steps_per_second"], found["share_of_matmul_rate"]
      yield row(
        series["workers"], found["runs"], f"{rate:.0f}", f"{1000 / rate:.1f}", f"{share:.2f}"
      )
  seconds = result["series"][0]["runs"][0]["compile_seconds"]
  yield ""
  yield (
    f"A run takes {result['series'][0]['bytes_of_run'] / 2**20:.1f} MiB; one program, compiled in "
    f"{seconds:.0f} s, serves any number of runs. The work of a round is the same for all but 64 "
    "runs, so that many runs take few steps at a time: 2 in a call, from 32 runs on."
  )


def _source(result: dict[str, Any], name: str) -> Iterable[str]:
  yield (
    f"`{result['command']}`, {result['device']}, jax {result['versions']['jax']} "
    f"([`{name}`](../benchmarks/results/{name})):"
  )


def _stored(name: str) -> dict[str, Any]:
  return json.loads((RESULTS / name).read_text())
