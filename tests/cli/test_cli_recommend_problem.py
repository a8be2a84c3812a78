"""`infersave recommend PROBLEM`: one workload of a problem with rules, limits and periods."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import yaml

Run = Callable[..., CompletedProcess[str]]
Rank = Callable[..., dict[str, Any]]

CHAT = {
    "name": "chat",
    "architecture": "facebook/opt-2.7b",
    "engine": "static",
    "requests_per_s": 5,
    "requests": [{"input_tokens": 128, "output_tokens": 64}],
}
RACK = {"vm_type": "rack", "gpu": "L4", "usd_per_hour": 3.0}
EMBED = {
    "name": "embed",
    "requests_per_s": 1,
    "throughput": [{"vm_type": "rack", "requests_per_s": 2}],
}


@pytest.fixture
def rank(infersave: Run, folder: Path) -> Rank:
    """The ranking of the workload `chat` of a problem on the paper's catalogue."""

    def run(chat: dict[str, Any], **fields: object) -> dict[str, Any]:
        data = {"catalog": {"name": "paper"}, "workloads": [{**CHAT, **chat}], **fields}
        (folder / "problem.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
        done = infersave("recommend", "problem.yaml", "--json")
        assert (done.returncode, done.stderr) == (0, "")
        ranking: dict[str, Any] = json.loads(done.stdout)
        return ranking

    return run


def names(ranking: dict[str, Any]) -> set[str]:
    return {choice["vm_type"] for choice in ranking["choices"]}


def test_rules_on_where_it_may_run_hold(rank: Rank) -> None:
    everywhere = names(rank({}))
    assert names(rank({"forbid": {"vm_types": "g6.xlarge"}})) == everywhere - {"g6.xlarge"}
    assert names(rank({"allow": {"gpus": ["L4", "A10G"]}})) == {"g6.xlarge", "g5.xlarge"}


def test_spot_is_left_out_where_not_all_may_depend_on_it(infersave: Run, folder: Path) -> None:
    data = {
        "catalog": {"provider": "aws", "vm_types": "g6.xlarge", "purchase": ["on_demand", "spot"]},
        "workloads": [{**CHAT, "max_spot_share": 0.5}],
    }
    (folder / "problem.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    ranking = json.loads(infersave("recommend", "problem.yaml", "--json").stdout)
    assert {choice["purchase"] for choice in ranking["choices"]} == {"on_demand"}


def test_limits_of_the_fleet_do_not_bound_a_ranking(rank: Rank) -> None:
    quota = {"name": "none", "vm_types": "g6.xlarge", "limit": 0}
    assert names(rank({}, quotas=[quota], budget={"usd_per_hour": 0.01})) == names(rank({}))


def test_it_is_ranked_at_its_peak(rank: Rank) -> None:
    peak = rank({"profile": [0.5, 4]}, horizon={"periods": 2})
    assert peak == rank({"requests_per_s": 20})


def test_vm_types_known_by_name_only_are_left_out(rank: Rank) -> None:
    assert names(rank({}, offers=[RACK], measured=[EMBED])) == names(rank({}))


def test_measured_workloads_are_not_ranked(infersave: Run, folder: Path) -> None:
    data = {"offers": [RACK], "measured": [EMBED]}
    (folder / "problem.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    done = infersave("recommend", "problem.yaml")
    assert done.returncode == 2
    assert "PROBLEM = 'problem.yaml': has no workload to predict" in done.stderr


def test_nowhere_left_to_run(infersave: Run, folder: Path) -> None:
    data = {
        "catalog": {"name": "paper"},
        "workloads": [{**CHAT, "forbid": {"providers": "aws"}}],
    }
    (folder / "problem.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    done = infersave("recommend", "problem.yaml")
    assert done.returncode == 2
    assert "--workload = 'chat': may run on no offer" in done.stderr
