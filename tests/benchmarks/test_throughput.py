"""What the throughput benchmark makes of its rates."""

import throughput_report

# A machine of two cores that do 100 together and 60 alone; a step takes 2 operations.
# Its speed halves and doubles between rounds, all ratios stay.
SPEEDS = (1.0, 0.5, 2.0)
MEDIAN = {
  "matmul, all cores": 100.0,
  "matmul, one core": 60.0,
  "1 runs": 25.0,
  "4 runs": 40.0,
  "1 runs in one call": 30.0,
  "4 runs in one call": 32.0,
  "PyTorch, 1 threads": 4.0,
  "PyTorch, 2 threads": 5.0,
}


ROUNDS = {name: [rate * speed for speed in SPEEDS] for name, rate in MEDIAN.items()}


def test_ratios_by_hand():
  found = throughput_report.ratios(ROUNDS, [1, 4], step_flops=2.0)
  assert found["steps_per_second"] == {"1": 25.0, "4": 40.0}
  assert found["share_of_matmul_rate"] == {"1": 0.5, "4": 0.8}
  assert found["time_per_run_over_single"] == {"1": 1.0, "4": 0.625}
  assert found["one_call_steps_per_second"] == {"1": 30.0, "4": 32.0}
  assert found["ratio_to_one_call"] == {"1": 25 / 30, "4": 1.25}
  assert found["ratio_to_torch"] == 5.0


def test_a_ratio_is_the_median_of_the_rounds_own():
  rounds = {**ROUNDS, "4 runs in one call": [32.0, 20.0, 20.0], "4 runs": [40.0, 40.0, 30.0]}
  found = throughput_report.ratios(rounds, [1, 4], step_flops=2.0)
  assert found["ratio_to_one_call"]["4"] == 1.5


def test_without_pytorch_and_one_call_the_rest_stands(tmp_path, capsys):
  names = [name for name in ROUNDS if name.endswith(("runs", "cores", "core"))]
  result = throughput_report.ratios(
    {name: ROUNDS[name] for name in names}, [1, 4], step_flops=2.0
  ) | {
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
