"""The program in arrays: its builder, its arithmetic and its gate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from infersave.models.outcome import ProblemError
from infersave.solver.builder import ProgramBuilder
from infersave.solver.program import INTEGER_LIMIT, Program, SolveOptions


def small() -> Program:
    """min 2x + 3y, 4 <= x + 2y, 3x - y <= 6; x integer in [0, 5], y real in [1, 9]."""
    builder = ProgramBuilder()
    x = builder.columns(1, cost=2.0, upper=5.0, integer=True)
    y = builder.columns(1, cost=3.0, lower=1.0, upper=9.0)
    cover = builder.rows(1, lower=4.0)
    pack = builder.rows(1, upper=6.0)
    builder.entries(pack, y, -1.0)
    builder.entries(cover, x, 1.0)
    builder.entries(cover, y, 2.0)
    builder.entries(pack, x, 3.0)
    return builder.build()


def test_rows_come_out_compressed_with_columns_in_order() -> None:
    program = small()
    assert (program.n_columns, program.n_rows) == (2, 2)
    assert program.indptr.tolist() == [0, 2, 4]
    assert program.indices.tolist() == [0, 1, 0, 1]
    assert program.data.tolist() == [1.0, 2.0, 3.0, -1.0]
    assert program.integer.tolist() == [True, False]
    assert not program.pure_integer


def test_numbers_of_columns_and_rows_run_on() -> None:
    builder = ProgramBuilder()
    assert builder.columns(2).tolist() == [0, 1]
    assert builder.columns(3).tolist() == [2, 3, 4]
    assert builder.rows(2).tolist() == [0, 1]
    assert builder.rows(1).tolist() == [2]


def test_entries_broadcast() -> None:
    builder = ProgramBuilder()
    x = builder.columns(6).reshape(2, 3)
    rows = builder.rows(2)
    builder.entries(rows[:, None], x, np.arange(6.0).reshape(2, 3) + 1)
    program = builder.build()
    assert program.activity(np.ones(6)).tolist() == [6.0, 15.0]


def test_duplicate_entries_are_summed() -> None:
    builder = ProgramBuilder()
    x = builder.columns(2)
    rows = builder.rows(2)
    builder.entries(rows[0], x[[1, 0, 1]], np.array([1.0, 5.0, 2.5]))
    builder.entries(rows[0], x[1], -0.5)
    program = builder.build()
    assert program.indices.tolist() == [0, 1]
    assert program.data.tolist() == [5.0, 3.0]
    assert program.indptr.tolist() == [0, 2, 2]
    assert program.activity(np.array([1.0, 10.0])).tolist() == [35.0, 0.0]


@pytest.mark.parametrize(
    ("x", "y", "violation"),
    [
        (2.0, 1.0, 0.0),  # on both rows
        (0.0, 2.0, 0.0),
        (0.0, 1.0, 2.0),  # cover is 2 short
        (3.0, 1.0, 2.0),  # pack is 2 over
        (0.0, 12.0, 3.0),  # y above its bound
        (-0.5, 9.0, 0.5),  # x below its bound
    ],
)
def test_violation_is_the_worst_of_rows_and_bounds(x: float, y: float, violation: float) -> None:
    assert small().violation(np.array([x, y])) == pytest.approx(violation)


def test_violation_without_rows() -> None:
    none = np.zeros(0)
    no_entry = np.zeros(0, np.int64)
    program = replace(
        small(),
        row_lower=none,
        row_upper=none,
        indptr=np.zeros(1, np.int64),
        indices=no_entry,
        data=none,
    )
    assert program.activity(np.ones(2)).shape == (0,)
    assert program.violation(np.array([1.0, 0.25])) == 0.75


def test_a_program_is_built_unscaled_and_unhinted() -> None:
    assert small().usd_scale == 1.0
    assert small().hint is None


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("cost", np.nan, "must be finite"),
        ("cost", np.inf, "must be finite"),
        ("cost", -1.0, "must not be negative"),
        ("lower", -np.inf, "must be finite"),
        ("lower", np.nan, "must be finite"),
        ("data", np.nan, "must be finite"),
        ("data", -np.inf, "must be finite"),
        ("upper", np.nan, "must be numbers"),
        ("row_lower", np.nan, "must be numbers"),
        ("row_upper", np.nan, "must be numbers"),
        ("upper", 1e7, "an integer must be at most"),
        ("upper", np.inf, "an integer must be at most"),
    ],
)
def test_the_gate_names_field_and_rule(field: str, value: float, rule: str) -> None:
    values = getattr(small(), field).copy()
    values[0] = value
    with pytest.raises(ProblemError, match=rule) as raised:
        replace(small(), **{field: values}).check()
    assert raised.value.field.startswith("program.")


def test_the_gate_lets_sound_programs_pass() -> None:
    small().check()
    most = small().upper.copy()
    most[:] = INTEGER_LIMIT, np.inf  # a real column may be open above
    replace(small(), upper=most).check()


@pytest.mark.parametrize(
    "options",
    [
        {"time_limit_s": -1.0},
        {"time_limit_s": float("nan")},
        {"time_limit_s": float("inf")},
        {"relative_gap": 1.0},
        {"relative_gap": -1e-9},
        {"threads": 0},
        {"seed": -1},
        {"seed": 2**31},
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ProblemError, match=f"options.{next(iter(options))}"):
        SolveOptions(**options)  # type: ignore[arg-type]
