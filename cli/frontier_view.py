"""A frontier on the screen: a line for each stretch of one cost."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from ..models.fleet import FleetProblem
from ..models.frontier import EXACT, Frontier, FrontierPoint
from ..models.outcome import Status
from ..models.reasons import VMs
from .field_words import FieldWords, field_words
from .screen import Screen
from .tables import Column, name_column, number_column
from .words import NOTHING, percent, plural, usd, vm_name

ENDS = {
    "range": "",
    "exact": "exact",
    "below resolution": "small steps",
    "open": "not found",
}
"""How a step is known, in a cell."""


GAP_SHOWN = 1e-5
"""A gap of a stretch, which may be that of two proofs, above which it is told."""


@dataclass(frozen=True, slots=True)
class Row:
    """Neighbouring points with the same fleet and nothing but small steps between them."""

    points: tuple[FrontierPoint, ...]

    @property
    def first(self) -> FrontierPoint:
        """The least value."""
        return self.points[0]

    @property
    def last(self) -> FrontierPoint:
        """The greatest value."""
        return self.points[-1]


def rows_of(found: Frontier) -> list[Row]:
    """The points, those with the same fleet and only small steps between them as one."""
    rows: list[list[FrontierPoint]] = []
    rises = found.asks_more == "raised"
    for point in found.points:
        before = rows[-1][-1] if rows else None
        small = before is not None and (before if rises else point).end == "below resolution"
        if before is not None and small and before.vms == point.vms:
            rows[-1].append(point)
        else:
            rows.append([point])
    return [Row(tuple(row)) for row in rows]


def show_frontier(screen: Screen, problem: FleetProblem, found: Frontier) -> None:
    """The whole answer."""
    words = field_words(problem, found.field)
    providers = {offer.vm_type.provider for offer in problem.offers}
    rows = rows_of(found)
    screen.headline(_headline(found, words, len(rows) - 1))
    screen.table(*_columns(found, rows, words, providers))
    screen.notes("Good to know", _notes(found))


def fleet_words(vms: Sequence[VMs], providers: Collection[str]) -> str:
    """VMs by type, such as `1 x g5.xlarge, 2 x g6.xlarge`."""
    named = ((v.count, vm_name(f"{v.provider}:{v.vm_type}", providers)) for v in vms)
    return ", ".join(f"{count:.3g} x {name}" for count, name in named)


def _headline(found: Frontier, words: FieldWords, steps: int) -> str:
    """What the parameter costs from one end to the other."""
    ends = ((found.low, found.points[0]), (found.high, found.points[-1]))
    said = " and ".join(f"{answer_words(p)} at {words.quantity(value)}" for value, p in ends)
    least = "" if steps == found.steps and found.complete else "at least "
    return f"{words.name}: {said}, in {least}{plural(steps, 'step')}."


def answer_words(point: FrontierPoint) -> str:
    """What a point costs, or pays for."""
    if point.usd_per_hour is None:
        return "no plan" if point.status is Status.INFEASIBLE else "none found in time"
    if point.demand_factor is not None:
        return f"{point.demand_factor:.4g} times the demand"
    return f"USD {usd(point.usd_per_hour)} per hour"


def _columns(
    found: Frontier, rows: list[Row], words: FieldWords, providers: Collection[str]
) -> tuple[list[Column], list[Column]]:
    values = [
        number_column(f"from [{words.unit}]", (words.text(row.first.low) for row in rows)),
        number_column(f"to [{words.unit}]", (words.text(row.last.high) for row in rows)),
    ]
    fleets = (fleet_words(row.first.vms, providers) or answer_words(row.first) for row in rows)
    if any(point.demand_factor is not None for point in found.points):
        values.append(number_column("pays for demand x", (_factor(row.last) for row in rows)))
    return values, [
        number_column("USD/h", (_cost(row) for row in rows)),
        name_column(_end_title(found), (_end(found, row) for row in rows)),
        Column("VMs", tuple(fleets), "prose"),
    ]


def _gap(point: FrontierPoint) -> float:
    """Part of a cost that is not proved."""
    if point.usd_per_hour is None or point.usd_per_hour_bound is None:
        return 0.0
    return 1.0 - point.usd_per_hour_bound / point.usd_per_hour


def _factor(point: FrontierPoint) -> str:
    return NOTHING if point.demand_factor is None else f"{point.demand_factor:.4f}"


def _cost(row: Row) -> str:
    costs = [point.usd_per_hour for point in row.points if point.usd_per_hour is not None]
    if not costs:
        return NOTHING
    low, high = usd(min(costs)), usd(max(costs))
    return low if low == high else f"{low} - {high}"


def _end_title(found: Frontier) -> str:
    """Where the step is that the column tells about."""
    return "its end" if found.asks_more == "raised" else "its start"


def _end(found: Frontier, row: Row) -> str:
    end = (row.last if found.asks_more == "raised" else row.first).end
    return ENDS.get(end, f"within {percent(found.tolerance)}")


def _notes(found: Frontier) -> Iterator[str]:
    yield f"{plural(found.solves, 'plan')} solved in {found.seconds:.1f} s."
    if any(point.end == "exact" for point in found.points):
        apart = "one" if found.field.startswith("quotas") else f"{100 * EXACT:g} %"
        yield f"exact: the cost is solved for on both sides of the step, {apart} apart."
    if any(point.end == "below resolution" for point in found.points):
        size = percent(found.resolution)
        yield f"A cost given as a range rises in steps below {size} of it: --resolution tells more."
    worst = max(_gap(point) for point in found.points)
    if worst > GAP_SHOWN:
        yield f"Costs are proved to within {percent(worst)}."
    if not found.complete:
        yield "Not every step was found: --time-limit and --solves give more."
    for point in found.points:
        if point.usd_per_hour is None:
            yield f"{answer_words(point).capitalize()}: {' '.join(point.reason.split())}"
