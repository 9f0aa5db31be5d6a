"""One name for each method, whoever wrote it down."""

# What papers and other code call methods of this package.
_ALIASES = {"TD3BC": "TD3+BC", "TD3 + BC": "TD3+BC", "TD3-BC": "TD3+BC", "TD3_BC": "TD3+BC"}


def canonical(method: str) -> str:
  """The name of a method in tables and figures: "TD3+BC" for "TD3BC"; others stay."""
  return _ALIASES.get(method, method)


def order(method: str) -> tuple[bool, str]:
  """Sorts methods, DMG first, so that its colour is the same in all figures."""
  return method != "DMG", method
