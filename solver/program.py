"""The mixed-integer program in arrays, with no domain words, and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from ..models.outcome import ProblemError, Status
from ..models.value import FloatArray
from .deadline import Cancel, Deadline
from .progress import OnBounds

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

NativeValue = bool | int | float | str
"""Of an option that one solver knows by its own name."""

INTEGER_LIMIT = 1e6
"""Greatest bound of an integer column: CP-SAT clamps at 1e7 in silence, and beyond 1e6
the tolerances of the other solvers reach whole units."""

LEAST_MEMORY = 1e9
"""Least memory limit [bytes]: a solver's libraries alone map half of it."""


@dataclass(frozen=True, slots=True)
class Program:
    """min cost . x  subject to  row_lower <= A x <= row_upper, lower <= x <= upper.

    A is in compressed sparse rows, columns sorted within a row, no duplicates.

    Attributes:
        cost: shape [n].
        lower, upper: bounds of x, shape [n]; finite for integer columns.
        integer: which columns are integer, shape [n].
        row_lower, row_upper: shape [m]; -inf or inf where open.
        indptr: row starts, shape [m + 1].
        indices, data: column and coefficient of each entry, shape [nnz].
        hint: a feasible point to start from, shape [n], or None.
        usd_scale: cost was multiplied by this power of two.
        feasibility: tolerance that the rows need, where it is less than solvers' usual 1e-6.
    """

    cost: FloatArray
    lower: FloatArray
    upper: FloatArray
    integer: BoolArray
    row_lower: FloatArray
    row_upper: FloatArray
    indptr: IntArray
    indices: IntArray
    data: FloatArray
    hint: FloatArray | None = None
    usd_scale: float = 1.0
    feasibility: float | None = None

    @property
    def n_columns(self) -> int:
        """Variables."""
        return len(self.cost)

    @property
    def n_rows(self) -> int:
        """Constraints."""
        return len(self.row_lower)

    @property
    def pure_integer(self) -> bool:
        """Whether every column is integer."""
        return bool(self.integer.all())

    def activity(self, x: FloatArray) -> FloatArray:
        """A x, shape [m]."""
        rows = np.repeat(np.arange(self.n_rows), np.diff(self.indptr))
        products = self.data * x[self.indices]
        return np.bincount(rows, products, minlength=self.n_rows).astype(np.float64)

    def violation(self, x: FloatArray) -> float:
        """Largest violation of a row or bound at x; 0 when feasible."""
        activity = self.activity(x)
        gaps = [
            self.row_lower - activity,
            activity - self.row_upper,
            self.lower - x,
            x - self.upper,
        ]
        return max([0.0, *(float(gap.max()) for gap in gaps if gap.size)])

    def check(self) -> None:
        """The gate before any solver.

        Raises:
            ProblemError: a number that makes some solver answer wrongly or hang: NaN, an
                infinite coefficient, a negative cost, an unbounded or huge integer.
        """
        finite = {"cost": self.cost, "lower": self.lower, "coefficient": self.data}
        for name, values in finite.items():
            bad = values[~np.isfinite(values)]
            if bad.size:
                raise ProblemError(f"program.{name}", float(bad[0]), "must be finite")
        if np.isnan(np.concatenate([self.row_lower, self.row_upper, self.upper])).any():
            raise ProblemError("program.bounds", float("nan"), "must be numbers")
        if (self.cost < 0).any():
            raise ProblemError("program.cost", float(self.cost.min()), "must not be negative")
        largest = self.upper[self.integer]
        if largest.size and largest.max() > INTEGER_LIMIT:
            rule = f"an integer must be at most {INTEGER_LIMIT:.0e}"
            raise ProblemError("program.upper", float(largest.max()), rule)


@dataclass(frozen=True, slots=True)
class SolveOptions:
    """How hard to try.

    Attributes:
        time_limit_s: wall time for the solver [s].
        relative_gap: stop when (cost - bound) / cost is at most this; 0 asks for a full proof.
        threads: solver threads; more than 1 is honoured or refused by a backend.
        seed: random seed of the solver.
        memory_limit_bytes: address space of the process that the solver runs in [bytes];
            None: as much as there is. Not every system can limit it.
        cancel: once it is set, the best plan so far is answered; see `Deadline`.
        on_bounds: told (incumbent, bound) in the program's money while a solver runs; solvers
            that log no such table never call it.
        native: options of the backend by its own names, such as HiGHS's `mip_heuristic_effort`;
            honoured or refused (`backends/native.py`). The whole program is then solved by that
            backend alone, without splitting it by workload.
    """

    time_limit_s: float = 60.0
    relative_gap: float = 1e-6
    threads: int = 1
    seed: int = 0
    memory_limit_bytes: float | None = None
    cancel: Cancel | None = field(default=None, compare=False, repr=False)
    on_bounds: OnBounds | None = field(default=None, compare=False, repr=False)
    native: Mapping[str, NativeValue] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "native", dict(self.native))  # the caller keeps its own
        rules = {
            "time_limit_s": (0 <= self.time_limit_s < float("inf"), "must be 0 or more, finite"),
            "relative_gap": (0 <= self.relative_gap < 1, "must be at least 0 and below 1"),
            "threads": (self.threads >= 1, "must be at least 1"),
            "seed": (0 <= self.seed < 2**31, "must be from 0 to 2**31 - 1"),
            "memory_limit_bytes": (
                self.memory_limit_bytes is None or LEAST_MEMORY <= self.memory_limit_bytes < 2**63,
                f"must be at least {LEAST_MEMORY:.0e}, or None",
            ),
        }
        for name, (holds, rule) in rules.items():
            if not holds:
                raise ProblemError(f"options.{name}", getattr(self, name), rule)
        for name, value in self.native.items():
            if not isinstance(name, str) or not isinstance(value, NativeValue):
                raise ProblemError("options.native", name, "must be names with plain values")
            if isinstance(value, float) and not isfinite(value):
                raise ProblemError("options.native", f"{name}={value}", "must be finite")

    def deadline(self) -> Deadline:
        """The time limit, counted from now."""
        return Deadline.within(self.time_limit_s, self.cancel)


@dataclass(frozen=True, slots=True)
class Solution:
    """What a solver answered, in the program's own (scaled) money.

    Attributes:
        status: why it stopped.
        limit: the limit that stopped it (`time`, ...), or empty.
        values: x, shape [n]; None when no feasible point was found.
        objective: cost . x recomputed here, not the solver's figure.
        bound: proved lower bound on the cost; None when the solver tells none.
        backend: who solved it, with version.
        seconds: wall time.
    """

    status: Status
    limit: str
    values: FloatArray | None
    objective: float | None
    bound: float | None
    backend: str
    seconds: float
