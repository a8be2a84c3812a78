"""YAML, TOML and JSON as plain data: limits, and what is refused before it can grow."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from infersave.catalogs.plain_data import (
    JSON_VALUES,
    MOST_DEPTH,
    TOML_CHARACTERS,
    TOML_VALUES,
    YAML_VALUES,
    parse_text,
    read_data,
)
from infersave.catalogs.problem_file import EXAMPLES
from infersave.models.outcome import ProblemError

AT_ONCE_S = 2.0


def refused(text: str, suffix: str) -> str:
    begun = time.process_time()
    with pytest.raises(ProblemError) as caught:
        parse_text(text, suffix, "file")
    assert time.process_time() - begun < AT_ONCE_S
    message = str(caught.value)
    assert message.isprintable()
    return message


def nested(depth: int, suffix: str) -> str:
    start = "a = " if suffix == ".toml" else ""
    # A TOML file is a table already.
    depth -= suffix == ".toml"
    return start + "[" * depth + "]" * depth


@pytest.mark.parametrize("suffix", [".json", ".yaml", ".toml"])
def test_nesting_has_a_limit(suffix: str) -> None:
    assert parse_text(nested(MOST_DEPTH, suffix), suffix, "file") is not None
    for depth in (MOST_DEPTH + 1, 300, 100_000):
        assert "must nest lists and tables at most 32 deep" in refused(
            nested(depth, suffix), suffix
        )


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ('{"a": ' * 100_000, ".json"),
        ('{"a": [' * 100_000, ".json"),
        ("{a: " * 100_000, ".yaml"),
        ("- " * 100_000, ".yaml"),
        ("? " * 100_000, ".yaml"),
        ("\n".join(" " * i + "a:" for i in range(3_000)), ".yaml"),
        ("a = " + "[{a = " * 50_000, ".toml"),
    ],
)
def test_nesting_that_never_ends(text: str, suffix: str) -> None:
    assert "at most 32 deep" in refused(text, suffix)


@pytest.mark.parametrize(
    "text",
    [
        ".".join("a" * 10_000) + " = 1",
        '"a" . ' * 10_000 + "b = 1",
        "b = 1\n['a'" + ". 'a'" * 10_000 + "]",
    ],
)
def test_a_dotted_name_of_toml_nests_too(text: str) -> None:
    assert "a dotted name must have at most 32 parts" in refused(text, ".toml")


@pytest.mark.parametrize(
    ("unit", "suffix", "most"),
    [("1,", ".json", JSON_VALUES), ("1,", ".yaml", YAML_VALUES), ("1,", ".toml", TOML_VALUES)],
)
def test_a_wide_file_has_a_limit(unit: str, suffix: str, most: int) -> None:
    start = "a = [" if suffix == ".toml" else "["
    held = most - 1 - 2 * (suffix == ".toml")
    begun = time.process_time()
    parse_text(f"{start}{unit * (held - 1)}1]", suffix, "file")
    assert time.process_time() - begun < AT_ONCE_S
    assert f"must have at most {most:,} values and names" in refused(
        f"{start}{unit * held}1]", suffix
    )


@pytest.mark.parametrize(
    ("text", "suffix", "said"),
    [
        ("[" + "{}," * 5_000_000 + "1]", ".json", "values and names"),
        ("[" + ",".join('{"a":1}' for _ in range(500_000)) + "]", ".json", "values and names"),
        ("- 1\n" * 2_000_000, ".yaml", "line 150000: must have at most"),
        ("\n".join(f"k{i}: 1" for i in range(200_000)), ".yaml", "line 75000: must have"),
        ("# words\n" * 500_000, ".toml", f"at most {TOML_CHARACTERS} characters"),
        ("a = " + "1" * 100_000, ".toml", "digits"),
        ("1" * 100_000, ".json", "digits"),
        ("a: " + "1" * 100_000, ".yaml", "digits"),
    ],
)
def test_a_large_file_is_refused_at_once(text: str, suffix: str, said: str) -> None:
    assert said in refused(text, suffix)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: &x 1", "line 2: anchors"),
        ("a: &x [1]\nb: *x", "line 1: anchors"),
        ("a: 1\nb: *x", "line 2: anchors (&name) and aliases (*name) are not allowed"),
        ("&x a: 1", "line 1: anchors"),
        ("a:\n  <<: {b: 1}", "line 2: merge keys (<<) are not allowed"),
        ("a: !!binary aGk=", "line 1: tags (!name) are not allowed"),
        ("a: !!python/object/apply:os.system [ls]", "line 1: tags"),
        ("a: !own {}", "line 1: tags"),
        ("a: 1\n1: 2", "line 2: the name 1 must be text"),
        ("? [a]\n: 2", "line 1: the name ['a'] must be text"),
        ("a: 1\nb: 2\na: 3", "line 3: 'a' is given twice"),
    ],
)
def test_yaml_says_what_json_can(text: str, said: str) -> None:
    assert said in refused(text, ".yaml")


@pytest.mark.parametrize("text", ["12:30", "1:" * 200 + "1.5", "2026-01-31", "2026-13-45", "1:1:1"])
def test_times_and_dates_of_yaml_are_text(text: str) -> None:
    """YAML 1.1 reads 12:30 as 750, cannot tell dates from names, and overflows on the rest."""
    assert parse_text(f"a: {text}", ".yaml", "file") == {"a": text}


def test_ordinary_yaml() -> None:
    text = "a: [1, -2.5, 1e3, yes, null, '1', \"<<\", ~, .5]\n'b c': |\n  d\n"
    held = [1, -2.5, 1000.0, True, None, "1", "<<", None, 0.5]
    assert parse_text(text, ".yaml", "file") == {"a": held, "b c": "d\n"}


def test_shipped_problems_are_far_from_the_limits() -> None:
    """Each list five times inside itself, and each file fifty times as long."""
    for path in EXAMPLES.iterdir():
        text = json.dumps([read_data(path)] * 50)
        deep = text.replace("[", "[" * 5).replace("]", "]" * 5)
        parse_text(deep, ".json", "file")
        parse_text(deep, ".yaml", "file")


def test_a_file_too_large(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with path.open("wb") as stream:
        stream.truncate(16 * 2**20 + 1)
    with pytest.raises(ProblemError, match="must be at most 16777216 bytes"):
        read_data(path)
