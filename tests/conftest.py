"""Small agents and data that many tests share."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile

# One compilation of the step serves all tests, and the processes that they start.
CACHE = "JAX_COMPILATION_CACHE_DIR"
OWNS_CACHE = CACHE not in os.environ
os.environ[CACHE] = os.environ.get(CACHE) or tempfile.mkdtemp(prefix="dmg_jax_tests_")
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"

# Most of the tests' time is compilation. What is proved to 1e-12 of the authors' code is compiled
# as users compile it, see test_reference_parity.py.
QUICK = {
  "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
  # An older, quicker code generator.
  "XLA_FLAGS": "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1",
}


def _known(flags: str) -> bool:
  """Whether this version of XLA has flags; it ends a process that names others."""
  script = "import jax; jax.devices()"
  environment = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
  asked = subprocess.run(
    [sys.executable, "-c", script], env=environment, capture_output=True, check=False
  )
  return asked.returncode == 0


# Workers of one run inherit the answer.
if "XLA_FLAGS" not in os.environ:
  os.environ["XLA_FLAGS"] = QUICK["XLA_FLAGS"] if _known(QUICK["XLA_FLAGS"]) else ""
os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = QUICK["JAX_DISABLE_MOST_OPTIMIZATIONS"]

# Tests run side by side, one on each core; launch/study.py says what more threads can do.
os.environ["NPROC"] = "1"

import hypothesis
import numpy as np
import pytest

from dmg_jax import networks
from dmg_jax.types import Hyperparameters, Transitions

if OWNS_CACHE:
  atexit.register(shutil.rmtree, os.environ[CACHE], ignore_errors=True)

# The first example of a property compiles; its time says nothing. The same examples every
# time: a run that fails, fails again.
hypothesis.settings.register_profile("compiled", deadline=None, max_examples=50, derandomize=True)
hypothesis.settings.load_profile("compiled")

OBSERVATION_SIZE, ACTION_SIZE = 5, 2


def pytest_collection_modifyitems(items):
  """The long proofs first: at the end, one worker would have them alone."""
  items.sort(key=lambda item: "theory" not in item.path.parts)


def make_transitions(rows: int, dtype=np.float32, seed: int = 0) -> Transitions:
  """Random transitions of a made-up task."""
  generator = np.random.default_rng(seed)
  return Transitions(
    observations=generator.normal(size=(rows, OBSERVATION_SIZE)).astype(dtype),
    actions=generator.uniform(-1, 1, (rows, ACTION_SIZE)).astype(dtype),
    rewards=generator.normal(size=rows).astype(dtype),
    next_observations=generator.normal(size=(rows, OBSERVATION_SIZE)).astype(dtype),
    not_dones=(generator.random(rows) > 0.1).astype(dtype),
  )


def make_points(runs: int, dtype=np.float32, **changes) -> Hyperparameters:
  """Hyperparameters with a leading axis; a change is a number or one for each run."""
  values = {
    name: np.broadcast_to(np.asarray(value, dtype), runs).copy()
    for name, value in vars(Hyperparameters(**changes)).items()
  }
  return Hyperparameters(**values)


def small_architecture(width: int = 16) -> networks.Architecture:
  """Two hidden layers of some width in every network."""
  sizes = (width, width)
  return networks.Architecture(sizes, sizes, sizes)


@pytest.fixture
def transitions() -> Transitions:
  return make_transitions(200)


@pytest.fixture(scope="session")
def small_networks():
  return networks.make(ACTION_SIZE, small_architecture())
