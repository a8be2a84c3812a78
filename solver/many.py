"""Many problems, one after the other or on several processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import count
from time import perf_counter

from ..models.fleet import FleetProblem
from ..models.outcome import InferSaveError
from ..models.result import CRASHED, Result
from .engines import Engine, EngineName
from .formulation import Formulation
from .mapping import mapped
from .program import SolveOptions
from .sharing import Packed, Packer
from .solve import DEFAULT_BACKEND, solve


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
    where = Engine(engine, jobs, address)
    if where.in_this_process:
        yield from map(one, count(), problems)
        return
    packer = Packer()
    packed = (packer.pack(index, problem) for index, problem in enumerate(problems))
    yield from mapped(partial(_sent, one), packed, where, _crashed)


def _sent(one: Callable[[int, FleetProblem], Result], packed: Packed) -> Result:
    """The result of a problem that came from another process."""
    return one(packed.index, packed.problem())


def _solved(
    index: int,
    problem: FleetProblem,
    *,
    backend: str,
    options: SolveOptions | None,
    formulation: Formulation,
) -> Result:
    start = perf_counter()
    try:
        plan = solve(problem, backend=backend, options=options, formulation=formulation)
    except InferSaveError as error:
        return Result.of_error(index, error, perf_counter() - start)
    return Result.of_plan(index, plan, perf_counter() - start)


def _crashed(packed: Packed) -> Result:
    message = "its process died each time it was tried"
    return Result(index=packed.index, status=CRASHED, message=message)
