"""Backends as guests in a process: what they load, print, leave behind and wait for."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from infersave.models.outcome import BackendError, BackendUnavailable, Status
from infersave.solver.backends import ortools, pulp, pulp_model
from infersave.solver.backends.base import backend_names, get_backend, run
from infersave.solver.backends.watch import watched
from infersave.solver.builder import ProgramBuilder
from infersave.solver.program import Program, SolveOptions


def program(columns: int = 3) -> Program:
    """min sum of j x_j over sum of x_j >= 2, plus a real column at no cost; the optimum is 2."""
    builder = ProgramBuilder()
    x = builder.columns(columns, cost=np.arange(1.0, columns + 1), upper=5.0, integer=True)
    y = builder.columns(1, upper=0.25)
    row = builder.rows(1, lower=2.0)
    builder.entries(row, x, 1.0)
    builder.entries(row, y, 1.0)
    return builder.build()


def pure_program() -> Program:
    """min x over x >= 1.5, x integer."""
    builder = ProgramBuilder()
    x = builder.columns(1, cost=1.0, upper=5.0, integer=True)
    builder.entries(builder.rows(1, lower=1.5), x, 1.0)
    return builder.build()


@pytest.fixture
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def pretend_highspy(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """As if highspy were installed and loaded, and OR-Tools not loaded yet."""
    real = importlib.metadata.version
    told = {"highspy": version}
    for module in (ortools, pulp):
        monkeypatch.setattr(module, "version", lambda name: told.get(name) or real(name))
    monkeypatch.setattr(pulp, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "highspy", ModuleType("highspy"))
    monkeypatch.delitem(sys.modules, "ortools.math_opt.core.python.solver", raising=False)


def test_a_missing_package_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ortools, pulp):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    for name in backend_names():
        reason = get_backend(name).available()
        if name == "exhaustive":
            assert reason is None
            continue
        package = name.partition(":")[0]
        assert reason == f"the package {package} is not installed"
        with pytest.raises(BackendUnavailable, match=f"{name} cannot run here: {reason}"):
            run(name, pure_program())


@pytest.mark.parametrize(
    ("version", "with_pulp", "clash"),
    [
        ("1.15.1", False, True),
        ("1.15.1", True, True),
        ("1.14.0", False, False),
        ("1.14.0", True, True),
        ("1.12.0", True, False),
    ],
)
def test_a_loaded_highspy_is_a_reason(
    version: str, with_pulp: bool, clash: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_highspy(monkeypatch, version)
    if with_pulp:
        monkeypatch.setitem(sys.modules, "pulp", ModuleType("pulp"))
    else:
        monkeypatch.delitem(sys.modules, "pulp", raising=False)
    reason = get_backend("ortools:highs").available()
    assert (reason is not None) == clash
    assert reason is None or f"highspy {version} is loaded in this process" in reason


def test_a_highspy_that_answers_wrongly_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_highspy(monkeypatch, "1.14.0")
    reason = get_backend("pulp:highs").available()
    assert reason == "highspy 1.14.0 calls wrong answers optimal"


def pulp_lists(only_available: bool) -> list[str]:
    """In a child: importing PuLP here would load a highspy, if there is one."""
    source = f"import pulp; print(*pulp.listSolvers(onlyAvailable={only_available}))"
    listed = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True
    )
    return listed.stdout.split()


def test_every_solver_of_pulp_has_a_name() -> None:
    ours = [*pulp_model.GAPS, *pulp_model.EXACT, *pulp_model.OTHERS, "PULP_CBC_CMD"]
    assert sorted(ours) == sorted(set(pulp_lists(only_available=False)))


def test_solvers_of_pulp_that_are_not_here_say_so() -> None:
    here = pulp_lists(only_available=True)
    absent = next(solver for solver in pulp_model.GAPS if solver not in here)
    assert get_backend(f"pulp:{absent}").available() == f"PuLP finds no {absent} here"
    dropping = get_backend("pulp:mosek")
    assert dropping.name == "pulp:MOSEK"
    assert "drop options" in (dropping.available() or "")


def test_a_temporary_folder_with_a_space_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/some where")
    assert "set TMPDIR" in (get_backend("pulp:cbc").available() or "")


def test_cbc_leaves_nothing_behind(temporary_folder: Path) -> None:
    assert run("pulp:cbc", program()).objective == 2.0
    assert list(temporary_folder.iterdir()) == []


def test_cbc_on_the_path_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = tmp_path / "cbc"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert run("pulp:cbc", program()).objective == 2.0
    assert not (tmp_path / "sprung").exists()


def test_the_child_gives_the_same_answer(
    temporary_folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    here = run("pulp:cbc", program())
    monkeypatch.setattr(pulp, "find_spec", lambda name: object())
    monkeypatch.setattr(pulp, "answer_here", None)
    child = run("pulp:cbc", program())
    assert here.values is not None
    assert child.values is not None
    assert child.values.tolist() == here.values.tolist()
    assert (child.status, child.bound) == (Status.OPTIMAL, None)
    assert list(temporary_folder.iterdir()) == []
    assert capfd.readouterr().out == ""


def test_the_child_is_killed_when_late(
    temporary_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulp, "find_spec", lambda name: object())
    monkeypatch.setattr(pulp, "GRACE_S", 0.0)
    solution = run("pulp:cbc", program(), SolveOptions(time_limit_s=0.01))
    assert (solution.status, solution.limit) == (Status.NO_PLAN, "time")
    assert list(temporary_folder.iterdir()) == []


def test_a_child_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulp, "find_spec", lambda name: object())
    monkeypatch.setattr(pulp, "to_json", lambda *given: {"program": {"cost": []}})
    with pytest.raises(BackendError, match=r"child of pulp:cbc failed: .*argument"):
        run("pulp:cbc", program())


def test_a_program_survives_the_journey_to_the_child() -> None:
    request = json.loads(json.dumps(pulp.to_json(program(), SolveOptions(seed=3))))
    again, options = pulp.from_json(request)
    assert options == SolveOptions(seed=3)
    for field in ("cost", "upper", "integer", "row_upper", "indptr", "indices", "data"):
        kept, sent = getattr(again, field), getattr(program(), field)
        assert kept.dtype == sent.dtype
        assert kept.tolist() == sent.tolist()


def test_a_solver_that_overruns_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from ortools.math_opt.core.python import solver

    release = threading.Event()
    monkeypatch.setattr(ortools, "GRACE_S", 0.05)
    monkeypatch.setattr(solver, "solve", lambda *given: release.wait(10.0))
    began = time.monotonic()
    solution = run("ortools:highs", program(), SolveOptions(time_limit_s=0.05))
    release.set()
    assert (solution.status, solution.limit) == (Status.NO_PLAN, "time")
    assert time.monotonic() - began < 5.0


def test_a_solver_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    from ortools.math_opt.core.python import solver

    def trip(*given: Any) -> None:
        try:
            raise ValueError("the true message")
        except ValueError:
            raise AttributeError("no attribute 'canonical_code'")  # noqa: B904 - as MathOpt does

    monkeypatch.setattr(solver, "solve", trip)
    with pytest.raises(BackendError, match=r"ortools:highs \S+ failed: the true message"):
        run("ortools:highs", program())


def test_an_error_of_the_work_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        watched(lambda: 1 // 0, 5.0)


def test_stray_output_goes_to_stderr(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    assert watched(lambda: os.write(1, b"stray"), 5.0) == 5
    os.write(1, b"ours")
    assert capfd.readouterr() == ("ours", "stray")


def test_output_of_other_threads_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    watched(lambda: os.write(1, b"theirs"), 5.0)
    assert capfd.readouterr() == ("theirs", "")


@pytest.mark.parametrize("name", ["ortools:highs", "ortools:scip", "ortools:cp-sat"])
def test_two_threads_may_solve_at_once(name: str) -> None:
    builder = ProgramBuilder()
    x = builder.columns(6, cost=np.arange(1.0, 7.0), upper=5.0, integer=True)
    builder.entries(builder.rows(1, lower=7.5), x, 1.0)
    one, found = builder.build(), []
    threads = [
        threading.Thread(target=lambda: found.append(run(name, one).objective)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [11.0] * 4
