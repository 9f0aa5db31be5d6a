"""Files of recorded traces: reading with every check, and writing."""

import dataclasses
import json
import re
import zipfile
from pathlib import Path

import numpy as np
from recorded_trace import (
  LEARNERS,
  TARGETS,
  Arrays,
  Settings,
  Snapshot,
  Trace,
  perceptrons,
)

from dmg_jax.errors import UserError
from dmg_jax.types import Transitions

_MARK = re.compile(r"(init|after[1-9]\d*|final)/(\w+)/(l[1-9]\d*\.(?:weight|bias))")


def load(path: str | Path) -> Trace:
  """Reads a trace and checks that it is whole.

  Raises:
    UserError: the file is missing or no .npz, or a key is missing, misshapen or
      of a wrong kind.
  """
  path = Path(path)
  if not path.is_file():
    raise UserError(f"{path}: no such file; --trace names an .npz of the recorded format")
  try:
    with np.load(path, allow_pickle=False) as file:
      arrays = {key: file[key] for key in file.files}
  except (ValueError, OSError, EOFError, TypeError, zipfile.BadZipFile) as error:
    raise UserError(f"{path}: not a readable .npz file of plain arrays") from error
  try:
    return _parse(arrays)
  except UserError as error:
    raise UserError(f"{path}: {error}") from error


def save(path: str | Path, trace: Trace) -> None:
  """Writes a trace as a compressed .npz file."""
  arrays = dataclasses.asdict(trace.batches)
  arrays["noise"] = trace.noise
  for mark, snapshot in trace.snapshots.items():
    for network, tensors in snapshot.items():
      arrays |= {f"{mark}/{network}/{name}": tensor for name, tensor in tensors.items()}
  arrays["hyper_json"] = np.array(json.dumps(dataclasses.asdict(trace.settings)))
  np.savez_compressed(path, **arrays)


def _parse(arrays: Arrays) -> Trace:
  settings = _parse_settings(arrays)
  lead = (settings.N, settings.B)
  shapes = {
    "observations": (*lead, settings.S),
    "actions": (*lead, settings.A),
    "rewards": lead,
    "next_observations": (*lead, settings.S),
    "not_dones": lead,
    "noise": (*lead, settings.A),
  }
  inputs = {key: _numbers(arrays, key, shape) for key, shape in shapes.items()}
  noise = inputs.pop("noise")
  snapshots: dict[str, Snapshot] = {"init": {}}
  for key in arrays:
    if match := _MARK.fullmatch(key):
      mark, network, name = match.groups()
      snapshots.setdefault(mark, {}).setdefault(network, {})[name] = _numbers(arrays, key)
  init = snapshots["init"]
  for network in LEARNERS:
    _check_layers(settings, network, init.get(network, {}))
  init = {network: init[network] for network in LEARNERS}
  whole = init | {target: init[target.removesuffix("_target")] for target in TARGETS}
  _check_snapshots(whole, snapshots, settings.N)
  return Trace(settings, Transitions(**inputs), noise, snapshots | {"init": init})


def _parse_settings(arrays: Arrays) -> Settings:
  if "hyper_json" not in arrays:
    raise UserError("key 'hyper_json' is missing")
  try:
    values = json.loads(str(arrays["hyper_json"][()]))
  except json.JSONDecodeError as error:
    raise UserError(f"hyper_json: not valid JSON ({error})") from error
  if not isinstance(values, dict):
    raise UserError("hyper_json: must be a JSON object")
  names = [field.name for field in dataclasses.fields(Settings)]
  if missing := [name for name in names if name not in values]:
    raise UserError(f"hyper_json: missing {', '.join(missing)}")
  return Settings(**{name: values[name] for name in names})


def _numbers(arrays: Arrays, key: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
  if key not in arrays:
    raise UserError(f"key '{key}' is missing")
  array = arrays[key]
  if array.dtype.kind not in "fiub":
    raise UserError(f"key '{key}' holds {array.dtype}, but must hold numbers")
  if shape is not None and array.shape != shape:
    raise UserError(f"key '{key}' has shape {array.shape}, but hyper_json makes it {shape}")
  return array.astype(np.float64)


def _check_layers(settings: Settings, network: str, tensors: Arrays) -> None:
  """Refuses initial layers that do not chain from a network's inputs to its outputs."""
  inputs = settings.S + (settings.A if network == "critic" else 0)
  outputs = settings.A if network == "actor" else 1
  # At least one layer each, so that an empty network names a key it lacks.
  depth = max(1, -(-len(tensors) // 2 // perceptrons(network)[1]))
  for place in range(perceptrons(network)[1]):
    width = inputs
    for layer in range(1, depth + 1):
      name = f"l{place * depth + layer}"
      for part in ("weight", "bias"):
        if f"{name}.{part}" not in tensors:
          raise UserError(f"key 'init/{network}/{name}.{part}' is missing")
      weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
      expected = (outputs if layer == depth else bias.size, width)
      if weight.shape != expected or bias.shape != expected[:1]:
        raise UserError(
          f"keys 'init/{network}/{name}.*' have shapes {weight.shape} and {bias.shape}, "
          f"but {expected} and {expected[:1]} fit the layers around them"
        )
      width = expected[0]


def _check_snapshots(whole: Snapshot, snapshots: dict[str, Snapshot], steps: int) -> None:
  """Refuses marks beyond the trace, an incomplete end, and tensors that init lacks."""
  for network, tensors in whole.items():
    for name in tensors:
      if name not in snapshots.get("final", {}).get(network, {}):
        raise UserError(f"key 'final/{network}/{name}' is missing")
  for mark, snapshot in snapshots.items():
    if mark.startswith("after") and int(mark.removeprefix("after")) > steps:
      raise UserError(f"keys '{mark}/*' lie beyond the {steps} steps of the trace")
    for network, tensors in snapshot.items():
      for name, tensor in tensors.items():
        known = whole.get(network, {}).get(name)
        if known is None or known.shape != tensor.shape:
          raise UserError(f"key '{mark}/{network}/{name}' has no match of its shape in init")
