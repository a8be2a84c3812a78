"""One conformance suite for every backend that an installation brings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest

from infersave.models.outcome import (
    CatalogError,
    ProblemError,
    Status,
    UnsupportedOption,
    UnsupportedProgram,
)
from infersave.solver.backends.base import backend_names, get_backend
from infersave.solver.backends.running import run
from infersave.solver.builder import ProgramBuilder
from infersave.solver.program import Program, Solution, SolveOptions

BACKENDS = backend_names()
PURE_INTEGER = ("exhaustive", "ortools:cp-sat")
ONE_THREAD = ("exhaustive", "ortools:scip")
EXACT = SolveOptions(relative_gap=0.0)

Row = tuple[Mapping[int, float], float, float]


def program(
    cost: list[float],
    *rows: Row,
    lower: float | list[float] = 0.0,
    upper: float | list[float] = 10.0,
    real: tuple[int, ...] = (),
) -> Program:
    """A program written out; rows are (entries, lower, upper)."""
    n = len(cost)
    entries = [sorted(row[0].items()) for row in rows]
    return Program(
        cost=np.array(cost, float),
        lower=np.broadcast_to(np.array(lower, float), n),
        upper=np.broadcast_to(np.array(upper, float), n),
        integer=np.array([j not in real for j in range(n)], bool),
        row_lower=np.array([row[1] for row in rows], float),
        row_upper=np.array([row[2] for row in rows], float),
        indptr=np.cumsum([0, *(len(row) for row in entries)]).astype(np.int64),
        indices=np.array([j for row in entries for j, _ in row], np.int64),
        data=np.array([a for row in entries for _, a in row], float),
    )


@dataclass(frozen=True)
class Canary:
    """A program whose answer is known by thought; None where there is no point."""

    program: Program
    optimum: float | None


INF = math.inf
CANARIES = {
    "one row": Canary(program([2, 3], ({0: 1, 1: 1}, 4.5, INF)), 10.0),
    # HiGHS 1.14 says 15.
    "real and integer": Canary(program([2, 3], ({0: 1, 1: 1}, 4.5, INF), real=(0,)), 9.0),
    "all real": Canary(program([2, 3], ({0: 1, 1: 4}, 8.0, INF), real=(0, 1)), 6.0),
    "real, no upper bound": Canary(program([2.0], ({0: 4}, 9.0, INF), upper=INF, real=(0,)), 4.5),
    # 16 of 2.9 make 46.4 in decimals; with the tight bound, rounding inwards pays 62.73.
    "decimal tie": Canary(
        program([0.095, 62.73], ({0: 2.9 / 46.4, 1: 1.0}, 1.0, INF), upper=[16, 1]), 1.52
    ),
    "tie of sevenths": Canary(
        program([1, 6.5], ({0: 1 / 7, 1: 1 / 1.1}, 1.0, INF), upper=[7, 2]), 7.0
    ),
    "infeasible": Canary(program([1, 1], ({0: 1, 1: 1}, 25.0, INF)), None),
    "infeasible as integers": Canary(program([1, 1], ({0: 2, 1: 2}, 3.0, 3.0)), None),
    "zero cost": Canary(program([0, 0], ({0: 1, 1: 1}, 3.0, INF)), 0.0),
    "zero optimum": Canary(program([5, 5], ({0: 1, 1: 1}, -INF, 3.0)), 0.0),
    "equality": Canary(program([1, 2], ({0: 3, 1: 5}, 19.0, 19.0)), 7.0),
    "range row": Canary(program([3, 2], ({0: 4, 1: 2.5}, 5.5, 7.0)), 5.0),
    "packing against covering": Canary(
        program([4, 1], ({0: 1, 1: 1}, 6.0, INF), ({1: 1, 0: -1}, -INF, 2.0)), 12.0
    ),
    "pushed down to its bound": Canary(program([2, 1], lower=[-3, 1], upper=5), -5.0),
    "row without entries": Canary(program([1], ({}, -1.0, 0.0), ({0: 1}, 2.0, INF)), 2.0),
    "row without entries, short": Canary(program([1], ({}, 1.0, INF)), None),
    "open row": Canary(program([1], ({0: 1}, -INF, INF), lower=2.0), 2.0),
    "no rows": Canary(program([1, 0, 2], lower=[0, 1, 2]), 4.0),
    "no columns": Canary(program([]), 0.0),
    "no columns, short row": Canary(program([], ({}, 1.0, INF)), None),
    "crossed bounds": Canary(program([1], ({0: 1}, 0.0, INF), lower=3.0, upper=1.0), None),
    "crossed row": Canary(program([1], ({0: 1}, 2.0, 1.0)), None),
    "no integer inside": Canary(program([1], ({0: 1}, 0.0, INF), lower=0.2, upper=0.8), None),
    "fractional bounds": Canary(program([1], ({0: 1}, 0.0, INF), lower=0.2, upper=2.8), 1.0),
    "column in no row": Canary(program([1, 3], ({0: 1}, 2.0, INF), lower=[0, 0.5]), 5.0),
}


def covering_packing(seed: int) -> Program:
    """A small fleet: cover each demand by replicas, pack replicas into VMs, sometimes a quota."""
    rng = np.random.default_rng(seed)
    demands, kinds, vms = int(rng.integers(1, 5)), int(rng.integers(2, 5)), int(rng.integers(1, 4))
    part = rng.uniform(0.15, 1.0, (demands, kinds))
    vm_of = rng.integers(0, vms, kinds)
    builder = ProgramBuilder()
    most = np.ceil(1 / part).ravel()
    x = builder.columns(demands * kinds, upper=most, integer=True).reshape(demands, kinds)
    n = builder.columns(vms, cost=rng.uniform(1, 30, vms), upper=6.0, integer=True)
    builder.entries(builder.rows(demands, lower=1.0)[:, None], x, part)
    pack = builder.rows(vms, upper=0.0)
    builder.entries(pack[vm_of][None, :], x, rng.integers(1, 5, kinds).astype(float)[None, :])
    builder.entries(pack, n, -rng.choice([2.0, 4.0, 8.0], vms))
    if rng.random() < 0.5:
        builder.entries(builder.rows(1, upper=float(rng.integers(1, 4 * vms))), n, 1.0)
    return builder.build()


def hard() -> Program:
    """Too much for a millisecond, and within reach of the enumeration's point count."""
    rng = np.random.default_rng(7)
    builder = ProgramBuilder()
    x = builder.columns(75, cost=rng.uniform(20, 30, 75), upper=1.0, integer=True)
    rows = builder.rows(12, lower=rng.uniform(9.0, 11.0, 12))
    builder.entries(rows[:, None], x, rng.uniform(0.2, 1.0, (12, 75)))
    return builder.build()


