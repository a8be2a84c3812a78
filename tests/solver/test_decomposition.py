"""The decomposition against the plain program: same optimum, honest bounds, sound plans."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from infersave import ProblemError, SolveOptions, Status, UnsupportedProgram
from infersave.solver.backends.running import run
from infersave.solver.splitting import decomposition
from infersave.solver.splitting.columns import Columns
from infersave.solver.splitting.covering import Covering
from infersave.solver.splitting.decomposition import solve_covering
from infersave.solver.splitting.incumbent import CoveringPlan
from infersave.solver.splitting.plain import plain_program
from infersave.solver.splitting.prices import Limits, Prices, bound_at, vm_price
from infersave.solver.splitting.pricing import price_workloads
from infersave.solver.splitting.zones import Standing, stand

SEEDS, BLOCKS = 200, 10
AGREE = 2e-6
SHORT = 2e-6
EXACT = SolveOptions(relative_gap=1e-6, time_limit_s=30.0)
GPUS = (1, 2, 4, 8)


def random_covering(seed: int, n_workloads: int | None = None) -> Covering:
    """A small problem with every kind of limit at random: spot, zones, owned VMs, quotas, budget.

    Every zone sells all VM types; spot sells them at a lower price.
    """
    rng = np.random.default_rng(seed)
    w_count = n_workloads or int(rng.integers(1, 5))
    types, zones = int(rng.integers(1, 4)), int(rng.choice([1, 1, 2, 3]))
    options = int(rng.choice([1, 2]))
    type_room = rng.choice(GPUS, types)
    type_price = rng.uniform(0.5, 4.0, types) * type_room
    copies = [(t, s) for s in range(options) for t in range(types)]
    kind, spot = (np.array(column) for column in zip(*copies, strict=True))
    spot = spot == 1
    room = type_room[kind]
    price = type_price[kind] * np.where(spot, rng.uniform(0.3, 0.8, types)[kind], 1.0)
    some = rng.random((2, w_count)) < 0.5
    left = np.where(some[1] & (zones > 1), rng.choice([0.3, 0.5, 1.0], w_count), 0.0)
    items = []
    for w in range(w_count):
        stands = range(zones if left[w] else 1)
        size = 10 ** rng.uniform(-1.2, 0.7)
        for t in range(types):
            for g in (g for g in GPUS if type_room[t] % g == 0 and rng.random() > 0.25):
                part = min(1.0, max(0.08, size * g ** rng.uniform(0.7, 1.2)))
                sold = np.flatnonzero(kind == t).tolist()
                items += [(w, p, g, float(part), z) for p in sold for z in stands]
    items = sorted(items or [(0, 0, 1, 0.5, 0)])
    columns = list(zip(*items, strict=True))
    n_places = len(copies)
    owned = np.where(rng.random(n_places) < 0.2, rng.integers(0, 3, n_places), 0)
    owned = owned * int(rng.random() < 0.4)
    scarce = (rng.random(n_places) < 0.4) & (rng.random() < 0.4)
    most = np.maximum(np.where(scarce, rng.integers(0, 4, n_places), 1000), owned)
    quotas = int(rng.choice([0, 0, 1, 2]))
    weight = np.where(rng.random((quotas, n_places)) < 0.5, rng.choice([1.0, 2.0, 8.0]), 0.0)
    limit = rng.integers(2, 14, quotas).astype(float)
    if rng.random() < 0.2:
        weight, limit = np.vstack([weight, price]), np.append(limit, rng.uniform(5, 60))
    return Covering(
        start=np.searchsorted(np.array(columns[0]), np.arange(w_count + 1)),
        place=np.array(columns[1]),
        n_gpus=np.array(columns[2]),
        part=np.array(columns[3]),
        zone=np.array(columns[4]),
        price=price,
        room=room,
        spot=spot,
        home=np.zeros(n_places, np.int64),
        owned=owned,
        most=most,
        firm=np.where(some[0] & (options == 2), rng.choice([0.3, 0.5, 1.0], w_count), 0.0),
        left=left,
        weight=weight,
        limit=limit,
    )


def broken(covering: Covering, plan: CoveringPlan) -> list[str]:
    """What the plan breaks, recomputed from the definition."""
    x, n = plan.replicas, plan.vms
    assert x is not None
    assert n is not None
    w, carried = covering.workload, covering.part * x
    shape = covering.n_workloads
    firm = np.bincount(w, carried * ~covering.spot[covering.place], minlength=shape)
    away = [
        np.bincount(w, carried * (covering.zone != z), minlength=shape)
        for z in range(covering.n_zones)
    ]
    standing = stand(covering, x)
    in_zone = zone_gpus(covering, x, standing)
    rules = {
        "cover": np.bincount(w, carried, minlength=shape) >= 1 - SHORT,
        "firm": firm >= covering.firm - SHORT,
        "zones": np.min(away, axis=0) >= covering.left - SHORT,
        "fit": in_zone <= covering.room * standing.vms,
        "all zones": standing.vms.sum(axis=0) == n,
        "owned": n >= covering.owned,
        "most": n <= covering.most,
        "limits": covering.weight @ n <= covering.limit * (1 + 1e-8) + 1e-8,
        "cost": np.isclose(plan.cost or 0.0, covering.price @ n),
        "whole": (x >= 0) & (x == np.rint(x)),
    }
    return [name for name, holds in rules.items() if not np.all(holds)]


def zone_gpus(covering: Covering, x: np.ndarray, standing: Standing) -> np.ndarray:
    """GPUs in use in each zone of each place, from where every replica stands; [Z, P]."""
    used = np.zeros(standing.vms.shape, np.int64)
    zone = np.where(covering.floating, covering.home[covering.place], covering.zone)
    np.add.at(used, (zone, covering.place), covering.n_gpus * x)
    place, size = covering.place[standing.item], covering.n_gpus[standing.item]
    np.add.at(used, (covering.home[place], place), -size * standing.count)
    np.add.at(used, (standing.zone, place), size * standing.count)
    return used


def optimum(covering: Covering, backend: str = "ortools:highs") -> float | None:
    """The proved optimum of the plain program; None where it is proved infeasible."""
    program = plain_program(covering)
    solution = run(backend, program, SolveOptions(relative_gap=0.0))
    assert solution.status in (Status.OPTIMAL, Status.INFEASIBLE)
    return None if solution.objective is None else solution.objective / program.usd_scale


@pytest.mark.parametrize("block", range(BLOCKS))
def test_same_optimum_as_the_plain_program(block: int) -> None:
    for seed in range(block * SEEDS // BLOCKS, (block + 1) * SEEDS // BLOCKS):
        covering = random_covering(seed)
        expected, plan = optimum(covering), solve_covering(covering, EXACT)
        if expected is None:
            assert plan.status is Status.INFEASIBLE, seed
            continue
        assert plan.status is Status.OPTIMAL, (seed, plan)
        assert broken(covering, plan) == [], seed
        assert plan.cost == pytest.approx(expected, rel=AGREE), seed
        assert plan.bound <= expected * (1 + AGREE), seed
        assert plan.gap is not None
        assert plan.gap <= AGREE, seed


@pytest.mark.parametrize("seed", range(1000, 1025))
def test_sound_without_the_plain_program(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patterns, moves and masters alone: a sound plan, an honest bound, no false proof."""
    monkeypatch.setattr(decomposition, "FEW_ITEMS", 0)
    monkeypatch.setattr(decomposition, "MOST_ITEMS", 0)
    covering = random_covering(seed)
    expected = optimum(covering)
    plan = solve_covering(covering, SolveOptions(relative_gap=1e-6, time_limit_s=0.3))
    if expected is None:
        assert plan.status in (Status.INFEASIBLE, Status.NO_PLAN)
        return
    assert plan.status is not Status.INFEASIBLE
    assert plan.bound <= expected * (1 + AGREE)
    if plan.cost is not None:
        assert broken(covering, plan) == []
        assert plan.cost >= expected * (1 - AGREE)
        assert plan.status is Status.FEASIBLE or plan.cost <= expected * (1 + AGREE)


