"""CSV as rows that know where they stand, so that a message can say it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..models.outcome import CatalogError, ProblemError
from .spreadsheet import restored


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: its cells, and where it stands for a message.

    Attributes:
        path: the file.
        number: the row in the file, the header being row 1.
        cells: column -> text.
    """

    path: Path
    number: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """A cell; empty where an optional column is absent."""
        return self.cells.get(column, "")

    def real(self, column: str) -> float:
        """A cell as a number."""
        try:
            return float(self.text(column))
        except ValueError:
            raise self.broken(column, "must be a number") from None

    def whole(self, column: str) -> int:
        """A cell as a whole number."""
        try:
            return int(self.text(column))
        except ValueError:
            raise self.broken(column, "must be a whole number") from None

    def whole_list(self, column: str) -> list[int]:
        """A cell as whole numbers between spaces."""
        try:
            return [int(part) for part in self.text(column).split()]
        except ValueError:
            raise self.broken(column, "must be whole numbers between spaces") from None

    def sourced(self) -> str:
        """The source of the row, with its note: a caveat must not get lost on the way."""
        return "; ".join(text for text in (self.text("source"), self.text("note")) if text)

    def place(self, column: str) -> str:
        """File, row and column, as messages name them."""
        return f"{self.path}: row {self.number}, column {column}"

    def broken(self, column: str, rule: str) -> CatalogError:
        """An error that names file, row, column, value and rule."""
        problem = ProblemError(self.place(column), self.text(column), rule)
        return CatalogError(str(problem))

    def wrong(self, error: ProblemError, columns: Mapping[str, str]) -> CatalogError:
        """The same error, said of the column that filled the field."""
        column = columns.get(error.field, error.field)
        return CatalogError(str(ProblemError(self.place(column), error.value, error.rule)))


def rows(path: Path, required: tuple[str, ...], optional: tuple[str, ...]) -> Iterator[Row]:
    """The rows of a CSV file whose header has the columns that it must, and no others."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            table = list(csv.reader(stream, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CatalogError(f"{path}: cannot be read as CSV: {error}") from None
    header = table[0] if table else []
    for column in required:
        if column not in header:
            raise CatalogError(f"{path}: row 1: column {column} is missing")
    for column in header:
        if column not in required + optional:
            raise CatalogError.unknown("column", column, required + optional, f"{path}: row 1")
        if header.count(column) > 1:
            raise CatalogError(f"{path}: row 1: column {column} is there twice")
    for number, cells in enumerate(table[1:], start=2):
        if not cells:  # a blank line
            continue
        if len(cells) != len(header):
            raise CatalogError(
                f"{path}: row {number}: {len(cells)} cells, must be {len(header)} like the header"
            )
        yield Row(path, number, dict(zip(header, map(restored, cells), strict=True)))
