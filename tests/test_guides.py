"""The code in docs/embedding.md and README.md runs, and prints what the guide shows below it."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infersave.cli import main

pytestmark = pytest.mark.checkout
ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?", re.M | re.S)

Block = tuple[str, str, str]
"""A language, the code, and what it prints; empty where the guide does not say."""


def blocks(path: Path, heading: str) -> Iterator[Block]:
    text = path.read_text(encoding="utf-8").partition(heading)[2]
    yield from (found.groups("") for found in BLOCK.finditer(text))  # type: ignore[misc]


def run(kind: str, code: str, names: dict[str, Any]) -> str:
    """What a block prints."""
    if kind == "python":
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, "<guide>", "exec"), names)
        return printed.getvalue()
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        ["sh", "-ec", code],
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def quiet_afterwards() -> Iterator[None]:
    """The guide turns the log on."""
    yield
    logging.getLogger("infersave").setLevel(logging.NOTSET)


@pytest.mark.usefixtures("quiet_afterwards")
def test_the_guide_to_embedding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "guide"}
    found = list(blocks(ROOT / "docs" / "embedding.md", "# Embedding InferSave"))
    assert len(found) >= 14
    for kind, code, shown in found:
        printed = run(kind, code, names)
        assert not shown or printed == shown, code
    left = {path.name for path in tmp_path.iterdir()}
    assert {"plan.json", "plan.schema.json", "fleet.lp", "fleet.mps.gz", "names.json"} <= left
    assert json.loads(Path("check.json").read_text())["status"] == "holds"
    assert json.loads(Path("error.json").read_text())["status"] == "invalid"


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `measured.csv` in the current folder: an L40S just as it is predicted."""
    monkeypatch.chdir(tmp_path)
    header = "gpu,model,phase,batch,input_tokens,software"
    rows = [
        f"L40S,{model},{phase},{batch},{tokens},Own"
        for model in ("facebook/opt-6.7b", "facebook/opt-2.7b")
        for phase in ("prefill", "decode")
        for batch in (1, 4, 16)
        for tokens in (128, 512, 2048)
    ]
    Path("asked.csv").write_text("\n".join((header, *rows)), encoding="utf-8")
    with contextlib.redirect_stdout(io.StringIO()) as told:
        assert main(["predict", "asked.csv", "--json"]) == 0
    seconds = [answer["predicted_s"] for answer in json.loads(told.getvalue())["predictions"]]
    timed = [f"{row},{time:.6g}" for row, time in zip(rows, seconds, strict=True)]
    Path("measured.csv").write_text("\n".join((f"{header},seconds", *timed)), encoding="utf-8")


@pytest.mark.usefixtures("measured")
def test_the_readme_as_a_library() -> None:
    names: dict[str, Any] = {"__name__": "readme"}
    found = [block for block in blocks(ROOT / "README.md", "## As a library") if block[0] != "sh"]
    assert len(found) >= 3
    for kind, code, _ in found:
        assert run(kind, code, names)
