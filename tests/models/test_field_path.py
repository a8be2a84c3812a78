"""One way to name a field: in values as in plain data."""

from __future__ import annotations

import pytest

from infersave import ProblemError, load_problem
from infersave.models.field_path import key_in, keys_of, value_at, with_field, with_value


def test_workloads_are_named_or_counted() -> None:
    problem = load_problem("example:two-workloads")
    keys = keys_of(problem, "workloads[chat].slo.tpot_s")
    assert keys == keys_of(problem, "workloads[0].slo.tpot_s") == ("workloads", 0, "slo", "tpot_s")
    assert value_at(problem, keys) == 0.05
    changed = with_value(problem, keys, 0.02)
    assert changed.workloads[0].slo.tpot_s == 0.02
    assert changed == with_field(problem, "workloads[0].slo.tpot_s", 0.02)
    assert changed.workloads[1:] == problem.workloads[1:]


def test_a_name_of_digits_comes_before_a_position() -> None:
    assert key_in([{"name": "1"}, {"name": "0"}], "1", "x") == 0


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("workloads[x].name", "there is no 'x' among 2"),
        ("workload[chat]", "there is no field 'workload'"),
        ("confidence.x", "there is nothing to look for 'x' in"),
        ("workloads[chat].name.x", "there is nothing to look for 'x' in"),
    ],
)
def test_a_path_that_leads_nowhere(path: str, said: str) -> None:
    with pytest.raises(ProblemError, match=said):
        keys_of(load_problem("example:two-workloads"), path)


def test_a_refused_value_is_named_by_its_whole_path() -> None:
    problem = load_problem("example:two-workloads")
    with pytest.raises(ProblemError) as refused:
        with_field(problem, "workloads[1].slo.tokens_per_s", -1.0)
    assert refused.value.field == "workloads[1].slo.tokens_per_s"
