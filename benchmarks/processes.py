"""Solvers that hang, die or are interrupted: whether the caller still gets its answer, in time.

    python benchmarks/processes.py [PART[=COUNT] ...]

    limits    time limits on the largest fleets: ended by 1.1 T + 0.5 s
    signals   Ctrl-C and SIGTERM at random moments of long solves of the command: a checked plan, or
              a message that there is none yet, within a second
    kills     the solver's process killed at random moments of a solve: an answer each time, no
              process and no file left behind
    clash     highspy imported first: solve answers (only where highspy is installed)

A line for each part. Exit status 1 if anything fell short.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import infersave
from infersave import FleetProblem, NoPlanError, SolveOptions
from infersave.benchmarks.fleets import draw, limit
from infersave.solver.backends.pool import POOL

NO_BUDGET = 1e12
LIMITS_S = (1.0, 2.0, 5.0, 10.0)
FLEETS = ((300, True), (1_000, False), (1_000, True), (10_000, False))
"""Services, and whether every kind of limit applies."""
ANSWER_S = 1.0
"""Longest time from a signal to the answer [s]."""
LATEST_S = 6.0
"""Latest moment of a signal after the command starts [s]; the solves take longer."""
WAIT_S = 5.0
LOADED_S = 0.3
"""The command hears signals at the latest by then [s]."""


def fleet(n: int, limited: bool, seed: int = 1) -> FleetProblem:
    """A registered fleet."""
    problem = draw(n, seed)
    return limit(problem, NO_BUDGET) if limited else problem


def limits(count: int) -> tuple[int, list[str]]:
    """Each fleet under each time limit, `count` times."""
    late, worst = [], 0.0
    for n, limited in FLEETS:
        problem = fleet(n, limited)
        for limit_s in LIMITS_S * count:
            start = time.perf_counter()
            options = SolveOptions(time_limit_s=limit_s, relative_gap=0.0)
            try:
                said = infersave.solve(problem, options=options).limit or "proved"
            except NoPlanError as error:
                said = str(error)
            seconds = time.perf_counter() - start
            over = seconds - (1.1 * limit_s + 0.5)
            worst = max(worst, over)
            if over > 0:
                late.append(f"{n:,} services, limit {limit_s:g} s: {seconds:.2f} s ({said})")
    return len(FLEETS) * len(LIMITS_S) * count, late


def signals(count: int) -> tuple[int, list[str]]:
    """Commands interrupted at random."""
    rng, wrong, waits = random.Random(0), list[str](), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for n in (300, 1_000):
            files.append(Path(folder) / f"{n}.json")
            files[-1].write_text(fleet(n, True, seed=2).model_dump_json())
        for number in range(count):
            sent = (signal.SIGINT, signal.SIGTERM)[number // 2 % 2]
            at_s = rng.uniform(0.05, LATEST_S)
            waited, said = _interrupted(files[number % 2], sent, at_s)
            waits.append(waited)
            if said or waited > ANSWER_S:
                wrong.append(f"{sent.name} after {at_s:.2f} s: {waited:.2f} s {said}")
    waits.sort()
    print(f"  signal to answer: median {waits[count // 2]:.2f} s, worst {waits[-1]:.2f} s")
    return count, wrong


def _interrupted(file: Path, sent: signal.Signals, at_s: float) -> tuple[float, str]:
    """Seconds from the signal to the end of a command, and what is wrong with what it said."""
    command = [sys.executable, "-m", "infersave", "plan", str(file), "--json", "--gap", "0"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(at_s)
    start = time.perf_counter()
    process.send_signal(sent)
    out, err = process.communicate()
    waited = time.perf_counter() - start
    if process.returncode == -sent and at_s < LOADED_S:  # before it could hear anything
        return waited, ""
    if process.returncode == 128 + sent:
        if not out:  # before there was anything to say
            return waited, ""
        status = json.loads(out)["status"]
        return waited, "" if status in ("feasible", "optimal") else status
    if process.returncode == 0:  # it was done just before
        return waited, ""
    return waited, f"status {process.returncode}: {err[-200:]}"


def kills(count: int) -> tuple[int, list[str]]:
    """Solves whose solver's process is killed at a random moment."""
    rng, wrong = random.Random(0), list[str]()
    problems = [fleet(n, False, seed=n) for n in (10, 60, 150)]
    with tempfile.TemporaryDirectory() as folder:
        POOL.close()
        tempfile.tempdir = folder
        for number in range(count):
            backend = ("ortools:highs", "ortools:scip", "pulp:cbc")[number % 3]
            timer = threading.Timer(rng.uniform(0.0, 1.0), _kill_children)
            timer.start()
            try:
                infersave.solve(
                    problems[number // 3 % 3],
                    backend=backend,
                    options=SolveOptions(time_limit_s=2.0),
                )
            except infersave.InferSaveError as error:
                wrong.append(f"{number}, {backend}: {type(error).__name__}: {error}"[:200])
            timer.join()
        POOL.close()
        tempfile.tempdir = None
        ends = time.monotonic() + WAIT_S
        while children() and time.monotonic() < ends:
            time.sleep(0.05)
        wrong += [f"process {pid} is left" for pid in children()]
        wrong += [f"{file.name} is left" for file in Path(folder).iterdir()]
    return count, wrong


def children() -> list[int]:
    """Every process that was started for solvers here, and every cbc, whoever its parent is."""
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True
    )
    found = []
    for line in listed.stdout.splitlines():
        pid, parent, state, what = line.split(maxsplit=3)
        mine = int(parent) in (os.getpid(), 1) and "backends.child" in what
        orphan = int(parent) == 1 and "cbc" in what
        if (mine or orphan) and not state.startswith("Z"):
            found.append(int(pid))
    return found


def _kill_children() -> None:
    for pid in children():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def clash(count: int) -> tuple[int, list[str]]:
    """Solves in fresh processes that have imported highspy first."""
    if find_spec("highspy") is None:
        print("  highspy is not installed: skipped")
        return 0, []
    print(f"  highspy {version('highspy')}")
    source = (
        "import highspy, infersave\n"
        "problem = infersave.load_problem('example:two-workloads')\n"
        "plan = infersave.solve(problem, backend={backend!r})\n"
        "print(plan.status.value, plan.backend)\n"
    )
    wrong = []
    backends = ("ortools:highs", "ortools:scip", "pulp:cbc")
    for backend in backends * count:
        done = subprocess.run(
            [sys.executable, "-c", source.format(backend=backend)], capture_output=True, text=True
        )
        if done.returncode or not done.stdout.startswith("optimal"):
            wrong.append(f"{backend}: {done.stdout} {done.stderr[-300:]}")
    return len(backends) * count, wrong


PARTS: dict[str, tuple[Callable[[int], tuple[int, list[str]]], int]] = {
    "limits": (limits, 1),
    "signals": (signals, 50),
    "kills": (kills, 200),
    "clash": (clash, 1),
}
"""By name: what is tried, and how often."""


def main(arguments: list[str]) -> int:
    """Run the parts asked for."""
    failed = 0
    infersave.solve(draw(3))  # loads the solvers
    for argument in arguments or list(PARTS):
        part, _, number = argument.partition("=")
        begun = time.monotonic()
        tried, wrong = PARTS[part][0](int(number or PARTS[part][1]))
        seconds = time.monotonic() - begun
        print(f"{part}: {tried} tried, {len(wrong)} fell short, {seconds:.0f} s")
        for text in wrong:
            print(f"  {text}")
        failed += len(wrong)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
