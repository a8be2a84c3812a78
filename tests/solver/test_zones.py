"""Where replicas stand: the fewest VMs, and a point of the plain program."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from infersave.solver.splitting.covering import Covering
from infersave.solver.splitting.plain import plain_point, plain_program
from infersave.solver.splitting.zones import stand, vms_for

ZONES = 3


def one_place(seed: int) -> tuple[Covering, np.ndarray]:
    """Replicas of one place: some bound to zones by a workload that survives one, some floating."""
    rng = np.random.default_rng(seed)
    room = int(rng.choice([2, 4, 8]))
    sizes = [g for g in (1, 2, 4, 8) if room % g == 0]
    bound = [(0, g, z) for g in sizes for z in range(ZONES)]
    items = bound + [(1, g, 0) for g in sizes]
    workload, n_gpus, zone = (np.array(column) for column in zip(*items, strict=True))
    covering = Covering(
        start=np.searchsorted(workload, np.arange(3)),
        place=np.zeros(len(items), np.int64),
        n_gpus=n_gpus,
        part=np.ones(len(items)),
        zone=zone,
        price=np.ones(1),
        room=np.array([room]),
        spot=np.zeros(1, bool),
        home=np.array([int(rng.integers(ZONES))]),
        owned=np.array([int(rng.integers(0, 2))]),
        most=np.array([100]),
        firm=np.zeros(2),
        left=np.array([0.5, 0.0]),
        weight=np.zeros((0, 1)),
        limit=np.zeros(0),
    )
    replicas = rng.integers(0, 2, len(items))
    # So that the plain program's rows of demand hold.
    replicas[:2], replicas[len(bound)] = 1, 1
    return covering, replicas


def fewest_vms(covering: Covering, replicas: np.ndarray) -> int:
    """By trying every zone for every floating replica."""
    room, floating = int(covering.room[0]), covering.floating
    fixed = np.zeros(ZONES, np.int64)
    np.add.at(fixed, covering.zone[~floating], (covering.n_gpus * replicas)[~floating])
    sizes = np.repeat(covering.n_gpus[floating], replicas[floating]).tolist()
    least = np.zeros(ZONES, np.int64)
    least[covering.home[0]] = covering.owned[0]
    best = 10**9
    for zones in itertools.product(range(ZONES), repeat=len(sizes)):
        used = fixed.copy()
        np.add.at(used, np.array(zones, dtype=np.int64), np.array(sizes, dtype=np.int64))
        best = min(best, int(np.maximum(-(-used // room), least).sum()))
    return best


@pytest.mark.parametrize("seed", range(60))
def test_no_place_needs_fewer_vms(seed: int) -> None:
    covering, replicas = one_place(seed)
    assert int(vms_for(covering, replicas)[0]) == fewest_vms(covering, replicas)


@pytest.mark.parametrize("seed", range(60))
def test_it_is_a_point_of_the_plain_program(seed: int) -> None:
    covering, replicas = one_place(seed)
    program = plain_program(covering)
    point = plain_point(covering, program, replicas)
    assert program.violation(point) <= 1e-9
    cost = float(program.cost @ point) / program.usd_scale
    assert cost == pytest.approx(covering.cost(vms_for(covering, replicas)))


def test_without_zones_everything_stands_at_home() -> None:
    covering, replicas = one_place(0)
    covering = replace(covering, left=np.zeros(2))
    standing = stand(covering, replicas)
    assert not standing.item.size
    assert standing.vms.sum() == standing.vms[covering.home[0], 0]
