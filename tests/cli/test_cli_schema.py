"""`infersave schema`: what it describes is what the commands print and read."""

from __future__ import annotations

import json
from collections.abc import Callable
from subprocess import CompletedProcess
from typing import Any

import pytest

from infersave import FleetProblem, load_problem, solve
from infersave.models.plan import SCHEMA_VERSION

Run = Callable[..., CompletedProcess[str]]


def described(infersave: Run, what: str) -> dict[str, Any]:
    done = infersave("schema", what)
    assert (done.returncode, done.stderr) == (0, "")
    data: dict[str, Any] = json.loads(done.stdout)
    return data


ANSWERS = (
    "plan",
    "result",
    "replan",
    "reasons",
    "explanation",
    "recommendation",
    "frontier",
    "sensitivity",
)


@pytest.mark.parametrize("what", ["problem", *ANSWERS])
def test_a_schema_is_named_and_versioned(infersave: Run, what: str) -> None:
    data = described(infersave, what)
    assert data["$id"] == f"infersave/{what}/{SCHEMA_VERSION}"
    assert data["type"] == "object"
    assert data["additionalProperties"] is False


@pytest.mark.parametrize("what", ANSWERS)
def test_an_answer_says_its_version(infersave: Run, what: str) -> None:
    field = described(infersave, what)["properties"]["schema_version"]
    assert (field["type"], field["default"]) == ("integer", SCHEMA_VERSION)


def test_a_plan_has_the_fields_of_its_schema(infersave: Run) -> None:
    data = described(infersave, "plan")
    plan = solve(load_problem("example:two-workloads")).model_dump(mode="json")
    assert list(plan) == list(data["properties"])
    assert set(data["$defs"]["Assignment"]["properties"]) == set(plan["assignments"][0])


def test_a_problem_has_the_fields_of_its_schema(infersave: Run) -> None:
    data = described(infersave, "problem")
    problem = load_problem("example:estate")
    assert set(data["properties"]) == set(problem.model_dump(mode="json"))
    assert FleetProblem.parse(json.loads(problem.model_dump_json())) == problem


def test_an_unknown_name_is_refused(infersave: Run) -> None:
    done = infersave("schema", "plans")
    assert done.returncode == 2
    assert "plan" in done.stderr
