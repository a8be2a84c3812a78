"""A program as a file that other solvers read, written by HiGHS.

OR-Tools' own writer keeps six digits of a coefficient and PuLP's thirteen; HiGHS keeps fifteen.
It writes when a solve begins, so it is asked to solve for no time at all.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Literal

from ...models.outcome import BackendError
from ..program import Program, SolveOptions
from .ortools import mathopt_arguments

Format = Literal["mps", "lp"]
"""What MIP solvers read: MPS with free columns, or the LP format of CPLEX."""

WRITER = "ortools:highs"
"""Who writes."""

LEAST_COEFFICIENT = 1e-12
"""HiGHS leaves out what is smaller, and cannot be told to keep more."""

SPELLED: dict[Format, dict[str, str]] = {
    "lp": {"bin": "Binaries", "gen": "Generals", "semi": ""},
    "mps": {" UI": " UP", " LI": " LO"},
}
"""Beginnings of lines that some reader trips over, and what all take. CBC 2.10 reads the short
headings as names of columns and solves the relaxation; PuLP knows no bounds that say integer once
more, where the markers around the columns say it already. Nothing is semi-continuous."""

LEAST_DIGITS = 4


def numbered(letter: str, count: int) -> list[str]:
    """Names that cannot break a format, all of one length.

    >>> numbered("c", 3)
    ['c0001', 'c0002', 'c0003']
    """
    digits = max(LEAST_DIGITS, len(str(count)))
    return [f"{letter}{number:0{digits}d}" for number in range(1, count + 1)]


def write_here(program: Program, form: Format) -> str:
    """The text, with columns c0001, ... and rows r0001, ..., written in this process.

    Raises:
        BackendError: HiGHS wrote nothing.
    """
    from ortools.math_opt.core.python import solver

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"program.{form}"
        try:
            solver.solve(*_arguments(program, path), None)
            text = path.read_text(encoding="ascii")
        except Exception as error:
            raise BackendError(f"HiGHS wrote no file: {error.__context__ or error}") from error
    return "".join(f"{_spelled(line, form)}\n" for line in text.splitlines())


def _spelled(line: str, form: Format) -> str:
    """A line as every reader takes it."""
    first = line[:3] if form == "mps" else line
    return SPELLED[form].get(first, first) + line[len(first) :]


def _arguments(program: Program, path: Path) -> tuple[Any, ...]:
    """What makes MathOpt's HiGHS write the program to a file and stop."""
    once = SolveOptions(time_limit_s=0.0)
    arguments = mathopt_arguments(WRITER, program, once, lambda best, bound: None)
    model, parameters = arguments[0], arguments[3]
    model.name = "infersave"
    model.variables.names.extend(numbered("c", program.n_columns))
    model.linear_constraints.names.extend(numbered("r", program.n_rows))
    parameters.highs.string_options["presolve"] = "off"
    parameters.highs.double_options["small_matrix_value"] = LEAST_COEFFICIENT
    parameters.highs.string_options["write_model_file"] = str(path)
    parameters.highs.bool_options["write_model_to_file"] = True
    return arguments
