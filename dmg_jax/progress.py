"""How far some work is: a bar on a terminal, a plain line now and then elsewhere."""

import sys
import time
from types import TracebackType
from typing import TextIO

from tqdm import tqdm

_SECONDS_BETWEEN_LINES = 30.0


class Progress:
  """Shows how much of some work is done, at which rate, and how long the rest will take.

  On a terminal it is a bar. Into a file or a pipe it writes one line each half
  minute, and one at the end.

  Args:
    total: units of all the work; None if not known.
    initial: units that are done already.
    unit: what is counted, in the singular, such as "step".
    description: what is done, in a few words.
    scaled: whether large numbers are shortened, as 1.2M.
    stream: standard error, if not given.
  """

  def __init__(
    self,
    total: int | None = None,
    initial: int = 0,
    unit: str = "step",
    description: str = "",
    scaled: bool = False,
    stream: TextIO | None = None,
  ):
    self._stream = sys.stderr if stream is None else stream
    self._total, self._unit, self._description = total, unit, description
    self._scaled = scaled
    self._initial = self._done = initial
    self._note = ""
    self._started = self._last_line = time.monotonic()
    self._left_out = 0.0
    self._bar = None
    if self._stream.isatty():
      self._bar = tqdm(
        total=total,
        initial=initial,
        unit=unit,
        unit_scale=scaled,
        desc=description or None,
        smoothing=0.1,
        file=self._stream,
      )

  def update(self, count: int = 1) -> None:
    """Counts some more units as done."""
    self._done += count
    if self._bar is not None:
      self._bar.update(count)
    elif time.monotonic() - self._last_line >= _SECONDS_BETWEEN_LINES:
      self._print_line()

  def leave_out(self, seconds: float) -> None:
    """Seconds just spent on something else, such as compilation: the rate is without them."""
    self._left_out += seconds
    if self._bar is not None:
      self._bar.start_t += seconds
      self._bar.last_print_t += seconds

  def note(self, text: str) -> None:
    """Shows a few words behind the numbers, until the next ones."""
    self._note = text
    if self._bar is not None:
      self._bar.set_postfix_str(text)

  def write(self, line: str) -> None:
    """Prints a line of its own, on the same stream."""
    if self._bar is not None:
      self._bar.write(line, file=self._stream)
    else:
      print(line, file=self._stream, flush=True)

  def close(self) -> None:
    """Ends the bar, or prints the last line."""
    if self._bar is not None:
      self._bar.close()
    else:
      self._print_line()

  def __enter__(self) -> "Progress":
    return self

  def __exit__(
    self,
    kind: type[BaseException] | None,
    error: BaseException | None,
    traceback: TracebackType | None,
  ) -> None:
    self.close()

  def _print_line(self) -> None:
    self._last_line = time.monotonic()
    seconds = self._last_line - self._started
    working = seconds - self._left_out
    rate = (self._done - self._initial) / working if working > 0 else 0.0
    done, share = self._number(self._done), ""
    if self._total:
      done += f" of {self._number(self._total)}"
      share = f" ({self._done / self._total:.0%})"
    parts = [f"{done} {self._unit}s{share}", f"{self._number(rate)} {self._unit}s/s"]
    if self._total and self._done < self._total and rate > 0:
      parts.append(f"{_duration((self._total - self._done) / rate)} left")
    else:
      parts.append(f"took {_duration(seconds)}")
    if self._note:
      parts.append(self._note)
    prefix = f"{self._description}: " if self._description else ""
    print(prefix + ", ".join(parts), file=self._stream, flush=True)

  def _number(self, value: float) -> str:
    if self._scaled:
      return tqdm.format_sizeof(value)
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def _duration(seconds: float) -> str:
  """Such as 1:05:09."""
  return tqdm.format_interval(round(seconds))
