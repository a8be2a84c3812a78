"""Tiny fleets under limits of every kind, enumerated VM by VM without the program.

The enumeration knows only the words of the limits: it fills VMs with replicas in every way,
and asks of each fleet whether what is left after a loss still carries its part.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, combinations_with_replacement, product
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

from infersave import (
    GPU,
    Budget,
    FleetPlan,
    FleetProblem,
    Horizon,
    InfeasibleError,
    MeasuredWorkload,
    Offer,
    Quota,
    Selection,
    SolveOptions,
    Status,
    Survival,
    Throughput,
    VMType,
    solve,
)

EXACT = SolveOptions(relative_gap=0.0)
ROUNDING = 1e-7
"""What a sum of floats and a solver's tolerance may be off, relative."""
MOST_VMS = 6
"""VMs of an enumerated fleet without a horizon."""
MOST_AT_ONCE = 4
"""VMs of an enumerated fleet in one period."""

Seats = tuple[tuple[str, int, int], ...]
"""What stands on one VM: (workload, GPUs of a replica, replicas)."""


@dataclass(frozen=True)
class Place:
    offer: Offer
    zone: int | None


@dataclass(frozen=True)
class Filled:
    """One VM, and for each kind of replica on it: workload, how many, requests/s by class."""

    place: Place
    standing: tuple[tuple[str, int, tuple[float, ...]], ...]


# ---- what the limits say, in words ----


def capacities(workload: MeasuredWorkload, vm_type: VMType, n_gpus: int) -> tuple[float, ...]:
    """Requests/s of each class that one replica may carry; empty where none was measured."""
    for entry in workload.throughput:
        if (entry.vm_type, entry.n_gpus) == (vm_type.name, n_gpus):
            return tuple(workload.target_utilization * r for r in entry.requests_per_s)
    return ()


def fill(problem: FleetProblem, place: Place, seats: Seats) -> Filled:
    by_name = {w.name: w for w in problem.measured}
    vm_type = place.offer.vm_type
    return Filled(
        place,
        tuple((name, n, capacities(by_name[name], vm_type, gpus)) for name, gpus, n in seats),
    )


def losses(workload: MeasuredWorkload, fleet: Sequence[Filled]) -> Iterator[tuple[float, set[int]]]:
    """(part of the demand that must remain, numbers of the VMs that are gone)."""
    yield 1.0, set()
    if workload.max_spot_share < 1:
        spot = {i for i, vm in enumerate(fleet) if vm.place.offer.purchase == "spot"}
        yield 1.0 - workload.max_spot_share, spot
    if workload.survive.zone is not None:
        for where in {(vm.place.offer.region, vm.place.zone) for vm in fleet}:
            gone = {
                i for i, vm in enumerate(fleet) if (vm.place.offer.region, vm.place.zone) == where
            }
            yield workload.survive.zone, gone
    if workload.survive.vm is not None:
        for i in range(len(fleet)):
            yield workload.survive.vm, {i}


def carries(workload: MeasuredWorkload, fleet: Sequence[Filled], factor: float) -> bool:
    """Whether a fleet carries `factor` times the workload's rate, whatever is lost."""
    assert workload.requests_per_s is not None
    rate = workload.requests_per_s * factor
    if len(workload.shares) == 1:
        each = [
            sum(n * caps[0] for name, n, caps in vm.standing if name == workload.name)
            for vm in fleet
        ]
        return all(
            sum(c for i, c in enumerate(each) if i not in gone) >= share * rate * (1 - ROUNDING)
            for share, gone in losses(workload, fleet)
        )
    return _carries_classes(workload, fleet, rate)


