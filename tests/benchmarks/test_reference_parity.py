import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
import reference_parity
import trace_files
from absl import flags
from absl.testing import flagsaver
from conftest import QUICK

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
TOLERANCE = 1e-12


def replaced(trace, **changes):
  return dataclasses.replace(trace, settings=dataclasses.replace(trace.settings, **changes))


@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.glob("*.npz")))
def test_step_agrees_with_recorded_trace(name):
  """By the command, and compiled as users compile it."""
  script = ROOT / "benchmarks" / "reference_parity.py"
  result = subprocess.run(
    [sys.executable, script, f"--trace={FIXTURES / name}"],
    env={key: value for key, value in os.environ.items() if key not in QUICK},
    capture_output=True,
    text=True,
    check=False,
  )
  assert result.returncode == 0, result.stdout + result.stderr
  assert "critic_target" in result.stdout
  assert f"within the tolerance of {TOLERANCE}" in result.stdout


@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.glob("*.npz")))
def test_all_marks_are_compared(name):
  trace = trace_files.load(FIXTURES / name)
  parity = reference_parity.compare(trace)
  assert parity.largest() <= TOLERANCE, reference_parity.report(trace, parity)
  assert parity.parameters.keys() == trace.snapshots.keys() - {"init"}


@pytest.mark.parametrize(
  "changes",
  [
    {"discount": 0.98},
    {"tau": 0.0051},
    {"expectile": 0.91},
    {"temperature": 10.1},
    {"max_weight": 90},
    {"lam": 0.26},
    {"nu": 0.51},
    {"policy_freq": 3},
    {"start_step": 1},
    {"mode": "online", "start_step": 998},
    {"lr_actor_final": 2.9e-4},
  ],
  ids=lambda changes: "-".join(changes),
)
def test_any_other_setting_disagrees(changes):
  trace = trace_files.load(FIXTURES / "own_antmaze.npz")
  assert reference_parity.compare(replaced(trace, **changes)).largest() > TOLERANCE


@pytest.mark.parametrize("changes", [{"start_step": 1993}, {"lam_end": 0.6}, {"nu_end": 0.01}])
def test_decay_is_followed(changes):
  trace = trace_files.load(FIXTURES / "own_online_decay.npz")
  assert reference_parity.compare(replaced(trace, **changes)).largest() > TOLERANCE


def test_nan_disagrees():
  trace = trace_files.load(FIXTURES / "own_antmaze.npz")
  trace.noise[0] = np.nan
  assert np.isnan(reference_parity.compare(trace).largest())


def test_precision_outside_is_left_alone():
  before = jax.numpy.ones(()).dtype
  reference_parity.compare(trace_files.load(FIXTURES / "own_antmaze.npz"))
  assert jax.numpy.ones(()).dtype == before


@pytest.fixture
def _parsed_flags():
  with flagsaver.flagsaver():
    flags.FLAGS.mark_as_parsed()
    yield
    flags.FLAGS.unparse_flags()


@pytest.mark.usefixtures("_parsed_flags")
def test_exit_code_above_tolerance(capsys):
  flags.FLAGS["trace"].value = str(FIXTURES / "own_antmaze.npz")
  flags.FLAGS["tolerance"].value = 0.0
  assert reference_parity.main([]) == 1
  assert "ABOVE the tolerance" in capsys.readouterr().out


@pytest.mark.usefixtures("_parsed_flags")
def test_exit_code_of_bad_input(capsys, tmp_path):
  flags.FLAGS["trace"].value = str(tmp_path / "none.npz")
  assert reference_parity.main([]) == 2
  output = capsys.readouterr()
  assert output.out == ""
  assert output.err.startswith(f"error: {tmp_path / 'none.npz'}: no such file")
  assert output.err.count("\n") == 1
