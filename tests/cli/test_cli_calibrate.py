"""`infersave calibrate`: from rows to a file that plans and predictions use."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]

SLOW = 3.0
SIZES = [(b, t) for b in (1, 4, 16, 32) for t in (128, 512, 2048)]


@pytest.fixture
def measured(infersave: Run) -> Path:
    """Decode steps and prefills of an L40S that is `SLOW` times slower than predicted."""
    header = "gpu,model,phase,batch,input_tokens,software"
    rows = [
        f"L40S,{model},{phase},{batch},{tokens},Own"
        for model in ("facebook/opt-6.7b", "facebook/opt-2.7b")
        for phase in ("prefill", "decode")
        for batch, tokens in SIZES
    ]
    Path("asked.csv").write_text("\n".join((header, *rows)), encoding="utf-8")
    answers = json.loads(infersave("predict", "asked.csv", "--json").stdout)["predictions"]
    timed = [
        f"{row},{SLOW * answer['predicted_s']:.6g}"
        for row, answer in zip(rows, answers, strict=True)
    ]
    path = Path("measured.csv")
    path.write_text("\n".join((f"{header},seconds", *timed)), encoding="utf-8")
    return path


def test_fitted_rows_are_predicted(infersave: Run, measured: Path) -> None:
    done = infersave("calibrate", str(measured), "--output", "mine.csv", "--json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert data["status"] == "calibrated"
    assert {"batch", "length", "model"} <= {row["left_out"] for row in data["held_out"]}
    again = infersave("predict", str(measured), "--calibrations", "mine.csv", "--json")
    before = infersave("predict", str(measured), "--json")
    for new, old in zip(
        *(json.loads(run.stdout)["predictions"] for run in (again, before)), strict=True
    ):
        assert new["predicted_s"] == pytest.approx(SLOW * old["predicted_s"], rel=0.1)
        assert new["calibration"]["software"] == "Own"


def test_a_problem_uses_the_file(infersave: Run, measured: Path) -> None:
    infersave("calibrate", str(measured), "--output", "mine.csv")
    problem = """\
catalog: {name: paper, gpus: L40S}
%s
workloads:
  - name: chat
    architecture: facebook/opt-2.7b
    engine: static
    batch: 32
    requests_per_s: 2
    requests: [{input_tokens: 128, output_tokens: 64}]
"""
    plans = []
    for line in ("", "calibrations: mine.csv"):
        Path("fleet.yaml").write_text(problem % line, encoding="utf-8")
        done = infersave("plan", "fleet.yaml", "--json")
        assert done.returncode == 0, done.stderr
        plans.append(json.loads(done.stdout)["assignments"][0])
    shipped, mine = plans
    assert shipped["calibration"] == "prior"
    assert mine["calibration"] == "fitted"
    assert mine["performance"]["decode_step_s"] > 2.0 * shipped["performance"]["decode_step_s"]


def test_a_report_for_people(infersave: Run, measured: Path) -> None:
    done = infersave("calibrate", str(measured))
    assert done.returncode == 0
    for said in ("48 rows", "90th percentile", "Measure next", "only 1 GPUs"):
        assert said in done.stdout


def test_rows_of_one_size_are_refused(infersave: Run) -> None:
    header = "gpu,model,phase,batch,input_tokens,seconds"
    rows = [f"L4,facebook/opt-2.7b,decode,8,{512 + i},0.02" for i in range(5)]
    Path("same.csv").write_text("\n".join((header, *rows)), encoding="utf-8")
    done = infersave("calibrate", "same.csv")
    assert done.returncode == 2
    assert "one size" in done.stderr


def test_a_slip_is_named_and_nothing_written(infersave: Run) -> None:
    rows = "gpu,model,phase,batch,input_tokens,seconds\nL4,facebook/opt-2.7b,decode,8,512,-1\n"
    Path("bad.csv").write_text(rows, encoding="utf-8")
    done = infersave("calibrate", "bad.csv", "--output", "mine.csv")
    assert done.returncode == 2
    for said in ("bad.csv: row 2", "seconds", "-1"):
        assert said in done.stderr
    assert not Path("mine.csv").exists()


@pytest.mark.skipif(not find_spec("matplotlib"), reason="needs the `plot` extra")
@pytest.mark.parametrize("name", ["fit.png", "fit.svg"])
def test_a_plot(infersave: Run, measured: Path, name: str) -> None:
    assert infersave("calibrate", str(measured), "--plot", name).returncode == 0
    assert Path(name).stat().st_size > 5_000
    refused = infersave("calibrate", str(measured), "--plot", "fit.doc")
    assert refused.returncode == 2
    assert "must end in" in refused.stderr
