"""`infersave plan`: what it prints, writes and returns."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from inspect import signature
from io import BytesIO, TextIOWrapper
from pathlib import Path
from subprocess import CompletedProcess
from typing import get_args

import pytest

from infersave import FleetPlan, SolveOptions, Status, VMCount, load_problem, solve
from infersave.cli.notes import idle_notes
from infersave.cli.plan import plan as command
from infersave.cli.plan_view import verdict
from infersave.solver.formulation import Formulation

Run = Callable[..., CompletedProcess[str]]


def test_json_is_the_plan(infersave: Run, small: str) -> None:
    done = infersave("plan", small, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    data = json.loads(done.stdout)
    assert data["schema_version"] == 2
    assert data["status"] == "optimal"
    assert data["usd_per_hour_bound"] <= data["usd_per_hour"] * (1 + 1e-6)
    assert data["gap"] == pytest.approx(0.0, abs=1e-6)
    assert {vm["provider"] for vm in data["vms"]} == {"aws"}
    assert {a["workload"] for a in data["assignments"]} == {"chat", "nightly"}
    assert FleetPlan.parse(data).usd_per_hour == data["usd_per_hour"]


def test_json_says_what_the_library_says(infersave: Run, small: str) -> None:
    told = json.loads(infersave("plan", small, "--json").stdout)
    found = solve(load_problem(small)).model_dump(mode="json")
    assert {**told, "seconds": 0} == {**found, "seconds": 0}


def test_first_line_is_the_money_and_its_proof(infersave: Run, small: str) -> None:
    done = infersave("plan", small)
    plan = solve(load_problem(small))
    assert done.returncode == 0
    assert done.stderr == "", "no progress where nobody looks"
    first = done.stdout.splitlines()[0]
    money = f"{plan.usd_per_hour:.3f}"
    assert first == f"USD {money} per hour, proved optimal (bound {money}, gap 0 %)."


def test_table_names_all_that_was_decided(infersave: Run, small: str) -> None:
    done = infersave("plan", small)
    plan = solve(load_problem(small))
    for vm in plan.vms:
        assert vm.vm_type in done.stdout
    for a in plan.assignments:
        assert a.workload in done.stdout
        assert f" {a.deployment.batch} " in done.stdout
    assert "nightly, " in done.stdout, "a job's VMs say how long they run"
    assert "calibrat" in done.stdout or "prior" in done.stdout


@pytest.mark.parametrize("columns", [60, 80, 100, 140])
def test_lines_fit_the_terminal(
    infersave: Run, small: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = infersave("plan", small).stdout.splitlines()
    assert max(map(len, lines)) <= columns
    assert not any("…" in line for line in lines), "nothing is cut off"
    assert all(line == line.rstrip() for line in lines)


def test_a_row_stays_one_line_in_a_pipe(
    infersave: Run, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS")
    lines = infersave("plan", small).stdout.splitlines()
    row = next(line for line in lines if line.startswith("nightly") and "256/64" in line)
    assert "deadline" in row


def test_out_writes_the_same_plan(infersave: Run, small: str, folder: Path) -> None:
    done = infersave("plan", small, "--json", "--out", "plan.json")
    assert (folder / "plan.json").read_text(encoding="utf-8") == done.stdout
    assert {path.name for path in folder.iterdir()} == {small, "plan.json"}


def test_out_replaces_a_file_whole(infersave: Run, small: str, folder: Path) -> None:
    (folder / "plan.json").write_text("x" * 100_000, encoding="utf-8")
    assert infersave("plan", small, "--out", "plan.json").returncode == 0
    FleetPlan.parse(json.loads((folder / "plan.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("arguments", [("--backend", "exhaustive"), ("--formulation", "layers")])
def test_another_way_finds_the_same_cost(
    infersave: Run, small: str, arguments: tuple[str, ...]
) -> None:
    usual = json.loads(infersave("plan", small, "--json").stdout)
    other = json.loads(infersave("plan", small, "--json", *arguments).stdout)
    assert other["usd_per_hour"] == pytest.approx(usual["usd_per_hour"], rel=1e-6)


def test_an_example_ships(infersave: Run) -> None:
    assert infersave("plan", "example:two-workloads", "--json").returncode == 0


@pytest.mark.parametrize("dump", [False, True], ids=["yaml", "json"])
def test_problem_from_stdin(
    infersave: Run, small: str, dump: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import yaml

    text = Path(small).read_text(encoding="utf-8")
    text = json.dumps(yaml.safe_load(text)) if dump else text
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(text.encode())))
    done = infersave("plan", "-", "--json")
    assert json.loads(done.stdout)["status"] == "optimal"


def test_defaults_are_the_library_s() -> None:
    default = {name: p.default for name, p in signature(command).parameters.items()}
    options = SolveOptions()
    assert default["time_limit"] == options.time_limit_s
    assert default["gap"] == options.relative_gap
    assert (default["seed"], default["threads"]) == (options.seed, options.threads)
    assert default["backend"] == signature(solve).parameters["backend"].default
    assert default["formulation"] in get_args(Formulation)


def test_verdict_never_claims_a_proof_it_has_not(small: str) -> None:
    plan = solve(load_problem(small))
    cost = plan.usd_per_hour
    loose = {"usd_per_hour_bound": cost * 0.8, "gap": 0.2}
    stopped = verdict(plan.replace(status=Status.FEASIBLE, limit="time", **loose))
    assert "at most 20 % lower" in stopped
    assert "time limit" in stopped
    assert "optimal" not in stopped
    unknown = verdict(plan.replace(usd_per_hour_bound=None, gap=None))
    assert "unknown" in unknown
    assert "optimal" not in unknown
    asked = verdict(plan.replace(status=Status.OPTIMAL, **loose))
    assert "within the gap you asked for" in asked


def test_idle_gpus_are_counted_and_told() -> None:
    vm = {
        "provider": "aws",
        "vm_type": "g6.12xlarge",
        "region": "us-east-1",
        "purchase": "on_demand",
        "count": 1,
        "gpus": 4,
        "usd_per_hour": 1.0,
    }
    vms = [VMCount.parse({**vm, "gpus_used": 3}), VMCount.parse({**vm, "gpus_used": 2, "job": "a"})]
    assert idle_notes(vms) == ["3 GPUs rented and paid for, but idle: on g6.12xlarge."]
    assert idle_notes([VMCount.parse({**vm, "gpus_used": 4})]) == []


def test_native_options_are_passed_on_or_refused(infersave: Run, small: str) -> None:
    given = ("--native", "mip_heuristic_effort=0.3", "--native", "presolve=off")
    done = infersave("plan", small, *given, "--native", "mip_allow_restart=FALSE", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["status"] == "optimal"
    opinion = infersave("plan", small, *given, "--second-opinion", "ortools:scip")
    assert (opinion.returncode, opinion.stderr) == (0, ""), "they are the first solver's alone"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("presolve", "--native = 'presolve': must be NAME=VALUE"),
        ("mip_heuristic_effort=nan", "--native = 'mip_heuristic_effort=nan': must be finite"),
        ("mip_heuristic_effort=9", "refuses native option 'mip_heuristic_effort' = 9: out of "),
        ("time_limit=9", "native option 'time_limit' is InferSave's own: use time_limit_s"),
        ("log_file=/tmp/x", "native option 'log_file' is set by InferSave itself"),
        ("=", "native option '' is not one that is passed on"),
    ],
)
def test_native_options_that_are_refused(infersave: Run, small: str, given: str, why: str) -> None:
    done = infersave("plan", small, "--native", given)
    assert done.returncode == 2
    assert why in done.stderr
