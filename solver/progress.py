"""What is known while a solve runs: the best plan so far, and the bound."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

MONEY = r"([+-]?\d+\.\d*(?:e[+-]?\d+)?)"
TABLE_ROW = re.compile(rf"{MONEY}[\s|]+{MONEY}[\s|]+[\d.]+%")
"""Bound, incumbent and gap as HiGHS 1.12 and SCIP 10 log them in every row of their tables."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a solve is.

    Attributes:
        seconds: since it began.
        usd_per_hour: of the best plan so far; None before the first.
        usd_per_hour_bound: proved so far.
        part, parts: which of the independent parts of the fleet this is about.
    """

    seconds: float
    usd_per_hour: float | None
    usd_per_hour_bound: float | None
    part: int = 1
    parts: int = 1

    @property
    def gap(self) -> float | None:
        """(cost - bound) / cost; None while either is unknown."""
        if not self.usd_per_hour or self.usd_per_hour_bound is None:
            return None
        return (self.usd_per_hour - self.usd_per_hour_bound) / self.usd_per_hour


OnProgress = Callable[[Progress], None]
OnBounds = Callable[[float | None, float | None], None]
"""Called with (incumbent, bound) in the money of whoever calls."""


def read_row(line: str) -> tuple[float, float] | None:
    """(incumbent, bound) of a line of a solver's log, or None.

    >>> read_row(" L   0   0   0   0.00%   606.7087539   609.173162   0.40%  209  88")
    (609.173162, 606.7087539)
    >>> read_row("  0.2s|  1 | 0 | 1771 | 6.049431e+02 | 7.374446e+02 |  21.90%| unknown")
    (737.4446, 604.9431)
    >>> read_row("Presolving model")
    """
    found = TABLE_ROW.search(line)
    return None if found is None else (float(found[2]), float(found[1]))
