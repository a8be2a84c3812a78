"""YAML as plain data: what JSON can say, within limits, with errors that name the line.

No anchors, aliases and merge keys (a small file may grow without bound), no tags (they ask the
reader for objects). `12:30` and `2026-01-31` are text: YAML 1.1 makes 750 and a date of them.
"""

from __future__ import annotations

import re
from typing import Any

EXPONENT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$")
TAG = "tag:yaml.org,2002:"
TEXT = f"{TAG}str"
PLAIN = tuple(f"{TAG}{kind}" for kind in ("map", "seq", "int", "float", "bool", "null"))


def parse_yaml(text: str, most_depth: int, most_values: int) -> object:
    """Plain data from YAML text.

    Args:
        most_depth: lists and tables inside each other.
        most_values: values, with the names of tables and each list and table itself.

    Raises:
        ValueError: it is malformed, or breaks one of the rules, with its line.
    """
    import yaml

    # The same reader in C, ten times as fast, where PyYAML came with it.
    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
            if kind is yaml.ScalarNode and ":" in value:
                return TEXT
            tag = super().resolve(kind, value, implicit)
            return tag if tag in PLAIN else TEXT

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen: set[str] = set()
            for key_node, _ in node.value:
                line = key_node.start_mark.line + 1
                if key_node.tag != TEXT:
                    key = self.construct_object(key_node, deep=True)
                    raise ValueError(f"line {line}: the name {key!r} must be text")
                if key_node.value in seen:
                    raise ValueError(f"line {line}: {key_node.value!r} is given twice")
                seen.add(key_node.value)
            return super().construct_mapping(node, deep)

    # YAML 1.1 takes 1e3 for a word: it wants 1.0e+3.
    Loader.add_implicit_resolver(f"{TAG}float", EXPONENT, list("-+0123456789"))
    too_deep = f"must nest lists and tables at most {most_depth} deep"
    try:
        _check(yaml.parse(text, Loader), most_depth, most_values, too_deep)
        return yaml.load(text, Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        problem = error.problem or error.context or ""
        # The reader in C looks ahead, and has a limit of its own.
        raise ValueError(line + (too_deep if "nesting depth" in problem else problem)) from None
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None


def _check(events: Any, most_depth: int, most_values: int, too_deep: str) -> None:
    """Refuse what is too deep, too large or not plain, before any of it is built."""
    import yaml

    depth = values = 0
    for event in events:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if not isinstance(event, yaml.NodeEvent):
            continue
        values += 1
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise ValueError(f"line {line}: anchors (&name) and aliases (*name) are not allowed")
        if getattr(event, "tag", None) is not None:
            raise ValueError(f"line {line}: tags (!name) are not allowed")
        if isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]:
            raise ValueError(f"line {line}: merge keys (<<) are not allowed")
        depth += isinstance(event, yaml.CollectionStartEvent)
        if depth > most_depth:
            raise ValueError(f"line {line}: {too_deep}")
        if values > most_values:
            raise ValueError(f"line {line}: must have at most {most_values:,} values and names")
