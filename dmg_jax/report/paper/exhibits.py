"""The tables and figures of the DMG paper: what each needs, and the commands that make it.

Of "Doubly Mild Generalization for Offline Reinforcement Learning" (Mao, Wang, Qu, Jiang, Ji;
NeurIPS 2024; arXiv 2411.07934): data sets, seeds and steps as its Sections 5 and App. C say.
"""

from typing import NamedTuple

from dmg_jax.methods import METHODS
from dmg_jax.report.paper import paper_scores
from dmg_jax.tasks import is_antmaze

STEPS = 1_000_000
ONLINE_PHASE = "after 1M online steps"
_DEFAULT_SEEDS = 5  # of configs/mujoco.py
ABLATED_LAMBDAS = (0.0, 0.25, 0.5, 0.75, 1.0)
ABLATED_NUS = (10.0, 1.0, 0.5, 0.1, 0.05, 0.01, 0.001)
ABLATED_DATASETS = (
  "walker2d-medium-v2",
  "hopper-medium-v2",
  "halfcheetah-medium-v2",
  "halfcheetah-random-v2",
)
_REPORT = "python launch/report.py RUNS --table={} --out=DIR"
_MAIN = "python launch/main.py --config=configs/mujoco.py:DATASET"
_ANTMAZE = "python launch/main.py --config=configs/antmaze.py:DATASET"
_FINE_TUNE = "python launch/finetune.py --config=configs/finetune.py --config.source=RUN_DIR"


class Exhibit(NamedTuple):
  """A table or figure of the paper, or the part of one that is made alike.

  Attributes:
    name: such as "Table 2, locomotion".
    shows: in a few words.
    datasets: that it is made from; DATASET in `command` stands for each.
    runs: seeds times settings, on each data set, that no exhibit before has.
    steps: of a run, gradient steps.
    command: of the runs, or of what else makes it; "" where nothing needs to be run.
    report: the command that draws it from finished runs, or "".
    note: sentences on how it is made, or "".
    online: whether each gradient step waits for a step of a simulator.
  """

  name: str
  shows: str
  datasets: tuple[str, ...] = ()
  runs: int = 0
  steps: int = STEPS
  command: str = ""
  report: str = ""
  note: str = ""
  online: bool = False


def command(dataset: str, seeds: int, first_seed: int, method: str = "DMG") -> str:
  """Of the runs of a method on a data set of the paper.

  Args:
    dataset: D4RL's name.
    seeds, first_seed: of the runs.
    method: its title in the paper's tables; in Table 4 with the phase.
  """
  title, _, phase = method.partition(" ")
  if phase == "offline":
    return command(dataset, seeds, first_seed, title)
  if phase == ONLINE_PHASE:
    offline = command(dataset, seeds, first_seed, title)
    return f"{_FINE_TUNE} (RUN_DIR: of {offline})"
  (name,) = (name for name, known in METHODS.items() if known.title == method)
  overrides = f" --config.methods={name}" * (name != "dmg")
  overrides += f" --config.seeds={seeds}" * (seeds != _DEFAULT_SEEDS)
  overrides += f" --config.first_seed={first_seed}" * (first_seed != 0)
  return (_ANTMAZE if is_antmaze(dataset) else _MAIN).replace("DATASET", dataset) + overrides


def exhibits() -> tuple[Exhibit, ...]:
  """All tables and figures of the paper, in its order."""
  locomotion, mazes = datasets(2)
  in_sample, _ = datasets(3)
  table_2, table_3, table_4, table_6 = (_REPORT.format(number) for number in (2, 3, 4, 6))
  more_seeds = "These are five seeds more than those of Table 2, which are to be in RUNS too."
  apart = (
    "Its point at the paper's settings is of Table 2's runs, too: report them apart. The report "
    "draws score and Q."
  )
  return (
    Exhibit(
      "Table 1",
      "which methods generalise where",
      note="It has no numbers. `--config=configs/table1.py:DATASET` trains its methods and cloning "
      "side by side.",
    ),
    Exhibit(
      "Table 2, locomotion", "scores, mean ± sd", locomotion, 5, command=_MAIN, report=table_2
    ),
    Exhibit("Table 2, AntMaze", "scores, mean ± sd", mazes, 5, command=_ANTMAZE, report=table_2),
    Exhibit(
      "Table 3",
      "XQL and SQL, with and without DMG",
      in_sample,
      6 * 5,
      command="python launch/main.py --config=configs/table3.py",
      report=table_3,
      note="With IQL and DMG beside them, which the paper's Table 2 has.",
    ),
    Exhibit(
      "Table 4",
      "offline, then 1M steps online",
      mazes,
      5,
      command=_FINE_TUNE,
      report=table_4,
      note="RUN_DIR is a run directory of Table 2's runs, which are to be in RUNS too. IQL's come "
      "from a source that was trained with `--config.methods=iql`; TD3 from scratch is "
      "`--config=configs/finetune.py:DATASET --config.family=antmaze --config.methods=td3`.",
      online=True,
    ),
    Exhibit(
      "Table 5",
      "hyper-parameters",
      note="Nothing is run: `dmg_jax/tasks.py` holds them, and every run its own in config.json.",
    ),
    Exhibit(
      "Table 6, locomotion",
      "ten seeds, 95 % interval",
      locomotion,
      5,
      command=f"{_MAIN} --config.first_seed=5",
      report=table_6,
      note=more_seeds,
    ),
    Exhibit(
      "Table 6, AntMaze",
      "ten seeds, 95 % interval",
      mazes,
      5,
      command=f"{_ANTMAZE} --config.first_seed=5",
      report=table_6,
      note=more_seeds,
    ),
    Exhibit(
      "Figure 1",
      "score and Q against lambda",
      ABLATED_DATASETS,
      5 * len(ABLATED_LAMBDAS),
      command="python launch/main.py --config=configs/ablation_lambda.py",
      report=table_2,
      note=apart,
    ),
    Exhibit(
      "Figure 2",
      "score and Q against nu",
      ABLATED_DATASETS,
      5 * len(ABLATED_NUS),
      command="python launch/main.py --config=configs/ablation_nu.py",
      report=table_2,
      note=apart,
    ),
    Exhibit(
      "Figure 3",
      "training time",
      ("halfcheetah-medium-replay-v2",),
      1,
      command="python benchmarks/throughput.py",
      note="Of DMG here and of an eager PyTorch step; the other methods' times are not measured. "
      "The command trains on made-up arrays of hopper's size, not on the paper's data set.",
    ),
    Exhibit("Figure 4", "curves of Table 2, locomotion", locomotion, report=table_2),
    Exhibit("Figure 5", "curves of Table 2, AntMaze", mazes, report=table_2),
    Exhibit(
      "Figure 6",
      "curves of Table 4",
      mazes,
      report=table_4,
      note="They are `online_curves_antmaze`; at step 0 they have the offline score.",
    ),
  )


def datasets(table: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
  """A table's data sets, locomotion's and AntMaze's, in its order."""
  names = dict.fromkeys(dataset for dataset, _ in paper_scores.cells(table))
  return (
    tuple(name for name in names if not is_antmaze(name)),
    tuple(name for name in names if is_antmaze(name)),
  )
