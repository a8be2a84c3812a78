"""Demands and bills that are met exactly, written in decimals as people write them.

46.4 requests/s on replicas that carry 2.9 each need 16 of them, not 17, although in floating
point 46.4 / 2.9 is 16.000000000000004. The check must count in decimals: it accepts 16, refuses
15, and judges its own tolerances to the last digit. The solver must find 16.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TypedDict

import infersave
from infersave import (
    GPU,
    FleetPlan,
    FleetProblem,
    MeasuredRoute,
    MeasuredWorkload,
    Offer,
    Status,
    Throughput,
    VMType,
)
from infersave.models.hardware import PurchaseOption
from infersave.models.plan import Host, Seat, VMCount
from infersave.solver.verify import find_violations

TIES = 50
"""In one plan: each workload has a VM type of its own, so that each is judged by itself."""
SOLVED_EVERY = 20
"""Two seeds in so many are also solved."""
UTILIZATIONS = ("1", "1", "0.8", "0.7", "0.9", "0.35")
MOST_REPLICAS = 99
NAME = re.compile(r"\bw[0-9]+\b")
CENT = Decimal("0.01")
MILLIONTH, BILLIONTH = Decimal("1e-6"), Decimal("1e-9")
"""Tolerances of the check: part of a demand, part of a bill."""


class Place(TypedDict):
    provider: str
    vm_type: str
    region: str
    purchase: PurchaseOption


@dataclass(frozen=True, slots=True)
class Tie:
    """A demand of exactly so many replicas.

    Attributes:
        capacity: of one replica [requests/s].
        utilization: part of it that may be used.
        price: of its VM [USD/h].
    """

    name: str
    capacity: Decimal
    utilization: Decimal
    replicas: int
    price: Decimal

    @property
    def demand(self) -> Decimal:
        return self.capacity * self.utilization * self.replicas

    @property
    def usd_per_hour(self) -> Decimal:
        return self.price * self.replicas


def ties(seed: int) -> list[Tie]:
    """The ties of a seed: at most 15 digits a number, so that a float holds each."""
    rng = random.Random(seed)
    return [
        Tie(
            name=f"w{index}",
            capacity=Decimal(rng.randint(1, 9999)).scaleb(-rng.randint(0, 4)),
            utilization=Decimal(rng.choice(UTILIZATIONS)),
            replicas=rng.randint(2, MOST_REPLICAS),
            price=Decimal(rng.randint(100, 9999)).scaleb(-3),
        )
        for index in range(TIES)
    ]


def problem_of(those: list[Tie], shared: bool = False) -> FleetProblem:
    """Every workload on a VM type of its own, or all on one, each VM for one replica."""
    return FleetProblem(
        measured=tuple(_workload(tie, "vm" if shared else f"vm-{tie.name}") for tie in those),
        offers=tuple(
            _offer(tie, "vm" if shared else f"vm-{tie.name}")
            for tie in (those[:1] if shared else those)
        ),
    )


def _workload(tie: Tie, vm_type: str) -> MeasuredWorkload:
    table = Throughput(vm_type=vm_type, requests_per_s=(float(tie.capacity),))
    return MeasuredWorkload(
        name=tie.name,
        requests_per_s=float(tie.demand),
        target_utilization=float(tie.utilization),
        throughput=(table,),
    )


def _offer(tie: Tie, name: str) -> Offer:
    gpu = GPU(name="gpu")
    vm_type = VMType(provider="cloud", name=name, family="family", gpu=gpu, n_gpus=1)
    return Offer(vm_type=vm_type, region="here", usd_per_hour=float(tie.price))


def plan_of(
    those: list[Tie],
    replicas: Callable[[Tie], int],
    routed: Callable[[Tie], Decimal],
    bill: Callable[[Tie], Decimal],
) -> FleetPlan:
    """A plan with so many replicas, one on each VM, that routes and costs what is said."""
    vms, routes, hosts = [], [], []
    for tie in those:
        count = replicas(tie)
        place: Place = {
            "provider": "cloud",
            "vm_type": f"vm-{tie.name}",
            "region": "here",
            "purchase": "on_demand",
        }
        vms.append(
            VMCount(
                **place,
                count=count,
                gpus=count,
                gpus_used=count,
                usd_per_hour=float(bill(tie)),
            )
        )
        routes.append(
            MeasuredRoute(
                **place,
                workload=tie.name,
                n_gpus=1,
                replicas=count,
                part=float(count),
                requests_per_s=float(routed(tie)),
                measured_requests_per_s=float(tie.capacity),
            )
        )
        seat = Seat(workload=tie.name, n_gpus=1, replicas=1)
        hosts.append(Host(**place, first=1, count=count, seats=(seat,)))
    return FleetPlan(
        status=Status.FEASIBLE,
        usd_per_hour=float(sum(map(bill, those))),
        vms=tuple(vms),
        measured=tuple(routes),
        hosts=tuple(hosts),
    )


def judged(those: list[Tie]) -> Iterator[tuple[str, list[Tie], FleetPlan, tuple[str, ...]]]:
    """What is told of the ties, and what the check must say of each; nothing where it is true."""

    def count(tie: Tie) -> int:
        return tie.replicas

    def asked(tie: Tie) -> Decimal:
        return tie.demand

    def owed(tie: Tie) -> Decimal:
        return tie.usd_per_hour

    rate, bill = ("routes",), ("costs USD",)
    yield "enough", those, plan_of(those, count, asked, owed), ()
    yield (
        "one replica less",
        those,
        plan_of(those, lambda t: t.replicas - 1, asked, lambda t: t.usd_per_hour - t.price),
        rate,
    )
    yield "one cent more", those, plan_of(those, count, asked, lambda t: owed(t) + CENT), bill
    # The capacity of a replica is a product of floats; where nothing is held back it is exact.
    full = [tie for tie in those if tie.utilization == 1]
    most, least = 1 + MILLIONTH, 1 - BILLIONTH
    yield "a millionth more", full, plan_of(full, count, lambda t: t.demand * most, owed), ()
    yield (
        "a digit above that",
        full,
        plan_of(full, count, lambda t: _beyond(t.demand * most, 1), owed),
        rate,
    )
    yield "a billionth less", those, plan_of(those, count, asked, lambda t: owed(t) * least), ()
    yield (
        "a digit below that",
        those,
        plan_of(those, count, asked, lambda t: _beyond(owed(t) * least, -1)),
        bill,
    )


def _beyond(value: Decimal, sign: int) -> Decimal:
    """One unit in the last place further."""
    return value + Decimal(sign).scaleb(int(value.as_tuple().exponent))


def misjudged(seed: int) -> tuple[int, list[str]]:
    """Judgements on the ties of a seed, and those that are wrong."""
    count, wrong = 0, []
    for told, those, plan, expected in judged(ties(seed)):
        said: dict[str, list[str]] = {tie.name: [] for tie in those}
        for text in find_violations(problem_of(those), plan):
            name = NAME.search(text)
            said.setdefault(name[0] if name else "", []).append(text)
        wrong += [f"{told}: {text}" for text in said.pop("", [])]
        for tie in those:
            mine = said[tie.name]
            right = all(any(part in text for text in mine) for part in expected)
            if not right or bool(mine) != bool(expected):
                wrong.append(f"{told}: {tie} is judged {mine}")
        count += len(those)
    return count, wrong


def unsolved(seed: int) -> tuple[int, list[str]]:
    """Ties of a seed, and those that the solver answers with another number of replicas."""
    those = ties(seed)
    plan = infersave.solve(problem_of(those, shared=bool(seed % 2)))
    found = {route.workload: route.replicas for route in plan.measured}
    wrong = [
        f"solved: {tie} takes {found.get(tie.name)} replicas"
        for tie in those
        if found.get(tie.name) != tie.replicas
    ]
    return len(those), wrong
