"""The problems of a batch: the lines of a file, or one problem with fields varied."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..models.outcome import ProblemError

if TYPE_CHECKING:
    from ..catalogs.sweeps import Sweep


def sweep_from(vary: Sequence[str], sample: int | None, seed: int) -> Sweep:
    """The fields that vary, and their values.

    Args:
        vary: FIELD=VALUES each, as `sweep_of` reads them.

    Raises:
        ProblemError: they are none, or `sweep_of` refuses them.
    """
    from ..catalogs.sweeps import sweep_of

    fields: dict[str, str] = {}
    for given in vary:
        field, equals, values = given.partition("=")
        if not equals or not values:
            raise ProblemError("--vary", given, "must be FIELD=VALUES")
        if field in fields:
            raise ProblemError("--vary", field, "is given twice")
        fields[field] = values
    return sweep_of(fields, sample, seed)


def texts_of(problems: str, sweep: Sweep) -> Iterator[str]:
    """Every problem as text."""
    from ..catalogs.plain_data import read_data
    from ..catalogs.problem_file import example_data
    from ..catalogs.variations import placed, read_lines

    if not sweep.fields:
        yield from read_lines(Path(problems))
        return
    base = example_data(problems) or read_data(Path(problems))
    if not isinstance(base, dict):
        raise ProblemError("PROBLEMS", problems, "must be one problem where fields are varied")
    yield from map(json.dumps, placed(base, sweep.fields, sweep.rows))
