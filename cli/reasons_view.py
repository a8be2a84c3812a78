"""Why a plan is the best, on the screen: what binds, what comes next, why the others lost."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ..models.fleet import FleetProblem
from ..models.reasons import Alternative, Binding, Loser, Reasons
from .plan_view import verdict
from .screen import Screen
from .tables import Column, number_column
from .words import SLO_WORDS, duration, percent, plural, three_digits, usd, vm_name

GIB = 2.0**30

MANY = 9.0
"""A surplus from which on it is said as a multiple."""

LOSERS_SHOWN = 12
"""Lines about VM types that lost, unless all are asked for."""

CENT = 0.0005
"""Less than this [USD/h] shows as nothing."""


def show_reasons(
    screen: Screen, problem: FleetProblem, found: Reasons, *, everything: bool
) -> None:
    """The whole answer.

    Args:
        everything: every VM type that lost, however long the list.
    """
    providers = {offer.vm_type.provider for offer in problem.offers}
    screen.headline(verdict(found.plan))
    screen.notes("What binds", [binding_words(one) for one in found.binding])
    if found.alternatives:
        screen.gap()
        screen.paragraph("The next-best fleets, each with fewer VMs of some type than any before:")
        screen.table(alternative_columns(found.alternatives, providers))
    lines = list(loser_lines(found.losers, providers))
    shown = lines if everything else lines[:LOSERS_SHOWN]
    screen.notes("Why the others lost", shown)
    screen.notes("Good to know", reason_notes(found, len(lines) - len(shown)))


def binding_words(one: Binding) -> str:
    """Something that is used up, in one line."""
    what, amount = use_words(one)
    return f"{one.subject}: {what} {amount}" if what else f"{one.subject}: {amount}"


def use_words(one: Binding) -> tuple[str, str]:
    """(what is used, how much of it and what is left), for one subject."""
    left = percent(max(one.slack, 0.0))
    if one.name == "replicas":
        return "its replicas", f"carry {left} more than the {one.used:.4g} requests/s asked"
    if one.name == "tokens_per_s":
        more = f"{left} more" if one.slack < MANY else f"{one.used / one.bound:,.0f} times as many"
        return "tokens/s", f"{three_digits(one.used)}, {one.bound:,g} required ({more})"
    if one.name in SLO_WORDS:
        times = f"{duration(one.used)} of {duration(one.bound)}"
        return SLO_WORDS[one.name], f"{times} ({left} left)"
    if one.name in ("gpu_bytes", "host_bytes"):
        what = "GPU memory" if one.name == "gpu_bytes" else "host memory"
        return what, f"{one.used / GIB:.1f} of {one.bound / GIB:.1f} GiB ({left} left)"
    unit = one.name.replace("_", " ")
    return "", f"{one.used:.4g} of {one.bound:g} {unit} ({left} left)"


def alternative_columns(
    alternatives: Sequence[Alternative], providers: Collection[str]
) -> list[Column]:
    """The next-best fleets, one a row."""
    fleets = [
        [f"{v.count:.3g} x {vm_name(f'{v.provider}:{v.vm_type}', providers)}" for v in one.vms]
        for one in alternatives
    ]
    return [
        number_column("USD/h", (usd(one.usd_per_hour) for one in alternatives)),
        number_column("dearer by", (usd(one.dearer_usd_per_hour) for one in alternatives)),
        Column("VMs", tuple(", ".join(fleet) for fleet in fleets), "prose"),
    ]


def loser_lines(losers: Sequence[Loser], providers: Collection[str]) -> Iterator[str]:
    """One line for each VM type that could serve; those with the same reason share one."""
    names: dict[str, list[str]] = {}
    for one in losers:
        name = vm_name(f"{one.provider}:{one.vm_type}", providers)
        names.setdefault(_loser_words(one), []).append(name)
    for words, those in names.items():
        yield f"{', '.join(those)}: {words}"


def _loser_words(one: Loser) -> str:
    dearer = one.dearer_usd_per_hour
    if one.reason:
        return one.reason
    if dearer is None or (dearer < CENT and one.at_least):
        return "not compared in time"
    if dearer < CENT:
        return "some fleet that uses it costs the same"
    least = "at least " if one.at_least else ""
    return f"{least}USD {usd(dearer)} per hour dearer with any replica on it"


def reason_notes(found: Reasons, left: int = 0) -> list[str]:
    """How much was tried; `left` lines about VM types are not shown."""
    notes = [f"{plural(found.solves, 'program')} solved."]
    if left:
        notes.append(f"{plural(left, 'more line')} about VM types that lost: --all shows them.")
    if any(not one.proved for one in found.alternatives):
        notes.append("Not every next-best fleet is proved to be the next.")
    if not found.complete:
        notes.append("Not everything was compared in time: --time-limit gives more.")
    return notes
