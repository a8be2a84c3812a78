"""The covering knapsacks are exact: against plain enumeration, with every kind of need."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from infersave.solver.splitting.columns import Columns
from infersave.solver.splitting.completion import completion_of
from infersave.solver.splitting.covering import SHORTFALL, Covering
from infersave.solver.splitting.knapsack import search
from infersave.solver.splitting.needs import needs_of
from infersave.solver.splitting.pricing import Effort, near_patterns, price_workloads
from infersave.solver.splitting.quick import quick_cost
from infersave.solver.splitting.shortlist import cheapest_lists

SEEDS = 120
MOST_REPLICAS = 4
"""Of one item: parts are at least a quarter, so no need takes more of one item."""

FEW, MANY = 10_000, 10**9


def one_workload(seed: int) -> Covering:
    """One workload on up to five places in up to three zones, some of them spot."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 6))
    n_zones = int(rng.integers(1, 4))
    zone = rng.integers(0, n_zones, n)
    zone[: min(n, n_zones)] = np.arange(min(n, n_zones))
    room = rng.choice([1, 2, 4], n)
    return Covering(
        start=np.array([0, n]),
        place=np.arange(n),
        n_gpus=np.array([int(rng.choice([g for g in (1, 2, 4) if r % g == 0])) for r in room]),
        part=rng.uniform(0.25, 1.0, n),
        price=rng.uniform(0.5, 3.0, n) * room,
        room=room,
        spot=rng.random(n) < 0.4,
        zone=zone,
        home=np.zeros(n, np.int64),
        owned=np.zeros(n, np.int64),
        most=np.full(n, 100),
        firm=np.array([rng.choice([0.0, 0.4, 1.0])]),
        left=np.array([rng.choice([0.0, 0.3, 0.8]) if n_zones > 1 else 0.0]),
        weight=np.zeros((0, n)),
        limit=np.zeros(0),
    )


def carries(covering: Covering, counts: np.ndarray) -> bool:
    """Whether so many replicas of each item meet every need of the one workload."""
    carried = covering.part * counts
    zones = [carried[covering.zone != z].sum() for z in range(int(covering.zone.max()) + 1)]
    return bool(
        carried.sum() >= 1.0 - SHORTFALL
        and carried[~covering.spot].sum() >= covering.firm[0] - SHORTFALL
        and min(zones) >= covering.left[0] - SHORTFALL
    )


def mixes(covering: Covering) -> list[np.ndarray]:
    """Every mix of replicas that meets the needs, by enumeration."""
    counts = itertools.product(range(MOST_REPLICAS + 1), repeat=len(covering.part))
    return [np.array(c) for c in counts if carries(covering, np.array(c))]


