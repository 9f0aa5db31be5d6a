"""The machine that a benchmark runs on."""

import platform
from pathlib import Path

import jax


def device_name() -> str:
  """Of the accelerator, or the processor's."""
  device = jax.devices()[0]
  if device.platform != "cpu":
    return f"{len(jax.devices())} x {device.device_kind}"
  try:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
  except OSError:
    lines = []
  models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
  return f"{len(models)} x {models[0]}" if models else platform.processor()
