"""Errors as people and programs meet them: one message, one JSON object, one exit status."""

from __future__ import annotations

import os
import sys

from cyclopts import CycloptsError

from ..models.outcome import (
    BackendError,
    BackendUnavailable,
    InfeasibleError,
    NoPlanError,
    ProblemError,
    UnsupportedOption,
    UnsupportedProgram,
    VerificationError,
)
from .output import print_json, printable

NO_PLAN, BAD_INPUT = 1, 2
INTERRUPTED, BROKEN_PIPE = 130, 141
"""128 and the number of the signal, as shells count."""

VALUE_SHOWN = 200
"""Characters of a refused value that the JSON repeats."""


def report(error: Exception, *, as_json: bool) -> int:
    """Print an error on stderr, and as JSON on stdout when asked; returns the exit status."""
    if as_json:
        print_json(as_data(error))
        sys.stdout.flush()
    print(f"error: {printable(_message(error))}", file=sys.stderr)
    return exit_status(error)


def exit_status(error: Exception) -> int:
    """1 when the input is sound and there is no plan, 2 when it is not."""
    refused = (BackendUnavailable, UnsupportedOption, UnsupportedProgram)
    no_answer = (NoPlanError, VerificationError, BackendError, OSError)
    return NO_PLAN if isinstance(error, no_answer) and not isinstance(error, refused) else BAD_INPUT


def status_word(error: Exception) -> str:
    """`status` of the JSON object."""
    words: tuple[tuple[type[Exception], str], ...] = (
        (InfeasibleError, "infeasible"),
        (NoPlanError, "no_plan"),
        (VerificationError, "violated"),
        (BackendUnavailable, "unavailable"),
        (UnsupportedOption, "unsupported"),
        (UnsupportedProgram, "unsupported"),
        (BackendError, "failed"),
        (OSError, "failed"),
    )
    return next((word for kind, word in words if isinstance(error, kind)), "invalid")


def as_data(error: Exception) -> dict[str, object]:
    """The error as the JSON object of cli/README.md."""
    from ..models.fleet import SCHEMA_VERSION

    field, value, rule = None, None, None
    if isinstance(error, ProblemError):
        field, value, rule = error.field, error.value, error.rule
    reasons = getattr(error, "reasons", getattr(error, "violations", ()))
    return {
        "schema_version": SCHEMA_VERSION,
        "status": status_word(error),
        "error": {
            "type": "UsageError" if isinstance(error, CycloptsError) else type(error).__name__,
            "message": _message(error),
            "field": field,
            "value": None if value is None else str(value)[:VALUE_SHOWN],
            "rule": rule,
            "reasons": list(reasons),
        },
    }


def abandon_stdout() -> None:
    """Point stdout at nothing: the reader has gone, and Python flushes once more at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # stdout is no file
        pass


def _message(error: Exception) -> str:
    if isinstance(error, CycloptsError):
        command = " ".join(["infersave", *(error.command_chain or ())])
        return f"{error} Try: {command} --help"
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return f"{(error.strerror or str(error)).lower()}{where}"
    return str(error)
