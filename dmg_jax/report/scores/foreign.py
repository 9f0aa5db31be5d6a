"""Scores of any other method, from a table that its user writes.

A CSV file with a header, or a JSON list of objects, with these columns:

  method   its name in tables; "TD3BC" and the like become "TD3+BC"
  dataset  such as "hopper-medium-v2", spelled as the other methods' is
  seed     an integer
  score    a number, normalised as the others' (0 random, 100 expert)
  step     gradient steps at the evaluation; may be absent or empty

Either one row for each seed, its final score; or one for each evaluation of
each seed, with its step. DMG itself is measured by this package's runs alone:
that of another code needs a name that says so.
"""

import csv
import io
import json
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from textwrap import shorten
from typing import Any, NamedTuple

from dmg_jax.errors import UserError
from dmg_jax.report.scores.method_names import canonical
from dmg_jax.report.scores.score import Score
from dmg_jax.report.scores.selection import join
from dmg_jax.report.units import WINDOW

COLUMNS = ("method", "dataset", "seed", "score", "step")
_REQUIRED = COLUMNS[:-1]
_OURS = ("DMG", "DMG offline")
_JSON_GAP = re.compile(r"[\s,]*")


class _Row(NamedTuple):
  where: str
  method: str
  dataset: str
  seed: int
  score: float
  step: int | None


def read_scores(path: str | os.PathLike[str]) -> list[Score]:
  """The scores of a CSV or JSON file, see the module.

  Of a seed with several rows they are its learning curve, else only its final
  score is known (`last_ten` is NaN); without a step, `steps` is 0.

  Args:
    path: ending in .csv or .json.

  Raises:
    UserError: naming file and line, for another ending, an unreadable or empty
      file, a column that is missing or unknown, a value that is not of its
      kind, a seed (or a step of it) given twice, and seeds of one method on one
      dataset that were evaluated at different steps.
  """
  path = Path(path)
  readers = {".csv": _csv_records, ".json": _json_records}
  if path.suffix.lower() not in readers:
    raise UserError(f"{path}: scores are read from .csv and .json files; give it such an ending")
  try:
    text = path.read_text(encoding="utf-8-sig")
  except (OSError, UnicodeDecodeError) as error:
    raise UserError(f"{path}: cannot be read as text ({error}); check the path") from error
  runs: dict[tuple[str, str, int], dict[int | None, _Row]] = {}
  for line, record in readers[path.suffix.lower()](path, text):
    row = _row(f"{path} line {line}", record)
    run = runs.setdefault((row.method, row.dataset, row.seed), {})
    for other in run.values():
      if row.step is None or other.step is None or row.step == other.step:
        raise UserError(
          f"{row.where}: seed {row.seed} of {row.method} on {row.dataset} is there already"
          f" ({other.where}); remove one, or give every evaluation a step of its own"
        )
    run[row.step] = row
  if not runs:
    raise UserError(f"{path}: there are no scores in it; give one row for each seed")
  scores = join(_score(path, list(run.values())) for run in runs.values())
  _refuse_other_evaluations(path, scores)
  return scores


def _refuse_other_evaluations(path: Path, scores: Iterable[Score]) -> None:
  firsts: dict[tuple[str, str], Score] = {}
  for score in scores:
    first = firsts.setdefault((score.method, score.dataset), score)
    if first.evaluation_steps != score.evaluation_steps:
      raise UserError(
        f"{path}: {score.method} on {score.dataset}: seed {score.seed} was not evaluated at the"
        f" steps at which seed {first.seed} was ({_evaluations(score)}; {_evaluations(first)});"
        " give all seeds of a cell the same steps"
      )


def _evaluations(score: Score) -> str:
  return f"seed {score.seed} has {max(len(score.evaluation_steps), 1)} rows"


def _score(path: Path, rows: list[_Row]) -> Score:
  rows = sorted(rows, key=lambda row: row.step or 0)
  last, several = rows[-1], len(rows) > 1
  window = [row.score for row in rows[-WINDOW:]]
  return Score(
    method=last.method,
    dataset=last.dataset,
    seed=last.seed,
    steps=last.step or 0,
    last=last.score,
    last_ten=sum(window) / len(window) if several else math.nan,
    evaluation_steps=tuple(row.step or 0 for row in rows) if several else (),
    evaluation_scores=tuple(row.score for row in rows) if several else (),
    settings={},
    source=str(path),
  )


