"""Problem files as strangers might write them: shipped examples, broken at random."""

from __future__ import annotations

import copy
import json
import random
import re
import time
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

import infersave
from infersave.catalogs.plain_data import parse_text, read_data
from infersave.catalogs.problem_file import EXAMPLES
from infersave.models.value import Value

SLOW_S = 2.0
"""Longer than this at work is a hang."""
MOST_SHOWN = 1000
"""Characters of a message."""
EXPECTED = re.compile(r"\S.*[:;] \S")
"""A place or a value, then the rule."""
NASTY: tuple[object, ...] = (
    *(None, True, False, 0, -1, 1, 2**63, 10**400, -0.0, 1e-320, 1e308, float("nan"), float("inf")),
    *("", "4", "1e3", "nan", "é", "\x1b[31m", "a\nb", "../../etc/passwd", "=1+1", "x" * 10_000),
    *([], [[]], {}, {"": 1}, [1, "a", None], {"name": {"name": {}}}, "*" * 200, "\u202e", "NaN"),
)
"""Values that have broken parsers."""


@cache
def examples() -> list[dict[str, Any]]:
    """The shipped problems as plain data."""
    files = sorted(EXAMPLES.iterdir())
    found = [read_data(file) for file in files if file.suffix in (".yaml", ".toml", ".json")]
    return [data for data in found if isinstance(data, dict)]


def broken(seed: int, base: dict[str, Any]) -> tuple[str, str]:
    """Text and format of a problem with a few things wrong."""
    rng = random.Random(seed)
    data: Any = copy.deepcopy(base)
    for _ in range(rng.randint(1, 3)):
        break_one(rng, data)
    suffix = rng.choice((".json", ".yaml"))
    text = json.dumps(data) if suffix == ".json" else yaml.safe_dump(data, allow_unicode=True)
    return bytes_broken(rng, text), suffix


def bytes_broken(rng: random.Random, text: str) -> str:
    """The text, in three cases of ten with a few characters wrong."""
    if not text or rng.random() >= 0.3:
        return text
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(text))
        text = text[:place] + rng.choice("{}[]:,&*!|>%@`\"'\\\t\r\n0-e\x00é") + text[place + 1 :]
    return text


def break_one(rng: random.Random, data: Any) -> None:
    """One place, chosen by a walk from the top: another value, another name, gone or doubled."""
    holder, key = data, None
    while isinstance(holder, dict | list) and len(holder):
        key = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        inner = holder[key]
        if not isinstance(inner, dict | list) or not inner or rng.random() < 0.3:
            break
        holder = inner
    if key is None:
        return
    way = rng.randrange(4)
    if way == 0:
        del holder[key]
    elif way == 1 and isinstance(holder, dict):
        holder[str(key) + rng.choice(("s", "_", " ", "\u0000"))] = holder.pop(key)
    elif way == 2 and _is_number(holder[key]):
        holder[key] *= rng.choice((-1, 0, 1e-12, 1e12, 1000))
    else:
        holder[key] = copy.deepcopy(rng.choice(NASTY))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) < 1e300


def refusal(read: Callable[[], object], place: str = "") -> str | None:
    """What is wrong with how input was answered; None where it was read, or refused properly.

    Args:
        read: reads it, and returns what it took.
        place: what a refusal must name, besides a field; empty where fields are enough.
    """
    begun = time.thread_time()  # the machine may be busy with something else
    wrong = None
    try:
        taken = read()
    except infersave.InferSaveError as error:
        message, field = str(error), getattr(error, "field", "")
        if not message or not message.isprintable() or len(message) > MOST_SHOWN:
            wrong = f"message {message[:200]!r}"
        elif not (field or place in message) or not EXPECTED.search(message):
            wrong = f"does not name the place and what was expected: {message[:200]}"
    except Exception as error:
        wrong = f"{type(error).__name__}: {error}"[:300]
    else:
        wrong = _not_finite(taken)
    seconds = time.thread_time() - begun
    return f"took {seconds:.1f} s" if wrong is None and seconds > SLOW_S else wrong


def _not_finite(taken: object) -> str | None:
    """Whether NaN or infinity was let in."""
    try:
        json.dumps(taken, default=_plain, allow_nan=False)
    except ValueError as error:
        return f"accepted: {error}"
    return None


def _plain(value: object) -> object:
    if isinstance(value, Value):
        return {name: getattr(value, name) for name in type(value).model_fields}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} is no value of a file")


def of_problems(seed: int, folder: Path) -> str | None:
    """A shipped problem, broken."""
    bases = examples()
    text, suffix = broken(seed, bases[seed % len(bases)])
    return refusal(lambda: infersave.parse_problem(parse_text(text, suffix, "problem"), folder))
