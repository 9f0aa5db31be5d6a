"""Progress: a bar on a terminal, a plain line per half minute elsewhere."""

import io

import pytest

from dmg_jax import progress


class Terminal(io.StringIO):
  def isatty(self) -> bool:
    return True


@pytest.fixture
def clock(monkeypatch):
  now = [0.0]
  monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

  def advance(seconds):
    now[0] += seconds

  return advance


def test_into_a_file_it_is_one_line_each_half_minute(clock):
  """An hour of 36,000 updates: 120 lines, not one for each update."""
  stream = io.StringIO()
  with progress.Progress(36_000, unit="step", description="2 runs", stream=stream) as shown:
    for _ in range(36_000):
      clock(0.1)
      shown.update()
  lines = stream.getvalue().splitlines()
  assert 119 <= len(lines) <= 121
  assert not any("\r" in line for line in lines)
  assert lines[-1] == "2 runs: 36,000 of 36,000 steps (100%), 10 steps/s, took 1:00:00"


def test_rate_and_time_left_count_from_where_it_started(clock):
  stream = io.StringIO()
  shown = progress.Progress(400, initial=100, unit="step", stream=stream)
  clock(20)
  shown.update(50)
  assert stream.getvalue() == ""
  shown.note("score 7.0")
  clock(20)
  shown.update(50)
  assert stream.getvalue() == ("200 of 400 steps (50%), 2.5 steps/s, 01:20 left, score 7.0\n")


def test_what_is_written_has_its_own_line(clock):
  stream = io.StringIO()
  with progress.Progress(10, stream=stream) as shown:
    shown.write("a run diverged")
    clock(2)
    shown.update(10)
  assert stream.getvalue().splitlines() == [
    "a run diverged",
    "10 of 10 steps (100%), 5 steps/s, took 00:02",
  ]


def test_without_a_total_there_is_no_time_left(clock):
  stream = io.StringIO()
  with progress.Progress(unit="B", description="file", scaled=True, stream=stream) as shown:
    clock(2)
    shown.update(3_000_000)
  assert stream.getvalue() == "file: 3.00M Bs, 1.50M Bs/s, took 00:02\n"


def test_nothing_done_in_no_time_is_no_error(clock):
  stream = io.StringIO()
  progress.Progress(0, stream=stream).close()
  assert stream.getvalue() == "0 steps, 0 steps/s, took 00:00\n"


def test_on_a_terminal_it_is_a_bar():
  stream = Terminal()
  with progress.Progress(10, unit="step", description="2 runs", stream=stream) as shown:
    shown.update(10)
    shown.note("score 7.0")
    shown.write("a line")
  text = stream.getvalue()
  assert "\r" in text
  assert "10/10" in text
  assert "score 7.0" in text
  assert "a line\n" in text


def test_what_is_left_out_counts_neither_for_the_rate_nor_for_the_time_left(clock):
  """40 s of compilation, then 10 steps a second: 90 steps are left for 9 s, not for 45."""
  stream = io.StringIO()
  shown = progress.Progress(100, stream=stream)
  clock(40)
  shown.leave_out(40)
  clock(1)
  shown.update(10)
  assert stream.getvalue() == "10 of 100 steps (10%), 10 steps/s, 00:09 left\n"


def test_what_is_left_out_counts_not_for_the_bar_either():
  terminal, now = Terminal(), [1000.0]
  with progress.Progress(100, stream=terminal) as shown:
    bar = shown._bar
    bar._time = lambda: now[0]
    bar.start_t = bar.last_print_t = now[0]
    now[0] += 40
    shown.leave_out(40)
    now[0] += 1
    shown.update(10)
    assert bar.format_dict["elapsed"] == pytest.approx(1)
    assert "00:09" in str(bar)
