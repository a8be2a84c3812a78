"""What changes under a running fleet: demand, prices, quotas, and what is sold out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...models.fleet import FleetProblem
from ...models.limits import Quota
from ...models.outcome import ProblemError, nearest
from ..current import Current
from ..market import offer_key


def with_news(
    problem: FleetProblem,
    requests_per_s: Mapping[str, float] | None = None,
    usd_per_hour: Mapping[str, float] | None = None,
    quotas: Mapping[str, float] | None = None,
) -> FleetProblem:
    """The problem with other numbers, validated again.

    Raises:
        ProblemError: a name that the problem does not have, or a number out of its range.
    """
    changes: dict[str, object] = {}
    if requests_per_s:
        _known("requests_per_s", requests_per_s, (demand.name for demand in problem.demands))
        changes["workloads"] = tuple(
            w.replace(requests_per_s=requests_per_s[w.name]) if w.name in requests_per_s else w
            for w in problem.workloads
        )
        changes["measured"] = tuple(
            m.replace(requests_per_s=requests_per_s[m.name]) if m.name in requests_per_s else m
            for m in problem.measured
        )
    if usd_per_hour:
        _known("usd_per_hour", usd_per_hour, (offer.key for offer in problem.offers))
        changes["offers"] = tuple(
            o.replace(usd_per_hour=usd_per_hour[o.key]) if o.key in usd_per_hour else o
            for o in problem.offers
        )
    if quotas:
        _known("quotas", quotas, (quota.name for quota in problem.quotas))
        changes["quotas"] = tuple(
            q.replace(limit=quotas[q.name]) if q.name in quotas else q for q in problem.quotas
        )
    return problem.replace(**changes) if changes else problem


def sold_out_quotas(
    problem: FleetProblem, sold_out: Iterable[str], current: Current
) -> tuple[Quota, ...]:
    """For each offer of which there are no more, a quota of what runs.

    Raises:
        ProblemError: an offer that the problem does not have.
    """
    offers = {offer.key: offer for offer in problem.offers}
    names = sorted(sold_out)
    _known("sold_out", names, offers)
    return tuple(
        Quota(
            name=f"sold out: {key}",
            vm_types=(offers[key].vm_type.key,),
            regions=(offers[key].region,),
            purchase=(offers[key].purchase,),
            limit=float(max(current.vms_of(offer_key(offers[key])), offers[key].owned)),
        )
        for key in names
    )


def _known(field: str, asked: Iterable[str], names: Iterable[str]) -> None:
    """Refuse a name that nothing has."""
    known = list(names)
    for name in asked:
        if name not in known:
            raise ProblemError(field, name, f"is unknown; {nearest(name, known)}")
