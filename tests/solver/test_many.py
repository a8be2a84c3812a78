"""Many problems: results in order, errors among them, whatever dies."""

from __future__ import annotations

import operator
import os
import pickle
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from infersave import (
    FleetProblem,
    InfeasibleError,
    ProblemError,
    SolveOptions,
    load_problem,
    solve,
    solve_many,
)
from infersave.models.result import CRASHED
from infersave.solver import engines
from infersave.solver.engines import NEEDS, Engine
from infersave.solver.mapping import mapped
from infersave.solver.sharing import Packer

FleetMaker = Callable[[int], FleetProblem]


@pytest.mark.parametrize("jobs", [1, 2])
def test_answers_come_in_order(jobs: int) -> None:
    found = mapped(operator.neg, range(50), Engine(jobs=jobs), operator.pos)
    assert list(found) == [-i for i in range(50)]


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_an_item_that_kills_its_process_is_given_up_and_no_other() -> None:
    def fragile(item: int) -> int:
        """Two of the items take their process with them."""
        if item in (3, 17):
            os.kill(os.getpid(), signal.SIGKILL)
        return -item

    found = list(mapped(fragile, range(30), Engine(jobs=2), operator.pos))
    assert found == [i if i in (3, 17) else -i for i in range(30)]


def test_what_cannot_be_sent_is_an_error_and_not_a_death() -> None:
    with pytest.raises(Exception, match=r"(?i)pickle|serializ"):
        list(mapped(operator.neg, [threading.Lock()], Engine(jobs=2), operator.not_))  # type: ignore[arg-type]


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


def test_a_catalogue_travels_packed_and_is_unpacked_once() -> None:
    problem = load_problem("example:two-workloads")
    other = problem.replace(workloads=problem.workloads[:1])
    packer = Packer()
    sent = [packer.pack(number, one) for number, one in enumerate((problem, other))]
    assert sent[0].common is sent[1].common
    first, second = (pickle.loads(pickle.dumps(one)).problem() for one in sent)
    assert (first, second) == (problem, other)
    assert all(a is b for a, b in zip(first.offers, second.offers, strict=True))
    dearer = other.replace(offers=tuple(o.replace(usd_per_hour=99.0) for o in other.offers))
    assert packer.pack(2, dearer).problem() == dearer
