"""A plan over time: one row for each run of periods with the same VMs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from ..models.fleet import FleetProblem
from ..models.plan import FleetPlan, VMCount
from .places import PlaceKey, place_labels, place_of, span_name
from .tables import Column, number_column
from .words import NOTHING, plural, three_digits, usd

ROWS_SHOWN = 48
"""Rows that are read before they are skimmed: two days of hours."""
WORKLOADS_SHOWN = 4
"""Workloads that have a column of their own; of more, the sum is shown."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Periods `first` to `last`, in which the same VMs run.

    Attributes:
        vms: those of the first period, when some of them may be started.
    """

    first: int
    last: int
    vms: tuple[VMCount, ...]

    def count(self, place: PlaceKey) -> tuple[int, int]:
        """VMs of an offer, and how many of them are started first."""
        mine = [vm for vm in self.vms if place_of(vm) == place]
        return sum(vm.count for vm in mine), sum(vm.started for vm in mine)


def shifts_of(problem: FleetProblem, plan: FleetPlan) -> list[Shift]:
    """The horizon as runs of periods; none starts within one."""
    found: list[Shift] = []
    for period in range(len(problem.hours)):
        vms = tuple(vm for vm in plan.vms if vm.period == period)
        if found and _counts(vms) == _counts(found[-1].vms) and not any(v.started for v in vms):
            found[-1] = Shift(found[-1].first, period, found[-1].vms)
        else:
            found.append(Shift(period, period, vms))
    return found


def _counts(vms: Sequence[VMCount]) -> dict[PlaceKey, int]:
    counts: dict[PlaceKey, int] = {}
    for vm in vms:
        counts[place_of(vm)] = counts.get(place_of(vm), 0) + vm.count
    return counts


def period_columns(problem: FleetProblem, plan: FleetPlan) -> list[list[Column]]:
    """Columns that name a row, what is asked, and what runs."""
    shifts = shifts_of(problem, plan)[:ROWS_SHOWN]
    ends = [0.0, *accumulate(problem.hours)]
    times = (f"{ends[s.first]:g}-{ends[s.last + 1]:g}" for s in shifts)
    labels = place_labels(plan)
    return [
        [
            number_column("period", (span_name(s.first, s.last) for s in shifts)),
            number_column("hours", times),
        ],
        _demand_columns(problem, plan, shifts),
        [_vm_column(place, label, shifts) for place, label in labels.items()],
        [
            number_column("GPUs used", (_gpus_used(plan, shift) for shift in shifts)),
            number_column("USD/h", (usd(sum(v.usd_per_hour for v in s.vms)) for s in shifts)),
        ],
    ]


def _gpus_used(plan: FleetPlan, shift: Shift) -> str:
    """GPUs that replicas occupy, from the fewest to the most, of those rented."""
    periods = range(shift.first, shift.last + 1)
    used = [sum(vm.gpus_used for vm in plan.vms if vm.period == t) for t in periods]
    return f"{span_name(min(used), max(used))} of {sum(vm.gpus for vm in shift.vms):,}"


def rows_left_out(problem: FleetProblem, plan: FleetPlan) -> str:
    """How many rows the table leaves out; empty when it shows all."""
    left = len(shifts_of(problem, plan)) - ROWS_SHOWN
    return f"{plural(left, 'more row')} of periods; --json has them." if left > 0 else ""


def _vm_column(place: PlaceKey, label: str, shifts: Sequence[Shift]) -> Column:
    """How many of an offer's VMs run, and how many start first."""
    cells = []
    for count, started in (shift.count(place) for shift in shifts):
        cells.append((f"{count:,}" if count else NOTHING) + (f" (+{started:,})" if started else ""))
    return number_column(label.replace(" (", "\n("), cells)


def _demand_columns(
    problem: FleetProblem, plan: FleetPlan, shifts: Sequence[Shift]
) -> list[Column]:
    """Requests/s of each workload, or of all together."""
    rates: dict[tuple[str, int], float] = {}
    for route in plan.routes:
        if route.period is not None and route.requests_per_s is not None:
            key = route.workload, route.period
            rates[key] = rates.get(key, 0.0) + route.requests_per_s
    names = [demand.name for demand in problem.demands]
    if len(names) > WORKLOADS_SHOWN:
        total: dict[int, float] = {}
        for (_, period), rate in rates.items():
            total[period] = total.get(period, 0.0) + rate
        return [_rate_column("all", shifts, total)]
    by_name = {n: {t: rate for (m, t), rate in rates.items() if m == n} for n in names}
    return [_rate_column(name, shifts, by_name[name]) for name in names]


def _rate_column(name: str, shifts: Sequence[Shift], rates: Mapping[int, float]) -> Column:
    """The range of a rate over each row's periods."""
    cells = []
    for shift in shifts:
        values = [rates.get(t, 0.0) for t in range(shift.first, shift.last + 1)]
        ends = dict.fromkeys(three_digits(value) for value in (min(values), max(values)))
        cells.append("-".join(ends) if any(values) else NOTHING)
    return number_column(f"{name}\nrequests/s", cells)
