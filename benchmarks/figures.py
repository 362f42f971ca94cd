"""The arithmetic: medians, how far they spread, ratios."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Spread:
    """What several rounds gave: the middle, the least, the most."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        """Write the median, and least and most behind it where there was more than one round."""
        said = rounded(self.median)
        low, high = rounded(self.low), rounded(self.high)
        return said if low == high else f"{said} ({low}-{high})"


def spread(values: Sequence[float]) -> Spread:
    """Summarise rounds.

    Raises:
        ValueError: there was none.

    """
    if not values:
        raise ValueError("there is no round to summarise")
    return Spread(statistics.median(values), min(values), max(values))


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value below or at which so much of all lies (0 to 1): one that was measured, none in between.

    Raises:
        ValueError: there are none.

    """
    if not values:
        raise ValueError("there is nothing to rank")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def ratio(value: float, other: float) -> str:
    """Write how many times the other a value is."""
    return f"{value / other:.1f} x" if other else "-"


def rounded(value: float) -> str:
    """Write a figure with about three digits that mean something."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"
