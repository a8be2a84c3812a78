"""`infersave batch`: thousands of problems, on several processes, resumed where they stopped."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from ..models.outcome import ProblemError
from .batch_problems import sweep_from, texts_of
from .batch_worker import Asked, Settings, as_row, row_of
from .filters import naming_flags
from .interrupt import unwinding
from .journal import Journal, journal, key_of, rows_in
from .numerals import Flag, Whole
from .output import JsonFlag, check_apart, print_json
from .parquet import check_parquet, write_parquet
from .planning import Formulation
from .progress import counting
from .source import Source

if TYPE_CHECKING:
    from ..solver.engines import Engine

EngineName = Literal["local", "dask", "ray"]

app = App(
    name="batch",
    help_epilogue="""Examples:
  infersave batch problems.jsonl --out results.jsonl --jobs 8
  infersave batch fleet.yaml --vary workloads[chat].requests_per_s=1:50:50 \\
      --vary workloads[chat].slo.tpot_s=0.02,0.05 --out sweep.jsonl
  infersave batch fleet.yaml --vary "workloads[chat].requests_per_s=lognormal(10,0.5)" \\
      --sample 1000 --out samples.jsonl --parquet samples.parquet
  jq -c 'select(.status == "optimal") | [.index, .usd_per_hour]' results.jsonl""",
)

FLAGS = {
    "options.time_limit_s": "--time-limit",
    "options.relative_gap": "--gap",
    "options.seed": "--seed",
    "jobs": "--jobs",
    "engine": "--engine",
    "address": "--address",
}
Vary = Annotated[tuple[str, ...], Parameter(negative_iterable=(), show_default=False)]


@app.default
def batch(
    problems: Source,
    /,
    *,
    out: Path,
    vary: Vary = (),
    sample: Whole | None = None,
    parquet: Path | None = None,
    jobs: Whole = 1,
    engine: EngineName = "local",
    address: str | None = None,
    backend: str = "ortools:highs",
    formulation: Formulation = "auto",
    time_limit: float = 60.0,
    gap: float = 1e-6,
    seed: Whole = 0,
    plans: Flag = False,
    json: JsonFlag = False,
) -> int:
    """Solve many problems; one row each, in order, errors among them.

    Killed at any moment it loses nothing: the same command again goes on where the rows end.

    Args:
        problems: A .jsonl file with a problem a line; or, with --vary, one problem.
        out: The rows, as JSON lines.
        vary: FIELD=VALUES, again for more fields. VALUES is 1,2,5 or low:high:count, and every
            combination is a problem; or it is drawn at random: uniform(low,high),
            loguniform(low,high), lognormal(median,sigma), integers(low,high) or choice(a,b,...).
        sample: How often fields are drawn at random, all at once; each draw is tried with every
            combination. A greater number goes on where a smaller one ended.
        parquet: Also write the rows to this file, as a table with a column for each field varied,
            when the run ends or is interrupted.
        jobs: Processes.
        engine: Who runs them: this machine, dask or ray.
        address: Of a cluster that runs already, such as tcp://host:8786; none starts one here.
        backend: Who solves the programs; infersave catalog list backends names them.
        formulation: As for plan.
        time_limit: Longest time for one problem, in seconds.
        gap: Stop when this part of a cost is left unproved.
        seed: Random seed of the solver, and of what is drawn at random.
        plans: Put the whole plan into each row, not only cost, bound and VMs.
    """
    from ..solver.backends.base import get_backend
    from ..solver.engines import Engine
    from ..solver.program import SolveOptions

    with naming_flags(FLAGS):
        where = Engine(engine, jobs, address)
        SolveOptions(time_limit_s=time_limit, relative_gap=gap, seed=seed)
    name = get_backend(backend).name
    settings = Settings(name, formulation, time_limit, gap, seed, plans)
    if parquet is not None:
        check_parquet(parquet)
        check_apart(parquet, "--parquet", out, "--out")
    sweep = sweep_from(vary, sample, seed)
    texts = list(texts_of(problems, sweep))
    with unwinding(), journal(out) as rows:
        asked = _asked(texts, settings, rows)
        try:
            _solve(asked, settings, where, rows)
        finally:
            if parquet is not None:
                write_parquet(parquet, rows_in(out), sweep)
    counts = _counts(out)
    if json:
        _print_data(out, parquet, len(texts), counts)
    else:
        _show(out, parquet, counts)
    return 0


def _asked(texts: list[str], settings: Settings, rows: Journal) -> list[Asked]:
    """Every problem with its key.

    Raises:
        ProblemError: the rows that are there answer something else.
    """
    from .. import __version__

    how = {**asdict(settings), "version": __version__}
    asked = [Asked(index, key_of(text, how), text) for index, text in enumerate(texts)]
    for index, key in enumerate(rows.keys):
        if index >= len(asked) or asked[index].key != key:
            rule = "holds results of other problems, settings or versions; give another"
            raise ProblemError("--out", f"row {index + 1}", rule)
    return asked


def _solve(asked: list[Asked], settings: Settings, where: Engine, rows: Journal) -> None:
    """Every problem that has no row yet."""
    from ..models.result import CRASHED, Result
    from ..solver.mapping import mapped

    def crashed(one: Asked) -> dict[str, Any]:
        message = "its process died each time it was tried"
        return as_row(one, Result(index=one.index, status=CRASHED, message=message), settings)

    done = len(rows.keys)
    left = islice(asked, done, None)
    with counting("solving", len(asked), done) as step:
        for row in mapped(partial(row_of, settings=settings), left, where, crashed):
            rows.append(row)
            step()


def _counts(out: Path) -> dict[str, int]:
    """Rows by status."""
    return dict(Counter(row["status"] for row in rows_in(out)).most_common())


def _print_data(out: Path, parquet: Path | None, problems: int, counts: dict[str, int]) -> None:
    from ..models.plan import SCHEMA_VERSION

    files = {"out": str(out), "parquet": None if parquet is None else str(parquet)}
    print_json(
        {"schema_version": SCHEMA_VERSION, **files, "problems": problems, "statuses": counts}
    )


def _show(out: Path, parquet: Path | None, counts: dict[str, int]) -> None:
    from .screen import Screen
    from .words import plural

    said = ", ".join(f"{count:,} {status}" for status, count in counts.items())
    total = sum(counts.values())
    where = f"{out}" if parquet is None else f"{out}, as a table in {parquet}"
    Screen().headline(f"{plural(total, 'problem')}: {said or 'nothing to solve'}; rows in {where}.")
