r"""What an old bound is still worth once a demand or a price has fallen.

With GPUs at $\lambda_p = \text{price}_p / \text{room}_p$ every plan costs at least the sum of its
patterns' GPUs (`prices.py`). Workload w asked for more before. A plan in which its pattern would
still carry that is a plan of the old problem, so the old bound B holds for it. Any other plan has a
pattern that carries the new demand and not the old one; the cheapest of those costs $c_w$, so

$$ \text{cost} \ge \min\left(B, \; \sum_{v \ne w} K_v + c_w\right) . $$

A price that fell is no matter to plans without that VM type. In any other plan some workload w has
a replica on it; that one carries $a$ of the demand, and the rest costs no less than at the cheapest
ratio $R_w$ of cost to part carried, so its pattern costs $\lambda' g + (1 - a)^+ R_w$ or more, and
the same bound holds with the least of these, over all w, in place of $c_w$.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ...models.value import FloatArray
from ...models.workload import Demand
from ..market import OfferKey, offer_key
from ..splitting.bulk import covering_of, covers
from ..splitting.columns import Columns
from ..splitting.covering import SHORTFALL, Covering
from ..splitting.neighbours import PROOF_PATTERNS, PROOF_STATES
from ..splitting.prices import BOUND_SLACK
from ..splitting.pricing import Effort, near_patterns, price_workloads
from ..variables import Estate


@dataclass(frozen=True)
class Knapsacks:
    """The estate that a bound was proved of, and its services' cheapest patterns.

    Attributes:
        estate: as surveyed, dominated places and all.
    """

    estate: Estate

    @cached_property
    def covering(self) -> Covering:
        """It in arrays."""
        return covering_of(self.estate)

    @cached_property
    def cheapest(self) -> dict[str, float]:
        """K of each service, or less [USD/h]; empty where a covering cannot say all."""
        if not covers(self.estate) or not self.estate.services:
            return {}
        covering = self.covering
        everyone = np.arange(covering.n_workloads)
        priced = price_workloads(covering, Columns.of(covering), _gpu_price(covering), everyone)
        names = (service.demand.name for service in self.estate.services)
        return dict(zip(names, priced.bound.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Proof:
    """What is proved of a problem, and what it takes to say so of the next one.

    Attributes:
        bound: no plan costs less [USD/h].
        knapsacks: at prices no dearer than now, but for these:
        cheaper: offers that have become cheaper since, which none of them would take [USD/h].
        fallen: K of services whose demand has fallen since [USD/h].
    """

    bound: float
    knapsacks: Knapsacks
    cheaper: Mapping[OfferKey, float] = field(default_factory=dict)
    fallen: Mapping[str, float] = field(default_factory=dict)

    def after_fall(self, estate: Estate, before: float) -> Proof | None:
        """The proof once the demand of the estate's one service has fallen; None: it cannot say.

        Args:
            before: its rate when this was proved [requests/s].
        """
        (service,) = estate.services
        demand = service.demand
        cheapest = {**self.knapsacks.cheapest, **self.fallen}
        if demand.name not in cheapest or not covers(estate) or not _plain(demand):
            return None
        covering = covering_of(estate)
        columns, price, only = Columns.of(covering), _gpu_price(covering), np.zeros(1, np.int64)
        priced = price_workloads(covering, columns, price, only)
        others = sum(cheapest.values()) - cheapest[demand.name]
        others -= BOUND_SLACK * abs(others)
        regret = np.maximum(self.bound - others - priced.cost, 0.0)
        effort = Effort(PROOF_STATES, PROOF_PATTERNS)
        nobody = np.zeros(len(columns.place), bool)
        patterns, missed = near_patterns(covering, columns, price, priced, regret, nobody, effort)
        capacity = service.capacity(service.classes[0])
        replicas = capacity[patterns.item] * patterns.count
        carried = np.bincount(patterns.row, replicas, len(patterns.cost))
        less = carried < before * (1.0 - SHORTFALL)
        new = min(float(patterns.cost[less].min(initial=np.inf)), float(missed[0]))
        least = float(priced.bound[0])
        bound = min(self.bound, others + max(new, least))
        return replace(self, bound=bound, fallen={**self.fallen, demand.name: least})

    def after_cheaper(self, usd_per_hour: Mapping[OfferKey, float]) -> Proof | None:
        """The proof once these offers have become cheaper, too; None: it cannot say."""
        usd_per_hour = {**self.cheaper, **usd_per_hour}
        cheapest, market = self.knapsacks.cheapest, self.knapsacks.estate.market
        if self.fallen or not cheapest:
            return None
        covering = self.knapsacks.covering
        at_home = np.flatnonzero(market.first_zone)
        offers = [offer_key(market.places[p].offer) for p in at_home]
        if not usd_per_hour.keys() <= set(offers):
            return None
        price = np.array(
            [usd_per_hour.get(o, usd) for o, usd in zip(offers, covering.price, strict=True)]
        )
        each = (price / covering.room)[covering.place] * covering.n_gpus
        ratio = np.full(covering.n_workloads, np.inf)
        np.minimum.at(ratio, covering.workload, each / covering.part)
        fell = np.array([offer in usd_per_hour for offer in offers])[covering.place]
        rest = np.maximum(1.0 - SHORTFALL - covering.part, 0.0)
        with_it = each + rest * ratio[covering.workload]
        more = (with_it - np.array(list(cheapest.values()))[covering.workload])[fell]
        floor = sum(cheapest.values())
        if more.min(initial=np.inf) < 0:
            return None
        bound = floor - BOUND_SLACK * abs(floor) + float(more.min(initial=np.inf))
        return replace(self, bound=min(self.bound, bound), cheaper=usd_per_hour)


def _plain(demand: Demand) -> bool:
    """Whether replicas need no more than carry the demand."""
    return demand.max_spot_share == 1 and demand.survive.zone is None


def _gpu_price(covering: Covering) -> FloatArray:
    """lambda where nothing is limited or owned, shape [P]."""
    return np.asarray(covering.price / covering.room)
