"""Melange's input file, read as its authors publish it."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from infersave import Quota, load_problem, parse_problem, solve
from infersave.catalogs.melange import parse_melange
from infersave.models.outcome import InfeasibleError, ProblemError

PUBLISHED: dict[str, Any] = {
    "gpu_info": {
        "A10G": {"cost": 1.01, "tputs": [[2, 1], [5, 2]]},
        "A100-80GB": {"cost": 3.67, "tputs": [[20, 20], [40, 20]]},
    },
    "workload_distribution": [[0.2, 0.1], [0.5, 0.2]],
    "total_request_rate": 30.0,
    "slice_factor": 1,
}
"""melange/config/example.json of github.com/tyler-griggs/melange-release at ebba701."""

PUBLISHED_USD_PER_HOUR = 6.70
"""What its README says their solver answers: three A10G and one A100-80GB."""


def changed(*path: str | int, to: object) -> dict[str, Any]:
    """The published file with one value changed; without it where `to` is None."""
    data: Any = deepcopy(PUBLISHED)
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    if to is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return data  # type: ignore[no-any-return]


def test_the_example_is_the_published_one() -> None:
    assert load_problem("example:melange") == parse_melange(PUBLISHED)


def test_it_is_recognised_by_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "example.json"
    path.write_text(json.dumps(PUBLISHED), encoding="utf-8")
    assert load_problem(path) == parse_problem(PUBLISHED) == parse_melange(PUBLISHED)


def test_classes_are_buckets_and_gpus_are_offers() -> None:
    problem = parse_melange(PUBLISHED)
    (workload,) = problem.measured
    assert workload.shares == pytest.approx((0.2, 0.1, 0.5, 0.2))
    assert workload.requests_per_s == pytest.approx(30.0)
    assert workload.target_utilization == 1.0
    assert [t.requests_per_s for t in workload.throughput] == [(2, 1, 5, 2), (20, 20, 40, 20)]
    prices = {offer.vm_type.name: offer.usd_per_hour for offer in problem.offers}
    assert prices == {"A10G": 1.01, "A100-80GB": 3.67}


def test_it_costs_no_more_than_their_solver_says() -> None:
    plan = solve(parse_melange(PUBLISHED))
    assert plan.usd_per_hour <= PUBLISHED_USD_PER_HOUR
    # Requests of one bucket may go to two kinds: 1.125 A100 is one A100, and an A10G for 5/s.
    assert plan.usd_per_hour == pytest.approx(1.01 + 3.67)


def test_empty_buckets_are_left_out() -> None:
    data = changed("workload_distribution", to=[[0.5, 0], [0, 0.5]])
    data["gpu_info"]["A10G"]["tputs"][0][1] = 0
    workload = parse_melange(data).measured[0]
    assert workload.shares == (0.5, 0.5)
    assert workload.throughput[0].requests_per_s == (2, 2)


def test_parts_that_do_not_add_up_scale_the_rate_as_in_the_published_tool() -> None:
    counted = parse_melange(changed("workload_distribution", to=[[2, 1], [5, 2]])).measured[0]
    assert counted.requests_per_s == pytest.approx(300.0)
    assert counted.shares == pytest.approx((0.2, 0.1, 0.5, 0.2))


@pytest.mark.parametrize("factor", [None, 1, 8])
def test_slices_change_nothing(factor: int | None) -> None:
    assert parse_melange(changed("slice_factor", to=factor)) == parse_melange(PUBLISHED)


def test_most_gpus_of_a_kind_is_a_quota() -> None:
    data = changed("gpu_info", "A10G", "max_count", to=0)
    problem = parse_melange(data)
    assert problem.quotas == (Quota(name="A10G", vm_types=("A10G",), limit=0, unit="gpus"),)
    plan = solve(problem)
    assert {vm.vm_type: vm.count for vm in plan.vms} == {"A100-80GB": 2}


def test_a_bucket_that_no_gpu_can_serve_has_no_plan() -> None:
    data = changed("gpu_info", "A10G", "tputs", to=[[0, 1], [5, 2]])
    data["gpu_info"]["A100-80GB"]["tputs"] = [[0, 20], [40, 20]]
    with pytest.raises(InfeasibleError):
        solve(parse_melange(data))


BAD = [
    (changed("gpu_info", to=None), "gpu_info", "is required"),
    (changed("gpu_info", to={}), "gpu_info", "at least 1"),
    (changed("gpu_info", to=[1]), "gpu_info", "dictionary"),
    (changed("gpu_info", "A10G", to=3), "gpu_info.A10G", "dictionary"),
    (changed("gpu_info", "A10G", "cost", to=None), "gpu_info.A10G.cost", "is required"),
    (changed("gpu_info", "A10G", "cost", to=0), "gpu_info.A10G.cost", "greater than 0"),
    (changed("gpu_info", "A10G", "cost", to="1.01"), "gpu_info.A10G.cost", "valid number"),
    (changed("gpu_info", "A10G", "cost", to=float("inf")), "gpu_info.A10G.cost", "finite"),
    (changed("gpu_info", "A10G", "price", to=1), "gpu_info.A10G.price", "not a known field"),
    (changed("gpu_info", "A10G", "max_count", to=-1), "gpu_info.A10G.max_count", "greater"),
    (changed("gpu_info", "A10G", "tputs", to=None), "gpu_info.A10G.tputs", "is required"),
    (changed("gpu_info", "A10G", "tputs", to=[]), "gpu_info.A10G.tputs", "at least 1"),
    (changed("gpu_info", "A10G", "tputs", to=[[2, 1]]), "gpu_info.A10G.tputs", "2 rows"),
    (changed("gpu_info", "A10G", "tputs", 1, to=[5]), "gpu_info.A10G.tputs[1]", "2 numbers"),
    (changed("gpu_info", "A10G", "tputs", 1, 0, to=-5), "gpu_info.A10G.tputs[1][0]", "greater"),
    (changed("gpu_info", "A10G", "tputs", 1, 0, to="a"), "gpu_info.A10G.tputs[1][0]", "number"),
    (changed("gpu_info", "A10G", "tputs", to=[2, 1]), "gpu_info.A10G.tputs[0]", "tuple"),
    (changed("workload_distribution", to=None), "workload_distribution", "is required"),
    (changed("workload_distribution", to=[]), "workload_distribution", "at least 1"),
    (changed("workload_distribution", 1, to=[1.0]), "workload_distribution[1]", "2 numbers"),
    (changed("workload_distribution", 0, 1, to=-0.1), "workload_distribution[0][1]", "greater"),
    (changed("workload_distribution", to=[[0, 0], [0, 0]]), "workload_distribution", "positive"),
    (changed("total_request_rate", to=None), "total_request_rate", "is required"),
    (changed("total_request_rate", to=0), "total_request_rate", "greater than 0"),
    (changed("slice_factor", to=0), "slice_factor", "greater than or equal to 1"),
    (changed("catalog", to={}), "catalog", "not a known field"),
]


@pytest.mark.parametrize(
    ("data", "field", "rule"), BAD, ids=[f"{n}-{field}" for n, (_, field, _) in enumerate(BAD)]
)
def test_what_is_wrong_is_named(data: dict[str, Any], field: str, rule: str) -> None:
    with pytest.raises(ProblemError) as caught:
        parse_problem(data)
    assert caught.value.field == field
    assert rule in caught.value.rule
