"""Each line of the README's table of limits can be copied into a problem, which then plans."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from infersave import FleetPlan, parse_problem, solve

pytestmark = pytest.mark.checkout
README = Path(__file__).resolve().parents[1] / "README.md"
CHEAPER = {"spot, capped", "reserved"}
"""Lines that offer more instead of forbidding something."""
OTHER_DEMAND = {"time"}


def rows() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    text = README.read_text(encoding="utf-8")
    table = text.split("### Limits, each by example")[1].split("\n\n")[2]
    found = {}
    for line in table.splitlines()[2:]:
        name, problem, workload, _ = line.strip("|").split("|")
        found[name.strip()] = (code(problem), code(workload))
    return found


def code(cell: str) -> dict[str, Any]:
    span = re.fullmatch(r"`(.+)`", cell.strip())
    return yaml.safe_load(span[1]) if span else {}


def planned(problem: dict[str, Any], workload: dict[str, Any]) -> FleetPlan:
    base: dict[str, Any] = {
        "catalog": {"provider": "aws", "regions": "us-east-1", "families": ["g6", "g6e"]},
        "workloads": [
            {
                "name": "chat",
                "architecture": "meta-llama/Llama-3.1-8B",
                "requests_per_s": 12.0,
                "requests": [{"input_tokens": 512, "output_tokens": 256}],
                "slo": {"ttft_s": 1.0, "tpot_s": 0.05},
                **workload,
            },
        ],
    }
    return solve(parse_problem({**base, **problem}))


LIMITS = rows() if README.exists() else {}  # the wheel brings no README


def test_the_table_is_read() -> None:
    assert len(LIMITS) >= 10


@pytest.mark.parametrize("name", sorted(LIMITS))
def test_a_line_can_be_copied(name: str) -> None:
    free, limited = planned({}, {}), planned(*LIMITS[name])
    if name in CHEAPER:
        assert limited.usd_per_hour < free.usd_per_hour
    elif name not in OTHER_DEMAND:
        assert limited.usd_per_hour >= free.usd_per_hour * (1 - 1e-9)
