"""Messages that cannot be written stop no work."""

import os
import sys

import pytest

from dmg_jax.experiments import output


def unread():
  """A pipe whose reader is gone."""
  reader, writer = os.pipe()
  os.close(reader)
  return os.fdopen(writer, "w")


def held_back():
  """The same, with a message that was written before and not brought out."""
  stream = unread()
  stream.write("x")
  return stream


def full():
  return open("/dev/full", "w")


@pytest.mark.parametrize(
  ("make", "line"),
  [
    (unread, ""),
    (held_back, ""),
    (full, "standard output cannot be written (No space left on device): the work goes on "),
    (lambda: None, ""),
  ],
  ids=["unread", "held back", "full", "closed"],
)
def test_output_that_cannot_be_written_is_dropped(make, line, monkeypatch, tmp_path):
  errors = tmp_path / "errors"
  with errors.open("w") as file:
    monkeypatch.setattr(sys, "stdout", make())
    monkeypatch.setattr(sys, "stderr", file)
    output.tolerate()
    output.tolerate()
    for _ in range(3):
      print("x" * 10_000)
      sys.stdout.flush()
    assert not sys.stdout.isatty()
    sys.stdout.close()
    sys.stderr.flush()
  assert errors.read_text().startswith(line)
  assert errors.read_text().count("\n") == bool(line)


def test_errors_that_cannot_be_written_are_dropped(monkeypatch, capsys):
  monkeypatch.setattr(sys, "stderr", full())
  output.tolerate()
  print("lost", file=sys.stderr, flush=True)
  sys.stderr.close()
  print("shown")
  assert capsys.readouterr().out == "shown\n"


def test_characters_that_an_encoding_lacks_are_replaced(monkeypatch, tmp_path):
  with (tmp_path / "out").open("w", encoding="ascii") as file:
    monkeypatch.setattr(sys, "stdout", file)
    output.tolerate()
    print("1 ± 2", end="")
    sys.stdout.flush()
  assert (tmp_path / "out").read_bytes() == b"1 ? 2"


def test_what_can_be_written_is_written(monkeypatch, tmp_path):
  with (tmp_path / "out").open("w") as file:
    monkeypatch.setattr(sys, "stdout", file)
    output.tolerate()
    print("ä", end="")
    sys.stdout.flush()
    assert (tmp_path / "out").read_text() == "ä"
