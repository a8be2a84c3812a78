"""One problem with fields varied: which fields, and their values in each problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import prod

from ..models.outcome import ProblemError
from .sampling import Draw, draw_of, sampled
from .variations import MOST, values_of


@dataclass(frozen=True, slots=True)
class Sweep:
    """The fields that vary, and their values.

    Attributes:
        fields: their paths.
        rows: one for each problem, in order: a value for each field.
    """

    fields: tuple[str, ...] = ()
    rows: tuple[tuple[object, ...], ...] = ()


def sweep_of(asked: Mapping[str, str], sample: int | None, seed: int) -> Sweep:
    """The sweep that fields with their values in text stand for.

    Fields with lists or grids take every combination. Those with a distribution are drawn
    `sample` times, all at once, and every draw is tried with every combination: differences
    between combinations are then not those between draws.

    Args:
        asked: by the field's path, `1,2,5`, `low:high:count` or such as `uniform(1,40)`.
        sample: draws; None where no field has a distribution.
        seed: of the draws.

    Raises:
        ProblemError: a text is none of these, draws are asked and there is nothing to draw or
            the other way round, or there are too many problems.
    """
    draws: dict[str, Draw] = {}
    grids: dict[str, list[object]] = {}
    for field, text in asked.items():
        if draw := draw_of(text, f"--vary {field}"):
            draws[field] = draw
        else:
            grids[field] = values_of(text, f"--vary {field}")
    if draws and sample is None:
        field = next(iter(draws))
        rule = "is drawn at random: --sample N says how often"
        raise ProblemError(f"--vary {field}", asked[field], rule)
    if sample is not None and not draws:
        rule = "needs a field that is drawn at random, such as --vary FIELD=uniform(1,40)"
        raise ProblemError("--sample", sample, rule)
    if sample is not None and sample < 1:
        raise ProblemError("--sample", sample, "must be at least 1")
    count = 1 if sample is None else sample
    total = count * prod(map(len, grids.values()))
    if total > MOST:
        raise ProblemError("--vary", total, f"must make at most {MOST} problems in all")
    points = sampled(list(draws.values()), count, seed) if draws else iter([()])
    drawn, gridded = list(draws), list(grids)
    order = [(*drawn, *gridded).index(field) for field in asked]
    rows = ((*point, *values) for point in points for values in product(*grids.values()))
    return Sweep(tuple(asked), tuple(tuple(row[i] for i in order) for row in rows))
