"""The program of a problem as text, for other solvers and for whoever wants to look at it."""

from __future__ import annotations

from dataclasses import replace

from ..models.fleet import FleetProblem
from ..models.plan import SCHEMA_VERSION
from ..models.value import Count, Value
from .backends.running import program_text
from .backends.writing import Format, numbered
from .canonical import canonical
from .dominance import without_dominated
from .estate import survey
from .formulation import formulate
from .meanings import meanings
from .program import Program, SolveOptions
from .solve import DEFAULT_BACKEND


class ColumnName(Value):
    """A column of an exported program: its name there, and what it stands for."""

    name: str
    meaning: str


class ExportedProgram(Value):
    """The whole `candidates` program of a problem: minimise USD per hour.

    Attributes:
        format: `mps` or `lp`.
        text: the file, ASCII.
        columns: every column in order; replicas, VMs and the like count from 0 up.
        n_rows: constraints.
    """

    schema_version: int = SCHEMA_VERSION
    format: Format
    text: str
    columns: tuple[ColumnName, ...]
    n_rows: Count


def export_program(problem: FleetProblem, *, format: Format = "mps") -> ExportedProgram:
    """What `solve` has a solver decide, as one file with all independent parts in it.

    Money is in USD per hour, unscaled. Coefficients keep 15 significant digits. Names are
    generated (c0001, r0001): no name of the problem gets into the text. Its optimum is the least
    cost of the fleet, but for a VM more where blocks must stand apart (a plan's limit `seats`).

    Raises:
        InfeasibleError: a demand that nothing on offer can serve, as in `solve`.
        BackendError: the program could not be written.
    """
    estate = survey(canonical(problem), DEFAULT_BACKEND, SolveOptions())
    program, variables = formulate(without_dominated(estate), "candidates")
    names = numbered("c", program.n_columns)
    said = meanings(variables, program.n_columns)
    return ExportedProgram(
        format=format,
        text=program_text(_in_usd(program), format),
        columns=tuple(ColumnName(name=n, meaning=m) for n, m in zip(names, said, strict=True)),
        n_rows=program.n_rows,
    )


def _in_usd(program: Program) -> Program:
    """The program without its scale of money, a power of two, so that nothing is rounded."""
    return replace(program, cost=program.cost / program.usd_scale, usd_scale=1.0, hint=None)
