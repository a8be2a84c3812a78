"""Where a command writes for people: paragraphs, notes and tables on stdout.

On a terminal, lines fit its width. Into a pipe or a file there is no colour, and a row
of a table stays one line however long, so that grep and awk see whole rows.
"""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from .output import printable
from .tables import Column, make_table, parts_that_fit

PARAGRAPH_COLUMNS = 100
"""Longest line of running text: longer ones are hard to read."""

GLUE = "\0"
"""A space where no line may break."""

UNLIMITED = 100_000
"""Width of a table that goes to a pipe [columns]."""


class Screen:
    """Standard output.

    Attributes:
        width: columns that tables may take.
    """

    def __init__(self) -> None:
        fixed = sys.stdout.isatty() or "COLUMNS" in os.environ
        self._console = Console(
            width=None if fixed else UNLIMITED, highlight=False, markup=False, emoji=False
        )
        self.width = self._console.width
        self._started = False

    def headline(self, text: str) -> None:
        """The answer, in one sentence."""
        self._write(Text(self._wrapped(text), style="bold"))

    def paragraph(self, text: str) -> None:
        """Running text."""
        self._write(Text(self._wrapped(text)))

    def gap(self) -> None:
        """An empty line between two things."""
        if self._started:
            sys.stdout.write("\n")

    def notes(self, title: str, lines: Iterable[str]) -> None:
        """A list of remarks under a title; nothing when there is none."""
        lines = list(lines)
        if not lines:
            return
        self.gap()
        self._write(Text(printable(title), style="bold"))
        for line in lines:
            self._write(Text(self._wrapped(line, "- ", "  ")))

    def table(self, keys: list[Column], *blocks: list[Column]) -> None:
        """A table; one that is too wide is cut into several.

        Args:
            keys: columns that say which row is which; every part repeats them.
            blocks: the other columns, in groups that belong together.
        """
        for part in parts_that_fit(keys, list(blocks), self.width):
            self.gap()
            self._write(make_table(part, self.width))

    def facts(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Labels and values, one pair a line; long values go on below."""
        grid = Table.grid(padding=(0, 2, 0, 0))
        for label, value in pairs:
            grid.add_row(Text(printable(label)), Text(printable(value), overflow="fold"))
        self._write(grid)

    def _wrapped(self, text: str, first: str = "", later: str = "") -> str:
        """Text in lines that fit; a number stays on one line with its unit."""
        joined = re.sub(r"(?<=\d) (?=[%a-zA-Z])|(?<=USD) ", GLUE, printable(text))
        filled = textwrap.fill(
            joined,
            max(min(self.width, PARAGRAPH_COLUMNS), 20),
            initial_indent=first,
            subsequent_indent=later,
            break_long_words=False,
            break_on_hyphens=False,
        )
        return filled.replace(GLUE, " ")

    def _write(self, content: RenderableType) -> None:
        with self._console.capture() as captured:
            self._console.print(content, soft_wrap=isinstance(content, Text))
        self._started = True
        for line in captured.get().splitlines():
            sys.stdout.write(line.rstrip() + "\n")
