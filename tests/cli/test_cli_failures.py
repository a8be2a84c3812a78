"""Every error has a status and a word; the tree of errors is covered."""

from __future__ import annotations

from pathlib import Path

import pytest

from infersave import (
    BackendError,
    BackendUnavailable,
    CalibrationError,
    CatalogError,
    InfeasibleError,
    InferSaveError,
    NoPlanError,
    ProblemError,
    UnknownNameError,
    UnsupportedOption,
    UnsupportedProgram,
    VerificationError,
)
from infersave.cli import main
from infersave.cli.failures import as_data, exit_status
from infersave.models.outcome import status_word

CASES: list[tuple[Exception, int, str]] = [
    (ProblemError("slo.ttft_s", -1, "must be positive"), 2, "invalid"),
    (CatalogError("unknown GPU"), 2, "invalid"),
    (UnknownNameError("unknown GPU"), 2, "invalid"),
    (CalibrationError("no calibration"), 2, "invalid"),
    (BackendUnavailable("not installed"), 2, "unavailable"),
    (UnsupportedProgram("not pure integer"), 2, "unsupported"),
    (UnsupportedOption("threads"), 2, "unsupported"),
    (InfeasibleError("no plan", ["why"]), 1, "infeasible"),
    (NoPlanError("the limit came first"), 1, "no_plan"),
    (VerificationError(["costs too much"]), 1, "violated"),
    (BackendError("crashed"), 1, "failed"),
    (OSError(28, "No space left on device"), 1, "failed"),
]


@pytest.mark.parametrize(
    ("error", "status", "word"), CASES, ids=[type(c[0]).__name__ for c in CASES]
)
def test_status_and_word(error: Exception, status: int, word: str) -> None:
    assert exit_status(error) == status
    assert status_word(error) == word
    assert as_data(error)["status"] == word


def test_no_error_is_forgotten() -> None:
    def below(kind: type[Exception]) -> set[type[Exception]]:
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    assert below(InferSaveError) - {InferSaveError} == {
        type(error) for error, _, _ in CASES if isinstance(error, InferSaveError)
    }


def test_reasons_are_told() -> None:
    assert as_data(InfeasibleError("no plan", ["a", "b"]))["error"] == {
        "type": "InfeasibleError",
        "message": "no plan\n  a\n  b",
        "field": None,
        "value": None,
        "rule": None,
        "reasons": ["a", "b"],
        "conflicts": [],
    }


@pytest.mark.usefixtures("folder")  # a file about it is written
def test_a_plan_refused_by_its_check_is_no_plan(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise VerificationError(["vms[0]: costs more"])

    monkeypatch.setattr("infersave.solver.solve.solve", refuse)
    assert main(["plan", "example:two-workloads", "--json"]) == 1
    shown = capsys.readouterr()
    assert '"violated"' in shown.out
    assert "vms[0]: costs more" in shown.err
    assert len(list(folder.glob("infersave-bug-*.json"))) == 1, "and it is kept"


@pytest.mark.parametrize("where", ["infersave.solver.solve.solve"])
def test_ctrl_c_is_quiet(
    where: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(where, interrupted)
    assert main(["plan", "example:two-workloads"]) == 130
    assert capsys.readouterr() == ("", "")
