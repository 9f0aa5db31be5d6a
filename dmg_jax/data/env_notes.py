"""What a file says of its environment: an id, and arguments as JSON."""

from collections.abc import Mapping
from typing import Any

from dmg_jax.envs.make import read_kwargs
from dmg_jax.errors import UserError

FIELDS = ("env_id", "env_kwargs")


def read(notes: Mapping[str, Any], path: object) -> tuple[str | None, dict[str, Any]]:
  """The environment's id, where the file has one, and its arguments.

  Args:
    notes: of the file, by name; others are ignored.
    path: of the file, for messages.

  Raises:
    UserError: if one is not text, or the arguments are not a JSON object.
  """
  for field in FIELDS:
    if not isinstance(notes.get(field, ""), str):
      raise UserError(f"{path}: {field} is no text; save it as a string such as 'Hopper-v4'")
  try:
    return notes.get("env_id"), read_kwargs(notes.get("env_kwargs", "{}"))
  except UserError as error:
    raise UserError(f"{path}: {error}") from error
