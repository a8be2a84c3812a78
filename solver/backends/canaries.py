"""Ten tiny programs with known answers: what some release of some solver has got wrong.

A backend answers them all when a process uses it for the first time, or is not used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event

import numpy as np

from ...models.outcome import BackendError, Status
from ..builder import ProgramBuilder
from ..program import Program, SolveOptions
from .base import Backend
from .finish import finish

Row = tuple[Sequence[float], float, float]
"""Coefficients, least and greatest activity."""

EXACT = SolveOptions(time_limit_s=10.0, relative_gap=0.0)
TOLERANCE = 1e-6
"""Relative error of an optimum that a solver's tolerances explain."""
INF = math.inf


@dataclass(frozen=True, slots=True)
class Canary:
    """A program, and its optimum; None where it has no point.

    Attributes:
        integer: which columns are integer.
        most: upper bound of each column; the lower is 0.
    """

    what: str
    cost: Sequence[float]
    integer: Sequence[bool]
    rows: Sequence[Row]
    optimum: float | None
    most: float = 100.0

    def program(self) -> Program:
        """The canary in arrays."""
        builder = ProgramBuilder()
        columns = np.concatenate(
            [
                builder.columns(1, cost=c, upper=self.most, integer=i)
                for c, i in zip(self.cost, self.integer, strict=True)
            ]
        )
        for coefficients, low, high in self.rows:
            builder.entries(builder.rows(1, low, high), columns, np.asarray(coefficients, float))
        return builder.build()


CANARIES = (
    # HiGHS 1.14 says 15: github.com/ERGO-Code/HiGHS/issues/3043.
    Canary("a real and an integer", (2, 3), (False, True), [((1, 1), 4.5, INF)], 9.0),
    Canary("a decimal tie", (1,), (True,), [((2.9 / 46.4,), 1.0, INF)], 16.0),
    Canary("no whole point", (1, 1), (True, True), [((2, 4), 5.0, 5.0)], None),
    Canary("no point", (1,), (True,), [((1,), 3.0, INF), ((1,), -INF, 2.0)], None),
    Canary("many replicas", (1,), (True,), [((1,), 700_000.0, INF)], 700_000.0, 1e6),
    Canary("small money", (1e-3, 1.5e-3), (True, True), [((2, 3), 7.0, INF)], 3.5e-3),
    Canary("reals", (1, 1), (False, False), [((1, 2), 4.0, INF), ((3, 1), 6.0, INF)], 2.8),
    Canary(
        "one order of three, and its VMs",
        (4, 3, 2, 1),
        (True,) * 4,
        [((1, 1, 1, 0), 1.0, 1.0), ((-1, -2, -5, 1), 0.0, INF)],
        5.0,
    ),
    Canary(
        "replicas that share VMs",
        (0, 0, 0, 5, 3),
        (True,) * 5,
        [
            ((0.4, 0, 0, 0, 0), 1.0, INF),
            ((0, 0.3, 1.0, 0, 0), 1.0, INF),
            ((-0.25, -0.5, 0, 1, 0), 0.0, INF),
            ((0, 0, -1.0, 0, 1), 0.0, INF),
        ],
        8.0,
    ),
    Canary(
        "a quota that binds",
        (2, 5),
        (True, True),
        [((0.3, 0.45), 1.0, INF), ((1, 0), -INF, 1.0)],
        12.0,
    ),
)


def failure(backend: Backend) -> str | None:
    """The canary that a backend gets wrong, in words, or None."""
    for canary in CANARIES:
        program = canary.program()
        if backend.refusal(program, EXACT):
            continue
        try:
            answer = backend.answer(program, EXACT, lambda best, bound: None, Event())
            found = finish(program, EXACT, answer, backend.name, 0.0)
        except BackendError as error:
            return f"it fails on a known program ({canary.what}): {error}"
        said = found.objective if found.status is Status.OPTIMAL else None
        known = found.status in (Status.OPTIMAL, Status.INFEASIBLE)
        right = known and (said is None) == (canary.optimum is None)
        if right and said is not None and canary.optimum is not None:
            right = math.isclose(said, canary.optimum, rel_tol=TOLERANCE)
        if not right:
            truth = "infeasible" if canary.optimum is None else f"{canary.optimum:g}"
            told = found.status.value if said is None else f"{said:g}"
            return f"it gets a known program wrong ({canary.what}): {told} instead of {truth}"
    return None