def _carries_classes(workload: MeasuredWorkload, fleet: Sequence[Filled], rate: float) -> bool:
    """Every replica is divided among the classes, once for all losses: a linear program."""
    mine = [
        (i, n, caps)
        for i, vm in enumerate(fleet)
        for name, n, caps in vm.standing
        if name == workload.name
    ]
    classes, n = len(workload.shares), len(mine)
    for c, part in enumerate(workload.shares):  # not even with all of it to itself
        if sum(count * caps[c] for _, count, caps in mine) < rate * part * (1 - ROUNDING):
            return False
    rows, limits = [], []
    for k, (_, count, _) in enumerate(mine):
        row = np.zeros((classes, n))
        row[:, k] = 1.0
        rows.append(row.ravel())
        limits.append(float(count))
    for share, gone in losses(workload, fleet):
        for c in range(classes):
            row = np.zeros((classes, n))
            row[c] = [-caps[c] * (i not in gone) for i, _, caps in mine]
            rows.append(row.ravel())
            limits.append(-share * rate * workload.shares[c] * (1 - ROUNDING))
    found = linprog(np.zeros(classes * n), A_ub=np.array(rows), b_ub=np.array(limits))
    return bool(found.status == 0)


def within_quotas(problem: FleetProblem, rented: Counter[Place]) -> bool:
    """Whether what is rented at one time, owned or not, keeps every quota."""
    for quota in problem.quotas:
        used = 0
        for place, count in rented.items():
            offer = place.offer
            fields = (
                (quota.regions, offer.region),
                (quota.vm_types, offer.vm_type.name),
                (quota.purchase, offer.purchase),
            )
            if all(names is None or name in names for names, name in fields):
                unit = {"vms": 1, "gpus": offer.vm_type.n_gpus, "vcpus": offer.vm_type.vcpus or 0}
                used += unit[quota.unit] * count
        if used > quota.limit:
            return False
    return True


def usd_per_hour(rented: Counter[Place]) -> float:
    return sum(place.offer.usd_per_hour * count for place, count in rented.items())


def affordable(problem: FleetProblem, rented: Counter[Place]) -> bool:
    most = problem.budget.usd_per_hour
    return most is None or usd_per_hour(rented) <= most * (1 + ROUNDING)


# ---- every fleet there is ----


def places(problem: FleetProblem) -> list[Place]:
    zoned = any(w.survive.zone is not None for w in problem.measured)
    zones: Sequence[int | None] = range(problem.zones_per_region) if zoned else (None,)
    return [Place(offer, zone) for offer in problem.offers for zone in zones]


def owned(problem: FleetProblem) -> Counter[Place]:
    """What is paid in any case; where zones matter it stands in the first."""
    return Counter({p: p.offer.owned for p in places(problem) if p.offer.owned and not p.zone})


Types = dict[str, tuple[str, ...]]
"""VM types that each workload uses."""


def choices_of_types(problem: FleetProblem) -> Iterator[Types]:
    names = sorted({o.vm_type.name for o in problem.offers})
    many = [
        list(combinations(names, min(w.max_vm_types or len(names), len(names))))
        for w in problem.measured
    ]
    for chosen in product(*many):
        yield {w.name: types for w, types in zip(problem.measured, chosen, strict=True)}


def permitted(workload: MeasuredWorkload, offer: Offer) -> bool:
    allow, forbid = workload.allow, workload.forbid
    if allow.regions is not None and offer.region not in allow.regions:
        return False
    if allow.purchase is not None and offer.purchase not in allow.purchase:
        return False
    return forbid.vm_types is None or offer.vm_type.name not in forbid.vm_types


