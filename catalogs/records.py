"""Tables of any shape as records: CSV, Parquet, JSON and JSON lines."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..models.outcome import CatalogError, ProblemError
from .bench_results import plain_row
from .plain_data import parse_text

TABLES = (".csv", ".parquet", ".json", ".jsonl")
LEAST = 1e-9
"""A smaller time, batch or length is a slip of the pen, and no fit stands its reciprocal."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a table whose columns may be anything.

    Attributes:
        path, number: where it stands; the first row under a CSV header is row 2, elsewhere
            the first is row 1.
        cells: column -> value, without the empty ones.
    """

    path: Path
    number: int
    cells: Mapping[str, Any]

    def first(self, columns: tuple[str, ...]) -> tuple[str, Any]:
        """The first of the columns that has a value, and the value; ("", None) without one."""
        return next(((c, self.cells[c]) for c in columns if c in self.cells), ("", None))

    def has(self, *columns: str) -> bool:
        """Whether every column has a value."""
        return all(column in self.cells for column in columns)

    def text(self, columns: tuple[str, ...]) -> str:
        """A cell as text; empty without one."""
        value = self.first(columns)[1]
        return "" if value is None else str(value).strip()

    def truth(self, column: str) -> bool | None:
        """A cell as yes or no; None where it is neither."""
        return {"true": True, "false": False}.get(str(self.cells.get(column)).casefold())

    def share(self, column: str) -> float:
        """A cell as a part of a whole.

        Raises:
            CatalogError: it is no number from 0 to 1.
        """
        value = self.cells.get(column)
        try:
            found = float(value)  # type: ignore[arg-type]  # what is no number is refused
        except (TypeError, ValueError, OverflowError):
            raise self.broken(column, value, "must be a number") from None
        if not 0.0 <= found <= 1.0:
            raise self.broken(column, value, "must be from 0 to 1")
        return found

    def number_of(
        self, columns: tuple[str, ...], most: float, default: float | None = None
    ) -> float:
        """A cell as a positive number of at most `most`.

        Raises:
            CatalogError: it is missing without a default, no number, or out of its range.
        """
        column, value = self.first(columns)
        if not column:
            if default is None:
                raise self.broken(columns[0], "", "is missing")
            return default
        try:
            found = float(value)
        except (TypeError, ValueError, OverflowError):
            raise self.broken(column, value, "must be a number") from None
        if not (math.isfinite(found) and 0.0 < found <= most):
            raise self.broken(column, value, f"must be above 0 and at most {most:g}")
        if found < LEAST:
            raise self.broken(column, value, f"must be at least {LEAST:g}")
        return found

    def broken(self, column: str, value: object, rule: str) -> CatalogError:
        """An error that names file, row, column, value and rule."""
        place = f"{self.path}: row {self.number}, column {column}"
        return CatalogError(str(ProblemError(place, value, rule)))


def read_records(path: Path, filled: Mapping[str, Any] | None = None) -> list[Record]:
    """The rows of a table, by the ending of its name.

    Args:
        filled: columns that a row takes where it does not say them.

    Raises:
        CatalogError: it cannot be read, or is none of these formats.
    """
    try:
        table, start = _read(path)
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise CatalogError(f"{path}: cannot be read as {path.suffix[1:]}: {error}") from None
    found = []
    for number, row in enumerate(table, start=start):
        if not isinstance(row, Mapping):
            raise CatalogError(f"{path}: row {number}: must be a table of columns and values")
        try:
            cells = plain_row(row) if _is_json(path) else row
        except ProblemError as error:
            raise CatalogError(f"{path}: row {number}: {error}") from None
        said = {k: v for k, v in cells.items() if not _empty(v)}
        found.append(Record(path, number, {**(filled or {}), **said}))
    return found


def _is_json(path: Path) -> bool:
    """Whether a file holds JSON: benchmarks write their results as such."""
    return path.suffix.casefold() in (".json", ".jsonl")


def _read(path: Path) -> tuple[list[Any], int]:
    suffix = path.suffix.casefold()
    if suffix == ".parquet":
        try:
            import pyarrow.parquet as parquet  # an extra: only Parquet needs it
            from pyarrow.lib import ArrowException
        except ImportError:
            rule = "Parquet needs pyarrow: pip install 'infersave[parquet]'"
            raise CatalogError(f"{path}: {rule}") from None
        try:
            return parquet.read_table(path).to_pylist(), 1
        except ArrowException as error:
            raise ValueError(error) from None
    if suffix not in TABLES:
        raise CatalogError(f"{path}: must end in one of {', '.join(TABLES)}")
    with path.open(newline="", encoding="utf-8-sig") as stream:
        if suffix == ".csv":
            return list(csv.DictReader(stream, strict=True)), 2
        if suffix == ".jsonl":
            lines = (line for line in stream if line.strip())
            return [parse_text(line, ".json", "line") for line in lines], 1
        content = parse_text(stream.read(), ".json", "file")
    return (content if isinstance(content, list) else [content]), 1


def _empty(value: object) -> bool:
    missing = isinstance(value, float) and math.isnan(value)
    return value is None or missing or (isinstance(value, str) and not value.strip())
