"""What the arguments PROBLEM and PLAN name: a file, a shipped example, or `-` for stdin."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ..models.outcome import ProblemError
from .filters import naming_flags

if TYPE_CHECKING:
    from ..models.fleet import FleetProblem

STDIN = "-"


NO_OPTION = "There is no such option; a file of that name is ./NAME."


def _not_an_option(_: object, value: str | None) -> None:
    if value is not None and value.startswith("-") and value != STDIN:
        raise ValueError(NO_OPTION)


Source = Annotated[str, Parameter(allow_leading_hyphen=True, validator=_not_an_option)]
"""A positional argument that names one."""


def read_problem(source: str) -> FleetProblem:
    """The problem that PROBLEM names.

    Raises:
        ProblemError, CatalogError: as `load_problem`.
    """
    from ..catalogs.problem_file import load_problem, parse_problem

    return parse_problem(_read_stdin()) if source == STDIN else load_problem(source)


def at_confidence(problem: FleetProblem, confidence: float | None) -> FleetProblem:
    """The problem, planned on times that hold with another probability where one is given.

    Raises:
        ProblemError: it is not a probability of at least one half.
    """
    if confidence is None:
        return problem
    with naming_flags({"confidence": "--confidence"}):
        return problem.replace(confidence=confidence)


def read_plain(source: str) -> object:
    """The plain data that PLAN names: JSON, whatever the file is called.

    Raises:
        ProblemError: it cannot be read, or is malformed.
    """
    from ..catalogs.plain_data import read_data

    return _read_stdin() if source == STDIN else read_data(Path(source), ".json")


def _read_stdin() -> object:
    """JSON or YAML from stdin; JSON first, which is read a hundred times faster."""
    from ..catalogs.plain_data import SIZE_LIMIT_BYTES, parse_text

    content = sys.stdin.buffer.read(SIZE_LIMIT_BYTES + 1)
    if len(content) > SIZE_LIMIT_BYTES:
        raise ProblemError("stdin", None, f"must be at most {SIZE_LIMIT_BYTES} bytes")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise ProblemError("stdin", None, "must be UTF-8 text") from None
    if text.lstrip().startswith("{"):
        try:
            return parse_text(text, ".json", "stdin")
        except ProblemError:  # YAML may begin so, too
            pass
    return parse_text(text, ".yaml", "stdin")