@pytest.mark.parametrize("seed", range(30))
def test_the_plain_program_against_enumeration(seed: int) -> None:
    covering = replace(random_covering(seed, n_workloads=1))
    covering = replace(covering, most=np.maximum(np.minimum(covering.most, 4), covering.owned))
    expected = optimum(covering)
    try:
        found = optimum(covering, "exhaustive")
    except UnsupportedProgram:
        pytest.skip("too large to enumerate")
    assert found == (None if expected is None else pytest.approx(expected, rel=AGREE))


@pytest.mark.parametrize("seed", range(40))
def test_any_prices_bound_the_cost(seed: int) -> None:
    covering, rng = random_covering(seed), np.random.default_rng(seed)
    expected = optimum(covering)
    limits, columns = Limits.of(covering), Columns.of(covering)
    for scale in (0.0, 0.1, 1.0):
        row_price = rng.uniform(0, scale, len(limits.limit)) * (rng.random(len(limits.limit)) < 0.5)
        prices = Prices(row_price, np.zeros(covering.n_places))
        dear = vm_price(covering, limits, prices)
        share = rng.uniform(0, 1, covering.n_places) * (covering.owned > 0) * min(scale, 1.0)
        prices = Prices(row_price, share * dear)
        each = (dear - prices.owned) / covering.room
        priced = price_workloads(covering, columns, each, np.arange(covering.n_workloads))
        if expected is not None:
            assert bound_at(covering, limits, prices, priced) <= expected * (1 + AGREE)


