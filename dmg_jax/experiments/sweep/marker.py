"""A file by which every machine of a sweep shows that it sees the storage, and what it runs."""

import hashlib
import json
import os
import platform
import secrets
import socket
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from dmg_jax import run_log
from dmg_jax.errors import UserError

NAME = "marker.json"
_PACKAGES = ("dmg_jax", "jax", "jaxlib", "numpy", "gymnasium", "mujoco")


class Seen(NamedTuple):
  """What one machine says.

  Attributes:
    host: its name.
    token: of the marker that it read; None if it could not.
    problem: why it could not.
    versions: of what computes: name -> version.
  """

  host: str
  token: str | None
  problem: str
  versions: dict[str, str]


def versions() -> dict[str, str]:
  """Versions of Python and of the packages that decide the numbers, and a hash of our code."""
  found = {"python": platform.python_version()}
  found |= {name: metadata.version(name) for name in _PACKAGES}
  package = Path(__file__).parents[2]
  digest = hashlib.sha256()
  for path in sorted(package.rglob("*.py")):
    digest.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes())
  return found | {"code of dmg_jax": digest.hexdigest()[:10]}


def write(directory: Path) -> str:
  """Writes a new marker into a sweep's folder; its token.

  Raises:
    StorageError: if it could not be written.
  """
  token = secrets.token_hex(8)
  run_log.write_json(directory / NAME, {"token": token})
  return token


def look(directory: str | os.PathLike[str]) -> Seen:
  """Reads the marker on this machine; never fails."""
  token, problem = None, ""
  try:
    token = str(json.loads(Path(directory, NAME).read_text())["token"])
  except OSError as error:
    problem = error.strerror or str(error)
  except (ValueError, KeyError, TypeError):
    problem = "its content is not what was written"
  return Seen(socket.gethostname(), token, problem, versions())


def check(directory: Path, token: str, seen: Sequence[Seen]) -> None:
  """Refuses machines that do not see the storage, or do not run the same code.

  Args:
    directory: of the sweep.
    token: of the marker that was written.
    seen: what each machine says, the one that wrote it included.

  Raises:
    UserError: naming the machines, and the versions that differ.
  """
  blind = {one.host: one.problem or "another file is there" for one in seen if one.token != token}
  if blind:
    reasons = ", ".join(f"{host} ({problem})" for host, problem in blind.items())
    raise UserError(
      f"{directory} is not in storage that all machines share: {NAME} was written there, and is "
      f"not seen on {reasons}; name a --sweep_dir that all of them see, by a path from the root"
    )
  different = _different(seen)
  if different:
    raise UserError(
      f"the machines do not run the same versions: {different}; install the same on all of them"
    )


def _different(seen: Sequence[Seen]) -> str:
  texts = []
  for name in dict.fromkeys(name for one in seen for name in one.versions):
    hosts: dict[str, list[str]] = {}
    for one in seen:
      listed = hosts.setdefault(one.versions.get(name, "missing"), [])
      if one.host not in listed:
        listed.append(one.host)
    if len(hosts) > 1:
      on = (f"{version} on {', '.join(names)}" for version, names in hosts.items())
      texts.append(f"{name} {', but '.join(on)}")
  return "; ".join(texts)


def differences(stored: Mapping[str, Any], now: Mapping[str, str]) -> str:
  """The packages of a sweep begun earlier that have another version now; "" if none has.

  The hash of the code is left out: a sweep may go on with a corrected program.
  """
  names = [name for name in ("python", *_PACKAGES) if stored.get(name) != now[name]]
  return ", ".join(f"{name} {stored.get(name)} -> {now[name]}" for name in names)
