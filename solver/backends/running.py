"""The one way to run a backend: gate, refusal, self-test, a process of its own, and doubt."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from functools import cache

from ...models.outcome import (
    BackendError,
    BackendUnavailable,
    Status,
    UnsupportedOption,
    UnsupportedProgram,
)
from ..deadline import TIME, Deadline
from ..logs import LOG
from ..program import Program, Solution, SolveOptions
from .base import Backend, get_backend
from .finish import Answer, crossed, feasible_hint, finish
from .messages import Bounds, Failed, SelfTest, Solve, Tested, Write, Written
from .pool import POOL
from .process import Died, Late
from .writing import WRITER, Format

GRACE_S, GRACE_SHARE = 0.2, 0.05
"""How long past its time limit a solver is waited for [s], and in shares of the limit: its own
clock is advice, presolve does not look at it, and HiGHS has taken 50 s on a limit of 2."""

TRIES = 2
"""Processes that may die over one program."""

TEST_S = 60.0
"""Longest time for loading a solver and its self-test [s]; it takes 0.3 s."""

WRITE_S = 600.0
"""Longest time for writing a program to text [s]."""

LOGGED = 1e-6
"""Relative error of a bound that a solver logs: seven digits at least."""

CRASHED = "crashed"
"""The `limit` of a solution whose solver's process died."""


def run(name: str, program: Program, options: SolveOptions | None = None) -> Solution:
    """Check the program, find the backend, let it refuse, then solve in a process of its own.

    Raises:
        ProblemError: the program holds a number that makes some solver answer wrongly.
        CatalogError: no such backend.
        BackendUnavailable, UnsupportedProgram, UnsupportedOption: with the reason.
        BackendError: the solver failed, or its point does not stand up.
    """
    program.check()
    options = options or SolveOptions()
    backend = get_backend(name)
    if reason := backend.refusal(program, SolveOptions()):
        raise UnsupportedProgram(f"{backend.name} cannot answer this program: {reason}")
    if reason := backend.refusal(program, options):
        raise UnsupportedOption(f"{backend.name} cannot honour these options: {reason}")
    if reason := unusable(backend.name):
        raise BackendUnavailable(f"{backend.name} cannot run here: {reason}")
    label, started = f"{backend.name} {backend.version()}".strip(), time.monotonic()
    # HiGHS fails on a hint outside the bounds; one that is no point would help nobody.
    program = replace(program, hint=feasible_hint(program))
    if crossed(program):  # solvers disagree whether that is infeasible or an error
        answer = Answer(Status.INFEASIBLE)
    else:
        answer = _answer(backend, program, options)
    return finish(program, options, answer, label, started)


def unusable(name: str) -> str | None:
    """Why a backend cannot be used on this machine, its self-test included, or None."""
    backend = get_backend(name)
    if reason := backend.available():
        return reason
    died = ""
    for _ in range(TRIES):
        try:
            return _self_test(backend.library, backend.name)
        except (Died, Late) as error:
            died = f"its process died while it was loaded and tested: {error or 'too slow'}"
    return died


@cache
def _self_test(library: str, name: str) -> str | None:
    """What loading a backend and trying it on the canaries finds; once in this process.

    Raises:
        Died, Late: the process did not answer.
    """
    with POOL.lend(library) as process:
        reply = process.ask(SelfTest(name), Deadline.within(TEST_S))
    return reply.reason if isinstance(reply, Tested) else str(reply)


def _answer(backend: Backend, program: Program, options: SolveOptions) -> Answer:
    """What the backend claims, or how it fell short: late, interrupted or dead.

    Raises:
        UnsupportedOption: it does not take a native option.
        BackendError: it failed, or died and no first plan can stand in.
    """
    ends, bound, died = options.deadline(), None, ""

    def heard(bounds: Bounds) -> None:
        nonlocal bound
        if bounds.bound is not None:
            bound = bounds.bound - LOGGED * abs(bounds.bound)
        if options.on_bounds is not None:
            with suppress(Exception):  # who listens cannot stop the solve
                options.on_bounds(bounds.incumbent, bounds.bound)

    for _ in range(TRIES):
        left = ends.left_s
        if not left:
            break
        asked = replace(options, time_limit_s=left, on_bounds=None, cancel=None)
        until = Deadline.within(left * (1 + GRACE_SHARE) + GRACE_S, options.cancel)
        try:
            with POOL.lend(backend.library) as process:
                reply = process.ask(Solve(backend.name, program, asked), until, heard)
        except Died as error:
            died = f"{backend.name}: its process died ({error})"
            LOG.info("%s", died)
            continue
        except Late:
            LOG.info("%s was late or would not stop: its process was ended", backend.name)
            return Answer(Status.NO_PLAN, bound=bound, limit=ends.reason or TIME)
        if isinstance(reply, Answer):
            return reply
        if isinstance(reply, Failed):
            raise (UnsupportedOption if reply.refused else BackendError)(reply.message)
        raise BackendError(str(reply))
    if died and program.hint is None:
        raise BackendError(died)
    return Answer(Status.NO_PLAN, bound=bound, limit=CRASHED if died else ends.reason)


def program_text(program: Program, form: Format) -> str:
    """The program as other solvers read it, with generated names; see `writing`.

    Raises:
        ProblemError: the program holds a number that makes some solver answer wrongly.
        BackendUnavailable: no process can be started for it.
        BackendError: it was not written.
    """
    program.check()
    try:
        with POOL.lend(get_backend(WRITER).library) as process:
            reply = process.ask(Write(program, form), Deadline.within(WRITE_S))
    except (Died, Late) as error:
        raise BackendError(f"the program was not written: {error or 'too slow'}") from error
    if isinstance(reply, Written):
        return reply.text
    raise BackendError(reply.message if isinstance(reply, Failed) else str(reply))
