"""Backends as guests: what they load, print, leave behind and wait for, and how they may die."""

from __future__ import annotations

import importlib.metadata
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from infersave.models.outcome import BackendError, BackendUnavailable, Status
from infersave.solver.backends import canaries, ortools, pulp, pulp_model, running
from infersave.solver.backends.base import backend_names, get_backend
from infersave.solver.backends.canaries import CANARIES, failure
from infersave.solver.backends.exhaustive import Exhaustive
from infersave.solver.backends.finish import Answer
from infersave.solver.backends.messages import SelfTest
from infersave.solver.backends.pool import POOL
from infersave.solver.backends.process import Died, SolverProcess
from infersave.solver.backends.running import CRASHED, run, unusable
from infersave.solver.builder import ProgramBuilder
from infersave.solver.deadline import Deadline
from infersave.solver.program import Program, SolveOptions
from infersave.solver.progress import OnBounds


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


def long_program(seed: int = 0, size: int = 40) -> Program:
    """A market split, over which solvers take minutes; nothing chosen is its first plan."""
    rng = np.random.default_rng(seed)
    builder = ProgramBuilder()
    x = builder.columns(size, upper=1.0, integer=True)
    over, short = (builder.columns(5, cost=1.0, upper=1e5) for _ in range(2))
    rows = rng.integers(0, 100, (5, size)).astype(float)
    half = np.floor(rows.sum(axis=1) / 2)
    fit = builder.rows(5, lower=half, upper=half)
    builder.entries(fit[:, None], x[None, :], rows)
    builder.entries(fit, over, -1.0)
    builder.entries(fit, short, 1.0)
    hint = np.concatenate([np.zeros(size + 5), half])
    return replace(builder.build(), hint=hint)


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """No process waits and nothing was tested; folders of new ones are inside the one returned."""
    POOL.close()
    running._self_test.cache_clear()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    POOL.close()
    running._self_test.cache_clear()
    assert list(tmp_path.iterdir()) == []


def children() -> list[int]:
    """Processes that solvers run in, of this process."""
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.split(maxsplit=1) for line in listed.stdout.splitlines()]
    return [int(pid) for pid, what in lines if "backends.child" in what]


