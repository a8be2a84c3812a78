"""Problem files as strangers might write them: shipped examples, broken at random."""

from __future__ import annotations

import copy
import json
import random
import time
from functools import cache
from typing import Any

import yaml

import infersave
from infersave.catalogs.plain_data import parse_text, read_data
from infersave.catalogs.problem_file import EXAMPLES

SLOW_S = 2.0
"""Longer than this is a hang."""
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
        _break(rng, data)
    suffix = rng.choice((".json", ".yaml"))
    text = json.dumps(data) if suffix == ".json" else yaml.safe_dump(data, allow_unicode=True)
    if rng.random() < 0.3:  # bytes, too
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(text))
            text = text[:place] + rng.choice("{}[]:,&*!|>%@`\"'\\\t0-e\x00é") + text[place + 1 :]
    return text, suffix


def _break(rng: random.Random, data: Any) -> None:
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


def refusal(text: str, suffix: str) -> str | None:
    """What is wrong with how a text was answered; None where it was read, or refused properly."""
    begun = time.monotonic()
    try:
        infersave.parse_problem(parse_text(text, suffix, "problem"))
    except infersave.InferSaveError as error:
        message = str(error)
        if not message or not message.isprintable() or len(message) > 1000:
            return f"message {message[:200]!r}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:300]
    seconds = time.monotonic() - begun
    return f"took {seconds:.1f} s" if seconds > SLOW_S else None
