"""Raising what stands on the other side of rows `... - n <= 0` until they hold."""

from __future__ import annotations

import numpy as np

from ..models.value import FloatArray
from .block import whole
from .program import Program

SIDES = 2
"""Rows that follow from one another: a switch, and what hangs on it."""


class Lifting:
    """The columns of a program that follow from others, as far as rows `... - n <= 0` say.

    Those are the VMs that replicas need, the switches of the VM types that a service uses, and
    then the most that it may lose at once.
    """

    def __init__(self, program: Program) -> None:
        rows = np.repeat(np.arange(program.n_rows), np.diff(program.indptr))
        may = (program.data < 0) & (program.row_upper[rows] == 0)
        self._program, self._row = program, rows[may]
        self._column, self._takes = program.indices[may], -program.data[may]
        self._whole = program.integer[self._column]

    def raised(self, values: FloatArray) -> FloatArray:
        """The point with these columns raised as far as they must be, shape [n]."""
        lifted = values.copy()
        for _ in range(SIDES):
            over = np.maximum(self._program.activity(lifted), 0.0)[self._row] / self._takes
            missing = np.where(self._whole, whole(over), over)
            np.maximum.at(lifted, self._column, lifted[self._column] + missing)
        return lifted

    def settled(self, values: FloatArray) -> FloatArray:
        """The point with these columns as low as they may be, shape [n]."""
        lowered = values.copy()
        lowered[self._column] = self._program.lower[self._column]
        return self.raised(lowered)
