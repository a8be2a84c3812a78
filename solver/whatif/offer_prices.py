"""The break-even price of every offer of a problem."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from math import inf

import numpy as np

from ...models.fleet import FleetProblem
from ...models.hardware import Offer
from ...models.limits import Budget
from ...models.outcome import Status
from ...models.reasons import VMs
from ...models.sensitivity import BreakEven
from ...models.value import FloatArray
from ..candidates import enumerate_streams
from ..canonical import canonical
from ..decision import read_decision
from ..estate import survey
from ..formulation import formulate
from ..interpret import interpret
from ..market import OfferKey, alike_offers, offer_key
from ..program import Program
from ..reasons.asking import Asking
from ..reasons.reasoning import MOST_ITEMS, physics
from ..reduction import reduce_stream
from ..solve import DEFAULT_BACKEND
from ..uses import vms_by_type
from ..variables import Variables
from .break_even import Line, Met, Priced, enters_below, leaves_above

SOME = 1e-6
"""VMs, as parts of the time, below which none is rented: a solver's rounding."""

ADDING_UP = 1e-9
"""Part of a cost that adding it up in another order may change."""


@dataclass(frozen=True, slots=True)
class Pricing:
    """The best fleet at the prices there are, and what else is on offer.

    Attributes:
        budget_usd: budget per hour; infinite where there is none. The program has none.
        values: the best fleet; `usd` what it costs [USD/h], `proved` that none costs less.
        tolerance: part of a cost that proofs leave open.
        why: by VM type, why it serves nothing, where it does not.
        rivals: by offer, the next dearer ones that no rule tells from it.
    """

    asking: Asking
    budget_usd: float
    program: Program
    variables: Variables
    values: FloatArray
    usd: float
    proved: bool
    tolerance: float
    why: Mapping[str, str]
    rivals: Mapping[OfferKey, list[Offer]]

    def of(self, offer: Offer) -> BreakEven:
        """The break-even price of an offer."""
        priced = self._priced(offer)
        plan = priced.line(self.values)
        in_plan = plan.count > SOME
        if in_plan:
            met = self._rivalled(offer, plan, leaves_above(self.asking, priced, plan))
        else:
            met = enters_below(self.asking, priced, self.usd)
        count = 0.0 if met.line is None else abs(met.line.count - plan.count)
        return BreakEven(
            provider=offer.vm_type.provider,
            vm_type=offer.vm_type.name,
            region=offer.region,
            purchase=offer.purchase,
            usd_per_hour=offer.usd_per_hour,
            in_plan=in_plan,
            break_even_usd_per_hour=met.price,
            within_usd_per_hour=self.tolerance * self.usd / count if count else 0.0,
            proved=self.proved and met.proved,
            vms=() if met.line is None else self._vms(met.line),
            reason=met.reason or ("" if priced.usable else self._unusable(offer)),
        )

    def rented(self, offer: Offer) -> bool:
        """Whether the best fleet rents it."""
        return self._priced(offer).line(self.values).count > SOME

    def _priced(self, offer: Offer) -> Priced:
        key, places = offer_key(offer), self.variables.estate.market.places
        mine = np.array([offer_key(place.offer) == key for place in places])
        return Priced.of(self.program, self.variables, mine, self.tolerance)

    def _rivalled(self, offer: Offer, plan: Line, met: Met) -> Met:
        """Of an offer in the plan, the price capped by what is as good, and by the budget."""
        caps = [
            (rival.usd_per_hour, f"then {rival.vm_type.name} in {rival.region} takes its place")
            for rival in self.rivals.get(offer_key(offer), [])[:1]
        ]
        caps.append(((self.budget_usd - plan.fixed_usd) / plan.count, "above it the budget ends"))
        price, reason = min(caps)
        unknown = met.price is None and not met.proved
        if unknown or price >= (inf if met.price is None else met.price):
            return met
        return Met(price, None, met.proved, reason)

    def _unusable(self, offer: Offer) -> str:
        nothing = "no workload may run on it, or none is measured there"
        return self.why.get(offer.vm_type.key, nothing)

    def _vms(self, line: Line) -> tuple[VMs, ...]:
        """VMs of a fleet, by type."""
        decision = read_decision(self.variables, line.values[: self.program.n_columns])
        plan = interpret(decision, Status.FEASIBLE, None)
        return vms_by_type(self.variables.estate.problem, plan)


def offer_prices(
    problem: FleetProblem, asking: Asking, vm_types: Collection[str] | None
) -> Iterator[BreakEven]:
    """Break-even prices, those of the plan first; of offers that differ in their region alone,
    of the cheapest.

    None where a budget holds in every period of a horizon, or the fleet is too large for one
    program: `asking.complete` then says so.

    Args:
        vm_types: names or keys of VM types; None: all.
    """
    if vm_types is not None and not vm_types:
        return
    if problem.horizon is not None and problem.budget != Budget():
        asking.complete = False
        return
    asked = canonical(problem.replace(budget=Budget()))
    estate = survey(asked, DEFAULT_BACKEND, asking.options)
    program, variables = formulate(estate, "candidates")  # the dominated may come to matter
    few = sum(len(service.pair) for service in estate.services) <= MOST_ITEMS
    best = asking.solution(program) if few else None
    if best is None or best.values is None or best.objective is None:
        asking.complete = False
        return
    streams = enumerate_streams(asked)
    pricing = Pricing(
        asking=asking,
        budget_usd=problem.budget.usd_per_hour or inf,
        program=program,
        variables=variables,
        values=best.values,
        usd=best.objective / program.usd_scale,
        proved=best.status is Status.OPTIMAL,
        tolerance=2.0 * asking.options.relative_gap + ADDING_UP,
        why=physics(reduce_stream(s, DEFAULT_BACKEND, asking.options) for s in streams),
        rivals={offer_key(group[0]): group[1:] for group in alike_offers(asked)},
    )
    offers = {offer_key(place.offer): place.offer for place in estate.market.places}
    wanted = [
        offer
        for offer in offers.values()
        if vm_types is None or {offer.vm_type.name, offer.vm_type.key} & set(vm_types)
    ]
    for offer in sorted(wanted, key=lambda offer: not pricing.rented(offer)):
        yield pricing.of(offer)