def fleet(n_workloads: int, seed: int = 0) -> Covering:
    """Twelve VM types with 1 to 8 GPUs and workloads of one to a few replicas."""
    rng = np.random.default_rng(seed)
    room = np.array([1, 1, 1, 1, 2, 4, 4, 8, 8, 8, 8, 1])
    price = rng.uniform(0.4, 4.0, len(room)) * room
    pairs = [(p, g) for p, r in enumerate(room.tolist()) for g in GPUS if r % g == 0]
    place, n_gpus = (np.tile(column, n_workloads) for column in zip(*pairs, strict=True))
    speed = rng.uniform(0.3, 2.0, len(room))[place]
    demand = np.repeat(10 ** rng.uniform(-0.7, 1.2, n_workloads), len(pairs))
    noise = rng.uniform(0.8, 1.2, len(place))
    zeros = np.zeros(len(room), np.int64)
    return Covering(
        start=np.arange(n_workloads + 1) * len(pairs),
        place=place,
        n_gpus=n_gpus,
        part=np.minimum(price[place] / room[place] * speed * n_gpus**0.95 * noise / demand, 1.0),
        price=price,
        room=room,
        spot=np.zeros(len(room), bool),
        zone=np.zeros(len(place), np.int64),
        home=zeros,
        owned=zeros,
        most=np.full(len(room), 10**6),
        firm=np.zeros(n_workloads),
        left=np.zeros(n_workloads),
        weight=np.zeros((0, len(room))),
        limit=np.zeros(0),
    )


def test_a_fleet_is_proved_and_the_bound_never_falls() -> None:
    covering, seen = fleet(400), []
    options = SolveOptions(relative_gap=1e-4, time_limit_s=30.0)
    plan = solve_covering(covering, options, lambda *state: seen.append(state))
    assert plan.status is Status.OPTIMAL
    assert broken(covering, plan) == []
    assert plan.gap is not None
    assert plan.gap <= 1e-4 + 1e-6
    bounds, costs = [s[1] for s in seen], [s[0] for s in seen if s[0] is not None]
    assert bounds == sorted(bounds)
    assert costs == sorted(costs, reverse=True)
    assert seen[-1][:2] == (plan.cost, plan.bound)


