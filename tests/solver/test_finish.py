"""What is believed of a solver's answer: little, and only what was measured again."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from infersave.models.outcome import BackendError, Status
from infersave.solver.backends.finish import CONTRADICTED, Answer, absolute_gap, crossed, finish
from infersave.solver.builder import ProgramBuilder
from infersave.solver.program import Program, Solution, SolveOptions


def program(hint: list[float] | None = None) -> Program:
    """min 2x + 3y with 4 <= x + 8y, x integer in [0, 9], y real in [0, 1]; the optimum is 1.5."""
    builder = ProgramBuilder()
    x = builder.columns(1, cost=2.0, upper=9.0, integer=True)
    y = builder.columns(1, cost=3.0, upper=1.0)
    row = builder.rows(1, lower=4.0)
    builder.entries(row, x, 1.0)
    builder.entries(row, y, 8.0)
    return replace(builder.build(), hint=None if hint is None else np.array(hint))


def finished(
    claim: Status,
    values: list[float] | None = None,
    bound: float | None = None,
    limit: str = "",
    *,
    hint: list[float] | None = None,
    gap: float = 1e-6,
    precision: float = 0.0,
) -> Solution:
    point = None if values is None else np.array(values)
    answer = Answer(claim, point, bound, limit, precision)
    return finish(program(hint), SolveOptions(relative_gap=gap), answer, "liar", time.monotonic())


def test_integers_are_rounded_to_the_nearest_and_the_price_is_our_own() -> None:
    solution = finished(Status.OPTIMAL, [3.999999, 0.0], 8.0)
    assert solution.values is not None
    assert solution.values.tolist() == [4.0, 0.0]
    assert solution.objective == 8.0
    assert solution.status is Status.OPTIMAL


def test_minus_zero_and_a_hair_below_a_bound_become_the_bound() -> None:
    solution = finished(Status.OPTIMAL, [4.0, -1e-9], 8.0)
    assert solution.values is not None
    assert not np.signbit(solution.values).any()


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ([3.9, 0.5], "breaks an integer: column 0 = 3.9, off by 0.1"),
        ([4.0, 1.1], "breaks a bound: column 1 = 1.1, off by 0.1"),
        ([-1.0, 1.0], "breaks a bound: column 0"),
        ([2.0, 0.2], "breaks row 0 by 0.4"),
        ([np.nan, 0.0], "not 2 numbers"),
        ([4.0], "not 2 numbers"),
    ],
)
def test_a_point_that_is_none_is_refused(values: list[float], complaint: str) -> None:
    with pytest.raises(BackendError, match=f"liar returned a point that .*{complaint}"):
        finished(Status.OPTIMAL, values)


def test_a_hint_stands_in_for_a_point_that_is_none() -> None:
    solution = finished(Status.OPTIMAL, [2.0, 0.2], 4.6, hint=[4.0, 0.0])
    assert solution.values is not None
    assert solution.values.tolist() == [4.0, 0.0]
    assert (solution.status, solution.limit) == (Status.FEASIBLE, CONTRADICTED)
    assert solution.bound is None


def test_short_decimals_are_allowed_for_where_they_are_declared() -> None:
    values = [0.0, 0.4999985]  # row 0 is short by 1.2e-5, beyond the tolerance of 8e-6
    with pytest.raises(BackendError, match="breaks row 0"):
        finished(Status.OPTIMAL, values)
    assert finished(Status.OPTIMAL, values, precision=1e-5).status is Status.OPTIMAL


@pytest.mark.parametrize("claim", [Status.OPTIMAL, Status.FEASIBLE])
def test_a_claimed_point_must_be_there(claim: Status) -> None:
    with pytest.raises(BackendError, match=f"claimed {claim.name} and returned no point"):
        finished(claim)


def test_a_limit_is_never_read_as_a_proof() -> None:
    assert finished(Status.OPTIMAL, [0.0, 0.5], 1.5, "time").status is Status.FEASIBLE
    assert finished(Status.INFEASIBLE, limit="time").status is Status.NO_PLAN
    assert finished(Status.NO_PLAN, limit="time").limit == "time"


def test_a_proof_must_agree_with_its_own_bound() -> None:
    assert finished(Status.OPTIMAL, [4.0, 0.0], 1.5).status is Status.FEASIBLE
    assert finished(Status.OPTIMAL, [4.0, 0.0], 1.5).limit == "gap"
    assert finished(Status.OPTIMAL, [4.0, 0.0], 1.5, gap=0.9).status is Status.OPTIMAL
    assert finished(Status.OPTIMAL, [0.0, 0.5], None).bound is None


def test_a_bound_above_the_price_is_dropped_with_the_proof() -> None:
    solution = finished(Status.OPTIMAL, [0.0, 0.5], 1.6)
    assert (solution.status, solution.bound) == (Status.FEASIBLE, None)
    assert solution.limit == CONTRADICTED
    rounding = finished(Status.OPTIMAL, [0.0, 0.5], 1.5 + 1e-9)
    assert (rounding.status, rounding.bound) == (Status.OPTIMAL, 1.5)


def test_noise_around_a_cost_of_nothing_is_neither_gap_nor_contradiction() -> None:
    free = replace(program(), row_lower=np.zeros(1))
    for bound in (-1e-9, 1e-9):
        answer = Answer(Status.OPTIMAL, np.zeros(2), bound)
        solution = finish(free, SolveOptions(), answer, "solver", time.monotonic())
        assert (solution.status, solution.limit) == (Status.OPTIMAL, "")
        assert solution.bound == min(bound, 0.0)


def test_a_bound_that_is_no_number_is_none() -> None:
    for bound in (np.inf, -np.inf, np.nan):
        assert finished(Status.FEASIBLE, [4.0, 0.0], bound, "time").bound is None


def test_a_hint_stands_in_for_nothing_or_for_something_dearer() -> None:
    nothing = finished(Status.NO_PLAN, limit="time", hint=[0.0, 0.5])
    dearer = finished(Status.FEASIBLE, [9.0, 0.0], 1.0, "time", hint=[0.0, 0.5])
    for solution in (nothing, dearer):
        assert (solution.status, solution.objective) == (Status.FEASIBLE, 1.5)
        assert solution.limit == "time"
    assert dearer.bound == 1.0


def test_a_hint_refutes_false_proofs() -> None:
    false_optimum = finished(Status.OPTIMAL, [4.0, 0.0], 8.0, hint=[0.0, 0.5])
    false_infeasible = finished(Status.INFEASIBLE, hint=[0.0, 0.5])
    for solution in (false_optimum, false_infeasible):
        assert (solution.status, solution.objective) == (Status.FEASIBLE, 1.5)
        assert (solution.limit, solution.bound) == (CONTRADICTED, None)


def test_a_hint_within_the_gap_refutes_nothing() -> None:
    solution = finished(Status.OPTIMAL, [0.0, 0.51], 1.5, hint=[0.0, 0.5], gap=0.05)
    assert (solution.status, solution.objective, solution.limit) == (Status.OPTIMAL, 1.5, "")


@pytest.mark.parametrize("hint", [[0.0, 0.1], [0.5, 0.5], [99.0, 0.5], [0.0]])
def test_a_hint_that_is_no_point_is_only_a_hint(hint: list[float]) -> None:
    assert finished(Status.INFEASIBLE, hint=hint).status is Status.INFEASIBLE
    assert finished(Status.OPTIMAL, [4.0, 0.0], 8.0, hint=hint).objective == 8.0


@pytest.mark.parametrize(
    "change",
    [
        {"lower": [3.0, 2.0]},
        {"lower": [0.2, 0.0], "upper": [0.8, 1.0]},
        {"row_upper": [3.0]},
        {"row_lower": [np.inf]},
        {"row_upper": [-np.inf]},
    ],
)
def test_crossed_bounds_are_seen_before_any_solver(change: dict[str, list[float]]) -> None:
    assert not crossed(program())
    arrays: dict[str, Any] = {name: np.array(values) for name, values in change.items()}
    assert crossed(replace(program(), **arrays))


def test_the_absolute_gap_follows_the_money() -> None:
    assert absolute_gap(program()) == pytest.approx(3e-9)
    cheap = replace(program(), cost=program().cost * 1e-6)
    assert absolute_gap(cheap) == pytest.approx(3e-15)
