"""One independent part of a fleet, decided: as a program, or by splitting it by workload."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from time import monotonic

from ..models.outcome import InfeasibleError, NoPlanError, Status, UnsupportedOption
from .attempt import BACKEND
from .backends.running import run
from .conflicts import binding_limits, in_words
from .deadline import INTERRUPTED
from .decision import Decision, read_decision
from .formulation import Formulation, formulate
from .logs import LOG, percent
from .program import Solution, SolveOptions
from .progress import OnProgress, Progress
from .refuting import refuted
from .splitting.bulk import covers, decide_in_bulk, refusal
from .variables import Estate

FEW = 30
"""Services below which the whole program is quicker than splitting it (benchmarks/scale.py)."""


PATTERN_SHARE = 0.8
"""Share of the time for splitting by workload, before the whole program is tried instead."""


@dataclass(frozen=True, slots=True)
class Part:
    """What came of one part.

    Attributes:
        status: why it ended.
        limit: the limit that stopped it, or empty.
        bound: proved lower bound [USD/h]; None when the solver tells none.
        backend: who solved it, with version.
    """

    decision: Decision
    status: Status
    limit: str
    bound: float | None
    backend: str
    formulation: Formulation


def decide(estate: Estate, backend: str, options: SolveOptions, formulation: Formulation) -> Part:
    """Decide one part.

    Raises:
        InfeasibleError, NoPlanError, BackendError: as `solve`.
    """
    if formulation == "auto":
        whole = backend != BACKEND or options.native  # which are meant for one solver
        many = covers(estate) and len(estate.services) >= FEW and not whole
        return (
            _by_patterns_first(estate, options)
            if many
            else decide(estate, backend, options, "candidates")
        )
    if formulation == "patterns":
        if reason := refusal(estate, backend):
            raise UnsupportedOption(f"formulation patterns: {reason}")
        if options.native:
            raise UnsupportedOption("formulation patterns: native options want one program")
        decision, answer = decide_in_bulk(estate, options)
        scale = 1.0
    else:
        program, variables = formulate(estate, formulation)
        scale = program.usd_scale
        answer = run(backend, program, in_usd(options, scale))
        if formulation == "candidates":
            answer = refuted(variables, program, answer, options.seed)
        decision = None if answer.values is None else read_decision(variables, answer.values)
    if decision is None:
        raise _no_plan(answer, estate, backend, options)
    bound = None if answer.bound is None else max(answer.bound / scale, 0.0)
    LOG.debug(
        "part decided: services %d, jobs %d; %s by %s: %s, gap %s, %.3f s",
        *(len(estate.services), len(estate.orders) + len(estate.shifts)),
        *(formulation, answer.backend, answer.status.value, percent(_gap(answer))),
        answer.seconds,
    )
    return Part(decision, answer.status, answer.limit, bound, answer.backend, formulation)


def _gap(answer: Solution) -> float | None:
    """Part of the cost that is unproved; None where the bound is unknown."""
    if answer.bound is None or not answer.objective:
        return None
    return (answer.objective - answer.bound) / answer.objective


def _by_patterns_first(estate: Estate, options: SolveOptions) -> Part:
    """Split by workload; as one program in the time that is left where that finds no plan."""
    begun = monotonic()
    most = replace(options, time_limit_s=options.time_limit_s * PATTERN_SHARE)
    try:
        return decide(estate, BACKEND, most, "patterns")
    except InfeasibleError:
        raise
    except NoPlanError:
        left = max(options.time_limit_s - (monotonic() - begun), 0.0)
        return decide(estate, BACKEND, replace(options, time_limit_s=left), "candidates")


def in_usd(options: SolveOptions, scale: float) -> SolveOptions:
    """Options under which a program whose money is scaled reports in USD/h."""
    told = options.on_bounds
    if told is None:
        return options

    def unscaled(best: float | None, bound: float | None) -> None:
        told(*(None if usd is None else usd / scale for usd in (best, bound)))

    return replace(options, on_bounds=unscaled)


def decide_all(
    estates: Sequence[Estate],
    backend: str,
    options: SolveOptions,
    formulation: Formulation,
    on_progress: OnProgress | None = None,
) -> list[Part]:
    """Decide the parts, `threads` at a time, each with its share of the time that is left."""
    begun = monotonic()
    at_once = min(options.threads, len(estates))
    # A part may be VMs that are owned and that nothing uses.
    sizes = [max(len(e.services) + len(e.orders) + len(e.shifts), 1) for e in estates]

    def one(number: int) -> Part:
        left = max(begun + options.time_limit_s - monotonic(), 0.0)
        share = min(at_once * sizes[number] / sum(sizes[number:]), 1.0)
        threads = options.threads if len(estates) == 1 else 1

        def told(best: float | None, bound: float | None) -> None:
            assert on_progress is not None
            now = monotonic() - begun
            on_progress(Progress(now, best, bound, number + 1, len(estates)))

        mine = replace(
            options,
            time_limit_s=left * share,
            threads=threads,
            on_bounds=None if on_progress is None else told,
        )
        return decide(estates[number], backend, mine, formulation)

    if at_once == 1:
        return [one(number) for number in range(len(estates))]
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(one, range(len(estates))))


def _no_plan(answer: Solution, estate: Estate, backend: str, options: SolveOptions) -> NoPlanError:
    if answer.limit == INTERRUPTED:
        return NoPlanError("Interrupted before any plan was found.")
    if answer.status is not Status.INFEASIBLE:
        return NoPlanError(answer.status.sentence)
    conflicts = binding_limits(estate, backend, options)
    said = "these limits leave no plan:" if conflicts else answer.status.sentence
    return InfeasibleError(said, [in_words(one) for one in conflicts], conflicts)
