"""CSV that is safe to open in a spreadsheet, and reads back as it was.

Spreadsheets run a cell that begins like a formula (CWE-1236), and names and sources of files
come from strangers. Such text is written with an apostrophe before it, which spreadsheets
take for "this is text". Text that begins with apostrophes and then a formula gets one more,
so that reading takes away one and only where one was added.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TextIO

FORMULA = re.compile(r"'*(\s*[-=+@－＝＋＠]|[\t\r\n])")
"""What some spreadsheet runs (full-width forms too), or drops to run what follows."""
NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
QUOTED = re.compile(r'[,"\r\n]')


def defused(text: str) -> str:
    """A cell as it is written; numbers stay numbers.

    >>> [defused(cell) for cell in ("=1+1", "'=1+1", "-1.5e-3", "it's", "@here")]
    ["'=1+1", "''=1+1", '-1.5e-3', "it's", "'@here"]
    """
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def restored(cell: str) -> str:
    """A cell as it was before `defused`; one that needed no apostrophe keeps its own.

    >>> [restored(cell) for cell in ("'=1+1", "''=1+1", "-1.5e-3", "'quoted'")]
    ['=1+1', "'=1+1", '-1.5e-3', "'quoted'"]
    """
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell[1:]) else cell


def write_table(stream: TextIO, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """A header and rows as CSV."""
    for row in (columns, *rows):
        stream.write(",".join(_quoted(defused(cell)) for cell in row) + "\n")


def _quoted(cell: str) -> str:
    """A cell as CSV has it; `csv.writer` leaves a carriage return bare before Python 3.13."""
    return '"' + cell.replace('"', '""') + '"' if QUOTED.search(cell) else cell
