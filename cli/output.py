"""JSON and plain text on their way out: exact, complete, and safe on a terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ..models.outcome import ProblemError

JSON_FLAG = "--json"
JsonFlag = Annotated[
    bool,
    Parameter(name=JSON_FLAG, show_default=False, help="Print JSON on stdout instead of tables."),
]
"""The option that every command has."""


def prepare_streams() -> None:
    """Make stdout and stderr take whatever is written: closed ones, and any alphabet."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the caller
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - stays open
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def to_json(data: object) -> str:
    """Data as JSON text, ending in a newline.

    Only ASCII, so that no name can carry a control character to a terminal, and no NaN.

    >>> print(to_json({"name": "caf\\u00e9"}), end="")
    {
      "name": "caf\\u00e9"
    }
    """
    return json.dumps(data, indent=2, allow_nan=False, ensure_ascii=True) + "\n"


def print_json(data: object) -> None:
    """Data as JSON on stdout."""
    sys.stdout.write(to_json(data))


def printable(text: str) -> str:
    """Text without control characters, except line breaks.

    >>> printable("a\\x1b[31mb")
    'a?[31mb'
    """
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)


def check_writable(path: Path, field: str) -> None:
    """Refuse early a file that could not be written at the end.

    Raises:
        ProblemError: it is a folder, or its folder is not there.
    """
    if path.is_dir():
        raise ProblemError(field, str(path), "must be a file, is a folder")
    if not path.absolute().parent.is_dir():
        raise ProblemError(field, str(path), "its folder does not exist")


def check_apart(path: Path, field: str, other: Path, taken: str) -> None:
    """Refuse two outputs into one file.

    Args:
        path, field: one and its option.
        other, taken: the other and its option.

    Raises:
        ProblemError: they are the same.
    """
    if path.resolve() == other.resolve():
        raise ProblemError(field, str(path), f"must be another file than that of {taken}")


def write_file(path: Path, content: str | bytes, field: str) -> None:
    """Write a file whole or not at all.

    Raises:
        ProblemError: the system refuses.
    """
    with whole_file(path, field) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def whole_file(path: Path, field: str) -> Iterator[Path]:
    """Where to write what becomes a file, whole or not at all.

    Raises:
        ProblemError: the system refuses.
    """
    target = path.resolve()
    part = target if target.exists() and not target.is_file() else _part(target)
    try:
        yield part
        if part != target:
            part.replace(target)
    except OSError as error:
        rule = f"cannot be written: {(error.strerror or 'refused').lower()}"
        raise ProblemError(field, str(path), rule) from None
    finally:
        if part != target:
            part.unlink(missing_ok=True)


def _part(target: Path) -> Path:
    """Where a file is written before it takes its name."""
    return target.with_name(f".{target.name}.{os.getpid()}.part")
