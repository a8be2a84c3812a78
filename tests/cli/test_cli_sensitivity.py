"""`infersave sensitivity`: next steps and break-even prices as tables, JSON and a picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from infersave.models.plan import SCHEMA_VERSION

Run = Callable[..., CompletedProcess[str]]


def test_steps_and_prices(infersave: Run, small: str) -> None:
    done = infersave("sensitivity", small)
    assert (done.returncode, done.stderr) == (0, "")
    said = " ".join(done.stdout.split())
    assert "chat: demand [requests/s]" in said
    assert "chat: throughput [tokens/s]" in said
    data = json.loads(infersave("sensitivity", small, "--json").stdout)
    assert (data["schema_version"], data["complete"]) == (SCHEMA_VERSION, True)
    assert [price["in_plan"] for price in data["prices"]].count(True) == said.count(
        "in the plan up to"
    )
    for price in data["prices"]:
        if price["break_even_usd_per_hour"] is not None:
            assert f"{price['break_even_usd_per_hour']:.3f}" in said


def test_one_vm_type_alone(infersave: Run, small: str) -> None:
    done = infersave("sensitivity", small, "--vm-type", "g5.xlarge", "--json")
    assert [price["vm_type"] for price in json.loads(done.stdout)["prices"]] == ["g5.xlarge"]
    none = infersave("sensitivity", small, "--vm-type", "g9.xlarge")
    assert none.returncode == 2
    assert "--vm-type: unknown VM type 'g9.xlarge'" in none.stderr


def test_a_schema_describes_it(infersave: Run, small: str) -> None:
    data = json.loads(infersave("sensitivity", small, "--json").stdout)
    schema = json.loads(infersave("schema", "sensitivity").stdout)
    assert schema["$id"] == f"infersave/sensitivity/{SCHEMA_VERSION}"
    assert list(data) == list(schema["properties"])
    assert list(data["prices"][0]) == list(schema["$defs"]["BreakEven"]["properties"])
    assert list(data["fields"][0]) == list(schema["$defs"]["FieldSensitivity"]["properties"])


def test_few_rows_unless_all_are_asked_for(infersave: Run) -> None:
    few = infersave("sensitivity", "example:paper-offline", "--top", "0").stdout
    every = infersave("sensitivity", "example:paper-offline", "--all").stdout
    assert "enters below" not in few
    assert "would enter at lower prices still" in few
    assert "enters below" in every


def test_without_a_plan_there_is_no_answer(infersave: Run, small: str) -> None:
    path = Path(small)
    path.write_text("budget: {usd_per_hour: 0.01}\n" + path.read_text(), encoding="utf-8")
    done = infersave("sensitivity", small)
    assert (done.returncode, done.stdout) == (1, "")
    assert "budget" in done.stderr


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="draws with matplotlib (extra: plot)")
def test_a_picture(infersave: Run, small: str) -> None:
    done = infersave("sensitivity", small, "--plot", "s.svg")
    assert (done.returncode, done.stderr) == (0, "")
    assert "</svg>" in Path("s.svg").read_text(encoding="utf-8")
