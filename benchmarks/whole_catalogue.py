"""How long it takes to rank every offer of every provider, and what loading costs.

    python benchmarks/whole_catalogue.py

Medians over repeats in one run.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable
from time import perf_counter

from rich.console import Console
from rich.table import Table

import infersave
from infersave import SLO, FleetProblem, Job, RequestClass, Workload
from infersave.models.engine import EngineName
from infersave.solver.candidates import enumerate_streams

WIDTH = 100
REPEATS = 9
CASES: tuple[tuple[str, EngineName], ...] = (
    ("meta-llama/Llama-3.1-8B", "continuous"),
    ("meta-llama/Llama-3.1-70B", "continuous"),
    ("Qwen/Qwen3-30B-A3B", "continuous"),
    ("deepseek-ai/DeepSeek-V3", "continuous"),
    ("facebook/opt-13b", "static"),
    ("google/gemma-2-9b", "static"),
)
JOB = Job(requests=200_000, deadline_s=21_600.0)
REQUEST = RequestClass(input_tokens=1024, output_tokens=256)


def problem_of(name: str, engine: EngineName, job: Job | None = None) -> FleetProblem:
    """A service of 5 requests/s, or a job, on every offer of every provider."""
    workload = Workload(
        name="all",
        architecture=infersave.load_architecture(name),
        engine=engine,
        requests_per_s=5.0 if job is None else None,
        job=job,
        requests=(REQUEST,),
        slo=SLO(tpot_s=0.2) if job is None else SLO(),
    )
    return FleetProblem(
        workloads=(workload,),
        offers=infersave.load_catalog().offers,
        calibrations=infersave.load_calibrations(),
    )


def median_s(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median seconds of a call, after one to warm up."""
    work()
    times = []
    for _ in range(repeats):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return statistics.median(times)


def starts() -> Table:
    """What a fresh process pays before it plans."""
    table = Table("fresh process", "median s")
    for label, code in (
        ("python alone", "pass"),
        ("import infersave", "import infersave"),
        ("... and load the catalogue", "import infersave; infersave.load_catalog()"),
        ("infersave --help", "import sys; sys.argv[1:] = ['--help']; import infersave.__main__"),
    ):
        seconds = median_s(
            lambda code=code: subprocess.run(  # type: ignore[misc]
                [sys.executable, "-c", code], check=True, capture_output=True
            ),
            repeats=5,
        )
        table.add_row(label, f"{seconds:.3f}")
    return table


def ranking() -> Table:
    """recommend over the whole catalogue, by architecture."""
    table = Table(
        "architecture", "engine", "offers", "pairs", "recommend s", "evaluate s", "pairs/s"
    )
    cases = [(name, engine, problem_of(name, engine)) for name, engine in CASES]
    cases.append((f"{CASES[0][0]}, a job", CASES[0][1], problem_of(*CASES[0], JOB)))
    for name, engine, problem in cases:
        pairs = infersave.recommend(problem).candidates
        whole = median_s(lambda p=problem: infersave.recommend(p))  # type: ignore[misc]
        evaluate = median_s(lambda p=problem: enumerate_streams(p))  # type: ignore[misc]
        table.add_row(
            name,
            engine,
            str(len(problem.offers)),
            str(pairs),
            f"{whole:.3f}",
            f"{evaluate:.3f}",
            f"{pairs / evaluate:,.0f}",
        )
    return table


def main() -> None:
    """Print both tables."""
    console = Console(width=WIDTH)
    console.print(starts(), "")
    console.print(ranking())


if __name__ == "__main__":
    main()
