"""A fleet evaluated at once: each request class as if alone, in any company and order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from infersave import FleetProblem
from infersave.models.calibration import calibration_for
from infersave.models.deployment import Deployment, OffloadSchedule, evaluate
from infersave.solver import block as block_module
from infersave.solver.block import enumerate_blocks
from infersave.solver.candidates import Stream, enumerate_streams, make_stream, streams
from infersave.solver.rightsize import rightsize_many, rightsized

FleetMaker = Callable[[int], FleetProblem]
SEEDS = range(300, 360)


def merged(random_fleet: FleetMaker, seeds: range) -> FleetProblem:
    """The demand of many fleets on the offers of the first."""
    first, workloads = random_fleet(seeds[0]), []
    for seed in seeds:
        for workload in random_fleet(seed).workloads:
            workloads.append(workload.replace(name=f"{workload.name} of {seed}"))
    return first.replace(workloads=tuple(workloads))


def assert_same(one: Stream, other: Stream) -> None:
    assert one.workload is other.workload
    assert np.array_equal(one.batch, other.batch)
    assert np.array_equal(one.holds, other.holds)
    assert np.array_equal(one.useful(), other.useful())
    for name in ("work_s", "prefill_s", "decode_s"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-12), name
    assert one.coverage() == pytest.approx(other.coverage(), rel=1e-12)
    for mine, theirs in zip(one.fractions, other.fractions, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-9, abs=1e-12)


def test_rows_are_streams_made_alone(random_fleet: FleetMaker) -> None:
    problem = merged(random_fleet, SEEDS)
    for row in enumerate_streams(problem):
        assert_same(row, make_stream(row.workload, row.request, row.index, row.machines))


def test_rows_are_scalar_evaluations(random_fleet: FleetMaker) -> None:
    problem = merged(random_fleet, SEEDS)
    for stream in enumerate_streams(problem):
        for k in stream.useful():
            vm_type = stream.machines.vm_types[stream.machines.type_of[k]]
            workload = stream.workload
            deployment = Deployment(
                provider=vm_type.provider,
                vm_type=vm_type.name,
                n_gpus=int(stream.machines.n_gpus[k]),
                batch=int(stream.batch[k]),
                offload=OffloadSchedule.of(workload.architecture, stream.schedule(k)),
            )
            calibration = calibration_for(problem.calibrations, vm_type.gpu.name, workload.engine)
            alone = evaluate(workload, stream.request, vm_type, calibration, deployment)
            assert 1 / alone.requests_per_s == pytest.approx(stream.work_s[k], rel=1e-12)
            assert alone.prefill_s == pytest.approx(stream.prefill_s[k], rel=1e-12)
            assert alone.decode_step_s == pytest.approx(stream.decode_s[k], rel=1e-12)


def test_neither_order_nor_chunks_matter(
    random_fleet: FleetMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = merged(random_fleet, SEEDS)
    whole = {stream.workload.name: stream for stream in enumerate_streams(problem)}
    monkeypatch.setattr(block_module, "CHUNK", 1)
    backwards = enumerate_streams(problem.replace(workloads=problem.workloads[::-1]))
    assert [s.workload.name for s in backwards] == [w.name for w in problem.workloads[::-1]]
    for stream in backwards:
        assert_same(
            replace(stream, workload=whole[stream.workload.name].workload),
            whole[stream.workload.name],
        )


def test_a_block_says_what_its_rows_say(random_fleet: FleetMaker) -> None:
    for block in enumerate_blocks(merged(random_fleet, SEEDS)):
        coverage, useful = block.coverage()[:, block.kind], block.useful[:, block.kind]
        for number, stream in enumerate(streams(block)):
            assert coverage[number] == pytest.approx(stream.coverage(), rel=1e-12)
            assert np.array_equal(np.flatnonzero(useful[number]), stream.useful())


def test_candidates_taken_stay_what_they_were(random_fleet: FleetMaker) -> None:
    for seed in range(40):
        for stream in enumerate_streams(random_fleet(seed)):
            pair = stream.useful()[::-1].repeat(2)
            taken = stream.take(pair)
            for name in ("batch", "holds", "work_s", "prefill_s", "decode_s"):
                assert np.array_equal(getattr(taken, name), getattr(stream, name)[pair]), name


@pytest.mark.parametrize("spare", [1.0, 1.5, 10.0])
def test_rightsized_together_and_alone(spare: float, random_fleet: FleetMaker) -> None:
    found = enumerate_streams(merged(random_fleet, SEEDS))
    pairs = [stream.useful() for stream in found]
    spares = [np.full(len(pair), spare) for pair in pairs]
    sized = rightsize_many(found, pairs, spares)
    shrunk = 0
    for stream, pair, more, together in zip(found, pairs, spares, sized, strict=True):
        alone = rightsized(stream.take(pair), more)
        assert np.array_equal(together.batch, alone.batch)
        assert len(together.fractions) == len(alone.fractions)
        for mine, theirs in zip(together.fractions, alone.fractions, strict=True):
            assert mine == pytest.approx(theirs, rel=1e-9, abs=1e-12)
        shrunk += int(np.sum(together.batch < stream.batch[pair]))
    assert shrunk or spare == 1.0
