"""Values drawn at random: the distribution of a field, and samples of several fields at once.

Samples are points of a scrambled Sobol sequence (`scipy.stats.qmc`; Owen, J. Complexity 14, 1998),
each coordinate turned into a value by the inverse of a distribution. Few of them cover every
distribution evenly, which independent draws do not: the mean cost, or its quantiles, settle with
fewer problems. A Latin hypercube covers as well, but all its points change with their number; the
first points of a sequence stay, so that a run can be made longer later.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches

from ..models.outcome import ProblemError
from .variations import plain

Draw = Callable[[float], object]
"""A distribution by its inverse: the value that a part in (0, 1) of all draws lies below."""

BITS = 30
"""Binary digits of a coordinate: 2**30 samples at the most."""

FORM = re.compile(r"(\w+)\(([^()]*)\)")

FORMS = {
    "uniform": "uniform(low,high)",
    "loguniform": "loguniform(low,high)",
    "lognormal": "lognormal(median,sigma)",
    "integers": "integers(low,high)",
    "choice": "choice(a,b,...)",
}
"""The distributions as they are written."""


def draw_of(text: str, field: str) -> Draw | None:
    """The distribution that a text such as `uniform(1,40)` stands for; None: it is no such text.

    `sigma` is the standard deviation of the natural logarithm; `integers` has both its ends;
    each item of a `choice` comes as often as the others.

    >>> draw = draw_of("uniform(10,20)", "x")
    >>> draw and draw(0.25)
    12.5
    >>> draw_of("1,2,5", "x")

    Raises:
        ProblemError: no distribution has that name, or its numbers break its rule.
    """
    if not (found := FORM.fullmatch(text)):
        return None
    name, inside = found[1], found[2]
    if name not in FORMS:
        near = get_close_matches(name, FORMS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ProblemError(field, text, f"must be one of {'; '.join(FORMS.values())}{hint}")
    if name == "choice":
        return _choice([plain(part.strip()) for part in inside.split(",")], text, field)
    try:
        first, second = (float(part) for part in inside.split(","))
    except ValueError:
        raise ProblemError(field, text, f"must be {FORMS[name]}, in numbers") from None
    if rule := _broken(name, first, second):
        raise ProblemError(field, text, rule)
    return _continuous(name, first, second)


def _broken(name: str, first: float, second: float) -> str:
    """The rule that the numbers of a distribution break; empty where they keep it."""
    if not (math.isfinite(first) and math.isfinite(second)):
        return "must have finite numbers"
    if name == "lognormal":
        return "" if first > 0 and second > 0 else "median and sigma must be above 0"
    if name == "loguniform" and first <= 0:
        return "low must be above 0"
    if name == "integers" and not (first.is_integer() and second.is_integer()):
        return "low and high must be whole numbers"
    return "" if first < second else "low must be below high"


def _continuous(name: str, first: float, second: float) -> Draw:
    """Of numbers that keep the rule."""
    from scipy.special import ndtri

    if name == "uniform":
        return lambda part: first + part * (second - first)
    if name == "loguniform":
        return lambda part: min(max(first * (second / first) ** part, first), second)
    if name == "lognormal":
        return lambda part: first * math.exp(second * float(ndtri(part)))
    low, many = int(first), int(second) - int(first) + 1
    return lambda part: low + int(part * many)


def _choice(items: list[object], text: str, field: str) -> Draw:
    if "" in items:
        raise ProblemError(field, text, "must have something between the commas")
    return lambda part: items[int(part * len(items))]


def sampled(draws: Sequence[Draw], count: int, seed: int) -> Iterator[tuple[object, ...]]:
    """So many samples of several distributions at once; the first ones of more are the same.

    Args:
        count: at most 2**30.
        seed: of the scrambling.
    """
    from scipy.stats.qmc import Sobol

    points = Sobol(len(draws), bits=BITS, rng=seed).random_base2((count - 1).bit_length())
    middle = 0.5 ** (BITS + 1)  # no coordinate is 0, where a logarithm has no end
    for point in points[:count]:
        parts = (float(x) + middle for x in point)
        yield tuple(draw(part) for draw, part in zip(draws, parts, strict=True))
