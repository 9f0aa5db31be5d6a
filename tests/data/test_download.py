import hashlib
import http.server
import threading

import pytest

from dmg_jax.data import download
from dmg_jax.data.catalog import D4RLFile
from dmg_jax.errors import UserError

BODY = bytes(range(256)) * 20
SIZE = len(BODY)
HASH = hashlib.sha256(BODY).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
  """Serves `BODY` whole at /good, cut at /short, not at all elsewhere."""

  requests = 0

  def do_GET(self):
    Handler.requests += 1
    if "missing" in self.path:
      self.send_error(404)
      return
    self.send_response(200)
    if "unsized" not in self.path:
      self.send_header("Content-Length", str(SIZE))
    self.end_headers()
    self.wfile.write(BODY[:1000] if "short" in self.path else BODY)

  def log_message(self, *arguments):
    """Keeps the tests' output clean."""


@pytest.fixture(scope="module")
def address():
  with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


def entry(url, size=SIZE, sha256=HASH):
  return D4RLFile("hopper-medium-v2", url, size, sha256, 0.0, 1.0)


@pytest.mark.parametrize("place", ["good", "unsized"])
def test_a_good_file_arrives_under_its_address_name(address, tmp_path, place):
  folder = tmp_path / "not" / "yet"
  path = download.fetch(entry(f"{address}/{place}/hopper_medium-v2.hdf5"), folder)
  assert path == folder / "hopper_medium-v2.hdf5"
  assert path.read_bytes() == BODY
  assert list(folder.iterdir()) == [path]


def test_a_present_file_is_not_fetched_again(address, tmp_path):
  (tmp_path / "a.hdf5").write_bytes(b"mine")
  before = Handler.requests
  path = download.fetch(entry(f"{address}/good/a.hdf5"), tmp_path)
  assert path.read_bytes() == b"mine"
  assert Handler.requests == before


def test_an_unknown_hash_is_said_and_printed(address, tmp_path, capsys):
  path = download.fetch(entry(f"{address}/good/a.hdf5", size=None, sha256=None), tmp_path)
  assert path.read_bytes() == BODY
  assert f"a.hdf5: no published hash to compare with; sha256 is {HASH}" in capsys.readouterr().err


@pytest.mark.parametrize(
  ("place", "changed", "message"),
  [
    ("short", {}, "1000 of 5120 bytes"),
    ("short", {"size": None, "sha256": None}, "1000 of 5120 bytes"),
    ("short/unsized", {}, "1000 of 5120 bytes"),
    ("good", {"size": 6000}, "5120 of 6000 bytes"),
    ("good", {"sha256": "0" * 64}, f"other bytes than published: sha256 {HASH}, expected 000"),
    ("missing", {}, "HTTP Error 404"),
  ],
)
def test_a_failed_download_leaves_nothing(address, tmp_path, place, changed, message):
  url = f"{address}/{place}/a.hdf5"
  with pytest.raises(UserError, match=message) as caught:
    download.fetch(entry(url, **changed), tmp_path / "not" / "yet")
  line = str(caught.value)
  assert line.startswith(f"a.hdf5: download from {url} failed")
  assert line.endswith(f"place the file in {tmp_path / 'not' / 'yet'} by hand")
  assert "\n" not in line
  assert not list(tmp_path.iterdir())


def test_no_server_is_a_failed_download(tmp_path):
  with pytest.raises(UserError, match=r"download from http://127\.0\.0\.1:9/a\.hdf5 failed"):
    download.fetch(entry("http://127.0.0.1:9/a.hdf5"), tmp_path)
  assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_named(address, tmp_path):
  (tmp_path / "file").write_text("in the way")
  with pytest.raises(UserError, match=r"file is not a folder; set D4RL_DATASET_DIR to another"):
    download.fetch(entry(f"{address}/good/a.hdf5"), tmp_path / "file" / "datasets")


def test_an_interrupted_download_leaves_nothing(address, tmp_path, monkeypatch):
  def interrupt(descriptor):
    raise KeyboardInterrupt

  monkeypatch.setattr(download.os, "fsync", interrupt)
  with pytest.raises(KeyboardInterrupt):
    download.fetch(entry(f"{address}/good/a.hdf5"), tmp_path)
  assert not list(tmp_path.iterdir())


def test_directory_follows_d4rls_variable(monkeypatch, tmp_path):
  monkeypatch.setenv("D4RL_DATASET_DIR", str(tmp_path))
  assert download.directory() == tmp_path
  monkeypatch.delenv("D4RL_DATASET_DIR")
  monkeypatch.setenv("HOME", "/home/someone")
  assert str(download.directory()) == "/home/someone/.d4rl/datasets"
