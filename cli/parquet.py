"""Results of a batch as a table with typed columns, for analysis (extra: parquet)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..models.outcome import ProblemError
from .output import check_writable, whole_file

if TYPE_CHECKING:
    from ..catalogs.sweeps import Sweep

FLAG = "--parquet"

ROWS_AT_ONCE = 10_000
"""Rows held in memory, and in one row group of the file."""

INT64 = range(-(2**63), 2**63)
"""Whole numbers that a column of them can hold."""


def check_parquet(path: Path) -> None:
    """Refuse early what could not be written at the end.

    Raises:
        ProblemError: pyarrow is not installed, or no such file can be written.
    """
    if find_spec("pyarrow") is None:
        raise ProblemError(FLAG, str(path), "needs pyarrow: pip install 'infersave[parquet]'")
    check_writable(path, FLAG)


def write_parquet(path: Path, rows: Iterable[Mapping[str, Any]], sweep: Sweep) -> None:
    """Rows of a journal as a Parquet file, whole or not at all.

    The fields of a row keep their names, and each varied field has a column under its path;
    what a row has no value for is null. VMs are a list of structs; `n_vms` is their number, of
    several periods in the one with the most.

    Args:
        rows: in any number; each says its place in the sweep.
        sweep: the fields that vary, and their values.
    """
    from pyarrow import Table
    from pyarrow.parquet import ParquetWriter

    kinds = tuple(_kind(row[place] for row in sweep.rows) for place in range(len(sweep.fields)))
    schema, left = _schema(dict(zip(sweep.fields, kinds, strict=True))), iter(rows)
    with whole_file(path, FLAG) as part, ParquetWriter(part, schema) as writer:
        while some := list(islice(left, ROWS_AT_ONCE)):
            flat = [_varied(row, sweep, kinds) | _answer(row) for row in some]
            writer.write_table(Table.from_pylist(flat, schema))


def _schema(varied: Mapping[str, str]) -> Any:
    """Columns and their types, the varied fields after what the row is."""
    import pyarrow as arrow

    text, number, whole = arrow.string(), arrow.float64(), arrow.int64()
    types = {"bool": arrow.bool_(), "int": whole, "float": number, "str": text, "json": text}
    places = ("zone", "period", "count")
    names = ("provider", "vm_type", "region", "purchase", "job")
    vm = arrow.struct([*((n, text) for n in names), *((n, whole) for n in places)])
    return arrow.schema(
        {
            "index": whole,
            "status": text,
            **{field: types[kind] for field, kind in varied.items()},
            "usd_per_hour": number,
            "usd_per_hour_bound": number,
            "gap": number,
            "limit": text,
            "n_vms": whole,
            "vms": arrow.list_(vm),
            "message": text,
            "reasons": arrow.list_(text),
            "seconds": number,
            "key": text,
        }
    )


def _kind(values: Iterable[object]) -> str:
    """What a column of values holds: `json` where they have no type in common.

    >>> _kind([1, None, 2]), _kind([1, 2.5]), _kind(["a", "b"]), _kind([1, "a"]), _kind([True, 1])
    ('int', 'float', 'str', 'json', 'json')
    """
    kinds = {_kind_of(value) for value in values if value is not None}
    if kinds == {"int", "float"}:
        return "float"
    return kinds.pop() if len(kinds) == 1 else "json"


def _kind_of(value: object) -> str:
    name = type(value).__name__
    if isinstance(value, int) and value not in INT64:
        return "json"
    return name if name in ("bool", "int", "float", "str") else "json"


def _varied(row: Mapping[str, Any], sweep: Sweep, kinds: tuple[str, ...]) -> dict[str, object]:
    """The values that a row's problem had in the varied fields."""
    if not sweep.fields:
        return {}
    values = sweep.rows[row["index"]]
    return {
        field: json.dumps(value) if kind == "json" and value is not None else value
        for field, kind, value in zip(sweep.fields, kinds, values, strict=True)
    }


def _answer(row: Mapping[str, Any]) -> dict[str, object]:
    """What came of it; nothing instead of empty words."""
    solved = row["usd_per_hour"] is not None
    by_period: dict[int | None, int] = {}
    for vm in row["vms"]:
        period = vm.get("period")
        by_period[period] = by_period.get(period, 0) + vm["count"]
    return {
        **row,
        "limit": row["limit"] or None,
        "n_vms": max(by_period.values()) if solved else None,
        "vms": row["vms"] if solved else None,
        "message": row["message"] or None,
        "reasons": None if solved else row["reasons"],
    }
