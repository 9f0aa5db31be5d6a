"""The simulators of a job's tasks."""

from dmg_jax import plan, tasks
from dmg_jax.experiments import evaluations


def task(name: str, env: str, **env_kwargs) -> tasks.Task:
  return tasks.Task(name, name, "d4rl", "0", env, env_kwargs, None, True, False, 0.0, None)


def test_tasks_in_one_environment_share_its_simulators_and_all_share_workers():
  jobs = [
    task("hopper-medium-v2", "Hopper-v4"),
    task("hopper-expert-v2", "Hopper-v4"),
    task("other", "Hopper-v4", healthy_reward=2.0),
    task("logged", "none"),
  ]
  request = plan.Request(("dmg", "bc"), {}, (0, 1, 2), tasks.LOCOMOTION)
  made = plan.make(request, jobs, {job.name: (11, 3) for job in jobs})
  # 6 runs of a task play 4 episodes each: enough for three workers, of the 2 to 64 allowed.
  for allowed, expected in ((2, 2), (64, 3)):
    workers, found = evaluations.simulators(made, {"evaluation_episodes": 4, "workers": allowed})
    assert workers.count == expected
    assert list(found) == ["hopper-medium-v2", "hopper-expert-v2", "other"]
    assert found["hopper-medium-v2"] is found["hopper-expert-v2"]
    assert found["other"] is not found["hopper-medium-v2"]
    assert found["other"].env_kwargs == {"healthy_reward": 2.0}
    assert not workers.process_ids()
