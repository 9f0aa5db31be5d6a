"""What docs/finetuning.md says before its numbers."""

RULES = """# Online: fine-tuning and training from scratch

<!-- Made by `python benchmarks/finetuning.py`; not to be edited. -->

```bash
python launch/main.py --config=configs/antmaze.py:antmaze-umaze-v2 --run_dir=runs/offline
python launch/finetune.py --config=configs/finetune.py --config.source=runs/offline \\
  --run_dir=runs/online
python launch/report.py runs/offline runs/online --table=4 --out=report
```

On data of our own, from a fresh clone, with networks that a CPU trains in minutes:

```bash
python launch/collect.py --env=dmg_jax/PointMaze-Medium-v0 --tier=diverse --steps=100000 --root=data
python launch/main.py --config=configs/antmaze.py:data/dmg/pointmaze-medium/diverse-v0 \\
  --config.methods=dmg,iql --config.seeds=2 --config.steps=4000 --config.evaluation_interval=2000 \\
  --config.evaluation_episodes=20 --config.target_rate=0.05 --config.normalise_observations=True \\
  "--config.actor_hidden_sizes=(64,64)" "--config.critic_hidden_sizes=(64,64)" \\
  "--config.value_hidden_sizes=(64,64)" --run_dir=runs/offline
python launch/finetune.py --config=configs/finetune.py --config.source=runs/offline \\
  --config.steps=12000 --config.evaluation_interval=2000 --config.evaluation_episodes=20 \\
  --run_dir=runs/online
python launch/report.py runs/offline runs/online --table=4 --out=report
```

In both, `launch/finetune.py` goes on with all runs of a finished offline job, together. Each run has its own
simulator, its own episodes and its own rows; the data's rows are held once. The run directory has
the files of [an offline job](jobs.md), and `streams/`, what each run went through. The same
command continues a job that was killed, to the same bits. Unfinished episodes are brought back by
repeating their actions. `--dry_run` shows the plan, and the memory that the rows take: 1,000,000
steps of 5 runs in AntMaze take 1.36 GB on the device, and as much in the host's memory and, at the
end, on the disk. On a CPU the runs learn side by side, on `workers` threads; their number changes
no bit.

## Rules

They are those of the paper (App. C.2) and of its code:

* λ moves from 0.25 to 0.5, and ν from its value to 1 % of it: the distance left is multiplied by
  0.99 every 1000 gradient steps. The paper has end points for AntMaze alone; for other data the
  same rule is taken, and printed. IQL and TD3 keep what they fix.
* Networks, target networks and the state of Adam are carried over; the actor's rate is constant.
* One gradient step for each environment step, from the first. Gaussian noise of 0.1 on actions.
* Minibatches are drawn uniformly from the data and the run's own rows.
* The discount is 0.995 where the data's name has "maze" and "large" in it.
* The reward is -1 for each step of a maze, and 0 where the goal is reached, which ends the episode,
  also on the last step that is allowed. (The released code stores such a last step as a failure.)

| field | what |
| --- | --- |
| `source`, `runs` | the offline job, and which of its runs; without a source, `methods` begin from scratch |
| `decay`, `lam_end`, `nu_end` | whether λ and ν move, and to where |
| `sampling` | `uniform`; `symmetric`: half of a minibatch from the data, half from the run's rows; `online`: the run's rows alone |
| `updates_per_step` | gradient steps for each environment step |
| `learn_every` | environment steps with one policy, before all their gradient steps in one call |
| `random_steps`, `exploration_noise` | how a run explores |

From scratch in the simulator of a data set, which also says how observations are normalised:

```bash
python launch/finetune.py --config=configs/finetune.py:antmaze-umaze-v2 --config.family=antmaze \\
  --config.methods=td3,sac                               # learn from their own rows alone
python launch/finetune.py --config=configs/finetune.py:antmaze-umaze-v2 --config.family=antmaze \\
  --config.methods=dmg --config.sampling=symmetric       # half of each minibatch is the data's
```

SAC (soft actor-critic) learns online alone: it explores by its policy's own randomness, and takes
no `exploration_noise`. `launch/collect.py` makes data through the same loop.
"""  # noqa: E501, RUF001 - tables of a page, and its symbols