def test_a_quota_has_a_price_and_is_kept() -> None:
    covering = fleet(400)
    free = solve_covering(covering, SolveOptions(relative_gap=1e-3))
    assert free.vms is not None
    assert free.cost is not None
    most_used = int(np.argmax(free.vms))
    weight = np.zeros((1, covering.n_places))
    weight[0, most_used] = 1.0
    limit = np.array([float(free.vms[most_used] // 2)])
    tight = replace(covering, weight=weight, limit=limit)
    plan = solve_covering(tight, SolveOptions(relative_gap=1e-3))
    assert plan.status is Status.OPTIMAL
    assert broken(tight, plan) == []
    assert plan.cost is not None
    assert plan.cost > free.cost * (1 - 1e-3)
    assert plan.limit_price[0] > 0


def test_the_same_twice() -> None:
    one, two = (solve_covering(fleet(120, seed=3), EXACT) for _ in range(2))
    assert one.replicas is not None
    assert two.replicas is not None
    assert (one.replicas == two.replicas).all()
    assert (one.cost, one.bound) == (two.cost, two.bound)


def test_no_time_is_no_proof() -> None:
    plan = solve_covering(fleet(120), SolveOptions(time_limit_s=0.0))
    assert plan.status is Status.FEASIBLE
    assert plan.limit == "time"
    assert plan.cost is not None
    assert broken(fleet(120), plan) == []
    assert plan.bound < plan.cost


def test_what_cannot_be_carried_is_infeasible() -> None:
    covering = fleet(20)
    nowhere = replace(covering, left=np.full(20, 0.5))  # there is one zone only
    assert solve_covering(nowhere, EXACT).status is Status.INFEASIBLE
    all_spot = replace(covering, spot=np.ones(12, bool), firm=np.full(20, 0.1))
    assert solve_covering(all_spot, EXACT).status is Status.INFEASIBLE
    closed = replace(covering, most=np.zeros(12, np.int64))
    assert solve_covering(closed, EXACT).status is Status.INFEASIBLE
    budget = replace(covering, weight=covering.price[None, :], limit=np.array([1.0]))
    assert solve_covering(budget, EXACT).status is Status.INFEASIBLE


def test_no_workloads_cost_what_is_owned() -> None:
    covering = fleet(1)
    owned = np.zeros(12, np.int64)
    owned[3] = 2
    empty = np.zeros(0, np.int64)
    nothing = replace(
        covering,
        start=np.zeros(1, np.int64),
        place=empty,
        n_gpus=empty,
        part=np.zeros(0),
        zone=empty,
        firm=np.zeros(0),
        left=np.zeros(0),
        owned=owned,
    )
    plan = solve_covering(nothing, EXACT)
    assert plan.status is Status.OPTIMAL
    assert plan.cost == pytest.approx(2 * covering.price[3])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("part", np.full(1, 1.5)),
        ("part", np.full(1, np.nan)),
        ("n_gpus", np.full(1, 3)),
        ("price", np.full(2, -1.0)),
        ("limit", np.full(1, np.inf)),
        ("firm", np.full(1, 2.0)),
        ("most", np.full(2, -1)),
    ],
)
def test_the_gate(field: str, value: np.ndarray) -> None:
    good = Covering(
        start=np.array([0, 1]),
        place=np.zeros(1, np.int64),
        n_gpus=np.ones(1, np.int64),
        part=np.full(1, 0.5),
        price=np.ones(2),
        room=np.full(2, 4),
        spot=np.zeros(2, bool),
        zone=np.zeros(1, np.int64),
        home=np.zeros(2, np.int64),
        owned=np.zeros(2, np.int64),
        most=np.full(2, 9),
        firm=np.zeros(1),
        left=np.zeros(1),
        weight=np.ones((1, 2)),
        limit=np.full(1, 9.0),
    )
    good.check()
    with pytest.raises(ProblemError):
        replace(good, **{field: value}).check()
