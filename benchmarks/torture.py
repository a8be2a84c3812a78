"""Long searches for wrong answers, on random fleets: `make torture`, not part of `make test`.

    python benchmarks/torture.py [PART[=COUNT] ...]

    solvers   small fleets under random kinds of limits: one optimum by enumeration, HiGHS, SCIP
              and CBC
    medium    8 to 40 workloads, 6 to 20 VM types: one optimum by HiGHS, SCIP and CBC
    lies      true plans with one small lie each: the check catches every lie and accepts the plan
    explain   fleets without a plan: the first suggestion is enough, at the cost it says
    metamorphic  what a change must do to the optimum of a random fleet (metamorphic.py)
    ties      demands and bills met exactly in decimals, judged by the check; some are solved
    replans   a planner's answers to changes of a random fleet: the optimum, thresholds, caps, steps
    fuzz      problems, catalogues and measurements broken at random: read, or refused with a
              proper message, at once

A line for each part: seeds, what was tried, what failed. Exit status 1 if anything did.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console
from rich.progress import track

import infersave
from infersave import FleetProblem, InfeasibleError, Reasons
from infersave.benchmarks.fuzz import of_problems
from infersave.benchmarks.fuzz_tables import of_catalogues, of_measurements
from infersave.benchmarks.metamorphic import violations
from infersave.benchmarks.optima import AGREE, EXACT, RefutedProof, optimum
from infersave.benchmarks.ties import SOLVED_EVERY, misjudged, unsolved
from infersave.models.outcome import BackendError
from infersave.solver.verify import find_violations
from infersave.tests.conftest import (
    make_calibration,
    make_fleet,
    make_gpu,
    make_limited_fleet,
    make_vm_type,
    make_workload,
)
from infersave.tests.solver.test_planner import assert_answer_holds, walks
from infersave.tests.solver.test_relaxing import impossible
from infersave.tests.solver.test_still import assert_it_is_the_optimum, small_steps
from infersave.tests.solver.test_verify import corruptions

SMALL = ("exhaustive", "ortools:highs", "ortools:scip", "pulp:cbc")
MEDIUM = ("ortools:highs", "ortools:scip", "pulp:cbc")
READERS = (of_problems, of_catalogues, of_measurements)
"""What `fuzz` takes in turn."""
SHOWN = 20
"""Findings printed of each kind."""
BATCH = 8
"""Seeds that a process is given at once."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one seed, in words.

    Attributes:
        count: things tried.
        wrong: what was wrong.
        failed: solvers that gave no answer, or one whose point the check refused.
    """

    seed: int
    count: int
    wrong: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


def disagreement(seed: int, problem: FleetProblem, backends: tuple[str, ...]) -> Tried:
    """Backends that prove different optima."""
    proved: dict[str, float] = {}
    failed, refuted = [], []
    for backend in backends:
        try:
            cost = optimum(problem, backend)
        except RefutedProof as error:
            refuted.append(str(error))
            continue
        except BackendError as error:
            failed.append(str(error))
            continue
        if cost is not None:
            proved[backend] = cost
    least = min(proved.values(), default=0.0)
    apart = [c for c in proved.values() if c != least and not c <= least * (1 + AGREE)]
    wrong = (*refuted, *([str(proved)] if apart else []))
    return Tried(seed, len(proved), wrong, tuple(failed))


def solvers(seed: int) -> Tried:
    """A small fleet."""
    return disagreement(seed, make_limited_fleet(seed), SMALL)


def medium(seed: int) -> Tried:
    """A medium fleet."""
    rng = np.random.default_rng((seed, 3))
    gpus = [make_gpu(rng, f"gpu{i}") for i in range(6)]
    types = [make_vm_type(rng, f"vm{i}", gpus[i % 6]) for i in range(int(rng.integers(6, 21)))]
    problem = FleetProblem(
        workloads=tuple(make_workload(rng, i) for i in range(int(rng.integers(8, 41)))),
        offers=tuple(
            infersave.Offer(
                vm_type=each, region="here", usd_per_hour=round(float(rng.uniform(0.5, 9.0)), 3)
            )
            for each in types
        ),
        calibrations=tuple(make_calibration(rng, gpu.name) for gpu in gpus),
    )
    return disagreement(seed, problem, MEDIUM)


def lies(seed: int) -> Tried:
    """A true plan, and every lie about it."""
    problem = make_fleet(seed)
    try:
        plan = infersave.solve(problem)
    except InfeasibleError:
        return Tried(seed, 0)
    wrong = [f"refused: {text}" for text in find_violations(problem, plan)]
    told = corruptions(plan)
    wrong += [
        f"not caught: {lie}" for lie, p in told.items() if not list(find_violations(problem, p))
    ]
    return Tried(seed, len(told) + 1, tuple(wrong))


def explain(seed: int) -> Tried:
    """A fleet without a plan, and the first change that is suggested."""
    problem = impossible(make_fleet(seed), seed)
    found = infersave.explain(problem, options=EXACT)
    if isinstance(found, Reasons):
        return Tried(seed, 0)
    if not found.relaxations:
        return Tried(seed, 1, ("nothing is suggested",))
    first = found.relaxations[0]
    cost = optimum(first.applied(problem), "ortools:highs")
    if cost is None or abs(cost - first.usd_per_hour) > AGREE * first.usd_per_hour:
        return Tried(seed, 1, (f"said {first.usd_per_hour}, costs {cost}",))
    return Tried(seed, 1)


def fuzz(seed: int) -> Tried:
    """A problem, a catalogue or measurements, broken."""
    with TemporaryDirectory() as folder:
        wrong = READERS[seed % len(READERS)](seed, Path(folder))
    return Tried(seed, 1, (wrong,) if wrong else ())


def metamorphic(seed: int) -> Tried:
    """A small fleet, and every problem whose optimum is known beside its own."""
    return Tried(seed, *violations(make_limited_fleet(seed), seed))


def ties(seed: int) -> Tried:
    """Ties, every judgement on them, and for some seeds what the solver makes of them."""
    count, wrong = misjudged(seed)
    if seed % SOLVED_EVERY < 2:  # an even seed and an odd one: VM types apart and shared
        solved, missed = unsolved(seed)
        count, wrong = count + solved, wrong + missed
    return Tried(seed, count, tuple(wrong))


def replans(seed: int) -> Tried:
    """Small and large changes under two random fleets; a broken assertion is a finding."""
    count = 0
    for maker in (make_fleet, make_limited_fleet):
        for planner, found in walks(maker, seed):
            assert_answer_holds(planner, found)
            count += 1
        for planner, found in small_steps(maker, seed):
            assert_it_is_the_optimum(planner, found)
            count += 1
    return Tried(seed, count)


PARTS: dict[str, tuple[Callable[[int], Tried], int]] = {
    "solvers": (solvers, 10_000),
    "medium": (medium, 1_000),
    "lies": (lies, 800),
    "explain": (explain, 400),
    "metamorphic": (metamorphic, 200),
    "ties": (ties, 2_000),
    "replans": (replans, 1_000),
    "fuzz": (fuzz, 100_000),
}
"""By name: what is tried with a seed, and how many seeds."""


def attempted(part: str, seed: int) -> Tried:
    """One seed of a part; an error nobody expects is a finding, too."""
    try:
        return PARTS[part][0](seed)
    except Exception as error:
        return Tried(seed, 1, (f"{type(error).__name__}: {error}".replace("\n", " ")[:500],))


def run(part: str, count: int) -> Iterator[Tried]:
    """A part on the first seeds, on all processors."""
    context = get_context("spawn")  # a solver that was forked may hang
    with ProcessPoolExecutor(cpu_count() or 1, mp_context=context) as pool:
        yield from pool.map(partial(attempted, part), range(count), chunksize=BATCH)


def main(arguments: list[str]) -> int:
    """Run the parts asked for; what is found is told on stderr at once, too."""
    failed, console = 0, Console(stderr=True, width=200)
    for argument in arguments or list(PARTS):
        part, _, number = argument.partition("=")
        count = int(number or PARTS[part][1])
        begun, told, total, wrong = time.monotonic(), list[str](), 0, 0
        for each in track(run(part, count), part, count, console=console, transient=True):
            total, wrong = total + each.count, wrong + len(each.wrong)
            lines = [f"seed {each.seed}: {text}" for text in each.wrong]
            lines += [f"seed {each.seed}: solver failed: {text}" for text in each.failed]
            for line in lines:
                console.print(f"{part}, {line}", markup=False, highlight=False)
            told += lines
        seconds = time.monotonic() - begun
        print(f"{part}: seeds 0 to {count - 1}, {total:,} tried, {wrong} wrong, {seconds:.0f} s")
        for line in told[:SHOWN]:
            print(f"  {line}")
        failed += wrong
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
