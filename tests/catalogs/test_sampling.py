"""Fields drawn at random: within bounds, as distributed, the same from the same seed."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from scipy.stats import norm

from infersave.catalogs.sampling import draw_of, sampled
from infersave.catalogs.sweeps import Sweep, sweep_of
from infersave.models.outcome import ProblemError

N = 1000


def drawn(text: str, seed: int = 7) -> list[object]:
    return [row[0] for row in sweep_of({"x": text}, N, seed).rows]


def quantiles(values: list[object], parts: list[float]) -> list[float]:
    return [float(q) for q in np.quantile(np.array(values, float), parts)]


PARTS = [0.05, 0.25, 0.5, 0.75, 0.95]


@pytest.mark.parametrize("seed", range(3))
def test_marginals_are_those_of_the_distributions(seed: int) -> None:
    """The parts of a thousand points are known to about a thousandth, not to a thirtieth."""
    uniform = quantiles(drawn("uniform(1,40)", seed), PARTS)
    assert uniform == pytest.approx([1 + 39 * p for p in PARTS], abs=39 * 0.005)
    log = quantiles(drawn("loguniform(1,1000)", seed), PARTS)
    assert log == pytest.approx([1000**p for p in PARTS], rel=math.log(1000) * 0.005)
    normal = quantiles(drawn("lognormal(10,0.5)", seed), PARTS)
    assert normal == pytest.approx([10 * math.exp(0.5 * norm.ppf(p)) for p in PARTS], rel=0.03)
    for text, items in (("integers(1,8)", range(1, 9)), ("choice(a,b,c)", "abc")):
        counts = Counter(drawn(text, seed))
        assert set(counts) == set(items)
        assert list(counts.values()) == pytest.approx([N / len(items)] * len(items), abs=5)


@pytest.mark.parametrize("text", ["uniform(-2,3)", "loguniform(0.1,3)", "integers(-2,3)"])
def test_values_stay_within_their_bounds(text: str) -> None:
    draw = draw_of(text, "x")
    assert draw is not None
    low, high = (float(x) for x in text[text.index("(") + 1 : -1].split(","))
    for part in (2.0**-31, 0.5, 1 - 2.0**-31):
        assert low <= float(str(draw(part))) <= high


def test_several_fields_are_drawn_independently() -> None:
    fields = {"x": "uniform(0,1)", "y": "uniform(0,1)", "z": "integers(0,1)"}
    rows = np.array(sweep_of(fields, N, 0).rows, float)
    correlations = np.corrcoef(rows.T)[np.triu_indices(3, 1)]
    assert np.abs(correlations).max() < 0.02


def test_items_and_numbers_keep_their_kind() -> None:
    assert set(drawn("choice(1,2.5,null,aws)")) == {1, 2.5, None, "aws"}
    assert {type(value) for value in drawn("integers(1,8)")} == {int}


def test_the_same_from_the_same_seed() -> None:
    fields = {"x": "lognormal(10,0.5)", "y": "choice(a,b)"}
    assert sweep_of(fields, 50, 3) == sweep_of(fields, 50, 3)
    assert sweep_of(fields, 50, 3) != sweep_of(fields, 50, 4)


@pytest.mark.parametrize("fewer", [1, 2, 3, 100, 256, 257])
def test_more_samples_begin_with_the_fewer(fewer: int) -> None:
    fields = {"x": "uniform(1,2)", "grid": "1,2,5", "y": "integers(1,9)"}
    whole, part = sweep_of(fields, 300, 1), sweep_of(fields, fewer, 1)
    assert part.rows == whole.rows[: len(part.rows)]
    assert len(part.rows) == 3 * fewer


def test_every_draw_is_tried_with_every_combination() -> None:
    found = sweep_of({"a": "1,2", "x": "uniform(0,1)", "b": "u,v"}, 2, 0)
    assert found.fields == ("a", "x", "b")
    points = [x for (x,) in sampled([draw_of("uniform(0,1)", "x") or abs], 2, 0)]
    assert found.rows == tuple((a, x, b) for x in points for a in (1, 2) for b in ("u", "v"))


def test_without_a_draw_it_is_the_grid() -> None:
    assert sweep_of({"a": "1:2:2", "b": "u,v"}, None, 0) == Sweep(
        ("a", "b"), ((1.0, "u"), (1.0, "v"), (2.0, "u"), (2.0, "v"))
    )


def test_words_with_brackets_are_words() -> None:
    assert sweep_of({"a": "chat(1),chat(2)"}, None, 0).rows == (("chat(1)",), ("chat(2)",))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("unifrom(1,2)", "must be one of uniform.*did you mean uniform"),
        ("gamma(1,2)", "must be one of uniform"),
        ("uniform(1)", r"must be uniform\(low,high\), in numbers"),
        ("uniform(1,2,3)", "in numbers"),
        ("uniform(a,b)", "in numbers"),
        ("uniform(2,1)", "low must be below high"),
        ("uniform(1,1)", "low must be below high"),
        ("uniform(0,inf)", "finite"),
        ("uniform(nan,1)", "finite"),
        ("loguniform(0,1)", "low must be above 0"),
        ("lognormal(0,1)", "median and sigma must be above 0"),
        ("lognormal(1,-1)", "median and sigma must be above 0"),
        ("integers(1,2.5)", "whole numbers"),
        ("choice()", "something between the commas"),
        ("choice(a,,b)", "something between the commas"),
    ],
)
def test_errors_name_flag_value_and_rule(text: str, complaint: str) -> None:
    with pytest.raises(ProblemError, match=complaint) as refused:
        sweep_of({"budget.usd": text}, 10, 0)
    assert (refused.value.field, refused.value.value) == ("--vary budget.usd", text)


def test_a_draw_needs_a_number_of_samples_and_the_other_way_round() -> None:
    with pytest.raises(ProblemError, match=r"--vary x = 'uniform\(1,2\)': .*--sample N"):
        sweep_of({"y": "1,2", "x": "uniform(1,2)"}, None, 0)
    with pytest.raises(ProblemError, match="--sample = 5: needs a field that is drawn"):
        sweep_of({"y": "1,2"}, 5, 0)
    with pytest.raises(ProblemError, match="--sample = 0: must be at least 1"):
        sweep_of({"x": "uniform(1,2)"}, 0, 0)
    with pytest.raises(ProblemError, match="at most 10000000 problems"):
        sweep_of({"x": "uniform(1,2)", "y": "1:2:100000"}, 1000, 0)
