"""Where many problems are worked on: processes of this machine, Dask or Ray, through joblib."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal, TypeVar

from ..models.outcome import ProblemError

Item = TypeVar("Item")
Answer = TypeVar("Answer")
EngineName = Literal["local", "dask", "ray"]

NEEDS = {"dask": "distributed", "ray": "ray"}
"""The package of each engine that is no part of an installation by itself."""

WORKERS_S = 30.0
"""How long the workers of a cluster are waited for [s]."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Which, and where.

    Attributes:
        jobs: processes, where they are started here.
        address: of a cluster that runs already; None starts one here.
    """

    name: EngineName = "local"
    jobs: int = 1
    address: str | None = None

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise ProblemError("jobs", self.jobs, "must be at least 1")
        if self.name not in ("local", *NEEDS):
            raise ProblemError("engine", self.name, "must be local, dask or ray")
        if self.name == "local" and self.address is not None:
            raise ProblemError("address", self.address, "is that of a cluster: engine dask or ray")

    @property
    def in_this_process(self) -> bool:
        """Whether no other is asked for."""
        return self.name == "local" and self.jobs == 1


@dataclass(frozen=True, slots=True)
class Runner:
    """A running engine.

    Attributes:
        n_jobs: as joblib counts them; -1: all there are.
        streams: whether answers come one by one; else all of a call at once.
        deaths: what it raises when a process has died.
    """

    n_jobs: int
    streams: bool
    deaths: tuple[type[Exception], ...]

    def together(self, function: Callable[[Item], Answer], items: list[Item]) -> Iterator[Answer]:
        """The answers in order."""
        from joblib import Parallel, delayed

        how = "generator" if self.streams else "list"
        with Parallel(n_jobs=self.n_jobs, return_as=how) as parallel:
            yield from parallel(delayed(function)(item) for item in items)


@contextmanager
def running(engine: Engine) -> Iterator[Runner]:
    """Start the engine, or join the cluster.

    Raises:
        ProblemError: its package is not installed.
    """
    needed = NEEDS.get(engine.name)
    if needed is not None and find_spec(needed) is None:
        rule = f"needs the package {needed}: pip install 'infersave[{engine.name}]'"
        raise ProblemError("engine", engine.name, rule)
    with ExitStack() as stack:
        if engine.name == "dask":
            yield _dask(engine, stack)
        elif engine.name == "ray":
            yield _ray(engine, stack)
        else:
            yield _local(engine)


def _local(engine: Engine) -> Runner:
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    return Runner(max(engine.jobs, 2), True, (TerminatedWorkerError,))


def _dask(engine: Engine, stack: ExitStack) -> Runner:
    from distributed import Client
    from distributed.scheduler import KilledWorker
    from joblib import parallel_config

    here: dict[str, Any] = {
        "n_workers": engine.jobs,
        "threads_per_worker": 1,
        "dashboard_address": None,
    }
    there = {"address": engine.address}
    stack.enter_context(Client(**(here if engine.address is None else there)))
    stack.enter_context(parallel_config(backend="dask", wait_for_workers_timeout=WORKERS_S))
    return Runner(-1, True, (KilledWorker,))


def _ray(engine: Engine, stack: ExitStack) -> Runner:
    import ray
    from joblib import parallel_config
    from ray.exceptions import RayActorError, WorkerCrashedError
    from ray.util.joblib import register_ray

    here: dict[str, Any] = {"num_cpus": engine.jobs, "include_dashboard": False}
    there = {"address": engine.address}
    if not ray.is_initialized():
        ray.init(**(here if engine.address is None else there), log_to_driver=False)
        stack.callback(ray.shutdown)
    register_ray()
    stack.enter_context(parallel_config(backend="ray"))
    jobs = engine.jobs if engine.address is None else int(ray.cluster_resources()["CPU"])
    return Runner(jobs, False, (RayActorError, WorkerCrashedError))
