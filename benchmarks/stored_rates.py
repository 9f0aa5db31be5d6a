"""Writes the measured rates that the package brings with it, for `--dry_run`.

  python benchmarks/stored_rates.py

To be run again when `benchmarks/throughput.py` was. It makes dmg_jax/stored_rates.json of
benchmarks/results/throughput_*.json.
"""

import json

from absl import app
from jobs import RESULTS, ROOT

PATH = ROOT / "dmg_jax" / "stored_rates.json"
_KEPT = (
  "device", "precision", "command", "versions", "worker_threads", "steps_per_second",
  "flops_per_step", "peak_memory_bytes",
)  # fmt: skip


def content() -> str:
  """What the file has to hold now."""
  stored = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("throughput_*.json"))]
  kept = [{name: one[name] for name in _KEPT} for one in stored]
  return json.dumps(kept, indent=2) + "\n"


def main(_) -> None:
  PATH.write_text(content())
  print(PATH)


if __name__ == "__main__":
  app.run(main)
