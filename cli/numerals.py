"""Whole numbers and flags on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter, Token


def _whole(_: type, tokens: Sequence[Token]) -> int:
    """One token as an int: what cyclopts would round (1.7 to 2) is refused."""
    text = tokens[0].value
    try:
        return int(text)
    except ValueError:
        raise ValueError(f'"{text}" must be a whole number.') from None


Whole = Annotated[int, Parameter(converter=_whole)]

Flag = Annotated[bool, Parameter(show_default=False)]