def _csv_records(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
  lines = csv.reader(io.StringIO(text, newline=""))
  header: list[str] = []
  try:
    for values in lines:
      values = [value.strip() for value in values]
      where = f"{path} line {lines.line_num}"
      if not values:
        continue
      if not header:
        header = values
        _check_header(where, header)
      elif len(values) != len(header):
        raise UserError(
          f"{where}: {len(values)} values for {len(header)} columns; give each column one"
        )
      else:
        yield lines.line_num, dict(zip(header, values, strict=True))
  except csv.Error as error:
    raise UserError(
      f"{path} line {lines.line_num}: is no CSV ({error}); look for a quote that is not closed"
    ) from error


def _json_records(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
  try:
    records = json.loads(text) if text.strip() else []
  except (ValueError, RecursionError) as error:
    raise UserError(f"{path}: is no JSON ({error}); write a list of objects") from error
  if not isinstance(records, list):
    raise UserError(f"{path} line 1: is no list; write a list of objects, one for each row")
  # Read again one by one, for the line on which each begins.
  decoder, place = json.JSONDecoder(), text.find("[") + 1
  for record in records:
    gap = _JSON_GAP.match(text, place)
    place = gap.end() if gap else place
    line = text.count("\n", 0, place) + 1
    _, place = decoder.raw_decode(text, place)
    if not isinstance(record, dict):
      raise UserError(f"{path} line {line}: is no object; write one with {_listed(_REQUIRED)}")
    _check_columns(f"{path} line {line}", record)
    yield line, record


def _check_header(where: str, header: list[str]) -> None:
  if len(set(header)) < len(header):
    raise UserError(f"{where}: a column is named twice; name each of {_listed(header)} once")
  _check_columns(where, header)


def _check_columns(where: str, names: Any) -> None:
  if missing := [name for name in _REQUIRED if name not in names]:
    raise UserError(f"{where}: {_listed(missing)} missing; the columns are {_listed(COLUMNS)}")
  if unknown := [name for name in names if name not in COLUMNS]:
    raise UserError(f"{where}: unknown {_listed(unknown)}; the columns are {_listed(COLUMNS)}")


def _row(where: str, record: Mapping[str, Any]) -> _Row:
  method, dataset = (_name(where, name, record[name]) for name in ("method", "dataset"))
  method = canonical(method)
  if method in _OURS:
    raise UserError(
      f"{where}: method is {method!r}, as the runs of this package are called; give it another"
      " name, such as 'DMG (other code)'"
    )
  step = record.get("step")
  return _Row(
    where=where,
    method=method,
    dataset=dataset,
    seed=_integer(where, "seed", record["seed"]),
    score=_number(where, "score", record["score"]),
    step=None if step in (None, "") else _integer(where, "step", step),
  )


def _name(where: str, field: str, value: Any) -> str:
  name = value.strip() if isinstance(value, str) else ""
  if not name:
    raise UserError(f"{where}: {field} is {value!r}; give it a name")
  # Figures would read what stands between two dollars as a formula.
  if not name.isprintable() or "$" in name:
    raise UserError(
      f"{where}: {field} is {shorten(ascii(name), 100)}; names go on one line, without $"
    )
  return name


def _integer(where: str, name: str, value: Any) -> int:
  try:
    number = int(value) if isinstance(value, str) else value
  except ValueError:
    number = None
  if not isinstance(number, int) or isinstance(number, bool) or number < 0:
    raise UserError(f"{where}: {name} is {value!r}, but it must be an integer that is not negative")
  return number


def _number(where: str, name: str, value: Any) -> float:
  try:
    number = float(value) if isinstance(value, str | int | float) else math.nan
  except (ValueError, OverflowError):
    number = math.nan
  if isinstance(value, bool) or not math.isfinite(number):
    raise UserError(f"{where}: {name} is {value!r}, but it must be a finite number")
  return number


def _listed(names: Any) -> str:
  return ", ".join(names)
