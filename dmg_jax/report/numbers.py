"""How numbers are written: fixed decimals, and never "-0.0"."""

from collections.abc import Sequence


def fixed(value: float | None, decimals: int = 1, absent: str = "-") -> str:
  """A number with so many decimals; `absent` for None. What rounds to zero has no sign."""
  return absent if value is None else f"{rounded(value, decimals):.{decimals}f}"


def signed(value: float, decimals: int = 1) -> str:
  """A difference, with its sign; zero is positive."""
  return f"{rounded(value, decimals):+.{decimals}f}"


def rounded(value: float, decimals: int = 1) -> float:
  """The number at so many decimals, as a float."""
  return round(value, decimals) + 0.0  # + 0.0 turns -0.0 into 0.0


def plus_minus(mean: float | None, spread: float | None, decimals: int = 1) -> str:
  """Such as "65.5 ± 1.2"; the mean alone where there is no spread."""
  plain = fixed(mean, decimals)
  return plain if spread is None else f"{plain} ± {fixed(spread, decimals)}"


def interval(ends: Sequence[float] | None, decimals: int = 1) -> str:
  """Such as "[50.1, 80.2]"; "-" for None."""
  if ends is None:
    return "-"
  low, high = (fixed(end, decimals) for end in ends)
  return f"[{low}, {high}]"
