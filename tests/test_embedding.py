"""Inside somebody else's program: threads, cancelling, logging, and nothing global touched."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import infersave
from infersave import FleetPlan, FleetProblem, SolveOptions, load_problem, solve

FleetMaker = Callable[[int], FleetProblem]
Asked = tuple[FleetProblem, str, SolveOptions]


def plan_of(asked: Asked) -> FleetPlan:
    """The plan without what the clock says."""
    problem, backend, options = asked
    return solve(problem, backend=backend, options=options).replace(seconds=0.0)


def different(random_fleet: FleetMaker) -> list[Asked]:
    """Problems, backends and options, no two the same."""
    exact = SolveOptions(relative_gap=0.0)
    return [
        (load_problem("example:two-workloads"), "ortools:highs", exact),
        (load_problem("example:estate"), "ortools:scip", SolveOptions(seed=7)),
        (random_fleet(3), "pulp:cbc", SolveOptions(memory_limit_bytes=8e9)),
        (random_fleet(4), "ortools:cp-sat", exact),
        (random_fleet(5), "ortools:highs", SolveOptions(native={"mip_heuristic_effort": 0.3})),
        (random_fleet(6), "exhaustive", exact),
        (load_problem("example:mixed-lengths"), "ortools:highs", SolveOptions(threads=2)),
        (random_fleet(7), "ortools:scip", SolveOptions(native={"separating/maxrounds": 1})),
    ]


def test_four_threads_find_the_plans_of_one(random_fleet: FleetMaker) -> None:
    asked = different(random_fleet)
    alone = [plan_of(one) for one in asked]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(2):
            assert list(pool.map(plan_of, asked)) == alone
            asked, alone = asked[::-1], alone[::-1]


def long_fleet() -> FleetProblem:
    """Over which solvers take minutes."""
    chat = load_problem("example:two-workloads").workloads[0]
    services = tuple(
        chat.replace(
            name=f"s{number}",
            requests_per_s=1.37 * number + 0.31,
            survive=infersave.Survival(vm=0.5),
        )
        for number in range(25)
    )
    return load_problem("example:two-workloads").replace(workloads=services)


def test_cancelling_one_does_not_touch_the_others(random_fleet: FleetMaker) -> None:
    stop, long = threading.Event(), long_fleet()
    others = [(random_fleet(seed), "ortools:highs", SolveOptions()) for seed in range(3, 9)]
    alone = [plan_of(one) for one in others]
    exact = SolveOptions(time_limit_s=120.0, relative_gap=0.0, cancel=stop)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(solve, long, options=exact)
        beside = list(pool.map(plan_of, others))
        time.sleep(2.0)
        late = [pool.submit(plan_of, one) for one in others]
        told = time.monotonic()
        stop.set()
        cancelled = first.result()
        assert time.monotonic() - told < 5.0
        assert cancelled.limit == "interrupted"
        assert beside == alone
        assert [one.result() for one in late] == alone


COLD = """
import threading, infersave
start, costs = threading.Barrier(4), []

def one(backend):
    start.wait()
    problem = infersave.load_problem("example:two-workloads")
    costs.append(round(infersave.solve(problem, backend=backend).usd_per_hour, 6))

backends = ("ortools:highs", "ortools:scip", "pulp:cbc", "ortools:highs")
threads = [threading.Thread(target=one, args=(backend,)) for backend in backends]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(costs) == 4 and len(set(costs)) == 1, costs
"""


def test_four_threads_may_begin_at_once(tmp_path: Path) -> None:
    """Nothing is imported, read or tested before."""
    done = subprocess.run(
        [sys.executable, "-c", COLD], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


GLOBAL = """
import decimal, locale, logging, os, random, signal, socket, sys, threading, warnings

def state():
    import numpy
    handlers = [signal.getsignal(s) for s in signal.valid_signals()]
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    return {
        "signals": handlers,
        "handlers": [logger.name for logger in loggers if logger.handlers],
        "logging": (logging.root.level, logging.root.manager.disable, logging.raiseExceptions),
        "warnings": list(warnings.filters),
        "environment": dict(os.environ),
        "folder": (os.getcwd(), sorted(os.listdir()), os.umask(0o22)),
        "random": (random.getstate(), str(numpy.random.get_state())),
        "numpy": (numpy.geterr(), str(numpy.get_printoptions())),
        "python": (list(sys.path), sys.getrecursionlimit(), sys.flags, sys.excepthook,
                   threading.excepthook, sys.displayhook, sys.getswitchinterval()),
        "locale": locale.setlocale(locale.LC_ALL), "decimal": str(decimal.getcontext()),
        "socket": socket.getdefaulttimeout(), "streams": (sys.stdout, sys.stderr, sys.stdin),
    }

import numpy
os.umask(0o22)
before = state()
import infersave
for name in infersave.__all__:
    getattr(infersave, name)
problem = infersave.load_problem("example:two-workloads")
for backend in infersave.backend_names():
    try:
        plan = infersave.solve(problem, backend=backend)
    except infersave.BackendError as error:
        assert backend == "exhaustive", error
infersave.second_opinion(problem, plan, backend="ortools:scip")
infersave.export_program(problem)
infersave.recommend(problem.replace(workloads=problem.workloads[:1]))
infersave.verify(problem, plan)
list(infersave.solve_many([problem, problem], jobs=2))
impossible = problem.replace(budget=infersave.Budget(usd_per_hour=0.01))
for answer in (infersave.explain, infersave.solve):
    try:
        answer(impossible, options=infersave.SolveOptions(time_limit_s=3.0))
    except infersave.NoPlanError:
        pass
after = state()
# joblib sets it when it is imported, which solve_many does where it needs processes.
assert after["environment"].pop("KMP_INIT_AT_FORK", None) in (None, "FALSE")
before["environment"].pop("KMP_INIT_AT_FORK", None)
changed = [name for name in before if before[name] != after[name]]
assert not changed, [(name, before[name], after[name]) for name in changed]
"""


def test_nothing_global_is_touched_and_nothing_printed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", GLOBAL],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_one_logger_tells_what_happens(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="infersave"):
        solve(load_problem("example:two-workloads"))
    assert {record.name for record in caplog.records} == {"infersave"}
    assert {record.levelno for record in caplog.records} <= {logging.DEBUG, logging.INFO}
    told = [record.getMessage() for record in caplog.records]
    assert told[0].startswith("solve: workloads 2, offers ")
    parts = [text for text in told if text.startswith("part decided: ")]
    assert sum("services 1, jobs 0; candidates by ortools:highs" in text for text in parts) == 1
    assert all(": optimal, gap 0.0000 %" in text for text in parts)
    assert told[-1].startswith("solved: optimal, gap 0.0000 %, limit none, ")
    assert not any("chat" in text or "USD" in text for text in told)


def test_nothing_is_said_unless_asked(caplog: pytest.LogCaptureFixture) -> None:
    assert logging.getLogger("infersave").handlers == []
    assert logging.getLogger("infersave").level == logging.NOTSET
    solve(load_problem("example:two-workloads"))
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
