"""The path of a field, such as `workloads[chat].slo.tpot_s`: the one way to name it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .fleet import FleetProblem
from .outcome import ProblemError
from .value import Value

STEP = re.compile(r"(\w+)|\[([^\]]+)\]")
"""One step of a path: a field, a position, or the name of a workload or quota."""

Key = str | int


def steps_of(path: str) -> list[str]:
    """The steps of a path.

    >>> steps_of("workloads[chat].slo.tpot_s")
    ['workloads', 'chat', 'slo', 'tpot_s']

    Raises:
        ProblemError: it has none.
    """
    steps = [part[0] or part[1] for part in STEP.findall(path)]
    if not steps:
        raise ProblemError(path or "field", None, "must be the path of a field, such as budget.usd")
    return steps


def key_in(holder: object, step: str, path: str) -> Key:
    """Where a step leads in plain data or in values: a key, or a position in a list.

    Raises:
        ProblemError: nowhere.
    """
    if isinstance(holder, Mapping):
        return step
    if isinstance(holder, Value):
        if step not in type(holder).model_fields:
            raise ProblemError(path, None, f"there is no field {step!r}")
        return step
    if not isinstance(holder, Sequence) or isinstance(holder, str):
        raise ProblemError(path, None, f"there is nothing to look for {step!r} in")
    names = [
        item.get("name") if isinstance(item, Mapping) else getattr(item, "name", None)
        for item in holder
    ]
    if step in names:
        return names.index(step)
    if step.isdigit() and int(step) < len(holder):
        return int(step)
    raise ProblemError(path, None, f"there is no {step!r} among {len(holder)} here")


def keys_of(problem: FleetProblem, path: str) -> tuple[Key, ...]:
    """Where a path leads in a problem, names of workloads and quotas as positions.

    Raises:
        ProblemError: nowhere.
    """
    holder: Any = problem
    keys: list[Key] = []
    for step in steps_of(path):
        keys.append(key_in(holder, step, path))
        holder = _inside(holder, keys[-1])
    return tuple(keys)


def value_at(problem: FleetProblem, keys: Sequence[Key]) -> object:
    """What a field says."""
    holder: Any = problem
    for key in keys:
        holder = _inside(holder, key)
    return holder


def with_value(problem: FleetProblem, keys: Sequence[Key], value: object) -> FleetProblem:
    """The problem with one field changed, validated again.

    Raises:
        ProblemError: the value is not one that the field may have.
    """
    changed = _changed(problem, list(keys), value)
    assert isinstance(changed, FleetProblem), "a path starts at the problem"
    return changed


def with_field(problem: FleetProblem, path: str, value: object) -> FleetProblem:
    """`with_value` at a path in which workloads and quotas are named by position.

    Raises:
        ProblemError: the value is not one that the field may have.
    """
    keys = [int(step) if step.isdigit() else step for step in steps_of(path)]
    return with_value(problem, keys, value)


def _inside(holder: Any, key: Key) -> Any:
    return holder[key] if isinstance(key, int) else getattr(holder, key)


def _changed(holder: Any, keys: list[Key], value: object) -> object:
    if not keys:
        return value
    key, rest = keys[0], keys[1:]
    try:
        inner = _changed(_inside(holder, key), rest, value)
    except ProblemError as error:
        step = f"[{key}]" if isinstance(key, int) else key
        dot = "" if error.field.startswith("[") else "."
        raise ProblemError(f"{step}{dot}{error.field}", error.value, error.rule) from None
    if isinstance(key, int):
        return (*holder[:key], inner, *holder[key + 1 :])
    return holder.replace(**{key: inner})
