"""What the throughput benchmark makes of its rates."""

import throughput_report

# A machine of two cores that do 100 together and 60 alone; a step takes 2 operations.
BEST = {
  "matmul, all cores": 100.0,
  "matmul, one core": 60.0,
  "1 runs": 25.0,
  "4 runs": 40.0,
  "1 runs in one call": 30.0,
  "4 runs in one call": 32.0,
  "PyTorch, 1 threads": 4.0,
  "PyTorch, 2 threads": 5.0,
}


def test_ratios_by_hand():
  found = throughput_report.ratios(BEST, [1, 4], step_flops=2.0)
  assert found["steps_per_second"] == {"1": 25.0, "4": 40.0}
  assert found["share_of_matmul_rate"] == {"1": 0.5, "4": 0.8}
  assert found["time_per_run_over_single"] == {"1": 1.0, "4": 0.625}
  assert found["one_call_steps_per_second"] == {"1": 30.0, "4": 32.0}
  assert found["ratio_to_one_call"] == {"1": 25 / 30, "4": 1.25}
  assert found["ratio_to_torch"] == 5.0


def test_without_pytorch_and_one_call_the_rest_stands(tmp_path, capsys):
  best = {name: rate for name, rate in BEST.items() if name.endswith(("runs", "cores", "core"))}
  result = throughput_report.ratios(best, [1, 4], step_flops=2.0) | {
    "device": "2 x Toy",
    "versions": {"jax": "0"},
    "rounds": 3,
    "compile_seconds": {"1": 1.0},
    "peak_memory_bytes": 2**20,
  }
  assert result["ratio_to_torch"] is None
  throughput_report.show(result)
  rows = capsys.readouterr().out.splitlines()
  assert [row.split()[1] for row in rows if row.startswith("dmg_jax")] == ["1", "4"]
  throughput_report.draw(result, tmp_path / "plot.png")
  assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
