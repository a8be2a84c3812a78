"""`infersave export`: the program of a problem as a file for other solvers."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cyclopts import App

from ..models.outcome import ProblemError
from .output import JsonFlag, check_writable, print_json, to_json, write_file
from .progress import working
from .source import Source, read_problem

if TYPE_CHECKING:
    from ..solver.export import ExportedProgram

app = App(
    name="export",
    help_epilogue="""Examples:
  infersave export example:two-workloads --out fleet.mps
  infersave export fleet.yaml --out fleet.lp.gz --names names.json""",
)

FORMATS: dict[str, Literal["mps", "lp"]] = {".mps": "mps", ".lp": "lp"}
PACKED = ".gz"


@app.default
def export(
    problem: Source, /, *, out: Path, names: Path | None = None, json: JsonFlag = False
) -> int:
    """Write the mixed-integer program of a problem, in USD per hour, for other solvers.

    Args:
        problem: A .yaml, .toml or .json file, example:NAME, or - for stdin.
        out: The file; its suffix says the format: .mps or .lp, and .gz after it to pack it.
        names: Also write what each column stands for to this file, as JSON.
    """
    from ..solver.export import export_program

    for path, flag in ((out, "--out"), (names, "--names")):
        if path is not None:
            check_writable(path, flag)
    form = _format(out)
    asked = read_problem(problem)
    with working("building the program"):
        found = export_program(asked, format=form)
    data = found.text.encode("ascii")
    write_file(out, gzip.compress(data, mtime=0) if out.suffix == PACKED else data, "--out")
    if names is not None:
        write_file(names, to_json(_as_data(found)), "--names")
    if json:
        print_json({**_as_data(found), "out": str(out)})
    else:
        _show(found, out, names)
    return 0


def _format(out: Path) -> Literal["mps", "lp"]:
    """The format that a file's name asks for.

    Raises:
        ProblemError: none of ours.
    """
    suffix = (out.with_suffix("") if out.suffix == PACKED else out).suffix
    if suffix not in FORMATS:
        raise ProblemError("--out", str(out), "must end in .mps, .lp, .mps.gz or .lp.gz")
    return FORMATS[suffix]


def _as_data(found: ExportedProgram) -> dict[str, object]:
    return {
        "schema_version": found.schema_version,
        "format": found.format,
        "rows": found.n_rows,
        "columns": {column.name: column.meaning for column in found.columns},
    }


def _show(found: ExportedProgram, out: Path, names: Path | None) -> None:
    from .screen import Screen
    from .words import plural

    size = f"{plural(len(found.columns), 'column')}, {plural(found.n_rows, 'row')}"
    Screen().headline(f"{out}: {size}, to minimise USD per hour.")
    if names is None:
        Screen().paragraph("--names FILE also writes what each column stands for.")
