"""Tables as columns of finished text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from .output import printable
from .words import NOTHING

GAP = 2
"""Spaces between two columns."""

LONGEST_CELL = 32
"""Columns of text are wrapped at this width where a table would not fit."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        title: what its cells are, with their unit.
        cells: text, one for each row.
        numeric: right aligned, never wrapped.
    """

    title: str
    cells: tuple[str, ...]
    numeric: bool = False

    @property
    def empty(self) -> bool:
        """Whether no row has anything to say."""
        return all(cell in ("", NOTHING) for cell in self.cells)

    @property
    def width(self) -> int:
        """Columns of the terminal it takes when nothing is wrapped."""
        return max(
            cell_len(line) for text in (self.title, *self.cells) for line in text.split("\n")
        )


def text_column(title: str, cells: Iterable[str]) -> Column:
    """A column of names and words."""
    return Column(title, tuple(cells))


def number_column(title: str, cells: Iterable[str]) -> Column:
    """A column of numbers."""
    return Column(title, tuple(cells), numeric=True)


def column_groups(columns: list[Column], keys: int, width: int) -> Iterator[list[Column]]:
    """The columns in groups that fit a width, each beginning with the key columns.

    Columns that say nothing are dropped, unless they are keys.
    """
    first = columns[:keys]
    rest = [column for column in columns[keys:] if not column.empty]
    group, taken = list(first), sum(_least(column) + GAP for column in first)
    start = taken
    for column in rest:
        if taken + _least(column) > width and len(group) > keys:
            yield group
            group, taken = list(first), start
        group.append(column)
        taken += _least(column) + GAP
    yield group


def make_table(columns: list[Column]) -> Table:
    """The columns side by side under a line of titles."""
    table = Table(
        box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold"
    )
    for column in columns:
        table.add_column(
            Text(printable(column.title)),
            justify="right" if column.numeric else "left",
            no_wrap=column.numeric,
            overflow="fold",
            vertical="top",
        )
    for cells in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def _least(column: Column) -> int:
    """The width a column needs."""
    return column.width if column.numeric else min(column.width, LONGEST_CELL)
