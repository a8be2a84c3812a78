"""A sensitivity on the screen: the next step of each parameter, and break-even prices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..models.fleet import FleetProblem
from ..models.plan import FleetPlan
from ..models.reasons import VMs
from ..models.relaxation import TOLERANCE
from ..models.sensitivity import BreakEven, FieldSensitivity, NextStep, Sensitivity
from ..solver.uses import vms_by_type
from .field_words import FieldWords, field_words
from .plan_view import verdict
from .screen import Screen
from .tables import Column, name_column, number_column, prose_column
from .words import NOTHING, percent, place, plural, usd, vm_name

LATE = "not in time"
SOME = 1e-6
"""Difference of VMs, on average over time, that is none."""


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
        screen.paragraph("How far demand may grow, an SLO or a limit tighten, at the same cost:")
        screen.table(_field_columns(problem, found.fields, [f.more for f in found.fields], "up to"))
        screen.gap()
        screen.paragraph("How far demand must fall, an SLO or a limit loosen, for a lower cost:")
        screen.table(_field_columns(problem, found.fields, [f.less for f in found.fields], "from"))
    shown, left = shown_prices(found, top)
    if shown:
        screen.gap()
        screen.paragraph("The price of a VM at which the best fleet changes:")
        screen.table(*_price_columns(problem, found.plan, shown))
    if reasons:
        screen.notes("Never in the plan", _never(problem, found))
    screen.notes("Good to know", _notes(problem, found, left))


def shown_prices(found: Sensitivity, top: int) -> tuple[list[BreakEven], int]:
    """Those in the plan and the nearest others; and how many more have a break-even price."""
    priced = [p for p in found.prices if p.in_plan or p.break_even_usd_per_hour is not None]
    mine = sum(price.in_plan for price in priced)
    return priced[: mine + top], max(len(priced) - mine - top, 0)


def _field_columns(
    problem: FleetProblem,
    fields: Sequence[FieldSensitivity],
    steps: Sequence[NextStep],
    title: str,
) -> list[Column]:
    words = [field_words(problem, one.field) for one in fields]
    pairs = list(zip(steps, words, strict=True))
    values = (word.text(one.value) for one, word in zip(fields, words, strict=True))
    return [
        name_column("", (word.title for word in words)),
        number_column("now", values),
        number_column(title, (reach(step, word) for step, word in pairs)),
        number_column("then USD/h", (_change(step) for step in steps)),
        number_column("USD/h for one", (_each(step, word) for step, word in pairs)),
    ]


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
    return f"{side.usd_per_hour_per_unit / words.scale:,.3g}"


def _price_columns(
    problem: FleetProblem, plan: FleetPlan, prices: Sequence[BreakEven]
) -> tuple[list[Column], list[Column]]:
    mine = vms_by_type(problem, plan)
    where = [place(p.provider, p.region) for p in prices]
    purchase = [p.purchase.replace("_", " ") for p in prices]
    keys = [name_column("VM type", (p.vm_type for p in prices))]
    for title, cells in (("where", where), ("purchase", purchase)):
        if len(set(cells)) > 1:
            keys.append(name_column(title, cells))
    return [*keys, number_column("USD/h", (usd(p.usd_per_hour) for p in prices))], [
        name_column("", ("in the plan up to" if p.in_plan else "enters below" for p in prices)),
        number_column("USD/h", (_break_even(p) for p in prices)),
        number_column("change", (_part(p) for p in prices)),
        prose_column("then", (p.reason or _exchange(mine, p.vms) for p in prices)),
    ]


def _exchange(before: Sequence[VMs], after: Sequence[VMs]) -> str:
    """How one fleet differs from another."""
    change: dict[str, float] = {}
    for sign, fleet in ((1.0, after), (-1.0, before)):
        for vm in fleet:
            change[vm.vm_type] = change.get(vm.vm_type, 0.0) + sign * vm.count
    said = [f"{count:+.3g} {name}" for name, count in change.items() if abs(count) > SOME]
    return ", ".join(said) or "the same VM types elsewhere"


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
        yield "USD/h for one: the rise of a step over what it pays for, up to the step after it."
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
