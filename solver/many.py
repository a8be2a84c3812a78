"""Many problems, one after the other or on several processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from time import perf_counter

from ..models.fleet import FleetProblem
from ..models.outcome import InferSaveError
from ..models.result import CRASHED, Result
from .engines import Engine, EngineName
from .formulation import Formulation
from .mapping import mapped
from .program import SolveOptions
from .solve import DEFAULT_BACKEND, solve

Numbered = tuple[int, FleetProblem]


def solve_many(
    problems: Iterable[FleetProblem],
    *,
    jobs: int = 1,
    engine: EngineName = "local",
    address: str | None = None,
    backend: str = DEFAULT_BACKEND,
    options: SolveOptions | None = None,
    formulation: Formulation = "auto",
) -> Iterator[Result]:
    """`solve` for each problem; a result for each, in order, errors among them.

    Args:
        problems: taken as they are needed, a thousand ahead with several processes.
        jobs: processes. Solvers run in processes of their own besides.
        engine: who runs them: this machine, Dask or Ray (`infersave[dask]`, `infersave[ray]`).
        address: of a cluster; without one Dask or Ray start here.
        backend, options, formulation: as for `solve`; `options` must be picklable then, so
            without `cancel` and `on_bounds`.

    Raises:
        ProblemError: an engine that is not there.
    """
    one = partial(_solved, backend=backend, options=options, formulation=formulation)
    yield from mapped(one, enumerate(problems), Engine(engine, jobs, address), _crashed)


def _solved(
    numbered: Numbered, *, backend: str, options: SolveOptions | None, formulation: Formulation
) -> Result:
    index, problem = numbered
    start = perf_counter()
    try:
        plan = solve(problem, backend=backend, options=options, formulation=formulation)
    except InferSaveError as error:
        return Result.of_error(index, error, perf_counter() - start)
    return Result.of_plan(index, plan, perf_counter() - start)


def _crashed(numbered: Numbered) -> Result:
    index, _ = numbered
    message = "its process died each time it was tried"
    return Result(index=index, status=CRASHED, message=message)
