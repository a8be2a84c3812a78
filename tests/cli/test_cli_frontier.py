"""`infersave frontier`: steps as a table, as JSON and as a picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from infersave.models.plan import SCHEMA_VERSION

Run = Callable[..., CompletedProcess[str]]

DEMAND = "workloads[chat].requests_per_s"


def test_each_line_is_a_stretch_of_one_cost(infersave: Run, small: str) -> None:
    done = infersave("frontier", small, "--over", f"{DEMAND}=1:20")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("chat: demand: USD ")
    data = json.loads(infersave("frontier", small, "--over", f"{DEMAND}=1:20", "--json").stdout)
    assert (data["schema_version"], data["field"], data["complete"]) == (
        SCHEMA_VERSION,
        DEMAND,
        True,
    )
    table = [line.split() for line in done.stdout.splitlines() if " x " in line]
    assert [float(line[2]) for line in table] == pytest.approx(
        [point["usd_per_hour"] for point in data["points"]], abs=5e-4
    )
    assert "exact" in done.stdout


def test_a_schema_describes_it(infersave: Run, small: str) -> None:
    data = json.loads(infersave("frontier", small, "--over", f"{DEMAND}=4:6", "--json").stdout)
    schema = json.loads(infersave("schema", "frontier").stdout)
    assert schema["$id"] == f"infersave/frontier/{SCHEMA_VERSION}"
    assert list(data) == list(schema["properties"])
    assert list(data["points"][0]) == list(schema["$defs"]["FrontierPoint"]["properties"])


def test_no_plan_is_a_line_with_its_reason(infersave: Run, small: str) -> None:
    over = "workloads[chat].slo.tokens_per_s=200:20000"
    done = infersave("frontier", small, "--over", over)
    assert (done.returncode, done.stderr) == (0, "")
    assert "no plan at 20,000 tokens/s" in " ".join(done.stdout.split())
    assert "No plan: no VM type can serve workload 'chat'" in " ".join(done.stdout.split())


def test_a_budget_shows_the_demand_that_it_pays_for(infersave: Run, small: str) -> None:
    done = infersave("frontier", small, "--over", "budget.usd_per_hour=0.1:8")
    assert done.returncode == 0
    assert "pays for demand x" in done.stdout


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="draws with matplotlib (extra: plot)")
@pytest.mark.parametrize("over", [f"{DEMAND}=1:60", "budget.usd_per_hour=0.1:8"])
def test_a_picture(infersave: Run, small: str, over: str) -> None:
    done = infersave("frontier", small, "--over", over, "--plot", "f.svg", "--solves", "6")
    assert (done.returncode, done.stderr) == (0, "")
    assert "</svg>" in Path("f.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--over", DEMAND], "--over = 'workloads[chat].requests_per_s': must be FIELD=LOW:HIGH"),
        (["--over", f"{DEMAND}=1:x"], f"--over {DEMAND} = '1:x': must be LOW:HIGH in numbers"),
        (["--over", f"{DEMAND}=3:1"], f"--over {DEMAND} = '3:1': must be LOW:HIGH with"),
        (["--over", f"{DEMAND}=1:2", "--tolerance", "0"], "--tolerance = 0.0: must be at least"),
        (["--over", f"{DEMAND}=1:2", "--solves", "1"], "--solves = 1: must be at least 2"),
        (["--over", "workloads[no].batch=1:2"], "--over workloads[no].batch: there is no 'no'"),
        (["--over", "billing.quantum_s=1:2"], "--over billing.quantum_s: must be one of demand,"),
        (["--over", f"{DEMAND}=1:2", "--plot", "f.gif"], "--plot = 'f.gif': must end in one of"),
        (["--over", f"{DEMAND}=1:2", "--plot", "no/f.png"], "its folder does not exist"),
    ],
)
def test_bad_input_is_named_by_its_option(
    infersave: Run, small: str, arguments: list[str], said: str
) -> None:
    done = infersave("frontier", small, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
