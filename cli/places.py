"""VM types by the shortest name that tells a plan's offers apart, and its zones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..models.hardware import PurchaseOption
from ..models.plan import FleetPlan, Host, Route, VMCount

PlaceKey = tuple[str, str, PurchaseOption]
"""`provider:vm_type`, region, purchase option."""


def place_of(thing: VMCount | Route | Host) -> PlaceKey:
    """Where it stands, whatever the zone."""
    key = thing.vm_key if isinstance(thing, Route) else f"{thing.provider}:{thing.vm_type}"
    return key, thing.region, thing.purchase


def place_labels(plan: FleetPlan) -> dict[PlaceKey, str]:
    """Each offer in use by its VM type, with what tells it from others of that name."""
    places = list(dict.fromkeys(place_of(vm) for vm in plan.vms))
    by_name: dict[str, list[PlaceKey]] = {}
    for place in places:
        by_name.setdefault(_parts(place)[0], []).append(place)
    return {place: _label(place, by_name[_parts(place)[0]]) for place in places}


def _label(place: PlaceKey, alike: Sequence[PlaceKey]) -> str:
    name, *facts = _parts(place)
    others = [_parts(other)[1:] for other in alike]
    telling = [fact for i, fact in enumerate(facts) if any(o[i] != fact for o in others)]
    return f"{name} ({', '.join(telling)})" if telling else name


def _parts(place: PlaceKey) -> tuple[str, str, str, str]:
    provider, _, name = place[0].partition(":")
    return name, provider, place[1], purchase_name(place[2])


def purchase_name(purchase: str) -> str:
    """A purchase option in words."""
    return purchase.replace("_", " ")


def zone_name(zone: int) -> str:
    """A zone as clouds call theirs.

    >>> zone_name(0), zone_name(2)
    ('a', 'c')
    """
    return chr(ord("a") + zone)


def zones_in_words(vms: Sequence[VMCount]) -> str:
    """In which zones VMs of one offer stand; nothing where zones do not matter.

    >>> zones_in_words([])
    ''
    """
    counts: dict[int, int] = {}
    for vm in vms:
        if vm.zone is not None:
            counts[vm.zone] = counts.get(vm.zone, 0) + vm.count
    if len(counts) > 1 and len(set(counts.values())) == 1:
        names = ", ".join(zone_name(zone) for zone in sorted(counts))
        return f"{next(iter(counts.values()))} each in {names}"
    if len(counts) == 1:
        return zone_name(next(iter(counts)))
    return ", ".join(f"{counts[zone]} in {zone_name(zone)}" for zone in sorted(counts))


def by_place(vms: Iterable[VMCount]) -> list[tuple[VMCount, ...]]:
    """VM counts that differ only in zone and period together, in order; jobs apart."""
    groups: dict[tuple[object, ...], list[VMCount]] = {}
    for vm in vms:
        groups.setdefault((*place_of(vm), vm.job), []).append(vm)
    return [tuple(group) for group in groups.values()]


def spans(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Runs of whole numbers that follow each other, (first, last).

    >>> list(spans([0, 1, 2, 5, 7, 8]))
    [(0, 2), (5, 5), (7, 8)]
    """
    first = last = None
    for number in numbers:
        if last is not None and first is not None and number != last + 1:
            yield first, last
            first = None
        first, last = number if first is None else first, number
    if first is not None and last is not None:
        yield first, last


def span_name(first: int, last: int) -> str:
    """A run of whole numbers.

    >>> span_name(3, 3), span_name(3, 6)
    ('3', '3-6')
    """
    return f"{first:,}" if first == last else f"{first:,}-{last:,}"