Solve = Callable[[Program], Solution]


def disagreements(solvers: Mapping[str, Solve], programs: list[Program]) -> list[str]:
    """Where two solvers differ in status, or by more than 1e-6 in cost; `programs` need proofs."""
    found = []
    for number, one in enumerate(programs):
        answers = {name: solve(one) for name, solve in solvers.items()}
        first_name, first = next(iter(answers.items()))
        for name, answer in answers.items():
            both = (first.objective or 0.0, answer.objective or 0.0)
            if answer.status is not first.status or not math.isclose(*both, rel_tol=1e-6):
                found.append(f"{number}: {first_name} {first}, {name} {answer}")
    return found


def solver(name: str) -> Solve:
    return lambda one: run(name, one, EXACT)


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("canary", CANARIES.values(), ids=CANARIES)
def test_canary(name: str, canary: Canary) -> None:
    if name in PURE_INTEGER and not canary.program.pure_integer:
        with pytest.raises(UnsupportedProgram, match=r"real (columns|variables)"):
            run(name, canary.program, EXACT)
        return
    solution = run(name, canary.program, EXACT)
    assert solution.limit == ""
    assert solution.backend.startswith(name)
    if canary.optimum is None:
        assert (solution.status, solution.values) == (Status.INFEASIBLE, None)
        return
    assert solution.status is Status.OPTIMAL
    assert solution.objective == pytest.approx(canary.optimum, rel=1e-6, abs=1e-9)
    assert solution.values is not None
    assert solution.objective is not None
    if canary.program.n_columns:
        assert canary.program.violation(solution.values) <= 1e-6
    assert solution.bound is None or solution.bound <= solution.objective
    if name != "pulp:cbc":  # PuLP tells no bound
        assert solution.bound == pytest.approx(canary.optimum, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("power", [-10, 10])
def test_the_unit_of_money_changes_no_answer(name: str, power: int) -> None:
    for seed in range(8):
        one = covering_packing(seed)
        plain, scaled = run(name, one, EXACT), run(name, scale(one, 2.0**power), EXACT)
        # CP-SAT's bound is exact to 1e-6 of any money: it may lose the proof, not the plan.
        assert scaled.status is plain.status or scaled.limit == "gap"
        if plain.objective is not None:
            assert scaled.objective == pytest.approx(plain.objective * 2.0**power, rel=1e-9)


def scale(one: Program, factor: float) -> Program:
    return replace(one, cost=one.cost * factor)


@pytest.mark.parametrize("name", BACKENDS)
def test_a_hint_good_or_bad_changes_no_answer(name: str) -> None:
    for seed in range(8):
        one = covering_packing(seed)
        truth = run("ortools:scip", one, EXACT)
        hints = [np.zeros(one.n_columns), one.upper, -one.upper]
        hints += [] if truth.values is None else [truth.values]
        for hint in hints:
            solution = run(name, replace(one, hint=hint), EXACT)
            assert solution.status is truth.status
            if truth.objective is not None:
                assert solution.objective == pytest.approx(truth.objective, rel=1e-6)


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("limit", [0.0, 1e-3])
def test_no_time_is_no_proof(name: str, limit: float) -> None:
    solution = run(name, hard(), SolveOptions(time_limit_s=limit))
    assert solution.status in (Status.NO_PLAN, Status.FEASIBLE)
    assert (solution.values is None) == (solution.status is Status.NO_PLAN)
    assert solution.limit == "time"
    hinted = run(name, replace(hard(), hint=np.ones(75)), SolveOptions(time_limit_s=limit))
    assert hinted.status is Status.FEASIBLE, "the hint is a plan at any limit"


@pytest.mark.parametrize("name", BACKENDS)
def test_the_gap_is_kept(name: str) -> None:
    for seed in range(12):
        one = covering_packing(seed)
        truth = run("exhaustive", one).objective
        loose = run(name, one, SolveOptions(relative_gap=0.3))
        if truth is None:
            assert loose.status is Status.INFEASIBLE
            continue
        assert loose.status is Status.OPTIMAL
        assert loose.objective is not None
        assert loose.objective - truth <= 0.3 * loose.objective + 1e-9
        assert loose.bound is None or loose.bound <= truth * (1 + 1e-6)


@pytest.mark.parametrize("name", BACKENDS)
def test_threads_are_honoured_or_refused(name: str) -> None:
    two = SolveOptions(threads=2, relative_gap=0.0)
    if name in ONE_THREAD:
        with pytest.raises(UnsupportedOption, match="1 thread"):
            run(name, covering_packing(0), two)
        return
    for seed in range(6):
        one = covering_packing(seed)
        # One after two after one: HiGHS keeps a thread count that a second solve trips over.
        answers = [run(name, one, options).objective for options in (EXACT, two, EXACT)]
        assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("name", BACKENDS)
def test_a_seed_is_repeatable(name: str) -> None:
    for seed in (0, 1, 2**31 - 1):
        options = replace(EXACT, seed=seed)
        first, second = (run(name, covering_packing(4), options) for _ in range(2))
        assert first.values is not None
        assert second.values is not None
        assert first.values.tolist() == second.values.tolist()


@pytest.mark.parametrize("name", [*BACKENDS, "nobody"])
@pytest.mark.parametrize(
    ("field", "value"), [("cost", np.nan), ("data", np.inf), ("cost", -1.0), ("upper", 1e7)]
)
def test_the_gate_stands_before_every_solver(name: str, field: str, value: float) -> None:
    one = covering_packing(0)
    values = getattr(one, field).copy()
    values[-1] = value
    with pytest.raises(ProblemError):
        run(name, replace(one, **{field: values}))


@pytest.mark.parametrize("name", BACKENDS)
def test_nothing_is_printed(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    for one in (covering_packing(0), CANARIES["infeasible"].program, CANARIES["no rows"].program):
        run(name, one)
    run(name, hard(), SolveOptions(time_limit_s=1e-3))
    assert capfd.readouterr().out == ""


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(CatalogError, match=r"unknown backend 'ortools:higs'.*ortools:highs"):
        get_backend("ortools:higs")
    with pytest.raises(CatalogError, match="pulp:cbc"):
        run("pulp:cb", covering_packing(0))


@pytest.mark.parametrize("name", BACKENDS)
def test_names_ignore_the_case(name: str) -> None:
    assert get_backend(name.upper()).name == name


def test_random_fleets_have_one_answer() -> None:
    programs = [covering_packing(seed) for seed in range(160)]
    assert disagreements({name: solver(name) for name in BACKENDS}, programs) == []
    infeasible = [run("exhaustive", one).status is Status.INFEASIBLE for one in programs]
    assert 5 < sum(infeasible) < 100, "both kinds are tried"


def test_the_comparison_can_fail() -> None:
    def one_vm_too_many(one: Program) -> Solution:
        right = run("ortools:highs", one, EXACT)
        if right.objective is None:
            return right
        return replace(right, objective=right.objective + 1e-3 * float(one.cost.max()))

    def always_infeasible(one: Program) -> Solution:
        return replace(run("exhaustive", one), status=Status.INFEASIBLE, objective=None)

    programs = [covering_packing(seed) for seed in range(10)]
    right = solver("exhaustive")
    assert disagreements({"right": right, "wrong": one_vm_too_many}, programs)
    assert disagreements({"right": right, "wrong": always_infeasible}, programs)


def test_the_oracle_equals_plain_enumeration() -> None:
    for seed in range(120):
        rng = np.random.default_rng(seed)
        n, m = int(rng.integers(1, 5)), int(rng.integers(1, 4))
        lower = rng.integers(-2, 2, n).astype(float)
        matrix = np.round(rng.uniform(-3, 3, (m, n)), 1) * (rng.random((m, n)) < 0.8)
        side = np.round(rng.uniform(-4, 2, m), 1)
        width = rng.choice([0.0, 1.5, INF], m)
        rows = [(dict(enumerate(a)), b, b + w) for a, b, w in zip(matrix, side, width, strict=True)]
        cost = np.round(rng.uniform(0, 5, n), 1) * (rng.random(n) < 0.7)
        one = program(cost.tolist(), *rows, lower=lower.tolist(), upper=(lower + 3).tolist())
        points = [np.array(p) for p in product(*(np.arange(v, v + 4) for v in lower))]
        prices = [float(cost @ p) for p in points if one.violation(p) <= 1e-9]
        solution = run("exhaustive", one)
        if not prices:
            assert solution.status is Status.INFEASIBLE
        else:
            assert solution.objective == pytest.approx(min(prices), abs=1e-9)


def test_the_oracle_refuses_what_it_cannot_finish() -> None:
    wide = program([1.0] * 30, (dict.fromkeys(range(30), 1.0), 7.0, INF), upper=1000.0)
    with pytest.raises(UnsupportedProgram, match=r"would enumerate 1e\+90 points"):
        run("exhaustive", wide)
    tight = replace(wide, row_upper=np.array([7.0]))  # propagation leaves 0 to 7 for each
    assert get_backend("exhaustive").refusal(tight, SolveOptions()) == (
        "it would enumerate 1e+27 points, more than 1e+24"
    )
