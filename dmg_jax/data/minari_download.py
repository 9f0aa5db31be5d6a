"""Public Minari data sets, fetched once."""

import io
import logging
import sys
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from textwrap import shorten

import huggingface_hub.constants
import minari

from dmg_jax.data import minari_files, minari_staging
from dmg_jax.errors import UserError

# Where Minari keeps its public data sets.
_SERVER = huggingface_hub.constants.ENDPOINT
_PATIENCE_S = 10


def download(dataset_id: str) -> Path:
  """Fetches a public data set by Minari's own downloader; returns its folder.

  It is in its place whole or not at all. Minari's messages, and the retries of its client, are
  not shown; without a connection there are none.

  Raises:
    UserError: if that fails, for whatever reason.
  """
  folder = minari_files.root()
  print(f"asking Minari's server for {dataset_id} (up to a minute)", file=sys.stderr, flush=True)
  try:
    _reach()
    with minari_staging.staged(folder, dataset_id) as stage, _silenced():
      stage.mkdir()
      with minari_files.minaris_root(stage):
        minari.download_dataset(dataset_id)
  except Exception as error:  # Each of Minari's remote stores has its own exceptions.
    raise UserError(
      f"Minari data set {dataset_id!r} is not in {folder} and cannot be downloaded "
      f"({shorten(str(error), 200)}); "
      f"fetch it with `minari download {dataset_id}` and place it there"
    ) from error
  return folder / dataset_id


def _reach() -> None:
  """One request to the server: without a connection, its client would try for half a minute.

  Raises:
    OSError: if there is no answer; any answer will do.
  """
  request = urllib.request.Request(_SERVER, method="HEAD")
  with suppress(urllib.error.HTTPError):
    urllib.request.urlopen(request, timeout=_PATIENCE_S).close()


@contextmanager
def _silenced() -> Iterator[None]:
  """Minari and its client print and log nothing."""
  client = logging.getLogger("huggingface_hub")
  level = client.level
  client.setLevel(logging.CRITICAL)
  try:
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
      warnings.simplefilter("ignore", UserWarning)
      yield
  finally:
    client.setLevel(level)
