"""`infersave batch`: rows in order, none lost, doubled or torn, whatever ends the run."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from infersave import load_problem, solve
from infersave.catalogs.variations import values_of, varied
from infersave.models.outcome import ProblemError

Run = Callable[..., CompletedProcess[str]]
BASE: dict[str, Any] = {
    "catalog": {"provider": "aws", "regions": ["us-east-1"]},
    "workloads": [
        {
            "name": "chat",
            "architecture": "facebook/opt-2.7b",
            "requests_per_s": 1,
            "requests": [{"input_tokens": 100, "output_tokens": 30}],
        }
    ],
}


def problems(count: int) -> str:
    lines = []
    for number in range(count):
        chat = {**BASE["workloads"][0], "requests_per_s": 1.0 + number}
        lines.append(json.dumps({**BASE, "workloads": [chat]}))
    return "\n".join(lines) + "\n"


def rows(path: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [{k: v for k, v in row.items() if k != "seconds"} for row in found]


def test_a_row_for_each_problem_errors_among_them(infersave: Run, folder: Path) -> None:
    wrong = json.dumps({**BASE, "workloads": []})
    nothing = json.dumps({**BASE, "budget": {"usd_per_hour": 0.01}})
    (folder / "p.jsonl").write_text(problems(2) + wrong + "\n\n" + nothing + "\n{torn\n")
    done = infersave("batch", "p.jsonl", "--out", "r.jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("5 problems: 2 optimal, 2 invalid, 1 infeasible; rows in r.jsonl.\n")
    found = rows(folder / "r.jsonl")
    assert [row["index"] for row in found] == list(range(5))
    assert found[2]["message"].startswith("workloads = []: must be a list of at least one")
    assert found[3]["reasons"][0].startswith("budget: ")
    assert found[4]["message"].startswith("problem 5: is not valid JSON")


def test_a_sweep_is_every_combination(infersave: Run, folder: Path) -> None:
    vary = ["--vary", "workloads[chat].requests_per_s=2,12", "--vary", "budget.usd_per_hour=9:10:2"]
    out = ["--out", "r.jsonl", "--plans", "--json"]
    done = infersave("batch", "example:two-workloads", *vary, *out)
    assert json.loads(done.stdout)["problems"] == 4
    found = rows(folder / "r.jsonl")
    expected = solve(load_problem("example:two-workloads"))
    assert found[3]["usd_per_hour"] == pytest.approx(expected.usd_per_hour, rel=1e-9)
    assert found[3]["plan"]["limits"][0]["limit"] == 10.0
    assert found[0]["usd_per_hour"] < found[2]["usd_per_hour"]


def test_it_goes_on_where_the_rows_end(infersave: Run, folder: Path) -> None:
    (folder / "p.jsonl").write_text(problems(4))
    infersave("batch", "p.jsonl", "--out", "whole.jsonl")
    whole = (folder / "whole.jsonl").read_bytes()
    for cut in (0, 1, 9, len(whole) // 2, len(whole) - 1, len(whole)):
        (folder / "part.jsonl").write_bytes(whole[:cut])
        assert infersave("batch", "p.jsonl", "--out", "part.jsonl").returncode == 0
        assert rows(folder / "part.jsonl") == rows(folder / "whole.jsonl")


@pytest.mark.parametrize("content", ["my notes\n", "[1]\n", "my notes", '{"key":"x"}\nnotes\n'])
def test_another_file_is_not_touched(content: str, infersave: Run, folder: Path) -> None:
    (folder / "p.jsonl").write_text(problems(1))
    (folder / "r.jsonl").write_text(content)
    done = infersave("batch", "p.jsonl", "--out", "r.jsonl")
    assert done.returncode == 2
    assert "give another" in done.stderr
    assert (folder / "r.jsonl").read_text() == content


def test_rows_of_other_settings_are_not_continued(infersave: Run, folder: Path) -> None:
    (folder / "p.jsonl").write_text(problems(2))
    infersave("batch", "p.jsonl", "--out", "r.jsonl")
    before = (folder / "r.jsonl").read_bytes()
    done = infersave("batch", "p.jsonl", "--out", "r.jsonl", "--gap", "0.01")
    assert done.returncode == 2
    assert "--out = 'row 1': holds results of other problems, settings or versions" in done.stderr
    assert (folder / "r.jsonl").read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_killed_at_random_it_loses_nothing(jobs: str, tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text(problems(60))
    command = [sys.executable, "-m", "infersave", "batch", "p.jsonl", "--jobs", jobs, "--out"]
    rng = random.Random(jobs)
    for _ in range(4):
        process = subprocess.Popen([*command, "r.jsonl"], cwd=tmp_path, start_new_session=True)
        time.sleep(rng.uniform(0.5, 2.5))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run([*command, "r.jsonl"], cwd=tmp_path, check=True, capture_output=True)
    subprocess.run([*command, "whole.jsonl"], cwd=tmp_path, check=True, capture_output=True)
    assert rows(tmp_path / "r.jsonl") == rows(tmp_path / "whole.jsonl")


def test_two_runs_do_not_share_a_file(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    from infersave.cli.journal import journal

    path = tmp_path / "r.jsonl"
    with (
        journal(path),
        pytest.raises(ProblemError, match="is written by another process"),
        journal(path),
    ):
        pass


@pytest.mark.parametrize(
    ("field", "complaint"),
    [
        ("workloads[nobody].requests_per_s", "there is no 'nobody' among 1 here"),
        ("workloads[7].name", "there is no '7' among 1 here"),
        ("", "must be the path of a field"),
        ("catalog.provider.x", "there is nothing to look for 'x' in"),
    ],
)
def test_a_field_that_is_not_there(field: str, complaint: str) -> None:
    with pytest.raises(ProblemError, match=complaint):
        list(varied(BASE, {field: [1]}))


@pytest.mark.parametrize("text", ["1:x:3", "1:2:0", "1:2:99999999"])
def test_values_that_are_none(text: str) -> None:
    with pytest.raises(ProblemError, match=r"count|numbers"):
        values_of(text, "x")


def test_samples_are_the_same_whoever_solves_them(infersave: Run, folder: Path) -> None:
    """In one run, on two processes, or torn and continued with more of them."""
    vary = ["--vary", "workloads[chat].requests_per_s=lognormal(10,0.5)", "--seed", "7"]
    sweep = ["batch", "example:two-workloads", *vary]
    infersave(*sweep, "--sample", "6", "--out", "whole.jsonl")
    whole = rows(folder / "whole.jsonl")
    assert len({row["key"] for row in whole}) == 6
    infersave(*sweep, "--sample", "6", "--out", "two.jsonl", "--jobs", "2")
    assert rows(folder / "two.jsonl") == whole
    infersave(*sweep, "--sample", "2", "--out", "part.jsonl")
    torn = (folder / "part.jsonl").read_bytes()[:-9]
    (folder / "part.jsonl").write_bytes(torn)
    done = infersave(*sweep, "--sample", "6", "--out", "part.jsonl")
    assert done.returncode == 0
    assert rows(folder / "part.jsonl") == whole


def test_another_seed_is_another_run(infersave: Run, folder: Path) -> None:
    sweep = ["batch", "example:two-workloads", "--sample", "1", "--out", "r.jsonl"]
    vary = ["--vary", "workloads[chat].requests_per_s=uniform(1,40)"]
    assert infersave(*sweep, *vary, "--seed", "1").returncode == 0
    done = infersave(*sweep, *vary, "--seed", "2")
    assert done.returncode == 2
    assert "holds results of other problems" in done.stderr


def test_a_field_is_varied_once(infersave: Run, folder: Path) -> None:
    vary = ["--vary", "budget.usd_per_hour=9", "--vary", "budget.usd_per_hour=10"]
    done = infersave("batch", "example:two-workloads", *vary, "--out", "r.jsonl")
    assert done.returncode == 2
    assert done.stderr == "error: --vary = 'budget.usd_per_hour': is given twice\n"
