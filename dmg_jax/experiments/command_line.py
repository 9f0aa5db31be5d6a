"""A launcher's command line: its config file, overrides and flags; slips in one line."""

import difflib
import functools
import inspect
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NoReturn

import jax
from absl import app, flags, logging
from ml_collections import config_flags

from dmg_jax import interruption, processes, tasks
from dmg_jax.errors import PartnerError, SimulatorError, StoppedError, StorageError, UserError
from dmg_jax.experiments import fields, output

_HELP = ("--help", "-help", "-h", "--helpfull", "-helpfull", "--helpshort")
_CONFIG = "--config="
_OVERRIDE = "--config."
# Title -> fields and their defaults, beside those of offline training.
_Tables = Mapping[str, tuple[Mapping[str, fields.Field], Mapping[str, Any]]]
_more: dict[str, tuple[Mapping[str, fields.Field], Mapping[str, Any]]] = {}


def launch(main: Callable[..., None], words: int = 0) -> None:
  """Runs a launcher whose flags are defined: exit code 2 for a user's slip, 1 for storage.

  `--help` lists the flags and, where the launcher has a config, its fields; it
  exits with 0. More positional arguments than it takes are refused.

  Args:
    main: reads the flags and does the work; gets the positional arguments.
    words: how many of them it takes at most.
  """
  output.tolerate()
  if any(argument in _HELP for argument in sys.argv[1:]):
    print(_help(sys.modules["__main__"]))
    sys.exit(0)
  app.run(
    lambda rest: _exit_with(functools.partial(main, *rest[1:])),
    argv=sys.argv,
    flags_parser=functools.partial(_parse, words=words),
  )


def define_config(default: str, more: _Tables | None = None) -> Any:
  """Defines `--config`; the holder's `value` is the config after all overrides.

  A file that is not below the working directory is looked for among the
  configs that come with the package.

  Args:
    default: the file, if none is named.
    more: title -> fields, and their defaults, that the config has beside those of
      offline training.
  """
  _more.update(more or {})
  arguments = [_located(argument) for argument in _joined(sys.argv[1:])]
  # ml_collections wants the file before its overrides; people need not know.
  sys.argv[1:] = sorted(arguments, key=lambda argument: not argument.startswith(_CONFIG))

  def define() -> Any:
    _check(sys.argv, default)
    file = _located(_CONFIG + default)[len(_CONFIG) :]
    return config_flags.DEFINE_config_file("config", file, "File of the settings of the job.")

  return _or_exit(define)


def named_fields() -> frozenset[str]:
  """The fields of the config that the command line sets: the others are the file's."""
  return frozenset(config_flags.get_override_values(flags.FLAGS["config"]))


def _or_exit(work: Callable[[], Any]) -> Any:
  """What `work` returns; a slip on the command line ends the process with one line."""
  try:
    return work()
  # Config files, absl and ml_collections raise errors of many kinds for a user's slip.
  except Exception as error:
    print(f"error: {_one_line(error)}", file=sys.stderr)
    sys.exit(2)


def _joined(arguments: Sequence[str]) -> list[str]:
  """The arguments in one form: `-config FILE`, which absl also takes, is `--config=FILE`."""
  joined: list[str] = []
  for argument in arguments:
    if re.match(r"-config(?=[=.]|$)", argument):
      argument = f"-{argument}"
    if joined and joined[-1] == _CONFIG[:-1] and not argument.startswith("-"):
      joined[-1] += f"={argument}"
    else:
      joined.append(argument)
  return joined


def _located(argument: str) -> str:
  """An argument `--config=FILE[:DATASET]` whose file can be found."""
  if not argument.startswith(_CONFIG):
    return argument
  name, colon, rest = argument[len(_CONFIG) :].partition(":")
  packaged = Path(str(resources.files("dmg_jax"))) / name
  beside = Path(str(resources.files("dmg_jax"))).parent / name
  for path in (Path(name), packaged, beside):
    if path.is_file():
      return f"{_CONFIG}{path}{colon}{rest}"
  return argument


