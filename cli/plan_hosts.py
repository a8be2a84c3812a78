"""Which replica sits on which VM, in lines."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..models.fleet import FleetProblem
from ..models.plan import FleetPlan, Host, Seat
from .places import place_labels, place_of, span_name, spans, zone_name
from .words import plural

LINES = 12
"""Lines shown unless all are asked for."""


def worth_telling(plan: FleetPlan) -> bool:
    """Whether some VM holds more than one replica: otherwise the table of VMs says it."""
    return any(sum(seat.replicas for seat in host.seats) > 1 for host in plan.hosts)


def host_lines(problem: FleetProblem, plan: FleetPlan, everything: bool) -> list[str]:
    """One line for each group of VMs that hold the same, its periods together."""
    labels = place_labels(plan)
    groups: dict[Host, list[int]] = {}
    for host in plan.hosts:
        periods = groups.setdefault(host.replace(period=None), [])
        if host.period is not None:
            periods.append(host.period)
    lines = [
        f"{labels[place_of(host)]} {_numbers(host)}{_when(periods, len(problem.hours))}: "
        f"{_seats(host.seats)}"
        for host, periods in groups.items()
    ]
    if everything or len(lines) <= LINES + 1:
        return lines
    return [*lines[:LINES], f"{plural(len(lines) - LINES, 'more line')}; --hosts shows all."]


def _numbers(host: Host) -> str:
    zone = "" if host.zone is None else f" in zone {zone_name(host.zone)}"
    return f"#{span_name(host.first, host.first + host.count - 1)}{zone}"


def _when(periods: Collection[int], of: int) -> str:
    """In which periods; nothing for all of them."""
    if len(periods) in (0, of):
        return ""
    names = [span_name(*span) for span in spans(sorted(periods))]
    return f" in period{'s' if len(periods) > 1 else ''} {', '.join(names)}"


def _seats(seats: Sequence[Seat]) -> str:
    if not seats:
        return "empty"
    return ", ".join(
        f"{s.workload} x{s.replicas:,} ({plural(s.n_gpus, 'GPU')}{' each' * (s.replicas > 1)})"
        for s in seats
    )
