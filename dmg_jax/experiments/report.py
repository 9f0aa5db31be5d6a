"""Run directories in, tables and figures of the paper's form out."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from dmg_jax.errors import StorageError, UserError, storage
from dmg_jax.report.figures import gallery, style
from dmg_jax.report.paper import comparison, comparison_text, paper_scores
from dmg_jax.report.paper.comparison_parts import Comparison
from dmg_jax.report.scores import family, foreign, gather, peer_scores, populations, selection
from dmg_jax.report.scores.populations import Compared
from dmg_jax.report.scores.score import Score
from dmg_jax.report.tables import family_grids, formats, words
from dmg_jax.report.tables.grids import Grid, overall_grid


def report(
  runs: Sequence[str],
  *,
  table: str,
  out: str | None,
  foreign_files: Sequence[str],
  peers: bool,
  statistic: str,
  width: str,
) -> Iterator[str]:
  """Writes tables (Markdown, LaTeX, CSV) and figures (PNG, PDF); yields lines to print.

  All files are made aside and moved in place once the last one is whole.

  Args:
    runs: run directories, or folders that hold such.
    table: of the paper, one of `paper_scores.TABLES`.
    out: folder to write in, made if it is not there.
    foreign_files: scores of other methods, see `foreign`.
    peers: whether the scores that other authors published stand beside.
    statistic: key of `comparison_text.STATISTICS`.
    width: key of `style.WIDTHS`.

  Raises:
    UserError: for a value that is none of these, and scores that may not share a report.
    StorageError: if the folder cannot be written.
  """
  number = int(_one_of("table", table, list(map(str, paper_scores.TABLES))))
  _one_of("statistic", statistic, list(comparison_text.STATISTICS))
  inches = style.WIDTHS[_one_of("width", width, list(style.WIDTHS))]
  if not runs and not foreign_files:
    raise UserError("no runs: name run directories, or folders that hold some, such as runs/")
  if not out:
    raise UserError("no --out: name a folder for the tables and figures")
  folder = _writable(out)
  gathered = gather.gather(runs)
  scores = selection.join(gathered.scores, *(foreign.read_scores(path) for path in foreign_files))
  if peers:
    known = {dataset for dataset, _ in paper_scores.cells(2)} | {score.dataset for score in scores}
    published = [score for score in peer_scores.rebrac_scores() if score.dataset in known]
    scores = selection.join(scores, published)
  diverged = gathered.diverged
  cells = [(run.method, run.dataset, run.seed) for run in diverged]
  found = comparison.compare(number, scores, statistic, cells)
  found = found._replace(notices=(*gathered.notices, *found.notices))
  text, written = _write(folder, found, scores, diverged, inches)
  yield text
  yield "written:"
  yield from (f"  {path}" for path in written)


def _write(
  folder: Path,
  found: Comparison,
  scores: Sequence[Score],
  diverged: Sequence[Score],
  width: float,
) -> tuple[str, list[Path]]:
  """Writes all files of a report; its Markdown, and their paths.

  Raises:
    UserError: if a folder stands where a file has to be; nothing is replaced then.
    StorageError: if the folder cannot be written.
  """
  statistic = found.statistic
  caption = comparison_text.caption(found, _episodes(scores))
  compared = populations.compared(scores, statistic)
  overall = [_overall(each, scores, statistic) for each in compared]
  places = family.places(scores, statistic)
  overall += _family(places, scores, statistic)
  made = not folder.exists()
  try:
    with storage(folder):
      folder.mkdir(parents=True, exist_ok=True)
      with tempfile.TemporaryDirectory(prefix=".report.", dir=folder) as aside:
        drawn = _draw(Path(aside), scores, compared, statistic, width, diverged)
        text = formats.markdown(found, caption, overall, drawn)
        files = {
          f"table_{found.table}.md": text,
          f"table_{found.table}.tex": formats.latex(found, caption, overall),
          f"table_{found.table}.csv": formats.comma_separated(found),
        }
        for each in compared:
          name = words.stem(f"aggregates_{each.kind}", statistic)
          files[f"{name}.csv"] = formats.overall_comma_separated(each, statistic)
        if places:
          name = words.stem("two_axes", statistic)
          files[f"{name}.csv"] = family_grids.places_comma_separated(places)
        for name, content in files.items():
          Path(aside, name).write_text(content, encoding="utf-8")
        written = sorted(Path(aside).iterdir())
        # Before the first is moved: a report is replaced whole or not at all.
        for path in written:
          if (folder / path.name).is_dir():
            raise UserError(f"{folder / path.name} is a folder; remove it or name another --out")
        for path in written:
          os.replace(path, folder / path.name)
  except (StorageError, UserError):
    if made:
      with contextlib.suppress(OSError):
        folder.rmdir()
    raise
  return text, [folder / path.name for path in written]


def _overall(compared: Compared, scores: Sequence[Score], statistic: str) -> Grid:
  shown = [s for s in scores if s.dataset in compared.population.get(s.method, {})]
  sentence = words.over_tasks(compared, shown, statistic)
  return overall_grid(compared, sentence[0].upper() + sentence[1:])


def _family(places: Sequence[family.Place], scores: Sequence[Score], statistic: str) -> list[Grid]:
  """Tables of methods that stand side by side on a data set, where there are any."""

  def sentence(datasets: set[str]) -> str:
    shown = [score for score in scores if score.dataset in datasets]
    text = words.statistic_of(shown, statistic)
    return text[0].upper() + text[1:] + words.lengths(shown)

  differences = family.differences(scores, statistic)
  grids = []
  if places:
    grids.append(family_grids.places_grid(places, sentence({p.dataset for p in places})))
  if differences:
    datasets = {difference.dataset for difference in differences}
    grids.append(family_grids.differences_grid(differences, sentence(datasets)))
  return grids


def _draw(
  folder: Path,
  scores: Sequence[Score],
  compared: Sequence[Compared],
  statistic: str,
  width: float,
  diverged: Sequence[Score],
) -> list[str]:
  """Draws all figures; a line on each."""
  lines = []
  with style.style():
    for named in gallery.draw(scores, compared, statistic, width, diverged):
      style.write(named.figure, folder / named.name)
      lines.append(f"{named.name}: {named.caption}")
  return lines


def _one_of(flag: str, value: str, values: Sequence[str]) -> str:
  if value not in values:
    raise UserError(f"--{flag} is {value!r}, but it must be one of {', '.join(values)}")
  return value


def _writable(out: str) -> Path:
  """The folder, if it is or could be one; before any work is done."""
  try:
    folder = Path(out).expanduser()
    there = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    if not there.is_dir():
      raise UserError(f"--out is {folder}, but {there} is a file; name a folder")
    if not os.access(there, os.W_OK | os.X_OK):
      raise UserError(f"{there} cannot be written: permission denied; name another --out")
    # A name that the file system refuses is refused here.
    folder.exists()
  except (OSError, RuntimeError) as error:
    reason = getattr(error, "strerror", None) or error
    raise UserError(f"--out cannot be a folder: {reason}; name another") from error
  return folder


def _episodes(scores: Sequence[Score]) -> list[int]:
  """Of an evaluation of a seed, in each run directory."""
  return [s.job.config["settings"]["evaluation_episodes"] for s in scores if s.job is not None]