def fillings(problem: FleetProblem, place: Place, types: Types) -> list[Seats]:
    """Every way to fill one VM that no other contains."""
    vm_type = place.offer.vm_type
    kinds = [
        (w.name, g)
        for w in problem.measured
        for g in range(1, vm_type.n_gpus + 1)
        if capacities(w, vm_type, g) and vm_type.name in types[w.name] and permitted(w, place.offer)
    ]
    ranges = [range(vm_type.n_gpus // g + 1) for _, g in kinds]
    fitting = [
        counts
        for counts in product(*ranges)
        if sum(g * x for (_, g), x in zip(kinds, counts, strict=True)) <= vm_type.n_gpus
    ]

    def contained(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
        return a != b and all(x <= y for x, y in zip(a, b, strict=True))

    best = [a for a in fitting if not any(contained(a, b) for b in fitting)]
    return [
        tuple((name, g, x) for (name, g), x in zip(kinds, counts, strict=True) if x)
        for counts in best
        if any(counts)
    ]


def cheapest(problem: FleetProblem, types: Types, below: float) -> float:
    """The cost of the cheapest fleet of at most `MOST_VMS`, by rising cost; inf if none."""
    options = [
        fill(problem, p, seats) for p in places(problem) for seats in fillings(problem, p, types)
    ]
    paid = owned(problem)
    tried: list[tuple[float, tuple[int, ...]]] = [(usd_per_hour(paid), ())]
    while tried:
        cost, numbers = heapq.heappop(tried)
        if cost >= below:
            return below
        fleet = [options[i] for i in numbers]
        rented = Counter(vm.place for vm in fleet) | paid
        if not (within_quotas(problem, rented) and affordable(problem, rented)):
            continue
        if all(carries(w, fleet, 1.0) for w in problem.measured):
            return cost
        if len(numbers) < MOST_VMS:
            for i in range(numbers[-1] if numbers else 0, len(options)):
                more = Counter([*(vm.place for vm in fleet), options[i].place]) | paid
                heapq.heappush(tried, (usd_per_hour(more), (*numbers, i)))
    return below


def cheapest_over_time(problem: FleetProblem) -> float:
    """The cost of the cheapest way through the horizon; inf if none."""
    horizon = problem.horizon
    assert horizon is not None
    everywhere, paid, periods = places(problem), owned(problem), range(len(problem.hours))
    choices = list(choices_of_types(problem))

    @cache
    def ways_to_fill(number: int, count: int, choice: int) -> list[tuple[Filled, ...]]:
        place = everywhere[number]
        options = [fill(problem, place, s) for s in fillings(problem, place, choices[choice])]
        return list(combinations_with_replacement(options or [Filled(place, ())], count))

    @cache
    def enough(counts: tuple[int, ...], factors: tuple[float, ...]) -> bool:
        """Whether so many VMs of each place carry so much of each demand."""
        rented = Counter(dict(zip(everywhere, counts, strict=True)))
        if not (within_quotas(problem, rented) and affordable(problem, rented)):
            return False
        for choice in range(len(choices)):
            ways = [ways_to_fill(number, count, choice) for number, count in enumerate(counts)]
            for filled in product(*ways):
                fleet = [vm for many in filled for vm in many]
                if all(
                    factor == 0 or carries(w, fleet, factor)
                    for w, factor in zip(problem.measured, factors, strict=True)
                ):
                    return True
        return False

    prices = [place.offer.usd_per_hour for place in everywhere]
    every = [
        counts
        for counts in product(range(MOST_AT_ONCE + 1), repeat=len(everywhere))
        if sum(counts) <= MOST_AT_ONCE
        and all(n >= paid[place] for place, n in zip(everywhere, counts, strict=True))
    ]
    every.sort(key=lambda counts: sum(p * n for p, n in zip(prices, counts, strict=True)))
    by_period = []
    for t in periods:
        factors = tuple(w.profile[t] if w.profile else 1.0 for w in problem.measured)
        by_period.append([counts for counts in every if enough(counts, factors)])
    return cheapest_path(problem, everywhere, by_period)


def cheapest_path(
    problem: FleetProblem, everywhere: list[Place], by_period: list[list[tuple[int, ...]]]
) -> float:
    """The cheapest choice of one vector of VMs per period, cheapest first in each."""
    horizon = problem.horizon
    assert horizon is not None
    best = float("inf") if problem.budget.usd is None else problem.budget.usd * (1 + ROUNDING)
    found = False

    def rent(counts: tuple[int, ...], t: int) -> float:
        return horizon.hours[t] * sum(
            p.offer.usd_per_hour * n for p, n in zip(everywhere, counts, strict=True)
        )

    least = [min((rent(c, t) for c in there), default=0.0) for t, there in enumerate(by_period)]

    def extend(path: tuple[tuple[int, ...], ...], usd: float) -> None:
        nonlocal best, found
        t = len(path)
        if t == len(by_period):
            total = path_usd(horizon, everywhere, path)
            if total <= best:
                best, found = total, True
            return
        for counts in by_period[t]:
            spent = usd + rent(counts, t)
            if spent + sum(least[t + 1 :]) > best:
                return
            extend((*path, counts), spent)

    extend((), 0.0)
    return best / horizon.total_hours if found else float("inf")


def path_usd(
    horizon: Horizon, everywhere: Sequence[Place], path: Sequence[tuple[int, ...]]
) -> float:
    """What VMs cost over the horizon; inf where they come and go as they may not."""
    usd = 0.0
    for place, there in zip(everywhere, zip(*path, strict=True), strict=True):
        price = place.offer.usd_per_hour
        usd += price * sum(h * n for h, n in zip(horizon.hours, there, strict=True))
        if place.offer.purchase == "reserved":
            if len(set(there)) > 1:
                return float("inf")
            continue
        if not kept_long_enough(horizon, there):
            return float("inf")
        before = (there[-1] if horizon.cyclic else 0, *there[:-1])
        starts = sum(max(n - b, 0) for n, b in zip(there, before, strict=True))
        usd += price * starts * horizon.startup_s / 3600.0
    return usd


def kept_long_enough(horizon: Horizon, there: tuple[int, ...]) -> bool:
    """Whether VMs can come and go so, the oldest first, none before its time."""
    ages: list[int] = []
    if horizon.cyclic:
        ages = [len(there) * 9] * there[-1]
    for _ in range(4 if horizon.cyclic else 1):
        for wanted in there:
            ages = sorted((age + 1 for age in ages), reverse=True)
            stopped, ages = ages[: max(len(ages) - wanted, 0)], ages[max(len(ages) - wanted, 0) :]
            if any(age <= horizon.min_up_periods for age in stopped):
                return False
            ages += [1] * (wanted - len(ages))
    return True


def optimum(problem: FleetProblem) -> float:
    if problem.horizon is not None:
        return cheapest_over_time(problem)
    best = float("inf")
    for types in choices_of_types(problem):
        best = min(best, cheapest(problem, types, best))
    return best


def enumerable(problem: FleetProblem, plan: FleetPlan) -> bool:
    """Whether the enumeration goes as far as this plan."""
    if problem.horizon is None:
        return sum(host.count for host in plan.hosts if host.seats) <= MOST_VMS
    at_once = Counter[int | None]()
    for vm in plan.vms:
        at_once[vm.period] += vm.count
    return max(at_once.values()) <= MOST_AT_ONCE


def stands_up(problem: FleetProblem, plan: FleetPlan) -> bool:
    """Whether the plan's own VMs carry the demand by the words above."""
    offers = {(o.vm_type.name, o.region, o.purchase): o for o in problem.offers}
    for t in range(len(problem.hours)):
        fleet = [
            fill(
                problem,
                Place(offers[host.vm_type, host.region, host.purchase], host.zone),
                tuple((seat.workload, seat.n_gpus, seat.replicas) for seat in host.seats),
            )
            for host in plan.hosts
            if (host.period or 0) == t
            for _ in range(host.count)
        ]
        rented = Counter(vm.place for vm in fleet)
        if not (within_quotas(problem, rented) and affordable(problem, rented)):
            return False
        for w in problem.measured:
            factor = w.profile[t] if w.profile else 1.0
            if factor and not carries(w, fleet, factor):
                return False
    return True


# ---- random fleets ----


def make_offers(rng: np.random.Generator, bought: bool) -> tuple[Offer, ...]:
    found = []
    for i in range(int(rng.integers(1, 3))):
        n_gpus = int(rng.choice([1, 2, 2, 4]))
        vm_type = VMType(
            provider="cloud",
            name=f"vm{i}",
            family="family",
            gpu=GPU(name=f"gpu{i}"),
            n_gpus=n_gpus,
            vcpus=8 * n_gpus,
        )
        price = float(rng.choice([1.0, 1.5, 2.0, 3.1]))
        offer = Offer(vm_type=vm_type, region="here", usd_per_hour=price)
        found.append(offer)
        if not bought:
            continue
        kind = str(rng.choice(["spot", "reserved", "there"]))
        if kind == "spot":
            found.append(offer.replace(purchase="spot", usd_per_hour=price * 0.4))
        elif kind == "there":
            found.append(offer.replace(region="there", usd_per_hour=price * 1.25))
        else:
            count = int(rng.integers(0, 3))
            reserved = offer.replace(purchase="reserved", owned=count)
            found.append(reserved.replace(usd_per_hour=price * float(rng.choice([0.5, 0.8]))))
    return tuple(found)


def make_measured(
    rng: np.random.Generator, index: int, offers: tuple[Offer, ...], periods: int
) -> MeasuredWorkload:
    rules: dict[str, Any] = {}
    if rng.random() < 0.4 and any(o.purchase == "spot" for o in offers):
        rules["max_spot_share"] = float(rng.choice([0.0, 0.25, 0.5]))
    draw, survive = rng.random(), Survival()
    if draw < 0.3:
        survive = Survival(vm=float(rng.choice([0.4, 0.7, 1.0])))
    elif draw < 0.45 and not periods:
        survive = Survival(zone=float(rng.choice([0.4, 0.7, 1.0])))
    if rng.random() < 0.15:
        rules["forbid"] = Selection(vm_types=(offers[0].vm_type.name,))
    elif rng.random() < 0.15:
        rules["allow"] = Selection(regions=("here",))
    if rng.random() < 0.3:
        rules["max_vm_types"] = 1
    if periods:
        rules["profile"] = (1.0, *(float(x) for x in rng.choice([0.0, 0.4, 1.6], periods - 1)))
    classes = 2 if survive.vm is None and rng.random() < 0.3 else 1
    tables = []
    for name, n_gpus in sorted({(o.vm_type.name, o.vm_type.n_gpus) for o in offers}):
        degrees = [int(rng.choice([g for g in (1, 2, 4) if g <= n_gpus]))]
        if rng.random() < 0.4:
            degrees = sorted({*degrees, n_gpus})
        for g in degrees:
            carried = tuple(float(x) * g / 2 for x in rng.integers(1, 6, classes))
            tables.append(Throughput(vm_type=name, n_gpus=g, requests_per_s=carried))
    return MeasuredWorkload(
        name=f"w{index}",
        requests_per_s=float(rng.integers(1, 11)) / 2,
        shares=(1.0,) if classes == 1 else (0.25, 0.75),
        throughput=tuple(tables),
        target_utilization=float(rng.choice([1.0, 0.8])),
        survive=survive,
        **rules,
    )


def make_tiny_fleet(seed: int) -> FleetProblem:
    rng = np.random.default_rng((seed, 7))
    periods = int(rng.integers(2, 4)) if rng.random() < 0.4 else 0
    offers = make_offers(rng, bought=bool(rng.random() < 0.6))
    many = 1 if rng.random() < 0.5 else 2
    measured = tuple(make_measured(rng, i, offers, periods) for i in range(many))
    horizon = None
    if periods:
        horizon = Horizon(
            hours=tuple(float(h) for h in rng.choice([1.0, 3.0], periods)),
            startup_s=float(rng.choice([0.0, 1800.0, 7200.0])),
            min_up_periods=int(rng.integers(1, 3)),
            cyclic=bool(rng.random() < 0.5),
        )
    quotas = []
    if rng.random() < 0.35:
        unit = str(rng.choice(["vms", "gpus", "vcpus"]))
        limit = float(rng.integers(0, 4)) * {"vms": 1, "gpus": 2, "vcpus": 16}[unit]
        chosen = [{"vm_types": ("vm0",)}, {"regions": ("here",)}, {"purchase": ("on_demand",)}]
        selected = chosen[int(rng.integers(3))]
        quotas.append(Quota.model_validate({"name": "q", "unit": unit, "limit": limit, **selected}))
    budget = Budget()
    if rng.random() < 0.3:
        over_all = float(rng.integers(6, 30)) if periods and rng.random() < 0.5 else None
        budget = Budget(usd_per_hour=float(rng.integers(2, 9)), usd=over_all)
    return FleetProblem(
        measured=measured,
        offers=offers,
        quotas=tuple(quotas),
        budget=budget,
        horizon=horizon,
        zones_per_region=int(rng.integers(2, 4)),
    )


def make_shared_fleet(seed: int) -> FleetProblem:
    """Large VMs shared by workloads, some of which survive the loss of one."""
    rng = np.random.default_rng((seed, 8))
    n_gpus = int(rng.choice([4, 4, 6]))
    vm_type = VMType(
        provider="cloud", name="vm", family="family", gpu=GPU(name="gpu"), n_gpus=n_gpus
    )
    measured = []
    for index in range(int(rng.integers(2, 4))):
        g = int(rng.choice([1, 1, 2]))
        carried = (float(rng.integers(1, 4)),)
        survive = Survival(vm=float(rng.choice([0.3, 0.6, 1.0]))) if rng.random() < 0.6 else None
        measured.append(
            MeasuredWorkload(
                name=f"w{index}",
                requests_per_s=float(rng.integers(1, 9)),
                throughput=(Throughput(vm_type="vm", n_gpus=g, requests_per_s=carried),),
                target_utilization=1.0,
                survive=survive or Survival(),
            )
        )
    offer = Offer(vm_type=vm_type, region="here", usd_per_hour=1.0)
    return FleetProblem(measured=tuple(measured), offers=(offer,))


SLOW = {66, 202, 218}
"""Seeds whose enumeration takes seconds."""
SEEDS = 240
SHARED = 96
BLOCKS = 12


def compare(seed: int, problem: FleetProblem) -> bool:
    """Compare one fleet; whether the enumeration went far enough to be an equal."""
    try:
        plan = solve(problem, options=EXACT)
    except InfeasibleError:
        assert optimum(problem) == float("inf"), f"seed {seed} has a plan"
        return True
    assert plan.status is Status.OPTIMAL
    assert stands_up(problem, plan), f"seed {seed}"
    best = optimum(problem)
    assert plan.usd_per_hour <= best * (1 + ROUNDING), f"seed {seed} has a cheaper plan"
    if not enumerable(problem, plan):
        return False
    assert plan.usd_per_hour == pytest.approx(best, rel=ROUNDING), f"seed {seed}"
    return True


@pytest.mark.parametrize("block", range(BLOCKS))
def test_the_optimum_is_the_enumerated_one(block: int) -> None:
    seeds = set(range(block * SEEDS // BLOCKS, (block + 1) * SEEDS // BLOCKS)) - SLOW
    equals = sum(compare(seed, make_tiny_fleet(seed)) for seed in sorted(seeds))
    assert equals > len(seeds) / 2


@pytest.mark.parametrize("block", range(BLOCKS))
def test_vms_are_shared_as_the_enumeration_shares_them(block: int) -> None:
    seeds = range(block * SHARED // BLOCKS, (block + 1) * SHARED // BLOCKS)
    equals = sum(compare(seed, make_shared_fleet(seed)) for seed in seeds)
    assert equals > len(seeds) / 2
