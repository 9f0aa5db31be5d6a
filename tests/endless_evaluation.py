"""Evaluates for ever, in two worker processes whose numbers it prints first.

It has no `if __name__ == "__main__"`, as a user's script may have none.
"""

import signal

import jax.numpy as jnp
import numpy as np
import toy_environments  # noqa: F401

from dmg_jax.data import scaling
from dmg_jax.envs.workers import Workers
from dmg_jax.evaluation import Policies, Simulators, evaluate

# Where a shell started the tests in the background, SIGINT would be ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
workers = Workers(2)
simulators = Simulators("toy/Endless-v0", workers=workers)
simulators.open(4)
units = scaling.for_actions(1, np.array([-1]), np.array([1]))
stacked = scaling.Scaling(**{name: leaf[None] for name, leaf in vars(units).items()})
policies = Policies(lambda gain, rows: gain * rows, jnp.ones(1), stacked)
print(*workers.process_ids(), flush=True)
evaluate(simulators, policies, np.arange(4)[None])
