"""Errors as people and programs meet them: one message, one JSON object, one exit status."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import asdict
from difflib import get_close_matches

from cyclopts import CycloptsError, UnusedCliTokensError, ValidationError

from ..models.outcome import (
    BackendError,
    BackendUnavailable,
    NoPlanError,
    ProblemError,
    UnsupportedOption,
    UnsupportedProgram,
    VerificationError,
    status_word,
)
from .output import print_json, printable
from .source import NO_OPTION

NO_PLAN, BAD_INPUT = 1, 2
INTERRUPTED, BROKEN_PIPE = 130, 141
"""128 and the number of the signal, as shells count."""

VALUE_SHOWN = 200
"""Characters of a refused value that the JSON repeats."""


def report_error(error: Exception, *, as_json: bool) -> int:
    """Print an error on stderr, and as JSON on stdout when asked; returns the exit status."""
    try:
        if as_json:
            print_json(as_data(error))
        sys.stdout.flush()
    except OSError:  # stdout itself is what failed
        abandon_stdout()
    print(f"error: {printable(_message(error))}", file=sys.stderr)
    return exit_status(error)


def exit_status(error: Exception) -> int:
    """1 when the input is sound and there is no plan, 2 when it is not."""
    refused = (BackendUnavailable, UnsupportedOption, UnsupportedProgram)
    no_answer = (NoPlanError, VerificationError, BackendError, OSError)
    return NO_PLAN if isinstance(error, no_answer) and not isinstance(error, refused) else BAD_INPUT


def as_data(error: Exception) -> dict[str, object]:
    """The error as the JSON object of cli/README.md."""
    from ..models.plan import SCHEMA_VERSION

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
            "conflicts": [asdict(conflict) for conflict in getattr(error, "conflicts", ())],
        },
    }


def abandon_stdout() -> None:
    """Point stdout at nothing: the reader has gone, and Python flushes once more at exit."""
    with suppress(OSError, ValueError):  # stdout may be no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _message(error: Exception) -> str:
    if isinstance(error, CycloptsError):
        return _usage_message(error)
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return f"{(error.strerror or str(error)).lower()}{where}"
    return str(error)


def _usage_message(error: CycloptsError) -> str:
    """What is wrong with the command line, and where to read on."""
    text = str(error)
    if isinstance(error, UnusedCliTokensError):
        text = f"Unexpected arguments: {' '.join(error.unused_tokens or ())}."
    elif isinstance(error, ValidationError) and NO_OPTION in error.exception_message:
        text = _unknown_option(error)
    command = " ".join(["infersave", *(error.command_chain or ())])
    return f"{text} Try: {command} --help"


def _unknown_option(error: ValidationError) -> str:
    """A misspelt option, which arrives as an argument because one of them may be `-`."""
    typed = str(error.argument.value) if error.argument else ""
    arguments = error.app.assemble_argument_collection() if error.app else ()
    names = [name for argument in arguments for name in argument.names if name.startswith("-")]
    near = get_close_matches(typed, names, n=1)
    return f"Unknown option {typed}." + (f" Did you mean {near[0]}?" if near else "")
