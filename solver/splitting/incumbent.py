"""The best plan and the best bound so far, and what is told of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ...models.outcome import Status
from ...models.value import FloatArray
from ..backends.finish import PROOF
from ..deadline import Deadline
from ..program import BoolArray, IntArray, SolveOptions
from .covering import Covering
from .patterns import Patterns, nothing
from .prices import Limits
from .zones import vms_for

Progress = Callable[[float | None, float, float], None]
"""Called with the cost of the best plan (None: none yet), the bound and the seconds passed."""


@dataclass(frozen=True, slots=True)
class CoveringPlan:
    """The answer to a covering problem.

    Attributes:
        status: optimal within the gap, feasible, infeasible (proved), or no plan.
        limit: what stopped a search that fell short: `time`, `interrupted`, or `gap` when every
            step was tried; else empty.
        replicas: of each item, shape [N]; None without a plan.
        vms: of each place, shape [P]; None without a plan.
        cost: of the VMs; None without a plan.
        bound: proved lower bound on the cost of every plan.
        limit_price: what one more unit of each limit would save, at the bound, shape [Q].
        seconds: wall time.
    """

    status: Status
    limit: str
    replicas: IntArray | None
    vms: IntArray | None
    cost: float | None
    bound: float
    limit_price: FloatArray
    seconds: float

    @property
    def gap(self) -> float | None:
        """(cost - bound) / cost; None without a plan."""
        if self.cost is None:
            return None
        return (self.cost - self.bound) / self.cost if self.cost > 0 else 0.0


@dataclass
class Incumbent:
    """The best plan and bound; every plan is priced and held against the limits here.

    Attributes:
        broken: limits that some plan offered would have broken, shape [R].
        patterns: of the plan, those that may differ from the cheapest, where it has any.
        kept_s: time not to be used yet [s].
    """

    covering: Covering
    limits: Limits
    options: SolveOptions
    on_progress: Progress | None
    started: float
    deadline: Deadline
    broken: BoolArray
    cost: float = float("inf")
    bound: float = 0.0
    kept_s: float = 0.0
    replicas: IntArray | None = field(default=None, repr=False)
    patterns: Patterns = field(default_factory=nothing, repr=False)

    @property
    def left_s(self) -> float:
        """Time left, but for what is kept [s]."""
        return max(self.deadline.left_s - self.kept_s, 0.0)

    def within(self, share: float) -> Deadline:
        """A share of the time that is left."""
        return Deadline.within(share * self.left_s, self.options.cancel)

    @property
    def proved(self) -> bool:
        """Whether the plan is within the gap of the bound."""
        allowed = self.options.relative_gap * self.cost
        return self.replicas is not None and self.cost - self.bound <= allowed

    @property
    def finished(self) -> bool:
        """Whether to stop: proved, or out of time."""
        return self.proved or self.left_s <= 0

    def offer(self, replicas: IntArray, patterns: Patterns | None = None) -> None:
        """Take a plan that keeps the limits and costs less."""
        vms = vms_for(self.covering, replicas)
        over = ~self.limits.kept(vms)
        if over.any():
            self.broken = self.broken | over
            return
        cost = self.covering.cost(vms)
        if cost < self.cost:
            self.cost, self.replicas = cost, replicas
            self.patterns = nothing() if patterns is None else patterns
            self._tell()

    def raise_bound(self, bound: float) -> None:
        """Take a bound that is higher."""
        bound = min(bound, self.cost)
        if bound > self.bound:
            self.bound = bound
            self._tell()

    def _tell(self) -> None:
        if self.on_progress is not None:
            cost = None if self.replicas is None else self.cost
            self.on_progress(cost, self.bound, time.monotonic() - self.started)

    def answer(
        self, limit_price: FloatArray, items: IntArray, n_items: int, status: Status | None = None
    ) -> CoveringPlan:
        """The plan as the caller's items number it.

        Args:
            items: the caller's item of each of the problem's, shape [n].
            status: what was proved otherwise.
        """
        replicas = vms = None
        if self.replicas is not None:
            replicas = np.zeros(n_items, np.int64)
            replicas[items] = self.replicas
            vms = vms_for(self.covering, self.replicas)
        status = status or self._status()
        short = status in (Status.FEASIBLE, Status.NO_PLAN)
        return CoveringPlan(
            status=status,
            limit=(self.deadline.reason or "gap") if short else "",
            replicas=replicas,
            vms=vms,
            cost=None if self.replicas is None else self.cost,
            bound=self.bound,
            limit_price=limit_price,
            seconds=time.monotonic() - self.started,
        )

    def _status(self) -> Status:
        if self.replicas is None:
            return Status.NO_PLAN
        allowed = (self.options.relative_gap + PROOF) * self.cost
        return Status.OPTIMAL if self.cost - self.bound <= allowed else Status.FEASIBLE