def pretend_highspy(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """As if highspy were installed."""
    real = importlib.metadata.version
    told = {"highspy": version}
    monkeypatch.setattr(pulp, "version", lambda name: told.get(name) or real(name))
    monkeypatch.setattr(pulp, "find_spec", lambda name: object())


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
    assert unusable(f"pulp:{absent}") == f"PuLP finds no {absent} here"
    dropping = get_backend("pulp:mosek")
    assert dropping.name == "pulp:MOSEK"
    assert "drop options" in (dropping.available() or "")


def test_a_temporary_folder_with_a_space_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/some where")
    assert "set TMPDIR" in (get_backend("pulp:cbc").available() or "")


@pytest.mark.parametrize("name", ["pulp:cbc", "ortools:highs"])
def test_nothing_is_left_behind(name: str, fresh: Path) -> None:
    assert run(name, program()).objective == 2.0
    (folder,) = fresh.iterdir()
    assert [file.name for file in folder.iterdir()] == ["stderr"]


def test_cbc_on_the_path_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = tmp_path / "cbc"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert run("pulp:cbc", program()).objective == 2.0
    assert not (tmp_path / "sprung").exists()


def test_a_process_is_started_once_and_kept(fresh: Path) -> None:
    run("ortools:highs", program())
    first = children()
    run("ortools:scip", program())
    assert children() == first
    assert len(first) == 1


@pytest.mark.parametrize("name", ["pulp:cbc", "ortools:highs", "ortools:scip"])
def test_a_process_that_hangs_is_ended_and_the_first_plan_stands_in(
    name: str, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(name, program())
    (child,) = children()
    os.kill(child, signal.SIGSTOP)
    solution = run(name, long_program(), SolveOptions(time_limit_s=0.3))
    assert (solution.status, solution.limit) == (Status.FEASIBLE, "time")
    assert children() == []
    assert solution.seconds < 1.1 * 0.3 + 0.5


@pytest.mark.parametrize("name", ["pulp:cbc", "ortools:highs", "ortools:scip"])
def test_a_process_that_dies_is_replaced(name: str, fresh: Path) -> None:
    run(name, program())
    for child in children():
        os.kill(child, signal.SIGKILL)
    assert run(name, program()).objective == 2.0


@pytest.mark.parametrize("name", ["pulp:cbc", "ortools:highs"])
def test_a_process_that_dies_every_time_leaves_the_first_plan(name: str, fresh: Path) -> None:
    run(name, program())
    over = Event()

    def killer() -> None:
        while not over.wait(0.1):
            for child in children():
                os.kill(child, signal.SIGKILL)

    thread = threading.Thread(target=killer)
    thread.start()
    try:
        solution = run(name, long_program(), SolveOptions(time_limit_s=30.0))
        assert (solution.status, solution.limit) == (Status.FEASIBLE, CRASHED)
        without = replace(long_program(), hint=None)
        with pytest.raises(BackendError, match=r"its process died \(SIGKILL"):
            run(name, without, SolveOptions(time_limit_s=30.0))
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("name", ["ortools:highs", "ortools:scip"])
def test_a_cancelled_solve_answers_the_best_point_and_a_true_bound(name: str) -> None:
    cancel = Event()
    threading.Timer(1.0, cancel.set).start()
    began = time.monotonic()
    options = SolveOptions(time_limit_s=60.0, cancel=cancel)
    solution = run(name, long_program(), options)
    assert time.monotonic() - began < 2.0
    assert (solution.status, solution.limit) == (Status.FEASIBLE, "interrupted")
    assert solution.objective is not None
    assert solution.bound is None or solution.bound <= solution.objective
    assert run(name, program()).objective == 2.0


def test_when_the_parent_is_killed_so_are_its_solvers(tmp_path: Path) -> None:
    source = (
        "import sys, time\n"
        "from infersave.solver.backends.pool import POOL\n"
        "from infersave.solver.backends.running import unusable\n"
        "assert unusable('pulp:cbc') is None\n"
        "print(POOL._idle['pulp'][0].pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", source],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    ends = time.monotonic() + 5.0
    while time.monotonic() < ends and (_runs(child) or list(tmp_path.iterdir())):
        time.sleep(0.05)
    assert not _runs(child)
    assert list(tmp_path.iterdir()) == []


def _runs(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_memory_limit_ends_the_solve_and_not_the_caller(fresh: Path) -> None:
    builder = ProgramBuilder()
    x = builder.columns(3_000, cost=1.0, upper=5.0, integer=True)
    rows = builder.rows(3_000, lower=2.5)
    weights = np.random.default_rng(0).random((3_000, 3_000))
    builder.entries(rows[:, None], x[None, :], weights)
    with pytest.raises(BackendError, match=r"memory|bad_alloc|died"):
        run("ortools:highs", builder.build(), SolveOptions(60.0, memory_limit_bytes=1e9))
    assert run("ortools:highs", program()).objective == 2.0


def test_a_process_tells_its_last_words(fresh: Path, capfd: pytest.CaptureFixture[str]) -> None:
    process = SolverProcess()
    try:
        assert process._process.stdin is not None
        process._process.stdin.write(b"no pickle\n")
        process._process.stdin.flush()
        process._process.wait()
        assert "UnpicklingError" in process._last_words()
        with pytest.raises(Died, match="UnpicklingError"):
            process.ask(SelfTest("exhaustive"), Deadline.within(5.0))
    finally:
        process.end()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.what)
def test_the_canaries_say_what_enumeration_finds(canary: canaries.Canary) -> None:
    one = canary.program()
    if Exhaustive().refusal(one, SolveOptions()):
        assert not one.pure_integer
        return
    found = run("exhaustive", one)
    assert found.objective == (
        None if canary.optimum is None else pytest.approx(canary.optimum, rel=1e-9)
    )


class Liar(Exhaustive):
    """Calls the dearest point it can think of optimal."""

    def answer(self, program: Program, options: SolveOptions, say: OnBounds, stop: Event) -> Answer:
        honest = Exhaustive().answer(program, options, say, stop)
        if honest.values is None:
            return honest
        values = honest.values + np.where(program.cost > 0, 1.0, 0.0)
        return Answer(Status.OPTIMAL, values, float(program.cost @ values))


def test_a_backend_that_lies_fails_its_self_test(monkeypatch: pytest.MonkeyPatch) -> None:
    assert failure(Exhaustive()) is None
    assert "gets a known program wrong (a decimal tie): 17 instead of 16" in (failure(Liar()) or "")
    monkeypatch.setattr(
        running, "_self_test", lambda library, name: "it gets a known program wrong"
    )
    with pytest.raises(BackendUnavailable, match="exhaustive cannot run here: it gets"):
        run("exhaustive", pure_program())


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


def test_where_no_process_can_be_started_it_says_so(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(fresh / "nowhere"))
    with pytest.raises(BackendUnavailable, match="no process can be started for solvers"):
        run("ortools:highs", program())


@pytest.mark.checkout
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_has_solvers_of_its_own(fresh: Path) -> None:
    source = (
        "import os, sys\n"
        "from infersave.tests.solver.test_backend_processes import children, program\n"
        "from infersave.solver.backends.running import run\n"
        "assert run('ortools:highs', program()).objective == 2.0\n"
        "pid = os.fork()\n"
        "if not pid:\n"
        "    assert run('ortools:highs', program()).objective == 2.0\n"
        "    assert len(children()) == 1\n"
        "    sys.exit(0)\n"
        "assert os.waitpid(pid, 0)[1] == 0\n"
        "(child,) = children()\n"
        "assert run('ortools:highs', program()).objective == 2.0\n"
        "assert children() == [child]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", source],
        env={**os.environ, "TMPDIR": str(fresh)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
