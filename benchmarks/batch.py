"""Many small problems: how fast on one and two processes, and what survives `kill -9`.

python benchmarks/batch.py [speed=COUNT] [melange=COUNT] [kills=COUNT]

speed   problems of 1 to 5 workloads on every AWS us-east-1 GPU VM type: a fresh process for
        each (a few of them), a loop of load and solve, and `solve_many` on 1 and 2 processes
melange the same problems by Melange's formulation (`melange.py`): each workload by itself, in four
        slices of one bucket, on whole VMs of one kind of replica; its profiling is given
kills   a run of `infersave batch` killed at random, over and over, until it is done
"""

from __future__ import annotations

import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import infersave
from infersave import SolveOptions
from infersave.benchmarks.fleets import draw
from infersave.benchmarks.melange import Instance, melange
from infersave.solver.estate import survey
from infersave.solver.market import Market
from infersave.solver.services import Service

FRESH = 20
"""Problems that get a process of their own: more would take too long."""
CUT_S = 60.0
"""Longest time for one program of Melange's [s]."""
MOST_S = 2.0
"""Latest moment of a kill [s]."""


def speed(count: int) -> None:
    """One table, seconds per problem."""
    problems = [draw(1 + seed % 5, seed) for seed in range(count)]
    options = SolveOptions(relative_gap=1e-6)
    texts = [problem.model_dump_json() for problem in problems[:FRESH]]
    start = time.perf_counter()
    for text in texts:
        source = (
            "import sys, json, infersave\n"
            "infersave.solve(infersave.parse_problem(json.load(sys.stdin)))\n"
        )
        subprocess.run([sys.executable, "-c", source], input=text, text=True, check=True)
    fresh = (time.perf_counter() - start) / min(FRESH, count)
    infersave.solve(problems[0])
    start = time.perf_counter()
    costs = [infersave.solve(problem, options=options).usd_per_hour for problem in problems]
    loop = (time.perf_counter() - start) / count
    print(f"a fresh process each  {1e3 * fresh:8.1f} ms")
    print(f"a loop of solve       {1e3 * loop:8.1f} ms")
    for jobs in (1, 2):
        list(infersave.solve_many(problems[:jobs], jobs=jobs))  # loads the processes
        start = time.perf_counter()
        found = list(infersave.solve_many(problems, jobs=jobs, options=options))
        each = (time.perf_counter() - start) / count
        same = [r.plan.usd_per_hour for r in found if r.plan is not None] == costs
        print(
            f"solve_many, {jobs} jobs    {1e3 * each:8.1f} ms, {1 / each:.1f} problems/s, "
            f"efficiency {loop / each / jobs:.2f}, same costs: {same}"
        )


def melange_beside(count: int) -> None:
    """Time and cost of Melange's formulation and of ours, from problem to checked plan."""
    problems = [draw(1 + seed % 5, seed) for seed in range(count)]
    infersave.solve(problems[0])
    ours_s, theirs_s, dearer = [], [], []
    for problem in problems:
        start = time.perf_counter()
        usd = infersave.solve(problem).usd_per_hour
        ours_s.append(time.perf_counter() - start)
        estate = survey(problem, "ortools:highs", SolveOptions())
        answers = [melange(*instance_of(s, estate.market), CUT_S) for s in estate.services]
        theirs_s.append(sum(seconds for _, seconds, _ in answers))
        dearer.append(sum(their_usd for their_usd, _, _ in answers) / usd - 1.0)
    ours, theirs = statistics.median(ours_s), statistics.median(theirs_s)
    print(f"Melange's formulation {1e3 * theirs:8.1f} ms (median of {count})")
    print(f"ours, checked         {1e3 * ours:8.1f} ms")
    print(f"its fleets are {statistics.mean(dearer):.1%} dearer on average")


def instance_of(service: Service, market: Market) -> tuple[Instance, float]:
    """A service as Melange sees it: whole VMs of one kind of replica; and its rate."""
    replicas = market.room[service.place] // market.pair_gpus[service.pair]
    throughput = service.capacity(service.classes[0]) * replicas
    names = tuple(f"{k}" for k in range(len(service.pair)))
    rate = service.rate(0)
    assert rate is not None
    prices = market.price[service.place]
    return Instance(names, prices, throughput[:, None], np.ones(1)), rate


def kills(count: int) -> None:
    """Kill a batch run `count` times, starting anew whenever it was done before."""
    rng, done, wrong = random.Random(0), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        base = json.loads(draw(2, 1).model_dump_json())
        lines = []
        for number in range(200):
            base["workloads"][0]["requests_per_s"] = 1.0 + number
            lines.append(json.dumps(base))
        (root / "p.jsonl").write_text("\n".join(lines) + "\n")
        whole = _run(root, "whole.jsonl")
        while done < count:
            (root / "r.jsonl").unlink(missing_ok=True)
            for _ in range(min(20, count - done)):
                _kill_one(root, rng)
                done += 1
            wrong += _run(root, "r.jsonl") != whole
    print(f"{count} kills, {wrong} runs with rows lost, doubled or torn")


def _command(out: str) -> list[str]:
    return [sys.executable, "-m", "infersave", "batch", "p.jsonl", "--jobs", "2", "--out", out]


def _kill_one(root: Path, rng: random.Random) -> None:
    process = subprocess.Popen(
        _command("r.jsonl"), cwd=root, start_new_session=True, stdout=subprocess.DEVNULL
    )
    time.sleep(rng.uniform(0.2, MOST_S))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _run(root: Path, out: str) -> list[str]:
    """The rows of a run to the end, times aside."""
    subprocess.run(_command(out), cwd=root, check=True, capture_output=True)
    rows = [json.loads(line) for line in (root / out).read_text().splitlines()]
    return [json.dumps({k: v for k, v in row.items() if k != "seconds"}) for row in rows]


def main(arguments: list[str]) -> None:
    """Run the parts asked for."""
    parts = {"speed": (speed, 10_000), "melange": (melange_beside, 200), "kills": (kills, 200)}
    for argument in arguments or list(parts):
        name, _, number = argument.partition("=")
        part, usual = parts[name]
        part(int(number or usual))


if __name__ == "__main__":
    main(sys.argv[1:])