def _parse(argv: Sequence[str], words: int) -> list[str]:
  """Parses all flags; a slip ends the process with one line and exit code 2."""
  rest = _or_exit(lambda: flags.FLAGS(list(argv)))
  if len(rest) > 1 + words:
    print(
      f"error: {rest[1 + words]!r} is no flag; write flags as --name=value (--help lists them)",
      file=sys.stderr,
    )
    sys.exit(2)
  return rest


def _check(argv: Sequence[str], default: str) -> None:
  named = [argument for argument in argv if argument.startswith(_CONFIG)]
  if len(named) > 1:
    raise UserError(f"--config is given {len(named)} times; name one file")
  if named:
    file = named[0][len(_CONFIG) :].partition(":")[0]
    if not os.path.isfile(file):
      raise UserError(f"there is no config file {file}; try --config={default}")
  known = {*fields.DEFAULTS}.union(*(defaults for _, defaults in _more.values()))

  for argument in argv:
    if argument.startswith(_OVERRIDE):
      name = argument[len(_OVERRIDE) :].partition("=")[0]
      if name not in known:
        near = difflib.get_close_matches(name, known)
        hint = f"; near names: {', '.join(near)}" if near else " (--help lists the fields)"
        raise UserError(f"the config has no field {name!r}{hint}")


def _one_line(error: Exception) -> str:
  lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
  return " ".join(lines) or type(error).__name__


def _exit_with(main: Callable[[], None]) -> None:
  logging.set_verbosity(logging.WARNING)
  try:
    interruption.begin()
    main()
    processes.end()
  except UserError as error:
    _exit(f"error: {error}", 2, error)
  except (PartnerError, SimulatorError, StorageError) as error:
    _exit(f"error: {error}", 1, error)
  except StoppedError as stopped:
    _exit(str(stopped), stopped.exit_code, stopped)
  except KeyboardInterrupt:
    _exit("interrupted", 130)
  except Exception:
    if (reason := _without_device()) is not None:
      _exit(f"error: JAX finds no device ({reason}); correct or unset JAX_PLATFORMS", 2)
    if processes.count() > 1:
      _exit(traceback.format_exc(), 1)
    raise


def _exit(text: str, code: int, error: BaseException | None = None) -> NoReturn:
  """Ends the process with a line on standard error; other processes of the job end, too.

  Args:
    text: the line.
    code: of the process.
    error: why it ends.
  """
  print(text, file=sys.stderr)
  processes.leave(code, error)
  sys.exit(code)


def _without_device() -> str | None:
  """Why JAX has no device to compute on; None if it has one."""
  try:
    jax.devices()
  # For platforms that are not there, JAX raises errors of several kinds.
  except Exception as error:
    return _one_line(error)
  return None


def _help(module: Any) -> str:
  """The launcher's text, its flags, and the fields of its config."""
  lines = [inspect.getdoc(module) or "", "", "Flags:"]
  own = flags.FLAGS.flags_by_module_dict().get(sys.argv[0], [])
  for flag in sorted(own, key=lambda flag: flag.name):
    default = "" if flag.default is None else f" (default: {flag.default})"
    lines.append(f"  --{flag.name:<24} {flag.help}{default}")
  if "config" in flags.FLAGS:
    for title, (table, defaults) in _more.items():
      lines += ["", f"{title}, --config.FIELD=VALUE:", *_fields(table, defaults)]
    lines += ["", "Fields of the config, --config.FIELD=VALUE:"]
    lines += _fields(fields.JOB)
    lines += ["", "Fields of a run; several values, separated by commas, give a grid:"]
    lines += _fields(fields.POINT)
  return "\n".join(lines)


def _fields(
  table: Mapping[str, fields.Field], defaults: Mapping[str, Any] = fields.DEFAULTS
) -> list[str]:
  family = tasks.LOCOMOTION
  paper = {**tasks.paper_point(""), **tasks.SCHEDULES[family], **tasks.PREPARATION[family]}
  lines = []
  for name, field in table.items():
    default = defaults[name]
    if default is not None:
      shown = f" (default: {default!r})"
    else:
      shown = f" (the paper's: {paper[name]})" if name in paper else ""
    lines.append(f"  {name:<24} {field.meaning}{shown}")
  return lines
