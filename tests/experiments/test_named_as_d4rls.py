"""Own data in a file named as one of D4RL's, from the file to the report."""

import csv
import json

import pytest
from experiments.test_settings import make_config

from dmg_jax.collect.rollout import roll
from dmg_jax.data import minari_files
from dmg_jax.envs.make import make
from dmg_jax.errors import UserError
from dmg_jax.experiments import data, job, report
from dmg_jax.experiments.verify import verify
from dmg_jax.report.figures import gallery

NAME = "hopper-medium-replay-v2"
TINY = {
  "seeds": 2,
  "steps": 4,
  "batch_size": 8,
  "actor_hidden_sizes": (8, 8),
  "critic_hidden_sizes": (8, 8),
  "value_hidden_sizes": (8, 8),
  "log_interval": 4,
  "evaluation_interval": 4,
  "evaluation_episodes": 1,
  "checkpoint_interval": 4,
}


@pytest.fixture
def exported(tmp_path, monkeypatch):
  monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
  monkeypatch.setenv("D4RL_DATASET_DIR", str(tmp_path / "d4rl"))
  episodes = roll("Hopper-v4", None, 200, seed=3)
  folder = minari_files.write(tmp_path / "minari", "dmg/hopper/x-v0", episodes, make("Hopper-v4"))
  path = tmp_path / "d4rl" / "hopper_medium_replay-v2.hdf5"
  path.parent.mkdir()
  list(data.export(str(folder), data.Given(), str(path)))
  return path


def test_no_number_of_the_papers_stands_beside(exported, tmp_path, monkeypatch):
  monkeypatch.setattr(gallery, "draw", lambda *_: iter(()))
  config = make_config(**TINY, dataset=str(exported))
  outcome = job.run(config, str(tmp_path / "run"), lambda line: None)
  assert "paper" not in outcome.table
  (group,) = json.loads((tmp_path / "run/summary.json").read_text())["groups"]
  assert group["paper"] is None
  asked = {"table": "2", "foreign_files": [], "peers": True, "statistic": "last", "width": "full"}
  list(report.report([str(tmp_path / "run")], out=str(tmp_path / "out"), **asked))
  with open(tmp_path / "out/table_2.csv") as file:
    ours = [row for row in csv.DictReader(file) if row["method"].startswith("DMG")]
  assert {row["dataset"] for row in ours if row["seeds"] == "0 1"} == {f"own-{NAME}"}


@pytest.mark.usefixtures("exported")
def test_it_is_found_where_d4rls_file_should_lie():
  with pytest.raises(UserError, match=r"own-hopper-medium-replay-v2: sha256 is .*, published was"):
    list(verify(NAME, data.Given(), 1))
