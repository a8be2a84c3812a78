"""Replicas stay where they sit as far as VMs and gaps allow."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from infersave.solver.replanning.reseat import Seated, reseat
from infersave.solver.seats import Load, Seats


def seats(seated: Seated) -> list[Seats]:
    return [room.seats for room in seated.rooms]


def test_an_unchanged_fleet_is_not_touched() -> None:
    running: list[Seats] = [{("a", 2): 1, ("b", 1): 2}, {("b", 1): 1}]
    found = reseat(4, 2, [Load("a", 2, 1, 1), Load("b", 1, 1, 3)], running)
    assert seats(found) == running
    assert found.origin == [1, 2]


def test_a_new_replica_takes_the_smallest_gap() -> None:
    running: list[Seats] = [{("a", 1): 1}, {("a", 1): 3}]
    found = reseat(4, 2, [Load("a", 1, 1, 4), Load("b", 1, 1, 1)], running)
    assert seats(found) == [{("a", 1): 1}, {("a", 1): 3, ("b", 1): 1}]


def test_the_vm_given_back_is_the_one_that_moves_least() -> None:
    running: list[Seats] = [{("a", 1): 3}, {("b", 1): 1}, {("a", 1): 2}]
    found = reseat(4, 2, [Load("a", 1, 1, 5), Load("b", 1, 1, 1)], running)
    assert found.origin == [1, 3]
    assert seats(found) == [{("a", 1): 3, ("b", 1): 1}, {("a", 1): 2}]


def test_where_no_gap_is_large_enough_all_are_seated_anew() -> None:
    running: list[Seats] = [{("a", 1): 1}, {("a", 1): 1}]
    found = reseat(2, 2, [Load("a", 1, 1, 2), Load("b", 2, 1, 1)], running)
    assert sorted(map(str, seats(found))) == ["{('a', 1): 2}", "{('b', 2): 1}"]
    assert sorted(found.origin, key=str) == [1, 2]


def test_blocks_that_stand_apart_never_meet() -> None:
    running: list[Seats] = [{("a", 1): 2}, {("a", 1): 2}, {("b", 1): 1}]
    loads = [Load("a", 1, 2, 2, apart=True), Load("b", 1, 1, 1)]
    found = reseat(4, 2, loads, running)
    assert all(one.get(("a", 1), 0) <= 2 for one in seats(found))
    assert len(found.rooms) == 2


@pytest.mark.parametrize("seed", range(40))
def test_every_replica_has_a_seat_and_no_vm_overflows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes, names = (1, 2, 4, 8), "abcd"
    running: list[Seats] = []
    for _ in range(rng.integers(0, 5)):
        free, here = 8, Counter[tuple[str, int]]()
        while free and rng.random() < 0.7:
            size = int(rng.choice([s for s in sizes if s <= free]))
            here[str(rng.choice(list(names))), size] += 1
            free -= size
        running.append(dict(here))
    wanted = Counter[tuple[str, int]]()
    for one in running:
        wanted.update({key: int(rng.integers(0, count + 2)) for key, count in one.items()})
    wanted[str(rng.choice(list(names))), int(rng.choice(sizes))] += 1
    loads = [Load(name, size, 1, count) for (name, size), count in wanted.items() if count]
    gpus = sum(load.gpus * load.count for load in loads)
    found = reseat(8, -(-gpus // 8), loads, running)
    seated = Counter[tuple[str, int]]()
    for room in found.rooms:
        seated.update(room.seats)
        assert sum(size * count for (_, size), count in room.seats.items()) == 8 - room.free <= 8
    assert seated == +wanted
    assert len(found.rooms) == -(-gpus // 8)
    known = [number for number in found.origin if number is not None]
    assert sorted(set(known)) == sorted(known)
