"""The same small problems by local processes, a Dask cluster and a Ray cluster on loopback.

    python benchmarks/engines.py [COUNT]

Each cluster is a real one, started by its own commands (printed) with two workers, joined by
address and stopped afterwards; one that is not installed is left out by name. Problems are those
of `batch.py`; results are compared in full, times aside.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

import infersave
from infersave import FleetProblem
from infersave.benchmarks.fleets import draw
from infersave.solver.engines import NEEDS, EngineName

COUNT = 1_000
JOBS = 2
HOST, DASK_PORT, RAY_PORT = "127.0.0.1", 8786, 6379
READY_S = 60.0
"""How long a cluster may take to start [s]."""
COMMANDS: dict[EngineName, tuple[str, ...]] = {
    "local": (),
    "dask": (
        f"dask scheduler --host {HOST} --port {DASK_PORT} --no-dashboard",
        f"dask worker tcp://{HOST}:{DASK_PORT} --nworkers {JOBS} --nthreads 1 --no-dashboard",
    ),
    "ray": (
        f"ray start --head --block --node-ip-address {HOST} --port {RAY_PORT} --num-cpus {JOBS} "
        "--include-dashboard=false",
    ),
}
ADDRESS = {"local": None, "dask": f"tcp://{HOST}:{DASK_PORT}", "ray": f"{HOST}:{RAY_PORT}"}


@contextmanager
def cluster(engine: EngineName) -> Iterator[None]:
    """One that runs until the end of the block."""
    folder = Path(sys.executable).parent
    with ExitStack() as stack:
        for command in COMMANDS[engine]:
            print(f"  {command}")
            program, *arguments = command.split()
            process = subprocess.Popen(
                [str(folder / program), *arguments],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
        yield


def answers(problems: list[FleetProblem], engine: EngineName) -> list[str]:
    """Every result as JSON, without what took how long."""
    address, started, first = ADDRESS[engine], time.monotonic(), problems[:JOBS]
    while True:
        try:
            list(infersave.solve_many(first, jobs=JOBS, engine=engine, address=address))
            break
        except (ConnectionError, OSError):
            if time.monotonic() - started > READY_S:
                raise
            time.sleep(1.0)
    started = time.perf_counter()
    found = list(infersave.solve_many(problems, jobs=JOBS, engine=engine, address=address))
    seconds = time.perf_counter() - started
    print(f"  {len(found)} problems in {seconds:.1f} s, {len(found) / seconds:.1f} problems/s")
    return [_told(result) for result in found]


def _told(result: infersave.Result) -> str:
    data = result.model_dump(mode="json", exclude={"seconds": True, "plan": {"seconds"}})
    return json.dumps(data, sort_keys=True)


def main(arguments: list[str]) -> None:
    """Print what each engine did, and how many of its results are others than the local ones."""
    count = int(arguments[0]) if arguments else COUNT
    problems = [draw(1 + seed % 5, seed) for seed in range(count)]
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")  # a cluster of its own, on loopback
    expected: list[str] = []
    for engine in COMMANDS:
        needed = NEEDS.get(engine)
        if needed is not None and find_spec(needed) is None:
            print(f"{engine}: left out, {needed} is not installed")
            continue
        print(f"{engine}:")
        with cluster(engine):
            found = answers(problems, engine)
        expected = expected or found
        apart = sum(one != other for one, other in zip(found, expected, strict=True))
        print(f"  {apart} results differ from the local ones")


if __name__ == "__main__":
    main(sys.argv[1:])
