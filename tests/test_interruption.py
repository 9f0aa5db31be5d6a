"""Signals to real processes, and the handlers afterwards."""

import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from small_jobs import ROOT

from dmg_jax.interruption import Interruption

PROGRAM = """
import hashlib, signal, sys, time
# Whatever started the tests may ignore them.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from dmg_jax.interruption import Interruption

busy = sys.argv[1] == "busy"
with Interruption() as stop:
  print("ready", flush=True)
  for piece in range(100):
    if busy:
      # A call of minutes that does not come back to Python, as a compiled one.
      hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)
    time.sleep(0.05)
    if stop.requested:
      break
  print("saved", flush=True)
  if sys.argv[1] == "slow":
    time.sleep(30)
  sys.exit(stop.exit_code)
"""
NOTICE = "stopping: the work under way is finished and saved; a second signal ends at once\n"
SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.fixture
def start():
  """Starts the program; it is ended with the test."""
  processes = []

  def start(kind: str) -> subprocess.Popen:
    process = subprocess.Popen(
      [sys.executable, "-c", PROGRAM, kind],
      stdout=subprocess.PIPE,
      stderr=subprocess.PIPE,
      text=True,
    )
    processes.append(process)
    assert process.stdout.readline() == "ready\n"
    return process

  yield start
  for process in processes:
    process.kill()
    process.wait()


@pytest.mark.parametrize("number", [*SIGNALS, signal.SIGHUP])
def test_the_piece_under_way_is_finished(number, start):
  process = start("quick")
  process.send_signal(number)
  out, err = process.communicate(timeout=30)
  assert (out, err) == ("saved\n", NOTICE)
  assert process.returncode == 128 + number


@pytest.mark.parametrize("second", SIGNALS)
@pytest.mark.parametrize("first", SIGNALS)
def test_a_second_signal_stops_at_once(first, second, start):
  process = start("slow")
  process.send_signal(first)
  assert process.stdout.readline() == "saved\n"
  process.send_signal(second)
  _, err = process.communicate(timeout=10)
  assert err == NOTICE
  assert process.returncode == -second


@pytest.mark.parametrize("number", SIGNALS)
def test_a_second_signal_stops_also_within_a_long_call(number, start):
  process = start("busy")
  process.send_signal(number)
  # At once, and not after the call.
  assert process.stderr.readline() == NOTICE
  assert process.poll() is None
  process.send_signal(number)
  out, err = process.communicate(timeout=10)
  assert (out, err) == ("", "")
  # Ended by the watcher within the call, or, if Python ran its handler between two calls, by the
  # signal itself. A shell reports both as 128 + number.
  assert process.returncode in (128 + number, -number)


def test_the_former_handlers_are_back():
  def mine(*_):
    pass

  before = {number: signal.signal(number, mine) for number in SIGNALS}
  try:
    with Interruption() as stop:
      assert signal.getsignal(signal.SIGTERM) is not mine
      signal.raise_signal(signal.SIGTERM)
      assert stop.requested
      assert stop.exit_code == 143
    assert [signal.getsignal(number) for number in SIGNALS] == [mine, mine]
    with pytest.raises(ZeroDivisionError), Interruption():
      raise ZeroDivisionError
    assert [signal.getsignal(number) for number in SIGNALS] == [mine, mine]
  finally:
    for number, handler in before.items():
      signal.signal(number, handler)


def test_an_ignored_signal_stays_ignored():
  before = signal.signal(signal.SIGINT, signal.SIG_IGN)
  try:
    with Interruption() as stop:
      signal.raise_signal(signal.SIGINT)
      assert not stop.requested
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
  finally:
    signal.signal(signal.SIGINT, before)


def test_in_another_thread_it_does_nothing():
  found = []

  def work():
    with Interruption() as stop:
      found.append((stop.requested, stop.exit_code))

  before = [signal.getsignal(number) for number in SIGNALS]
  thread = threading.Thread(target=work)
  thread.start()
  thread.join()
  assert found == [(False, 0)]
  assert [signal.getsignal(number) for number in SIGNALS] == before


def _catches_ctrl_c(process: int) -> bool:
  """Whether a process has a handler of its own: Python has, until a launcher gives it back."""
  status = Path(f"/proc/{process}/status").read_text()
  mask = int(re.search(r"SigCgt:\s*([0-9a-f]+)", status)[1], 16)
  return bool(mask >> (signal.SIGINT - 1) & 1)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for handlers")
@pytest.mark.parametrize("launcher", ["main", "data"])
def test_ctrl_c_while_a_launcher_is_imported_prints_nothing(launcher):
  process = subprocess.Popen(
    [sys.executable, ROOT / "launch" / f"{launcher}.py", "--help"],
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    # As in a terminal: a shell may have this test ignore it.
    preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
  )
  for caught in (True, False):
    while _catches_ctrl_c(process.pid) != caught:
      time.sleep(0.001)
  process.send_signal(signal.SIGINT)
  # No help yet: the imports were under way.
  assert process.communicate(timeout=60) == (b"", b"")
  assert process.returncode == -signal.SIGINT
