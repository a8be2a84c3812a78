"""YAML, TOML and JSON files as plain data, with errors that name the line."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from ..models.outcome import InferSaveError, ProblemError
from .plain_yaml import parse_yaml

SIZE_LIMIT_BYTES = 16 * 2**20
FORMATS = (".yaml", ".yml", ".toml", ".json")
MOST_DEPTH = 32
"""Lists and tables inside each other; the shipped files need 5."""
JSON_VALUES, TOML_VALUES, YAML_VALUES = 1_000_000, 150_000, 150_000
"""Values and names that each reader takes in about a second; 1,000 workloads are 20,000, fifteen
profiles of every hour of a year 132,000."""
TOML_CHARACTERS = 3 * 2**18
PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+"""
DOTTED = re.compile(rf"(?<![\w-])(?:{PART}){{{MOST_DEPTH}}}")
TOO_DEEP = f"must nest lists and tables at most {MOST_DEPTH} deep"


def read_data(path: Path, suffix: str = "") -> object:
    """A file's content as plain data, in the format of `suffix`, else of its name's ending.

    Raises:
        ProblemError: it cannot be read, or is malformed (with its line).
    """
    suffix = suffix or path.suffix.lower()
    if suffix not in FORMATS:
        raise ProblemError("file", str(path), f"must end in one of {', '.join(FORMATS)}")
    try:
        if path.stat().st_size > SIZE_LIMIT_BYTES:
            raise ProblemError("file", str(path), f"must be at most {SIZE_LIMIT_BYTES} bytes")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise ProblemError("file", str(path), reason) from None
    except UnicodeDecodeError:
        raise ProblemError("file", str(path), "must be UTF-8 text") from None
    return parse_text(text, suffix, str(path))


def parse_text(text: str, suffix: str, name: str) -> object:
    """Plain data from YAML, TOML or JSON text; `name` is what errors call it.

    Raises:
        ProblemError: malformed (with the line), too deep or too large, or a key is given twice.
    """
    try:
        if suffix == ".json":
            return _within(_json(text), JSON_VALUES)
        if suffix == ".toml":
            return _within(_toml(text), TOML_VALUES)
        return parse_yaml(text, MOST_DEPTH, YAML_VALUES)
    except InferSaveError:
        raise
    except RecursionError:
        raise ProblemError(name, None, TOO_DEEP) from None
    except ValueError as error:
        raise ProblemError(name, None, f"is not valid {suffix[1:].upper()}: {error}") from None


def _json(text: str) -> object:
    """JSON; what opens too many lists and tables is refused before they are made."""
    if text.count("[") + text.count("{") > JSON_VALUES:
        raise ValueError(f"must have at most {JSON_VALUES:,} values and names")
    return json.loads(text, object_pairs_hook=_no_duplicates)


def _toml(text: str) -> object:
    """TOML, whose reader is quadratic in the length of a dotted name, and the slowest by bytes."""
    if len(text) > TOML_CHARACTERS:
        raise ValueError(f"must be at most {TOML_CHARACTERS} characters")
    if found := DOTTED.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise ValueError(f"line {line}: a dotted name must have at most {MOST_DEPTH} parts")
    return tomllib.loads(text)


def _within(data: object, most_values: int) -> object:
    """The data, level by level found neither too deep nor too large."""
    level, values = [data], 1
    for _ in range(MOST_DEPTH + 1):
        outer = [value for value in level if isinstance(value, dict | list)]
        if not outer:
            return data
        values += sum(len(value) * (2 if isinstance(value, dict) else 1) for value in outer)
        if values > most_values:
            raise ValueError(f"must have at most {most_values:,} values and names")
        level = [v for each in outer for v in (each.values() if isinstance(each, dict) else each)]
    raise ValueError(TOO_DEEP)


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise ProblemError(key, None, "is given twice")
        found[key] = value
    return found
