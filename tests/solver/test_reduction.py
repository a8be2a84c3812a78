"""The reduced schedules of layers that differ: feasible, and better than any on a grid."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from infersave import FleetProblem, SolveOptions
from infersave.models.engine import ENGINES
from infersave.models.memory import gpu_bytes, host_bytes
from infersave.solver.candidates import Stream, enumerate_streams
from infersave.solver.reduction import reduce_stream, to_reduce

GRID = np.linspace(0.0, 1.0, 41)
ROUNDING = 1e-7


def streams_to_reduce(random_fleet: Callable[[int], FleetProblem], count: int) -> list[Stream]:
    found: list[Stream] = []
    for seed in range(1000):
        found += [s for s in enumerate_streams(random_fleet(seed)) if len(to_reduce(s))]
        if len(found) >= count:
            return found
    raise AssertionError("too few random fleets offload layers that differ")


def feasible(stream: Stream, fractions: tuple[np.ndarray, ...]) -> np.ndarray:
    """Which pairs hold memory and every SLO under a schedule."""
    trial, buffers = stream.trial, ENGINES[stream.workload.engine].stage_buffers
    prefill_s, decode_s = trial.prefill.total_s(fractions), trial.decode.total_s(fractions)
    holds = np.asarray(gpu_bytes(trial.budget, fractions, buffers) <= trial.budget.usable)
    holds &= np.asarray(host_bytes(trial.budget, fractions) <= trial.budget.host)
    for _, form, bound in trial.forms.bounds(stream.load.asked):
        holds &= np.asarray(form.of(prefill_s, decode_s) <= bound)
    return holds


def test_reduced_schedules_beat_every_grid_point(
    random_fleet: Callable[[int], FleetProblem],
) -> None:
    improved = 0
    for uniform in streams_to_reduce(random_fleet, 12):
        reduced = reduce_stream(uniform, "ortools:highs", SolveOptions())
        used, trial = uniform.useful(), uniform.trial
        assert np.all(reduced.work_s[used] <= uniform.work_s[used] * (1 + ROUNDING))
        improved += bool(np.any(reduced.work_s[used] < uniform.work_s[used] * (1 - 1e-4)))
        shape = uniform.holds.shape
        for point in product(GRID, repeat=len(uniform.fractions)):
            fractions = tuple(np.full(shape, c) for c in point)
            holds = feasible(uniform, fractions)
            work = trial.forms.work.of(
                trial.prefill.total_s(fractions), trial.decode.total_s(fractions)
            )
            for k in used:
                if holds[k]:
                    assert reduced.work_s[k] <= np.asarray(work)[k] * (1 + ROUNDING)
    assert improved, "some schedule must gain from treating layers apart"


def test_layers_that_are_alike_need_no_reduction(
    random_fleet: Callable[[int], FleetProblem],
) -> None:
    for seed in range(40):
        for stream in enumerate_streams(random_fleet(seed)):
            if len(stream.workload.architecture.groups) == 1:
                assert not len(to_reduce(stream))
                assert reduce_stream(stream, "none", SolveOptions()) is stream


@pytest.mark.parametrize("seed", range(20))
def test_reduction_keeps_what_does_not_offload(
    seed: int, random_fleet: Callable[[int], FleetProblem]
) -> None:
    for stream in enumerate_streams(random_fleet(seed)):
        reduced = reduce_stream(stream, "ortools:highs", SolveOptions())
        for before, after in zip(stream.fractions, reduced.fractions, strict=True):
            kept = np.all([f == 0 for f in stream.fractions], axis=0)
            assert np.array_equal(before[kept], after[kept])
