"""Programs solved for one answer, in the time that is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ...models.outcome import BackendError, Status
from ..backends.running import run
from ..deadline import Deadline
from ..program import Program, Solution, SolveOptions

LEAST_S, MOST_S = 0.5, 10.0
"""Time for one program [s]."""

OnSolve = Callable[[int], None]


@dataclass
class Asking:
    """Programs solved for one answer, and the time they may take."""

    backend: str
    options: SolveOptions
    ends: Deadline
    on_solve: OnSolve
    solves: int = 0
    complete: bool = True

    def solution(self, program: Program) -> Solution | None:
        """The answer to one program; None where time or the solver fails."""
        if self.ends.over:
            self.complete = False
            return None
        self.solves += 1
        self.on_solve(self.solves)
        limit_s = min(max(self.ends.left_s, LEAST_S), MOST_S)
        try:
            found = run(self.backend, program, replace(self.options, time_limit_s=limit_s))
        except BackendError:
            found = None
        proved = found is not None and found.status in (Status.OPTIMAL, Status.INFEASIBLE)
        self.complete = self.complete and proved
        return found
