"""A sensitivity on the screen: the next step of each parameter, and break-even prices."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ..models.fleet import FleetProblem
from ..models.relaxation import TOLERANCE
from ..models.sensitivity import BreakEven, FieldSensitivity, NextStep, Sensitivity
from .field_words import FieldWords, field_words
from .frontier_view import fleet_words
from .plan_view import verdict
from .screen import Screen
from .tables import Column, name_column, number_column, prose_column
from .words import NOTHING, percent, place, plural, usd, vm_name

LATE = "not in time"


def show_sensitivity(
    screen: Screen, problem: FleetProblem, found: Sensitivity, top: int, *, reasons: bool
) -> None:
    """The whole answer.

    Args:
        top: offers shown that are not in the plan.
        reasons: say why the others have no break-even price.
    """
    screen.headline(verdict(found.plan))
    if found.fields:
        screen.gap()
        screen.paragraph("How far each demand, SLO and limit can move before the cost changes:")
        screen.table(*_field_columns(problem, found.fields))
    shown, left = shown_prices(found, top)
    if shown:
        screen.gap()
        screen.paragraph("The price of a VM at which the best fleet changes:")
        screen.table(*_price_columns(problem, shown))
    if reasons:
        screen.notes("Never in the plan", _never(problem, found))
    screen.notes("Good to know", _notes(problem, found, left))


def shown_prices(found: Sensitivity, top: int) -> tuple[list[BreakEven], int]:
    """Those in the plan and the nearest others; and how many more have a break-even price."""
    priced = [p for p in found.prices if p.in_plan or p.break_even_usd_per_hour is not None]
    mine = sum(price.in_plan for price in priced)
    return priced[: mine + top], max(len(priced) - mine - top, 0)


def _field_columns(
    problem: FleetProblem, fields: Sequence[FieldSensitivity]
) -> tuple[list[Column], list[Column], list[Column]]:
    words = [field_words(problem, one.field) for one in fields]
    pairs = list(zip(fields, words, strict=True))
    return (
        [
            name_column("", (word.name for word in words)),
            number_column("now", (word.quantity(one.value) for one, word in pairs)),
        ],
        [
            number_column("asking more: up to", (reach(one.more, word) for one, word in pairs)),
            number_column("then USD/h", (_change(one.more) for one in fields)),
            number_column("USD/h each", (_each(one.more, word) for one, word in pairs)),
        ],
        [
            number_column("asking less: from", (reach(one.less, word) for one, word in pairs)),
            number_column("then USD/h", (_change(one.less) for one in fields)),
            number_column("USD/h each", (_each(one.less, word) for one, word in pairs)),
        ],
    )


def reach(side: NextStep, words: FieldWords) -> str:
    """Where the cost changes."""
    if side.at is not None:
        return words.text(side.at) if side.exact else f"~{words.rough(side.at)}"
    if not side.in_time:
        return LATE
    return "never" if side.looked_to is None else f"beyond {words.text(side.looked_to)}"


def _change(side: NextStep) -> str:
    if side.at is None:
        return NOTHING
    if side.change_usd_per_hour is None:
        return "no plan"
    sign = "-" if side.change_usd_per_hour < 0 else "+"
    return f"{sign}{usd(abs(side.change_usd_per_hour))}"


def _each(side: NextStep, words: FieldWords) -> str:
    """Money for one unit."""
    if side.usd_per_hour_per_unit is None:
        return NOTHING
    return f"{side.usd_per_hour_per_unit / words.scale:,.3g} per {_one(words.unit)}"


def _one(unit: str) -> str:
    """One of a unit.

    >>> _one("requests/s"), _one("ms"), _one("VMs")
    ('request/s', 'ms', 'VM')
    """
    first, slash, rest = unit.partition("/")
    return (first.removesuffix("s") if len(first) > 2 else first) + slash + rest


def _price_columns(
    problem: FleetProblem, prices: Sequence[BreakEven]
) -> tuple[list[Column], list[Column]]:
    providers = {offer.vm_type.provider for offer in problem.offers}
    named = (vm_name(f"{p.provider}:{p.vm_type}", providers) for p in prices)
    return [
        name_column("VM type", named),
        name_column("where", (place(p.provider, p.region) for p in prices)),
        name_column("purchase", (p.purchase.replace("_", " ") for p in prices)),
        number_column("USD/h", (usd(p.usd_per_hour) for p in prices)),
    ], [
        name_column("", ("in the plan up to" if p.in_plan else "enters below" for p in prices)),
        number_column("USD/h", (_break_even(p) for p in prices)),
        number_column("change", (_part(p) for p in prices)),
        prose_column("fleet then", (_then(p, providers) for p in prices)),
    ]


def _break_even(price: BreakEven) -> str:
    if price.break_even_usd_per_hour is None:
        return "any"
    return f"{'' if price.proved else '~'}{usd(price.break_even_usd_per_hour)}"


def _part(price: BreakEven) -> str:
    """How far the price is from it."""
    if price.break_even_usd_per_hour is None:
        return NOTHING
    part = price.ratio - 1.0
    sign = "-" if part < 0 else "+"
    return f"{sign}{percent(abs(part))}" if round(abs(part), 6) else "0 %"


def _then(price: BreakEven, providers: Collection[str]) -> str:
    return price.reason or fleet_words(price.vms, providers)


def _never(problem: FleetProblem, found: Sensitivity) -> Iterator[str]:
    """Why offers have no break-even price; those with the same reason share a line."""
    providers = {offer.vm_type.provider for offer in problem.offers}
    names: dict[str, list[str]] = {}
    for price in found.prices:
        if not price.in_plan and price.break_even_usd_per_hour is None:
            name = vm_name(f"{price.provider}:{price.vm_type}", providers)
            where = f" ({price.purchase}, {price.region})" if price.purchase == "spot" else ""
            names.setdefault(price.reason, []).append(name + where)
    for reason, those in names.items():
        yield f"{', '.join(dict.fromkeys(those))}: {reason}"


def _notes(problem: FleetProblem, found: Sensitivity, left: int) -> Iterator[str]:
    yield f"{plural(found.solves, 'program')} solved in {found.seconds:.1f} s."
    sides = [side for one in found.fields for side in (one.more, one.less)]
    if any(side.at is not None and not side.exact for side in sides):
        within = percent(TOLERANCE)
        yield f"~ before a value: to within {within}; others were solved for on both sides."
    if any(side.usd_per_hour_per_unit for side in sides):
        yield "USD/h each: the step over what it pays for, up to the step after it."
    for one in found.fields:
        if one.more.reason:
            name = field_words(problem, one.field).name
            yield f"No plan beyond, {name}: {' '.join(one.more.reason.split())}"
    if left:
        yield f"{plural(left, 'more offer')} would enter at lower prices still: --all shows them."
    never = sum(not p.in_plan and p.break_even_usd_per_hour is None for p in found.prices)
    if never:
        yield f"{plural(never, 'offer')} without a break-even price: --all says why."
    if not found.prices and problem.horizon is not None:
        yield "Break-even prices are not worked out under a budget over periods."
    if any(not p.proved and p.break_even_usd_per_hour is not None for p in found.prices):
        yield "~ before a price: not every fleet behind it was proved the cheapest."
    if not found.complete:
        yield "Not everything was worked out in time: --time-limit gives more."
