"""Problems by the hundred, as plain data: lines of a file, or one problem with fields varied."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ..models.outcome import ProblemError
from .plain_data import parse_text

STEP = re.compile(r"(\w+)|\[([^\]]+)\]")
"""One step of a field's path: a name, a position, or the name of a workload or quota."""

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
    steps = [part[0] or part[1] for part in STEP.findall(field)]
    if not steps:
        raise ProblemError("--vary", field, "must be the path of a field, such as budget.usd")
    holder = data
    for number, step in enumerate(steps):
        last = number == len(steps) - 1
        key = _key(holder, step, field, last=last)
        if last:
            holder[key] = value
        else:
            if isinstance(holder, dict) and key not in holder:
                holder[key] = {}
            holder = holder[key]


def _key(holder: Any, step: str, field: str, *, last: bool) -> Any:
    if isinstance(holder, dict):
        return step
    if not isinstance(holder, list):
        raise ProblemError("--vary", field, f"there is nothing to look for {step!r} in")
    names = [item.get("name") if isinstance(item, dict) else None for item in holder]
    if step in names:
        return names.index(step)
    if step.isdigit() and int(step) < len(holder):
        return int(step)
    raise ProblemError("--vary", field, f"there is no {step!r} among {len(holder)} here")
