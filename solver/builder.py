"""Builds a program from blocks of columns, rows and entries."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..models.value import FloatArray
from .program import BoolArray, IntArray, Program


@dataclass
class ProgramBuilder:
    """Collects columns, rows and entries as arrays; `build` compresses them."""

    _columns: list[tuple[FloatArray, FloatArray, FloatArray, BoolArray]] = field(
        default_factory=list
    )
    _rows: list[tuple[FloatArray, FloatArray]] = field(default_factory=list)
    _entries: list[tuple[IntArray, IntArray, FloatArray]] = field(default_factory=list)
    n_columns: int = 0
    n_rows: int = 0

    def columns(
        self,
        count: int,
        *,
        cost: FloatArray | float = 0.0,
        lower: FloatArray | float = 0.0,
        upper: FloatArray | float = np.inf,
        integer: bool = False,
    ) -> IntArray:
        """Add `count` columns; returns their numbers."""
        spread = [np.broadcast_to(np.asarray(v, float), count) for v in (cost, lower, upper)]
        self._columns.append((spread[0], spread[1], spread[2], np.full(count, integer)))
        first, self.n_columns = self.n_columns, self.n_columns + count
        return np.arange(first, self.n_columns, dtype=np.int64)

    def rows(
        self, count: int, lower: FloatArray | float = -np.inf, upper: FloatArray | float = np.inf
    ) -> IntArray:
        """Add `count` rows; returns their numbers."""
        spread = [np.broadcast_to(np.asarray(v, float), count) for v in (lower, upper)]
        self._rows.append((spread[0], spread[1]))
        first, self.n_rows = self.n_rows, self.n_rows + count
        return np.arange(first, self.n_rows, dtype=np.int64)

    def entries(
        self, rows: IntArray | int, columns: IntArray | int, values: FloatArray | float
    ) -> None:
        """Add coefficients; the three broadcast against each other."""
        r, c, v = np.broadcast_arrays(
            np.asarray(rows, np.int64), np.asarray(columns, np.int64), np.asarray(values, float)
        )
        self._entries.append((r.ravel(), c.ravel(), v.ravel()))

    def cost(self) -> FloatArray:
        """Cost of the columns so far, shape [n]."""
        return np.concatenate([block[0] for block in self._columns])

    def build(self) -> Program:
        """The finished program, duplicates summed."""
        cost, lower, upper = (
            np.concatenate([block[i] for block in self._columns]) for i in range(3)
        )
        integer = np.concatenate([block[3] for block in self._columns])
        rows, columns, data = (
            np.concatenate([block[i] for block in self._entries]) for i in range(3)
        )
        place = rows * self.n_columns + columns
        unique, inverse = np.unique(place, return_inverse=True)
        summed = np.bincount(inverse, data, minlength=len(unique)).astype(np.float64)
        counts = np.bincount(unique // self.n_columns, minlength=self.n_rows)
        return Program(
            cost=cost,
            lower=lower,
            upper=upper,
            integer=integer,
            row_lower=np.concatenate([block[0] for block in self._rows]),
            row_upper=np.concatenate([block[1] for block in self._rows]),
            indptr=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            indices=(unique % self.n_columns).astype(np.int64),
            data=summed,
        )
