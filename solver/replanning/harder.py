"""Whether a problem only asks for more than an earlier one, so that no plan of it costs less.

A plan of the harder problem is one of the earlier problem, too, and costs there no more; so the
bound that was proved there holds here. A demand or a price that fell are the exceptions that are
looked into (`reproof.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...models.fleet import FleetProblem
from ...models.limits import Budget, Quota
from ...models.measured import MeasuredWorkload
from ...models.workload import Demand, Workload
from ..market import OfferKey, offer_key
from ..precedent import same_ground


@dataclass(frozen=True, slots=True)
class Harder:
    """What is otherwise than before.

    Attributes:
        changed: demands with another rate, as they are now.
        fallen: of those whose rate is lower, what it was [requests/s].
        cheaper: offers whose price has fallen, and what it is now [USD/h].
    """

    changed: tuple[Demand, ...]
    fallen: Mapping[str, float]
    cheaper: Mapping[OfferKey, float]


def harder(before: FleetProblem, now: FleetProblem) -> Harder | None:
    """The changed demands; None where something else became easier, is new, or has gone."""
    if not same_ground(before, now) or before.billing != now.billing:
        return None
    cheaper = _cheaper(before, now)
    limits = _quotas(before.quotas, now.quotas) and _budget(before.budget, now.budget)
    if cheaper is None or not limits:
        return None
    demands = {demand.name: demand for demand in now.demands}
    if len(demands) != len(before.demands):
        return None
    changed, fallen = [], dict[str, float]()
    for demand in before.demands:
        other = demands.get(demand.name)
        if other is demand:
            continue
        old, new = demand.requests_per_s, None if other is None else other.requests_per_s
        if other is None or old is None or new is None or _at_rate(demand, new) != other:
            return None
        changed.append(other)
        if new < old:
            fallen[demand.name] = old
    return Harder(tuple(changed), fallen, cheaper)


def _at_rate(demand: Demand, requests_per_s: float) -> Demand:
    assert isinstance(demand, Workload | MeasuredWorkload), "a demand is predicted or measured"
    return demand.replace(requests_per_s=requests_per_s)


def _cheaper(before: FleetProblem, now: FleetProblem) -> dict[OfferKey, float] | None:
    """Offers whose price has fallen; None where something is on offer that was not."""
    old, found = {offer.key: offer for offer in before.offers}, dict[OfferKey, float]()
    for offer in now.offers:
        known = old.get(offer.key)
        if known is offer:
            continue
        if known is None or known.vm_type is not offer.vm_type or known.owned != offer.owned:
            return None
        if offer.usd_per_hour < known.usd_per_hour:
            found[offer_key(offer)] = offer.usd_per_hour
    return found


def _quotas(before: tuple[Quota, ...], now: tuple[Quota, ...]) -> bool:
    """Whether every quota is still there, and no larger; there may be more."""
    new = {quota.name: quota for quota in now}
    for quota in before:
        other = new.get(quota.name)
        if other is None or other.limit > quota.limit:
            return False
        if other is not quota and other.replace(limit=quota.limit) != quota:
            return False
    return True


def _budget(before: Budget, now: Budget) -> bool:
    """Whether the budget is no larger."""
    if before.usd_per_hour is None:
        return True
    return now.usd_per_hour is not None and now.usd_per_hour <= before.usd_per_hour
