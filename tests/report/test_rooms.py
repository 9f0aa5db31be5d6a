"""Imports within the report run downward."""

import re
from pathlib import Path

import pytest

import dmg_jax.report

ROOMS = ("scores", "paper", "tables", "figures")
ROOT = Path(dmg_jax.report.__file__).parent


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_uses_only_those_below_it(room):
  files = list((ROOT / room).glob("*.py"))
  assert files
  used = {
    name
    for path in files
    for name in re.findall(r"dmg_jax\.report(?:\.| import )(\w+)", path.read_text())
  }
  assert used & {*ROOMS} <= {*ROOMS[: ROOMS.index(room) + 1]}
