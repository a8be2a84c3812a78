"""Problems as people write them: YAML, TOML or JSON, with names instead of values.

`load_problem` resolves the names (architectures, VM types, calibrations) and returns a
`FleetProblem` that needs no file any more.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator

from ..models.fleet import FleetProblem
from ..models.outcome import CatalogError, InferSaveError, ProblemError
from ..models.value import Name, Positive, Value
from .architectures import load_architecture
from .calibrations import load_calibrations
from .store import Catalog, load_catalog

EXAMPLES = Path(__file__).resolve().parent / "data" / "problems"
EXAMPLE_PREFIX = "example:"
SIZE_LIMIT_BYTES = 16 * 2**20
FORMATS = (".yaml", ".yml", ".toml", ".json")
EXPONENT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$")


def _listed(value: object) -> object:
    """One name is a list of one: a union of both would name neither in its errors."""
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[Name, ...], BeforeValidator(_listed)]
"""One name, or a list of them."""


class CatalogFilter(Value):
    """Which offers a problem may buy. Every field narrows; an absent one does not.

    Attributes:
        name: a shipped catalogue (`clouds`, `paper`), or a folder or CSV file of one's own.
        max_usd_per_hour: dearest price of one VM [USD/h].
    """

    name: str = "clouds"
    provider: Names | None = None
    regions: Names | None = None
    purchase: Names | None = ("on_demand",)
    gpus: Names | None = None
    vm_types: Names | None = None
    families: Names | None = None
    max_usd_per_hour: Positive | None = None

    def select(self) -> Catalog:
        """The offers that pass.

        Raises:
            CatalogError: a name is unknown, or nothing passes.
        """
        filters = {k: v for k, v in self if k != "name"}
        for field, value in filters.items():
            if isinstance(value, tuple) and len(value) == 1:  # `all` is no name among others
                filters[field] = value[0]
        return load_catalog(self.name).select(**filters)


def example_names() -> tuple[str, ...]:
    """Problems that ship with the package, for `load_problem("example:NAME")`."""
    return tuple(sorted(path.stem for path in EXAMPLES.iterdir() if path.suffix in FORMATS))


def load_problem(path: str | os.PathLike[str]) -> FleetProblem:
    """Read a problem file, or the shipped example `example:NAME`.

    Raises:
        ProblemError: the file cannot be read, is malformed (with its line), or a value
            breaks a rule (field, value, rule).
        CatalogError: a name is in no catalogue; offers the nearest.
    """
    name = os.fspath(path)
    if name.startswith(EXAMPLE_PREFIX):
        return parse_problem(read_data(_example(name.removeprefix(EXAMPLE_PREFIX))))
    return parse_problem(read_data(Path(name)))


def parse_problem(data: object) -> FleetProblem:
    """A problem from plain data, in the same words as the file.

    Raises:
        ProblemError, CatalogError: as `load_problem`.
    """
    if not isinstance(data, Mapping):
        raise ProblemError("problem", data, "must be a table with the field workloads")
    fields: dict[str, Any] = dict(data)
    chosen = CatalogFilter.parse_at("catalog", fields.pop("catalog", {}))
    workloads = fields.get("workloads")
    if not isinstance(workloads, list) or not workloads:
        raise ProblemError("workloads", workloads, "must be a list of at least one workload")
    fields["workloads"] = [_with_architecture(w, i) for i, w in enumerate(workloads)]
    unknown = set(fields) - {"workloads", "billing"}
    if unknown:
        raise ProblemError(min(unknown), None, "is not a known field")
    offers = chosen.select().offers
    return FleetProblem.parse({**fields, "offers": offers, "calibrations": load_calibrations()})


def _with_architecture(workload: object, index: int) -> object:
    """The workload with its architecture's name replaced by the value."""
    if not isinstance(workload, Mapping):
        raise ProblemError(f"workloads[{index}]", workload, "must be a table")
    name = workload.get("architecture")
    if not isinstance(name, str):
        field = f"workloads[{index}].architecture"
        raise ProblemError(field, name, "must be the name of an LLM or the path of a config.json")
    try:
        return {**workload, "architecture": load_architecture(name)}
    except CatalogError as error:
        raise CatalogError(f"workloads[{index}].architecture: {error}") from None


def _example(name: str) -> Path:
    if name not in example_names():
        raise CatalogError.unknown("example", name, example_names())
    return next(p for p in EXAMPLES.iterdir() if p.stem == name and p.suffix in FORMATS)


def read_data(path: Path) -> object:
    """A file's content as plain data, in the format that its name ends in.

    Raises:
        ProblemError: it cannot be read, or is malformed (with its line).
    """
    suffix = path.suffix.lower()
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
            keys = [self.construct_object(key, deep=True) for key, _ in node.value]
            for position, key in enumerate(keys):
                if key in keys[:position]:
                    line = node.value[position][0].start_mark.line + 1
                    raise ValueError(f"line {line}: {key!r} is given twice")
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
