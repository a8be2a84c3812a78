"""Tables as columns of finished text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from .output import printable
from .words import NOTHING

GAPS = (2, 1)
"""Spaces between two columns: as many as let the table fit."""

Kind = Literal["name", "number", "prose"]
"""Numbers are right aligned; prose alone may be wrapped, between words."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        title: what its cells are, with their unit.
        cells: text, one for each row.
    """

    title: str
    cells: tuple[str, ...]
    kind: Kind = "name"

    @property
    def empty(self) -> bool:
        """Whether no row has anything to say."""
        return all(cell in ("", NOTHING) for cell in self.cells)

    @property
    def least_width(self) -> int:
        """Columns of the terminal it needs: those of its longest line, or word in prose."""
        texts = (self.title, *self.cells)
        parts = [part for text in texts for part in text.split(None if self.prose else "\n")]
        return max(map(cell_len, parts), default=0)

    @property
    def prose(self) -> bool:
        """Whether its cells may be wrapped."""
        return self.kind == "prose"


def name_column(title: str, cells: Iterable[str]) -> Column:
    """A column of names."""
    return Column(title, tuple(cells))


def number_column(title: str, cells: Iterable[str]) -> Column:
    """A column of numbers."""
    return Column(title, tuple(cells), "number")


def prose_column(title: str, cells: Iterable[str]) -> Column:
    """A column of words."""
    return Column(title, tuple(cells), "prose")


def parts_that_fit(
    keys: list[Column], blocks: list[list[Column]], width: int
) -> Iterator[list[Column]]:
    """The columns as one table, or as several that fit, each beginning with the keys.

    Blocks stay together where they fit. Columns that say nothing are left out.
    """
    blocks = [[column for column in block if not column.empty] for block in blocks]
    blocks = [block for block in blocks if block]
    everything = [*keys, *(column for block in blocks for column in block)]
    if gap_that_fits(everything, width):
        yield everything
        return
    for block in blocks:
        part = list(keys)
        for column in block:
            if not gap_that_fits([*part, column], width) and len(part) > len(keys):
                yield part
                part = list(keys)
            part.append(column)
        yield part


def make_table(columns: list[Column], width: int) -> Table:
    """The columns side by side under a line of titles."""
    gap = gap_that_fits(columns, width)
    table = Table(
        box=SIMPLE_HEAD,  # whose own line between two columns is one of the gap
        show_edge=False,
        pad_edge=False,
        padding=(0, max(gap, 1) - 1, 0, 0),
        header_style="bold",
    )
    for column in columns:
        table.add_column(
            Text(printable(column.title)),
            justify="right" if column.kind == "number" else "left",
            no_wrap=gap > 0 and not column.prose,
            min_width=column.least_width if gap > 0 else None,
            overflow="fold",
        )
    for cells in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def gap_that_fits(columns: list[Column], width: int) -> int:
    """The widest gap between columns that leaves them room; 0 when none does."""
    needed = sum(column.least_width for column in columns)
    return next((gap for gap in GAPS if needed + gap * (len(columns) - 1) <= width), 0)
