"""`infersave verify`: plans that hold, plans that do not, and what is no plan."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

Run = Callable[..., CompletedProcess[str]]


@pytest.fixture
def plan(infersave: Run, small: str) -> dict[str, Any]:
    """A plan of the small problem, also in plan.json."""
    infersave("plan", small, "--out", "plan.json")
    found: dict[str, Any] = json.loads(Path("plan.json").read_text(encoding="utf-8"))
    return found


def write(plan: object) -> str:
    Path("changed.json").write_text(json.dumps(plan), encoding="utf-8")
    return "changed.json"


def test_a_plan_holds(infersave: Run, small: str, plan: dict[str, Any]) -> None:
    done = infersave("verify", small, "plan.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("holds: 2 workloads on ")
    told = json.loads(infersave("verify", small, "plan.json", "--json").stdout)
    assert told == {
        "schema_version": 2,
        "status": "holds",
        "usd_per_hour": plan["usd_per_hour"],
        "violations": [],
        "opinions": [],
    }


def test_every_contradiction_is_told(infersave: Run, small: str, plan: dict[str, Any]) -> None:
    plan["vms"][0]["usd_per_hour"] *= 0.9
    plan["assignments"][0]["performance"]["ttft_s"] *= 0.5
    done = infersave("verify", small, write(plan))
    assert done.returncode == 1
    assert done.stdout.startswith("does not hold")
    told = json.loads(infersave("verify", small, "changed.json", "--json").stdout)
    assert told["status"] == "violated"
    assert any("costs USD" in text for text in told["violations"])
    assert any("ttft_s" in text for text in told["violations"])
    flat = " ".join(done.stdout.split())
    assert all(" ".join(text.split()) in flat for text in told["violations"])


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("usd_per_hour", "cheap", "number"),
        ("usd_per_hour", float("nan"), "finite"),
        ("status", "splendid", "optimal"),
        ("vms", 3, "tuple"),
        ("surprise", 1, "not a known field"),
    ],
)
def test_what_is_no_plan_is_bad_input(
    infersave: Run, small: str, plan: dict[str, Any], field: str, value: object, rule: str
) -> None:
    done = infersave("verify", small, write({**plan, field: value}))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: plan.{field}")
    assert rule in done.stderr


def test_a_plan_of_another_problem_does_not_hold(
    infersave: Run, small: str, plan: dict[str, Any]
) -> None:
    text = Path(small).read_text(encoding="utf-8").replace("name: chat", "name: talk")
    Path("other.yaml").write_text(text, encoding="utf-8")
    done = infersave("verify", "other.yaml", "plan.json")
    assert done.returncode == 1
    assert "no such workload" in done.stdout


def test_both_from_stdin_is_refused(infersave: Run) -> None:
    done = infersave("verify", "-", "-")
    assert done.returncode == 2
    assert "PLAN" in done.stderr
