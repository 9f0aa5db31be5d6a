import reproduction


def test_the_page_is_what_its_command_makes_now():
  assert reproduction.PAGE.read_text() == reproduction.page(), (
    "run `python benchmarks/reproduction.py`"
  )


def test_the_command_writes_it(tmp_path, monkeypatch, capsys):
  monkeypatch.setattr(reproduction, "PAGE", tmp_path / "docs" / "page.md")
  reproduction.main([])
  assert (tmp_path / "docs" / "page.md").read_text() == reproduction.page()
  assert "page.md" in capsys.readouterr().out


def test_a_table_in_the_results_is_counted(tmp_path, monkeypatch):
  for path in reproduction.RESULTS.glob("*.json"):
    (tmp_path / path.name).write_bytes(path.read_bytes())
  (tmp_path / "table_6.csv").write_text(
    "dataset,method,seeds,steps,statistic,mean,paper_mean,within\n"
    "hopper-medium-v2,DMG,0 1 2 3 4 5 6 7 8 9,1000000,last,100.0,100.5,yes\n"
  )
  monkeypatch.setattr(reproduction, "RESULTS", tmp_path)
  page = reproduction.page()
  assert "[Table 6](../benchmarks/results/table_6.csv), --statistic=last: 1 cells measured" in page
  assert "1 of 1 full ones lie within" in page
