"""YAML, TOML and JSON files as plain data, with errors that name the line."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from ..models.outcome import InferSaveError, ProblemError

SIZE_LIMIT_BYTES = 16 * 2**20
FORMATS = (".yaml", ".yml", ".toml", ".json")
EXPONENT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$")


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
        ProblemError: malformed (with the line), or a key is given twice.
    """
    try:
        if suffix == ".toml":
            return tomllib.loads(text)
        if suffix == ".json":
            return json.loads(text, object_pairs_hook=_no_duplicates)
        return _yaml(text)
    except InferSaveError:
        raise
    except (ValueError, RecursionError) as error:
        raise ProblemError(name, None, f"is not valid {suffix[1:].upper()}: {error}") from None


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise ProblemError(key, None, "is given twice")
        found[key] = value
    return found


def _yaml(text: str) -> object:
    """YAML without aliases (they can grow without bound) and without duplicate keys."""
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]
                raise ValueError(f"line {line}: aliases (*name) are not allowed")
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen: set[str] = set()
            for key_node, _ in node.value:
                key = self.construct_object(key_node, deep=True)
                line = key_node.start_mark.line + 1
                if not isinstance(key, str):
                    raise ValueError(f"line {line}: the name {key!r} must be text")
                if key in seen:
                    raise ValueError(f"line {line}: {key!r} is given twice")
                seen.add(key)
            return super().construct_mapping(node, deep)

    # YAML 1.1 takes 1e3 for a word: it wants 1.0e+3.
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", EXPONENT, list("-+0123456789"))
    try:
        return yaml.load(text, Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(f"{line}{error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
