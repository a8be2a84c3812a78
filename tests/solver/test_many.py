"""Many problems: results in order, errors among them, whatever dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from infersave import FleetProblem, InfeasibleError, ProblemError, SolveOptions, solve, solve_many
from infersave.models.result import CRASHED
from infersave.solver import engines
from infersave.solver.engines import NEEDS, Engine
from infersave.solver.mapping import mapped

FleetMaker = Callable[[int], FleetProblem]


def double(item: int) -> int:
    return 2 * item


def fragile(item: int) -> int:
    """Two of the items take their process with them."""
    if item in (3, 17):
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * item


def lost(item: int) -> int:
    return -item


@pytest.mark.parametrize("jobs", [1, 2])
def test_answers_come_in_order(jobs: int) -> None:
    assert list(mapped(double, range(50), Engine(jobs=jobs), lost)) == [2 * i for i in range(50)]


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_an_item_that_kills_its_process_is_given_up_and_no_other() -> None:
    found = list(mapped(fragile, range(30), Engine(jobs=2), lost))
    assert found == [-i if i in (3, 17) else 2 * i for i in range(30)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_are_those_of_solve(jobs: int, limited_fleet: FleetMaker) -> None:
    problems = [limited_fleet(seed) for seed in range(12)]
    options = SolveOptions(relative_gap=0.0)
    found = list(solve_many(problems, jobs=jobs, options=options))
    assert [result.index for result in found] == list(range(12))
    for problem, result in zip(problems, found, strict=True):
        if result.plan is None:
            assert result.status == "infeasible"
            with pytest.raises(InfeasibleError) as error:
                solve(problem, options=options)
            assert result.reasons == error.value.reasons
            continue
        plan = solve(problem, options=options)
        assert result.plan.replace(seconds=0.0) == plan.replace(seconds=0.0)
    assert CRASHED not in {result.status for result in found}


def test_problems_are_taken_as_they_are_needed(limited_fleet: FleetMaker) -> None:
    taken = []

    def endless() -> object:
        seed = 0
        while True:
            taken.append(seed)
            yield limited_fleet(seed)
            seed += 1

    results = solve_many(endless())  # type: ignore[arg-type]
    next(results)
    next(results)
    assert taken == [0, 1]


@pytest.mark.parametrize("engine", ["dask", "ray"])
def test_a_cluster_gives_the_same_results(engine: Any, limited_fleet: FleetMaker) -> None:
    pytest.importorskip(NEEDS[engine], reason=f"the extra {engine} is not installed")
    problems = [limited_fleet(seed) for seed in range(6)]
    here = [r.replace(seconds=0.0) for r in solve_many(problems)]
    there = [r.replace(seconds=0.0) for r in solve_many(problems, jobs=2, engine=engine)]
    for one, other in zip(here, there, strict=True):
        assert (one.status, one.reasons) == (other.status, other.reasons)
        assert (one.plan is None) == (other.plan is None)
        if one.plan is not None and other.plan is not None:
            assert one.plan.replace(seconds=0.0) == other.plan.replace(seconds=0.0)


@pytest.mark.parametrize("engine", ["dask", "ray"])
def test_an_engine_that_is_not_installed(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    with pytest.raises(ProblemError, match=rf"pip install 'infersave\[{engine}\]'"):
        next(solve_many([], engine=engine, jobs=2), None)


def test_an_engine_that_makes_no_sense() -> None:
    with pytest.raises(ProblemError, match="jobs = 0"):
        next(solve_many([], jobs=0), None)
    with pytest.raises(ProblemError, match="address"):
        next(solve_many([], address="tcp://host:1"), None)
