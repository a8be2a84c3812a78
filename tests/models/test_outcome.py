"""Errors as values: they survive the way from one process to another."""

from __future__ import annotations

import pickle

import pytest

from infersave.models.outcome import (
    BackendError,
    CatalogError,
    Conflict,
    InfeasibleError,
    InferSaveError,
    NoPlanError,
    ProblemError,
    VerificationError,
)


@pytest.mark.parametrize(
    "error",
    [
        ProblemError("workloads[0].slo.tpot_s", -1.0, "must be positive"),
        CatalogError.unknown("GPU", "A1", ["A100"]),
        NoPlanError("Interrupted."),
        InfeasibleError(
            "these limits leave no plan:", ["quota 'a'"], [Conflict("a", "vms", 2.0, 3.0)]
        ),
        VerificationError(["costs USD 1.00/h, the plan says 2.00", "served by nothing"]),
        BackendError("ortools:highs failed"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_survives_pickling(error: InferSaveError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)
