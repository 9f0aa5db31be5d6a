from dmg_jax.report.job_command import command

CONFIG = {"dataset": "hopper-medium-v2", "steps": 20, "seeds": 2, "hidden_sizes": [64]}
MAIN = "python launch/main.py --config=configs/mujoco.py"


def test_a_command_names_what_the_launcher_would_not_choose():
  assert command(CONFIG) == (
    f"{MAIN}:hopper-medium-v2 '--config.hidden_sizes=(64,)' --config.seeds=2 --config.steps=20"
  )
  assert command({"dataset": "hopper-medium-v2", "seeds": 5, "first_seed": 0}) == (
    f"{MAIN}:hopper-medium-v2"
  )


def test_a_job_is_continued_in_its_directory():
  assert command(CONFIG, "runs/a b") == f"{command(CONFIG)} '--run_dir=runs/a b'"
