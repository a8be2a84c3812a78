"""The base of every domain value: immutable, validated, exact about units.

A value is checked when it is made. A broken rule raises `ProblemError` with the
path of the field, the value given and the rule, never a library's own error.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .outcome import ProblemError

FloatArray = NDArray[np.float64]
Mask = NDArray[np.bool_]
Real = float | FloatArray
"""A quantity of one candidate (float) or of many (array): formulas take either."""

Positive = Annotated[float, Field(gt=0, strict=True)]
NonNegative = Annotated[float, Field(ge=0, strict=True)]
Fraction = Annotated[float, Field(ge=0, le=1, strict=True)]
Share = Annotated[float, Field(gt=0, le=1, strict=True)]
Count = Annotated[int, Field(ge=1, strict=True)]
WholeNumber = Annotated[int, Field(ge=0, strict=True)]
Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[\w@:+()., /-]+$")]
"""A name that is safe on a terminal, in a file and in a shell's quotes."""


class Value(BaseModel):
    """An immutable record that validates itself.

    Raises:
        ProblemError: a field breaks its rule.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise problem_error(error) from None

    @classmethod
    def parse(cls, data: object) -> Self:
        """Build from plain data (dictionaries, lists, numbers, strings).

        Raises:
            ProblemError: the data does not fit; names field, value and rule.
        """
        return cls.parse_at("", data)

    @classmethod
    def parse_at(cls, path: str, data: object) -> Self:
        """`parse`, with errors that name `path` before the field."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise problem_error(error, path) from None

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, validated again."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self)(**{**fields, **changes})


def problem_error(error: ValidationError, prefix: str = "") -> ProblemError:
    """The first broken rule of a pydantic error, in our words."""
    first = error.errors(include_url=False)[0]
    path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in first["loc"])
    field = (prefix + path).lstrip(".")
    inner = first.get("ctx", {}).get("error")
    if isinstance(inner, ProblemError):
        return ProblemError(f"{field}.{inner.field}".lstrip("."), inner.value, inner.rule)
    field = field or error.title
    if first["type"] == "missing":
        return ProblemError(field, None, "is required")
    if first["type"] == "extra_forbidden":
        return ProblemError(field, None, "is not a known field")
    message = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return ProblemError(field, first["input"], message)
