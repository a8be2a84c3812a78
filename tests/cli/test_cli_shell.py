"""The contract for programs in any language, kept by a shell: JSON in, JSON out, an exit status."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infersave import load_problem, solve

pytestmark = pytest.mark.skipif(shutil.which("sh") is None, reason="there is no shell here")

INFERSAVE = f"{shlex.quote(sys.executable)} -m infersave"
SERVICE: dict[str, Any] = {
    "name": "chat",
    "architecture": "facebook/opt-2.7b",
    "requests_per_s": 5.0,
    "requests": [{"input_tokens": 128, "output_tokens": 64}],
}
PROBLEM: dict[str, Any] = {"catalog": {"name": "paper"}, "workloads": [SERVICE]}


def sh(script: str, folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """The script in an empty environment but for PATH, with text on its stdin."""
    return subprocess.run(
        ["sh", "-c", script],
        cwd=folder,
        input=text,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def plan(problem: object, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    text = problem if isinstance(problem, str) else json.dumps(problem)
    return sh(" ".join([INFERSAVE, "plan - --json", *more]), folder, text)


def test_a_plan_is_all_that_comes_out(tmp_path: Path) -> None:
    done = plan(PROBLEM, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["schema_version"], told["status"]) == (2, "optimal")
    assert list(tmp_path.iterdir()) == []


def test_a_problem_of_our_own_making_goes_through_a_shell(tmp_path: Path) -> None:
    problem = load_problem("example:two-workloads")
    first = """awk '/"usd_per_hour":/ && !found++ {print $2}'"""
    pipe = f"{INFERSAVE} plan - --json | {first}"
    done = sh(pipe, tmp_path, problem.model_dump_json())
    assert float(done.stdout.strip(" ,\n")) == pytest.approx(solve(problem).usd_per_hour)


def failure(done: subprocess.CompletedProcess[str]) -> tuple[int, str, dict[str, Any]]:
    """Exit status, status and error; stdout holds one object, stderr the same in a line."""
    told = json.loads(done.stdout)
    assert told["schema_version"] == 2
    assert set(told) == {"schema_version", "status", "error"}
    assert done.stderr.startswith(f"error: {told['error']['message'].splitlines()[0]}")
    return done.returncode, told["status"], told["error"]


def test_no_plan_is_status_1(tmp_path: Path) -> None:
    impossible = {**PROBLEM, "workloads": [{**SERVICE, "slo": {"tpot_s": 1e-9}}]}
    code, status, error = failure(plan(impossible, tmp_path))
    assert (code, status, error["type"]) == (1, "infeasible", "InfeasibleError")
    assert error["conflicts"][0]["rule"] == "slo.tpot_s"


def test_a_file_that_cannot_be_written_is_status_2_before_any_work(tmp_path: Path) -> None:
    code, status, error = failure(plan(PROBLEM, tmp_path, "--out no/such/folder.json"))
    assert (code, status, error["field"]) == (2, "invalid", "--out")


@pytest.mark.parametrize(
    ("problem", "more", "kind"),
    [
        ({**PROBLEM, "workloads": []}, (), "ProblemError"),
        ({**PROBLEM, "native": {"presolve": "off"}}, (), "ProblemError"),
        ({**PROBLEM, "workloads": [{**SERVICE, "requests_per_s": -1}]}, (), "ProblemError"),
        ({**PROBLEM, "workloads": [{**SERVICE, "architecture": "nobody"}]}, (), "CatalogError"),
        ('{"workloads": [', (), "ProblemError"),
        ("", (), "ProblemError"),
        ("\0\x1b[31m", (), "ProblemError"),
        (PROBLEM, ("--backend nobody",), "CatalogError"),
        (PROBLEM, ("--backend ortools:scip --threads 2",), "UnsupportedOption"),
        (PROBLEM, ("--native nobody=1",), "UnsupportedOption"),
        (PROBLEM, ("--time-limit soon",), "UsageError"),
        (PROBLEM, ("--nobody",), "UsageError"),
    ],
    ids=str,
)
def test_bad_input_is_status_2(
    problem: object, more: tuple[str, ...], kind: str, tmp_path: Path
) -> None:
    code, status, error = failure(plan(problem, tmp_path, *more))
    assert (code, error["type"]) == (2, kind)
    assert status in ("invalid", "unsupported")
    assert list(tmp_path.iterdir()) == []


def test_a_closed_stderr_hinders_nobody(tmp_path: Path) -> None:
    done = plan({**PROBLEM, "workloads": []}, tmp_path, "2>&-")
    assert done.returncode == 2
    assert json.loads(done.stdout)["status"] == "invalid"
