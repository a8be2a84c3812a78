"""Many request classes stacked: each as if alone, whatever stands beside it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from infersave import (
    Architecture,
    Deployment,
    FleetProblem,
    OffloadSchedule,
    Performance,
    RequestClass,
    Workload,
    architecture_names,
    evaluate,
    load_architecture,
    load_calibrations,
    load_catalog,
)
from infersave.models.calibration import Calibration, calibration_for
from infersave.models.deployment import Case, evaluate_many
from infersave.models.engine import EngineName
from infersave.models.load import Load
from infersave.models.memory import footprint
from infersave.models.phases import decode_phase, prefill_phase
from infersave.models.replica import Replica
from infersave.models.serving import Trials
from infersave.models.shape import NO_LAYERS, Shape
from infersave.solver.machines import enumerate_machines

REQUEST = RequestClass(input_tokens=300, output_tokens=40)
FleetMaker = Callable[[int], FleetProblem]


def demand(architecture: Architecture, engine: EngineName = "static") -> Workload:
    return Workload(name="w", architecture=architecture, engine=engine, requests=(REQUEST,))


def cases_of(problem: FleetProblem, rng: np.random.Generator) -> list[Case]:
    """Every workload on every VM type, at random batches and schedules, fitting or not."""
    found = []
    for workload in problem.workloads:
        for vm_type in {offer.vm_type.key: offer.vm_type for offer in problem.offers}.values():
            groups = len(workload.architecture.groups)
            schedule = tuple(rng.random(groups).tolist())
            deployment = Deployment(
                provider=vm_type.provider,
                vm_type=vm_type.name,
                n_gpus=vm_type.n_gpus,
                batch=int(rng.integers(1, 200)),
                offload=OffloadSchedule.of(workload.architecture, schedule),
            )
            calibration = calibration_for(problem.calibrations, vm_type.gpu.name, workload.engine)
            for request in workload.requests:
                found.append(Case(workload, request, vm_type, calibration, deployment))
    return found


def assert_same(one: Performance, other: Performance) -> None:
    for name, value in one:
        assert value == pytest.approx(getattr(other, name), rel=1e-12), name


@pytest.mark.parametrize("seed", range(20))
def test_many_equal_one_at_a_time(seed: int, random_fleet: FleetMaker) -> None:
    rng = np.random.default_rng(seed)
    cases = cases_of(random_fleet(seed), rng) + cases_of(random_fleet(seed + 100), rng)
    for case, many in zip(cases, evaluate_many(cases), strict=True):
        assert_same(many, evaluate(*case))


def test_order_does_not_matter(random_fleet: FleetMaker) -> None:
    rng = np.random.default_rng(1)
    cases = [case for seed in range(5) for case in cases_of(random_fleet(seed), rng)]
    order = rng.permutation(len(cases))
    forward = evaluate_many(cases)
    for place, many in zip(order, evaluate_many([cases[i] for i in order]), strict=True):
        assert_same(many, forward[place])


def test_nothing_to_evaluate() -> None:
    assert evaluate_many([]) == []


def test_a_schedule_of_other_groups_is_refused(random_fleet: FleetMaker) -> None:
    case = cases_of(random_fleet(0), np.random.default_rng(0))[0]
    schedule = OffloadSchedule(fractions=(0.0,) * 7, layers=(1,) * 7)
    wrong = case._replace(deployment=case.deployment.replace(offload=schedule))
    with pytest.raises(ValueError, match="layer groups"):
        evaluate_many([wrong])


def calibrated(engine: str) -> Callable[[str, int], Calibration]:
    """The shipped calibration of each GPU under an engine."""
    shipped = load_calibrations()
    return lambda gpu, _: calibration_for(shipped, gpu, engine)


@pytest.mark.parametrize("engine", ["flexgen", "static", "continuous"])
def test_every_architecture_stacked_is_as_if_alone(engine: EngineName) -> None:
    offers = load_catalog().select(provider="aws", regions="us-east-1").offers
    replica = enumerate_machines(offers, calibrated(engine)).replica
    workloads = [demand(load_architecture(name), engine) for name in architecture_names()]
    together = Trials(Load.stack([(w, REQUEST) for w in workloads]).column(), replica).at(32.0)
    for row, workload in enumerate(workloads):
        alone = Trials(Load.of(workload, REQUEST), replica).at(32.0)
        assert together.prefill_s[row] == pytest.approx(alone.prefill_s, rel=1e-12)
        assert together.decode_s[row] == pytest.approx(alone.decode_s, rel=1e-12)
        assert np.array_equal(together.fits[row], alone.fits)
        for mine, padded in zip(alone.fractions, together.fractions, strict=False):
            assert padded[row] == pytest.approx(mine, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("engine", ["flexgen", "static", "continuous"])
def test_padding_adds_exactly_nothing(engine: EngineName) -> None:
    offers = load_catalog().select(provider="aws", regions="us-east-1").offers
    replica = enumerate_machines(offers, calibrated(engine)).replica
    load = Load.of(demand(load_architecture("google/gemma-2-9b"), engine), REQUEST)
    groups = (*load.shape.groups, NO_LAYERS, NO_LAYERS)
    padded = Load(load.engine, Shape(load.shape.whole, groups), load.asked)
    for phase in (prefill_phase, decode_phase):
        times, more = phase(load, replica).at(50.0), phase(padded, replica).at(50.0)
        for part in (0.0, 0.5, 1.0):
            bare = times.total_s((part,) * 2)
            assert np.array_equal(more.total_s((part,) * 4), bare)
    budget, more_budget = footprint(load, replica).at(50.0), footprint(padded, replica).at(50.0)
    for name in ("kv_total", "kv_largest", "free"):
        assert np.array_equal(getattr(more_budget, name), getattr(budget, name)), name


def test_an_absent_slo_bounds_nothing_and_a_stated_one_does() -> None:
    asked = Load.of(demand(load_architecture("facebook/opt-2.7b")), REQUEST).asked
    assert (asked.ttft_s, asked.tpot_s, asked.e2e_s, asked.work_s) == (np.inf,) * 4
    assert asked.tokens_per_s == 0.0


def test_replicas_the_engine_cannot_tell_apart() -> None:
    offers = load_catalog().select(provider="aws", regions="us-east-1").offers
    counts = {}
    for name in ("continuous", "static"):
        machines = enumerate_machines(offers, calibrated(name))
        load = Load.of(demand(load_architecture("facebook/opt-13b"), name), REQUEST)
        first, kind = machines.replica.alike(load.engine)
        all_pairs, kinds = (
            Trials(load, replica).at(16.0)
            for replica in (machines.replica, machines.replica.take(first))
        )
        for field in ("prefill_s", "decode_s", "fits"):
            spread = np.asarray(getattr(kinds, field))[kind]
            assert np.array_equal(spread, getattr(all_pairs, field))
        counts[name] = len(first)
    assert counts["continuous"] < counts["static"] <= len(machines.n_gpus)
    assert isinstance(machines.replica, Replica)
