"""`infersave batch`: thousands of problems, on several processes, resumed where they stopped."""

from __future__ import annotations

import json as json_text
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from ..models.outcome import ProblemError
from .batch_worker import Asked, Settings, as_row, row_of
from .filters import naming_flags
from .journal import Journal, journal, key_of
from .numerals import Flag, Whole
from .output import JsonFlag, print_json
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
        vary: FIELD=VALUES, again for more fields; VALUES is 1,2,5 or low:high:count. Every
            combination is a problem.
        jobs: Processes.
        engine: Who runs them: this machine, dask or ray.
        address: Of a cluster that runs already, such as tcp://host:8786; none starts one here.
        backend: Who solves the programs; infersave catalog list backends names them.
        formulation: As for plan.
        time_limit: Longest time for one problem, in seconds.
        gap: Stop when this part of a cost is left unproved.
        seed: Random seed of the solver.
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
    texts = list(_texts(problems, vary))
    with journal(out) as rows:
        _solve(texts, settings, where, rows)
    counts = _counts(out)
    if json:
        print_json({"out": str(out), "problems": len(texts), "statuses": counts})
    else:
        _show(out, counts)
    return 0


def _texts(problems: str, vary: tuple[str, ...]) -> Iterator[str]:
    """Every problem as text."""
    from ..catalogs.plain_data import read_data
    from ..catalogs.problem_file import example_data
    from ..catalogs.variations import read_lines, values_of, varied

    if not vary:
        yield from read_lines(Path(problems))
        return
    fields = {}
    for given in vary:
        field, equals, values = given.partition("=")
        if not equals or not values:
            raise ProblemError("--vary", given, "must be FIELD=VALUES")
        fields[field] = values_of(values, f"--vary {field}")
    base = example_data(problems) or read_data(Path(problems))
    if not isinstance(base, dict):
        raise ProblemError("PROBLEMS", problems, "must be one problem where fields are varied")
    yield from (json_text.dumps(each) for each in varied(base, fields))


def _solve(texts: list[str], settings: Settings, where: Engine, rows: Journal) -> None:
    """Every problem that has no row yet.

    Raises:
        ProblemError: the rows that are there answer something else.
    """
    from .. import __version__
    from ..models.result import CRASHED, Result
    from ..solver.mapping import mapped

    how = {**asdict(settings), "version": __version__}
    asked = [Asked(index, key_of(text, how), text) for index, text in enumerate(texts)]
    for index, key in enumerate(rows.keys):
        if index >= len(asked) or asked[index].key != key:
            rule = "holds results of other problems, settings or versions; give another"
            raise ProblemError("--out", f"row {index + 1}", rule)

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
    with out.open(encoding="utf-8") as rows:
        return dict(Counter(json_text.loads(row)["status"] for row in rows).most_common())


def _show(out: Path, counts: dict[str, int]) -> None:
    from .screen import Screen
    from .words import plural

    said = ", ".join(f"{count:,} {status}" for status, count in counts.items())
    total = sum(counts.values())
    Screen().headline(f"{plural(total, 'problem')}: {said or 'nothing to solve'}; rows in {out}.")
