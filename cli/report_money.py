"""Who pays what: the cost of a fleet divided over its VM types and its workloads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..models.billing import SECONDS_PER_HOUR
from ..models.fleet import FleetProblem
from ..models.plan import FleetPlan, Host, VMCount
from .places import place_labels, place_of
from .report_parts import Bar, Table
from .tables import name_column, number_column
from .words import NOTHING, percent, plural, usd

HOURS_PER_MONTH = 730.0
"""Mean hours of a month, 8,760 / 12, as the clouds' own price calculators count."""

IDLE = "idle GPUs"
STARTS = "starts of VMs"
"""What no workload has to itself."""

BARS = 12
"""Bars that are read before they are skimmed."""

ROUNDING = 1e-9
"""Part of a cost that adding it up in another order may change."""

MILLION = 1e6

Spot = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one thing costs, mean over the horizon.

    Attributes:
        gpus: that it occupies, mean over the horizon.
    """

    name: str
    usd_per_hour: float
    gpus: float = 0.0


def costs_of_places(problem: FleetProblem, plan: FleetPlan) -> list[Cost]:
    """By offer, dearest first."""
    labels, found = place_labels(plan), dict[str, float]()
    for vm in plan.vms:
        name = labels[place_of(vm)]
        found[name] = found.get(name, 0.0) + vm.usd_per_hour * _weight(problem, vm.period)
    return _ordered([Cost(name, usd) for name, usd in found.items()], plan)


def costs_of_workloads(problem: FleetProblem, plan: FleetPlan) -> list[Cost]:
    """By workload, dearest first: a VM's price is divided by the GPUs that replicas occupy."""
    counts = {_spot(vm): vm for vm in plan.vms}
    money, gpus = dict[str, float](), dict[str, float]()
    for host in plan.hosts:
        vms, weight = counts[_spot(host)], _weight(problem, host.period)
        each, size = weight * vms.usd_per_hour / vms.count, vms.gpus // vms.count
        seats = [(seat.workload, seat.n_gpus * seat.replicas) for seat in host.seats]
        idle = size - sum(taken for _, taken in seats)
        for name, taken in (*seats, *([(IDLE, idle)] if idle else [])):
            money[name] = money.get(name, 0.0) + host.count * each * taken / size
            gpus[name] = gpus.get(name, 0.0) + host.count * weight * taken
    return _ordered([Cost(name, money[name], gpus[name]) for name in money], plan)


def cost_bars(costs: Sequence[Cost], what: str) -> tuple[Bar, ...]:
    """The dearest as bars, the rest as one."""
    shown = list(costs if len(costs) <= BARS + 1 else costs[:BARS])
    if rest := costs[len(shown) :]:
        shown.append(Cost(plural(len(rest), f"other {what}"), _total(rest)))
    total = _total(costs)
    return tuple(
        Bar(c.name, f"USD {usd(c.usd_per_hour)}  {percent(c.usd_per_hour / total)}", part)
        for c, part in ((c, c.usd_per_hour / total) for c in shown)
    )


def cost_table(problem: FleetProblem, plan: FleetPlan, costs: Sequence[Cost]) -> Table:
    """Every workload with its money."""
    total, tokens = _total(costs), _tokens_per_hour(problem, plan)
    return Table.of(
        [name_column("workload", (c.name for c in costs))],
        [
            number_column("GPUs", (f"{c.gpus:,.3g}" if c.gpus else NOTHING for c in costs)),
            number_column("USD/h", (usd(c.usd_per_hour) for c in costs)),
            number_column(
                "USD a month", (f"{c.usd_per_hour * HOURS_PER_MONTH:,.0f}" for c in costs)
            ),
            number_column("share", (percent(c.usd_per_hour / total) for c in costs)),
            number_column("USD per million\ntokens", (_per_million(c, tokens) for c in costs)),
        ],
    )


def _per_million(cost: Cost, tokens: Mapping[str, float]) -> str:
    rate = tokens.get(cost.name, 0.0)
    return usd(cost.usd_per_hour / rate * MILLION) if rate else NOTHING


def _tokens_per_hour(problem: FleetProblem, plan: FleetPlan) -> dict[str, float]:
    """Tokens in and out that each predicted workload asks, mean over the horizon [1/h]."""
    sizes = {
        (workload.name, index): request.total_tokens
        for workload in problem.workloads
        for index, request in enumerate(workload.requests)
    }
    found: dict[str, float] = {}
    for a in plan.assignments:
        requests = (a.requests_per_s or 0.0) * SECONDS_PER_HOUR * _weight(problem, a.period)
        found[a.workload] = found.get(a.workload, 0.0) + (
            requests * sizes[a.workload, a.request_class]
        )
    return found


def _ordered(costs: list[Cost], plan: FleetPlan) -> list[Cost]:
    """Dearest first, with what starting VMs costs, so that they add up to the plan."""
    starts = plan.usd_per_hour - _total(costs)
    if starts > ROUNDING * plan.usd_per_hour:
        costs.append(Cost(STARTS, starts))
    return sorted(costs, key=lambda cost: -cost.usd_per_hour)


def _total(costs: Iterable[Cost]) -> float:
    return sum(cost.usd_per_hour for cost in costs)


def _weight(problem: FleetProblem, period: int | None) -> float:
    """Part of the horizon that a period is."""
    return 1.0 if period is None else problem.hours[period] / sum(problem.hours)


def _spot(vms: VMCount | Host) -> Spot:
    """Where VMs stand, and for which job."""
    return (*place_of(vms), vms.zone, vms.period, vms.job)
