"""One number of a problem as a parameter: which way asks more, and how far a plan holds.

When a parameter asks more of the fleet, every plan that still holds was there before, so the
least cost never falls: it is a step function. Only parameters of which that is true are here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor, inf, sqrt

from ...models.field_path import Key, keys_of, value_at, with_value
from ...models.fleet import FleetProblem
from ...models.frontier import EXACT
from ...models.outcome import ProblemError
from ...models.plan import FleetPlan
from ..decision import Decision
from ..reasons.knobs import NO_LIMIT

DEMAND = "demand"
"""The path of a factor on the demand of all workloads."""

ROUNDING = 1e-9
"""Part of a value that stays clear of a bound which a plan meets: physics is computed twice."""

CLOSE = EXACT * (1.0 + 1e-3)
"""`EXACT` with room for the rounding of one product."""

Holds = Callable[["Parameter", float, FleetPlan, Decision], float]
"""From a value and its plan to the value up to which that plan holds."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number of a problem.

    Attributes:
        field: its path, workloads and quotas by name.
        subject: the workload or quota it belongs to; empty where it is the fleet's.
        keys: where the path leads; empty for a factor on all demand.
        rising: whether more is asked of the fleet as it rises.
        holds: None where how far a plan holds cannot be read off it.
    """

    problem: FleetProblem
    field: str
    subject: str
    keys: tuple[Key, ...]
    rising: bool
    holds: Holds | None = None

    @property
    def whole(self) -> bool:
        """Whether the cost changes at whole numbers only."""
        return self.keys[:1] == ("quotas",)

    @property
    def can_drop(self) -> bool:
        """Whether the problem can do without it."""
        return not self.rising or self.keys[-2:-1] == ("slo",)

    def at(self, value: float | None) -> FleetProblem:
        """The problem with another value; None: one that does not bind.

        Raises:
            ProblemError: the value is not one that the field may have.
        """
        if not self.keys:
            assert value is not None, "demand is always there"
            return scaled(self.problem, value)
        if value is None and self.whole:
            value = NO_LIMIT
        return with_value(self.problem, self.keys, value)

    @property
    def now(self) -> object:
        """Its value in the problem."""
        return value_at(self.problem, self.keys) if self.keys else 1.0

    def asks_more(self, one: float, other: float) -> bool:
        """Whether the first of two values asks more than the second."""
        return one > other if self.rising else one < other

    def hardest(self, one: float, other: float) -> float:
        """Of two values the one that asks more."""
        return max(one, other) if self.rising else min(one, other)

    def farther(self, value: float, part: float) -> float:
        """A value that asks more, by a part of this one; less, where the part is negative."""
        return value * (1.0 + part if self.rising else 1.0 / (1.0 + part))

    def beyond(self, value: float) -> float:
        """The next value that asks more, as far as values are told apart."""
        return ceil(value) - 1.0 if self.whole else self.farther(value, EXACT)

    def touch(self, one: float, other: float) -> bool:
        """Whether two values are told apart, but nothing between them."""
        return abs(one - other) <= 1.0 if self.whole else apart(one, other) <= CLOSE

    def between(self, one: float, other: float) -> float:
        """A value halfway; by its logarithm, where that is."""
        low, high = sorted((one, other))
        if self.whole:
            return floor((low + high) / 2.0)
        return sqrt(low * high) if low > 0 else (low + high) / 2.0

    def holds_to(self, value: float, plan: FleetPlan, decision: Decision) -> float:
        """The value up to which a plan of `value` surely holds; the value itself where unknown."""
        if self.holds is None:
            return value
        return self.hardest(self.holds(self, value, plan, decision), value)


def apart(one: float, other: float) -> float:
    """How far two values are from each other, as a part of the larger."""
    largest = max(one, other)
    return abs(one - other) / largest if largest > 0 else 0.0


def scaled(problem: FleetProblem, factor: float) -> FleetProblem:
    """The problem with the demand of every service times a factor."""

    def rate(requests_per_s: float | None) -> float | None:
        return None if requests_per_s is None else requests_per_s * factor

    return problem.replace(
        workloads=tuple(
            w.replace(requests_per_s=rate(w.requests_per_s)) for w in problem.workloads
        ),
        measured=tuple(m.replace(requests_per_s=rate(m.requests_per_s)) for m in problem.measured),
    )


def parameter_of(problem: FleetProblem, path: str) -> Parameter:
    """The parameter that a path names.

    Raises:
        ProblemError: it leads nowhere, or to a field whose cost is no step function.
    """
    if path == DEMAND:
        if all(demand.requests_per_s is None for demand in problem.demands):
            raise ProblemError(path, None, "needs a workload with requests_per_s")
        return Parameter(problem, path, "", (), True, _carried)
    return parameter_at(problem, keys_of(problem, path))


def parameter_at(problem: FleetProblem, keys: tuple[Key, ...]) -> Parameter:
    """The parameter that keys lead to.

    Raises:
        ProblemError: its cost is no step function.
    """
    kind, subject = ".".join("*" if isinstance(key, int) else key for key in keys), ""
    field = ".".join(map(str, keys))
    if len(keys) > 2 and isinstance(keys[1], int):
        subject = str(value_at(problem, (*keys[:2], "name")))
        field = f"{keys[0]}[{subject}].{'.'.join(map(str, keys[2:]))}"
    if kind not in RULES:
        known = ", ".join([DEMAND, *(name.replace(".*", "[NAME]") for name in RULES)])
        raise ProblemError(field, None, f"must be one of {known}; infersave batch varies any field")
    rising, holds = RULES[kind]
    return Parameter(problem, field, subject, keys, rising, holds)


def _carried(parameter: Parameter, value: float, plan: FleetPlan, decision: Decision) -> float:
    """Demand that the replicas carry at their largest batches."""
    times = inf
    for placed in decision.services:
        service = placed.service
        rate = service.rate(placed.period)
        if rate is None or parameter.subject not in ("", service.demand.name):
            continue
        if len(service.classes) > 1 or any(s.single_loss for s in service.scenarios):
            return value  # replicas are shared, or any VM may go: not read off so simply
        each = service.capacity(service.classes[0])[placed.item] * placed.count
        for scenario in service.scenarios:
            carried = float(each[scenario.left[placed.item]].sum())
            times = min(times, carried / (rate * scenario.share))
    return value * times


def _predicted(parameter: Parameter, value: float, plan: FleetPlan, decision: Decision) -> float:
    """The SLO that the slowest replica of the workload holds."""
    predicted = [
        check.predicted
        for route in plan.assignments
        if route.workload == parameter.subject
        for check in route.slos
        if check.slo == parameter.keys[-1]
    ]
    if not predicted:
        return value
    if parameter.rising:
        return min(predicted) * (1.0 - ROUNDING)
    return max(predicted) * (1.0 + ROUNDING)


def _taken(parameter: Parameter, value: float, plan: FleetPlan, decision: Decision) -> float:
    """What is taken of a quota."""
    unit = value_at(parameter.problem, (*parameter.keys[:-1], "unit"))
    uses = [u.used for u in plan.limits if (u.name, u.unit) == (parameter.subject, unit)]
    return max(uses, default=0.0)


def _spent(parameter: Parameter, value: float, plan: FleetPlan, decision: Decision) -> float:
    """What is spent of the budget."""
    uses = [u.used for u in plan.limits if (u.name, u.unit) == ("budget", parameter.keys[-1])]
    return max(uses, default=0.0) * (1.0 + ROUNDING)


RULES: dict[str, tuple[bool, Holds | None]] = {
    "workloads.*.requests_per_s": (True, _carried),
    "measured.*.requests_per_s": (True, _carried),
    "workloads.*.slo.ttft_s": (False, _predicted),
    "workloads.*.slo.tpot_s": (False, _predicted),
    "workloads.*.slo.e2e_s": (False, _predicted),
    "workloads.*.slo.tokens_per_s": (True, _predicted),
    "workloads.*.slo.percentile": (True, None),
    "workloads.*.slo.confidence": (True, None),
    "workloads.*.target_utilization": (False, None),
    "measured.*.target_utilization": (False, None),
    "workloads.*.max_spot_share": (False, None),
    "workloads.*.survive.vm": (True, None),
    "workloads.*.survive.zone": (True, None),
    "quotas.*.limit": (False, _taken),
    "budget.usd_per_hour": (False, _spent),
    "budget.usd": (False, _spent),
    "confidence": (True, None),
}
"""By field: whether more is asked as it rises, and how far a plan holds where that shows."""
