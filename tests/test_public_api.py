"""The contract: every public name with its signature or fields, as `public_api.txt` has it.

    python tests/test_public_api.py     writes that file anew

A change to it is a change for whoever embeds InferSave: docs/versions.md says which are allowed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

import infersave

GOLDEN = Path(__file__).with_name("public_api.txt")
ADVICE = """the public names changed. Where that is meant, see docs/versions.md, run
    python tests/test_public_api.py
and commit the difference"""


class Written(str):
    """An annotation that shows as its module wrote it."""

    def __repr__(self) -> str:
        return str(self)


def described() -> str:
    """Every public name, then the values that fields and bases bring along, a paragraph each."""
    public = {name: getattr(infersave, name) for name in infersave.__all__}
    more = {cls.__name__: cls for value in public.values() for cls in brought_by(value)}
    unnamed = {name: more[name] for name in sorted(more.keys() - public.keys())}
    every = {**public, **unnamed}
    return "\n\n".join("\n".join(lines_of(name, value)) for name, value in every.items()) + "\n"


def brought_by(value: object) -> Iterator[type]:
    """Classes of InferSave behind a class or annotation: its bases, and what its fields hold."""
    for inner in get_args(value):
        yield from brought_by(inner)
    if inspect.isclass(value) and value.__module__.startswith("infersave."):
        yield value
        for base in value.__bases__:
            yield from brought_by(base)
        if issubclass(value, BaseModel):
            for field in value.model_fields.values():
                yield from brought_by(field.annotation)


def lines_of(name: str, value: object) -> Iterator[str]:
    if inspect.isclass(value):
        yield f"class {name}({', '.join(base.__name__ for base in value.__bases__)})"
        yield from (f"    {line}" for line in (*members(value), *sorted(methods(value))))
    elif callable(value):
        yield f"def {name}{signature(value)}"
    else:
        yield f"{name}: {type(value).__name__}"


def members(cls: type) -> Iterator[str]:
    """Members, fields or arguments, in their order."""
    if issubclass(cls, Enum):
        yield from (f"{member.name} = {member.value!r}" for member in cls)
    elif issubclass(cls, BaseModel):
        for name, field in cls.model_fields.items():
            needed = field.is_required()
            default = "" if needed else f" = {field.get_default(call_default_factory=True)!r}"
            yield f"{name}: {annotation(cls, name)}{default}"
    elif is_dataclass(cls):
        for one in fields(cls):
            given = one.default is not MISSING or one.default_factory is not MISSING
            default = f" = {one.default!r}" if one.default is not MISSING else " = ..."
            yield f"{one.name}: {annotation(cls, one.name)}{default if given else ''}"
    elif "__init__" in vars(cls):
        yield f"def __init__{signature(vars(cls)['__init__'])}"


def methods(cls: type) -> Iterator[str]:
    """What a class defines itself and does not hide."""
    for name, value in vars(cls).items():
        inner = getattr(value, "fget", None) or getattr(value, "func", None)
        inner = inner or getattr(value, "__func__", value)
        if name.startswith("_") or not inspect.isfunction(inner):
            continue
        if isinstance(value, property) or hasattr(value, "func"):
            yield f"{name} -> {inner.__annotations__['return']}"
        else:
            kind = f"{type(value).__name__} " if hasattr(value, "__func__") else ""
            yield f"{kind}def {name}{signature(inner)}"


def signature(function: Callable[..., object]) -> inspect.Signature:
    """With annotations as they are written."""
    told = inspect.signature(function)
    arguments = [
        one.replace(
            annotation=_written(one.annotation),
            default=Written("...") if inspect.isfunction(one.default) else one.default,
        )
        for one in told.parameters.values()
    ]
    return told.replace(parameters=arguments, return_annotation=_written(told.return_annotation))


def _written(annotation: object) -> object:
    return Written(annotation) if isinstance(annotation, str) else annotation


def annotation(cls: type, name: str) -> str:
    """As its class writes it."""
    return next(str(c.__annotations__[name]) for c in cls.__mro__ if name in c.__annotations__)


def test_the_public_names_are_as_written_down() -> None:
    assert described() == GOLDEN.read_text(encoding="utf-8"), ADVICE


def test_the_description_sees_what_it_must() -> None:
    told = described()
    assert "\ndef solve(problem: FleetProblem, *, backend: str = 'ortools:highs', opt" in told
    assert "\nclass ProblemError(InferSaveError, ValueError)\n" in told
    assert "\nclass JobRun(Value)\n" in told, "which is public through a field alone"
    assert "    OPTIMAL = 'optimal'\n" in told
    assert "    time_limit_s: float = 60.0\n" in told
    assert "    usd_per_hour: Positive\n" in told
    assert "    classmethod def parse(cls, data: object) -> Self\n" in told
    assert "    sentence -> str\n" in told
    assert told.count("\nclass ") + told.count("\ndef ") > 60


if __name__ == "__main__":
    GOLDEN.write_text(described(), encoding="utf-8")
