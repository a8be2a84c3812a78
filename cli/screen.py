"""Where a command writes for people: paragraphs, notes and tables on stdout.

On a terminal, lines fit its width. Into a pipe or a file there is no colour, and a row
of a table stays one line however long, so that grep and awk see whole rows.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.text import Text

from .output import printable
from .tables import Column, column_groups, make_table

PARAGRAPH_COLUMNS = 100
"""Longest line of running text: longer ones are hard to read."""

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

    def headline(self, text: str) -> None:
        """The answer, in one sentence."""
        self._write(Text(self._wrapped(text), style="bold"))

    def paragraph(self, text: str) -> None:
        """Running text."""
        self._write(Text(self._wrapped(text)))

    def blank(self) -> None:
        """An empty line."""
        sys.stdout.write("\n")

    def notes(self, title: str, lines: Iterable[str]) -> None:
        """A list of remarks under a title; nothing when there is none."""
        lines = list(lines)
        if not lines:
            return
        self.blank()
        self._write(Text(printable(title), style="bold"))
        for line in lines:
            self._write(Text(self._wrapped(line, "- ", "  ")))

    def table(self, columns: Iterable[Column], keys: int = 1) -> None:
        """A table; one that is too wide is cut into several.

        Args:
            columns: what it shows; columns of nothing are left out.
            keys: first columns, which every part repeats.
        """
        for part in column_groups(list(columns), keys, self.width):
            self.blank()
            self._write(make_table(part))

    def _wrapped(self, text: str, first: str = "", later: str = "") -> str:
        """Text in lines that fit."""
        width = min(self.width, PARAGRAPH_COLUMNS)
        return textwrap.fill(
            printable(text),
            max(width, 20),
            initial_indent=first,
            subsequent_indent=later,
            break_long_words=False,
            break_on_hyphens=False,
        )

    def _write(self, content: RenderableType) -> None:
        with self._console.capture() as captured:
            self._console.print(content, soft_wrap=isinstance(content, Text))
        for line in captured.get().splitlines():
            sys.stdout.write(line.rstrip() + "\n")
