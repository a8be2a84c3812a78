"""A program with more rows and columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...models.value import FloatArray
from ..program import IntArray, Program


def with_binaries(program: Program, count: int) -> tuple[Program, IntArray]:
    """The program with columns of 0 or 1 at no cost, in no row yet; and their numbers."""
    more = np.zeros(count)
    extended = replace(
        program,
        cost=np.concatenate([program.cost, more]),
        lower=np.concatenate([program.lower, more]),
        upper=np.concatenate([program.upper, more + 1.0]),
        integer=np.concatenate([program.integer, np.ones(count, bool)]),
        hint=None,
    )
    return extended, np.arange(program.n_columns, program.n_columns + count)


def with_row(
    program: Program,
    columns: IntArray,
    values: FloatArray,
    *,
    lower: float = -np.inf,
    upper: float = np.inf,
) -> Program:
    """The program with one row more: lower <= values . x[columns] <= upper; no column twice."""
    order = np.argsort(columns)
    return replace(
        program,
        row_lower=np.append(program.row_lower, lower),
        row_upper=np.append(program.row_upper, upper),
        indptr=np.append(program.indptr, program.indptr[-1] + len(columns)),
        indices=np.concatenate([program.indices, columns[order]]).astype(np.int64),
        data=np.concatenate([program.data, np.asarray(values, float)[order]]),
        hint=None,
    )