def item_cost(covering: Covering) -> np.ndarray:
    return np.asarray(covering.price / covering.room * covering.n_gpus)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_cheapest_pattern_is_the_cheapest(seed: int) -> None:
    covering = one_workload(seed)
    cost = item_cost(covering)
    expected = min((float(cost @ m) for m in mixes(covering)), default=np.inf)
    priced = price_workloads(
        covering, Columns.of(covering), covering.price / covering.room, np.arange(1)
    )
    assert priced.cost[0] == pytest.approx(expected, rel=1e-8)
    assert priced.bound[0] <= priced.cost[0]
    if np.isfinite(expected):
        assert priced.bound[0] == pytest.approx(expected, rel=1e-8)
        assert carries(covering, priced.replicas(covering))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_bounds_of_whole_replicas_drop_no_cheapest_pattern(seed: int) -> None:
    """With them a search finds the same patterns, and the bound of nothing chosen is valid."""
    covering = one_workload(seed)
    columns, gpu_price = Columns.of(covering), covering.price / covering.room
    (needs,) = needs_of(covering, columns, np.arange(1))
    (lists,) = cheapest_lists(covering, columns, gpu_price, needs)
    ceiling = quick_cost(lists) * (1 + 1e-6)
    if not np.isfinite(ceiling[0]):
        return
    plain, hard = (search(lists, ceiling, FEW, hard=each) for each in (False, True))
    assert hard.patterns.cost == pytest.approx(plain.patterns.cost)
    cheapest = float(plain.patterns.cost.min())
    table = completion_of(lists)
    everything = [amount.copy() for amount in lists.amount]
    assert table.at(np.zeros(1, np.int64), everything)[0] <= cheapest * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_pattern_near_the_cheapest_is_missed(seed: int) -> None:
    """What a mix uses outside the loose columns, some listed pattern uses at no more cost."""
    covering = one_workload(seed)
    columns, gpu_price = Columns.of(covering), covering.price / covering.room
    priced = price_workloads(covering, columns, gpu_price, np.arange(1))
    if not np.isfinite(priced.cost).all():
        return
    alone = covering.room[columns.place] == columns.n_gpus
    regret = np.array([0.5])
    near, missed = near_patterns(
        covering, columns, gpu_price, priced, regret, alone, Effort(states=FEW, most=MANY)
    )
    assert missed[0] == np.inf
    bound_items = ~alone[columns.of_item]
    listed: dict[tuple[int, ...], float] = {}
    for row in range(len(near.cost)):
        one = near.take(np.array([row]))
        counts = np.bincount(one.item, one.count, minlength=len(covering.part))
        assert carries(covering, counts)
        assert near.cost[row] == pytest.approx(float(item_cost(covering) @ counts))
        key = tuple(counts[bound_items].astype(int).tolist())
        listed[key] = min(listed.get(key, np.inf), float(near.cost[row]))
    for mix in mixes(covering):
        if not is_minimal(covering, mix):
            continue
        cost = float(item_cost(covering) @ mix)
        if cost <= (priced.cost[0] + regret[0]) * (1 - 1e-9):
            assert listed[tuple(mix[bound_items].tolist())] <= cost * (1 + 1e-8)


def is_minimal(covering: Covering, mix: np.ndarray) -> bool:
    """Whether no replica can be left out."""
    fewer = (mix - np.eye(len(mix), dtype=int)[i] for i in np.flatnonzero(mix))
    return not any(carries(covering, each) for each in fewer)


@pytest.mark.parametrize("seed", range(0, SEEDS, 4))
def test_a_search_cut_short_still_bounds(seed: int) -> None:
    covering = one_workload(seed)
    cost = item_cost(covering)
    expected = min((float(cost @ m) for m in mixes(covering)), default=np.inf)
    (needs,) = needs_of(covering, Columns.of(covering), np.arange(1))
    gpu_price = covering.price / covering.room
    (lists,) = cheapest_lists(covering, Columns.of(covering), gpu_price, needs)
    quick = quick_cost(lists)
    assert np.isfinite(quick[0]) == np.isfinite(expected)
    if np.isfinite(expected):
        assert quick[0] >= expected * (1 - 1e-9)
        found = search(lists, quick * 1.001, max_states=1)
        best = min([*found.patterns.cost.tolist(), float(quick[0])])
        assert min(best, float(found.missed[0])) <= expected * (1 + 1e-9)


def test_hundreds_of_replicas_do_not_explode() -> None:
    """A demand of 300 replicas and six near-equal items: bounded at once, and closely."""
    rng = np.random.default_rng(1)
    covering = replace(
        one_workload(0),
        start=np.array([0, 6]),
        place=np.arange(6),
        n_gpus=np.ones(6, np.int64),
        part=rng.uniform(0.003, 0.006, 6),
        price=np.full(6, 1.0),
        room=np.full(6, 4),
        spot=np.zeros(6, bool),
        zone=np.zeros(6, np.int64),
        home=np.zeros(6, np.int64),
        owned=np.zeros(6, np.int64),
        most=np.full(6, 1000),
        firm=np.zeros(1),
        left=np.zeros(1),
        weight=np.zeros((0, 6)),
    )
    covering = replace(covering, price=covering.part * 1000 * rng.uniform(1.0, 1.001, 6))
    priced = price_workloads(
        covering, Columns.of(covering), covering.price / covering.room, np.arange(1)
    )
    assert priced.bound[0] <= priced.cost[0] <= priced.bound[0] * 1.001
