"""Problems by the hundred, as plain data: lines of a file, or one problem with fields varied."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ..models.field_path import key_in, steps_of
from ..models.outcome import ProblemError
from .plain_data import parse_text

MOST = 10_000_000
"""Problems of one sweep."""


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a JSONL file that say something, one at a time.

    Raises:
        ProblemError: it cannot be read.
    """
    try:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.strip():
                    yield line
    except (OSError, UnicodeDecodeError) as error:
        raise ProblemError(str(path), None, f"cannot be read: {error}") from None


def parse_line(line: str, name: str) -> object:
    """A line's problem as plain data.

    Raises:
        ProblemError: it is no JSON.
    """
    return parse_text(line, ".json", name)


def values_of(text: str, field: str) -> list[object]:
    """What `1,2,5` or `low:high:count` stands for.

    >>> values_of("1:3:5", "x"), values_of("aws,gcp", "x"), values_of("0.5,null", "x")
    ([1.0, 1.5, 2.0, 2.5, 3.0], ['aws', 'gcp'], [0.5, None])

    Raises:
        ProblemError: it is neither.
    """
    if found := re.fullmatch(r"([^:,]+):([^:,]+):(\d+)", text):
        try:
            low, high, count = float(found[1]), float(found[2]), int(found[3])
        except ValueError:
            raise ProblemError(field, text, "must be low:high:count in numbers") from None
        if not 1 <= count <= MOST:
            raise ProblemError(field, text, f"count must be from 1 to {MOST}")
        return [float(x) for x in np.linspace(low, high, count)]
    return [plain(part.strip()) for part in text.split(",")]


def range_of(text: str, field: str) -> tuple[float, float]:
    """What `low:high` stands for.

    >>> range_of("0.02:0.1", "x")
    (0.02, 0.1)

    Raises:
        ProblemError: it is none.
    """
    low, _, high = text.partition(":")
    try:
        return float(low), float(high)
    except ValueError:
        raise ProblemError(field, text, "must be LOW:HIGH in numbers") from None


def plain(text: str) -> object:
    """A value as JSON spells it; what is none is a word."""
    try:
        return parse_text(text, ".json", "value")
    except ProblemError:  # a word is itself
        return text


def varied(base: Mapping[str, Any], fields: Mapping[str, Sequence[object]]) -> Iterator[Any]:
    """The problem with every combination of the fields' values, the last field fastest.

    Raises:
        ProblemError: a field leads nowhere in the problem.
    """
    yield from placed(base, tuple(fields), product(*fields.values()))


def placed(
    base: Mapping[str, Any], fields: Sequence[str], rows: Iterable[Sequence[object]]
) -> Iterator[Any]:
    """The problem with the fields' values of each row.

    Raises:
        ProblemError: a field leads nowhere in the problem.
    """
    for values in rows:
        data: Any = copy.deepcopy(dict(base))
        for field, value in zip(fields, values, strict=True):
            _put(data, field, value)
        yield data


def _put(data: Any, field: str, value: object) -> None:
    """Set one field; the last name may be new, the rest must be there."""
    try:
        *holders, last = steps_of(field)
        holder = data
        for step in holders:
            key = key_in(holder, step, field)
            if isinstance(holder, dict) and key not in holder:
                holder[key] = {}
            holder = holder[key]
        holder[key_in(holder, last, field)] = value
    except ProblemError as error:
        raise ProblemError("--vary", field, error.rule) from None
