"""Tables fit, numbers are never cut, and names cannot command the terminal."""

from __future__ import annotations

import pytest

from infersave.cli.output import printable, to_json
from infersave.cli.screen import Screen
from infersave.cli.tables import (
    Column,
    gap_that_fits,
    name_column,
    number_column,
    parts_that_fit,
    prose_column,
)

KEYS = [name_column("name", ["alpha", "beta"])]
NUMBERS = [number_column(f"n{i}", ["123456", "7"]) for i in range(4)]


def titles(parts: list[list[Column]]) -> list[list[str]]:
    return [[column.title for column in part] for part in parts]


def test_one_table_when_it_fits() -> None:
    parts = list(parts_that_fit(KEYS, [NUMBERS[:2], NUMBERS[2:]], 100))
    assert titles(parts) == [["name", "n0", "n1", "n2", "n3"]]


def test_blocks_stay_together() -> None:
    parts = list(parts_that_fit(KEYS, [NUMBERS[:2], NUMBERS[2:]], 25))
    assert titles(parts) == [["name", "n0", "n1"], ["name", "n2", "n3"]]


def test_a_block_is_cut_only_when_it_must() -> None:
    parts = list(parts_that_fit(KEYS, [NUMBERS], 20))
    assert titles(parts) == [["name", "n0", "n1"], ["name", "n2", "n3"]]
    assert titles(list(parts_that_fit(KEYS, [NUMBERS], 3))) == [
        ["name", f"n{i}"] for i in range(4)
    ], "never without a column"


def test_columns_that_say_nothing_are_left_out() -> None:
    silent = number_column("none", ["-", ""])
    assert titles(list(parts_that_fit(KEYS, [[silent, NUMBERS[0]]], 100))) == [["name", "n0"]]


def test_prose_gives_way_before_a_table_is_cut() -> None:
    prose = prose_column("why", ["a very long story about nothing", "short"])
    assert gap_that_fits([*KEYS, prose], 14) == 2
    assert gap_that_fits([*KEYS, name_column("why", prose.cells)], 14) == 0


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.setenv("COLUMNS", "24")
    return Screen()


def test_numbers_are_never_cut(screen: Screen, capsys: pytest.CaptureFixture[str]) -> None:
    screen.table([name_column("name", ["a-name-that-is-much-too-long-to-fit"])], NUMBERS_OF_ONE)
    shown = capsys.readouterr().out
    assert shown.count("1,234,567") == 3
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= 24


NUMBERS_OF_ONE = [number_column(f"n{i}", ["1,234,567"]) for i in range(3)]


def test_markup_and_control_characters_do_nothing(
    screen: Screen, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "[red]x[/] \x1b[2J :smile:"
    screen.headline(evil)
    screen.notes(evil, [evil])
    screen.facts([(evil, evil)])
    screen.table([name_column("t", [evil])], [])
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "[red]x[/]" in shown
    assert ":smile:" in shown


def test_a_number_stays_with_its_unit(screen: Screen, capsys: pytest.CaptureFixture[str]) -> None:
    screen.paragraph("that is a gap of about 23 % and costs USD 5.5 an hour")
    lines = capsys.readouterr().out.splitlines()
    assert not any(line.startswith("%") or line.endswith("USD") for line in lines)


def test_json_has_no_nan() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"usd": float("nan")})


def test_printable() -> None:
    assert printable("a\tb\x07c\u202ed\ne") == "a?b?c?d\ne"
