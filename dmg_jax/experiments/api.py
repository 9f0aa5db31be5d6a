"""Training from Python: the same code as `launch/main.py`, with a typed result."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dmg_jax import tasks
from dmg_jax.data import arrays
from dmg_jax.data.dataset import Dataset
from dmg_jax.errors import UserError
from dmg_jax.experiments import fields, job, outcome, run_paths
from dmg_jax.policy import Policy, load_policy
