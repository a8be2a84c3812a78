"""The command line run inside the test's process, in an empty folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from infersave.cli import main

Run = Callable[..., CompletedProcess[str]]

SMALL = """\
catalog: {name: paper}
workloads:
  - name: chat
    architecture: facebook/opt-2.7b
    engine: static
    requests_per_s: 5
    requests: [{input_tokens: 128, output_tokens: 64}]
    slo: {tokens_per_s: 200}
  - name: nightly
    architecture: facebook/opt-1.3b
    engine: static
    job: {requests: 2000, deadline_s: 3600}
    requests: [{input_tokens: 256, output_tokens: 64}]
"""
"""A service and a job on the paper's four VMs: solved in a blink."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and a terminal of 100 columns that is none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture
def infersave(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line; returns what a finished process would have left."""

    def run(*arguments: str) -> CompletedProcess[str]:
        capsys.readouterr()
        status = main(arguments)
        shown = capsys.readouterr()
        return CompletedProcess(arguments, status, shown.out, shown.err)

    return run


@pytest.fixture
def small(folder: Path) -> str:
    """The path of a small problem file."""
    (folder / "small.yaml").write_text(SMALL, encoding="utf-8")
    return "small.yaml"
