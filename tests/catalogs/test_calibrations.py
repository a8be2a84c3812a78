"""The shipped calibrations: complete, bounded, honest, and what their script produces."""

from __future__ import annotations

import csv
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import infersave
from infersave.catalogs.architectures import load_architecture
from infersave.catalogs.calibrations import (
    COLUMNS,
    NAMES,
    SHIPPED,
    calibration_row,
    load_calibrations,
)
from infersave.catalogs.store import load_gpus, load_vm_types
from infersave.models.calibration import Calibration, calibration_for
from infersave.models.load import Load
from infersave.models.outcome import CatalogError
from infersave.models.phases import decode_phase, prefill_phase
from infersave.models.replica import Replica
from infersave.models.workload import RequestClass, Workload

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "catalogs" / "maintain" / "fit_calibrations.py"
MEASUREMENTS = ROOT.parent / "shared" / "data" / "measurements"

# arXiv:2504.11816 Table V, online: OPT-2.7B, batch 32, 128 tokens in, 512 out.
ONLINE_TOKENS_PER_S = {
    "g4dn.xlarge": 620.17,
    "g6.xlarge": 801.0,
    "g5.xlarge": 1206.12,
    "g6e.xlarge": 1506.0,
}


@pytest.fixture(scope="module")
def shipped() -> tuple[Calibration, ...]:
    return load_calibrations()


def test_every_gpu_has_a_calibration_for_any_engine(shipped: tuple[Calibration, ...]) -> None:
    general = {c.gpu for c in shipped if c.engine == "any" and c.plans}
    assert general >= {gpu.name for gpu in load_gpus()}


def test_the_shipped_file_is_read_once(shipped: tuple[Calibration, ...]) -> None:
    assert load_calibrations() is shipped


def test_fitted_ones_know_their_rows_and_range(shipped: tuple[Calibration, ...]) -> None:
    fitted = [c for c in shipped if c.kind == "fitted"]
    assert len(fitted) >= 8
    for c in fitted:
        assert all((c.source, c.date)), c.gpu
        assert min(c.rows, c.max_batch, c.max_context_tokens, c.max_gpus) >= 1, c.gpu


def test_priors_claim_no_rows_and_little_accuracy(shipped: tuple[Calibration, ...]) -> None:
    priors = [c for c in shipped if c.kind == "prior"]
    assert priors
    for c in priors:
        assert (c.rows, c.max_batch, c.max_context_tokens, c.max_gpus) == (0, 0, 0, 0), c.gpu
        assert min(c.prefill_residual, c.decode_residual) >= 0.2, c.gpu
        assert c.source, c.gpu


def test_nothing_beats_the_hardware(shipped: tuple[Calibration, ...]) -> None:
    for c in shipped:
        # One LLM's own fit may: speculative decoding yields several tokens a step.
        least = 1.0 if c.architecture == "any" else 0.25
        for phase in (c.prefill, c.decode):
            assert min(phase.linear, phase.attention) >= least, (c.gpu, c.engine)
            if c.plans:
                assert max(phase.linear, phase.attention, phase.exchange) <= 10, (c.gpu, c.engine)
            assert max(phase.layer_s, phase.sequence_s, phase.sync_s) < 0.01, (c.gpu, c.engine)
        if c.plans and c.gpu in {gpu.name for gpu in load_gpus()}:
            assert max(c.prefill_residual, c.decode_residual) < 3.0, (c.gpu, c.engine)


@pytest.mark.parametrize(("vm", "measured"), ONLINE_TOKENS_PER_S.items())
def test_flexgen_reproduces_the_papers_online_throughput(
    shipped: tuple[Calibration, ...], vm: str, measured: float
) -> None:
    vm_type = next(v for v in load_vm_types() if v.key == f"aws:{vm}")
    calibration = calibration_for(shipped, vm_type.gpu.name, "flexgen")
    assert calibration.engine == "flexgen"
    request, batch = RequestClass(input_tokens=128, output_tokens=512), 32.0
    workload = Workload(
        name="online",
        architecture=load_architecture("facebook/opt-2.7b"),
        engine="flexgen",
        requests_per_s=1.0,
        requests=(request,),
    )
    load, replica = Load.of(workload, request), Replica.of(vm_type, 1, calibration)
    prefill = prefill_phase(load, replica).resident_s(batch)
    decode = decode_phase(load, replica).resident_s(batch)
    predicted = batch * request.total_tokens / (prefill + 511 * decode)
    assert predicted == pytest.approx(measured, rel=0.05)


def test_a_row_survives_the_round_trip(shipped: tuple[Calibration, ...], tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    _write(path, [calibration_row(c) for c in shipped])
    assert load_calibrations(str(path)) == shipped


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("prefill_linear", "fast", "must be a number"),
        ("prefill_linear", "", "must be a number"),
        ("prefill_linear", "nan", "finite"),
        ("decode_layer_s", "-1e-5", "greater than or equal to 0"),
        ("decode_residual", "0", "greater than 0"),
        ("rows", "2.5", "must be a whole number"),
        ("kind", "guess", "fitted"),
        ("gpu", "T4\x1b[31m", "pattern"),
    ],
)
def test_a_broken_row_is_named(
    shipped: tuple[Calibration, ...], tmp_path: Path, column: str, value: str, rule: str
) -> None:
    rows = [calibration_row(c) for c in shipped[:3]]
    rows[1][COLUMNS.index(column)] = value
    path = tmp_path / "mine.csv"
    _write(path, rows)
    with pytest.raises(CatalogError) as caught:
        load_calibrations(str(path))
    message = str(caught.value)
    for part in ("mine.csv", "row 3", f"column {column}", repr(value), rule):
        assert part in message
    assert "\x1b" not in message


def test_twice_the_same_gpu_and_engine(shipped: tuple[Calibration, ...], tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    _write(path, [calibration_row(shipped[0])] * 2)
    with pytest.raises(CatalogError, match=r"row 3.*must be unique"):
        load_calibrations(str(path))


def test_a_missing_column_or_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(
        "gpu,engine,software,architecture,precision\nT4,any,any,any,any\n", encoding="utf-8"
    )
    with pytest.raises(CatalogError, match="column kind is missing"):
        load_calibrations(str(path))
    with pytest.raises(CatalogError, match="cannot be read"):
        load_calibrations(str(tmp_path / "absent.csv"))


@pytest.mark.skipif(not SCRIPT.exists(), reason="the fit script is not part of the package")
@pytest.mark.skipif(not MEASUREMENTS.exists(), reason="needs the measurement files")
@pytest.mark.skipif(not find_spec("pyarrow"), reason="needs pyarrow")
def test_the_script_produces_the_shipped_file(tmp_path: Path) -> None:
    path = tmp_path / "again.csv"
    place = str(Path(infersave.__file__).parent.parent)
    subprocess.run(
        [sys.executable, str(SCRIPT), str(MEASUREMENTS), "--output", str(path)],
        check=True,
        env={"PYTHONPATH": place, "PATH": ""},
        capture_output=True,
        timeout=300,
    )
    again, before = _read(path), _read(SHIPPED)
    assert list(again) == list(before)
    for key, row in again.items():
        for column in COLUMNS:
            try:
                number = float(row[column])
            except ValueError:
                assert row[column] == before[key][column], (key, column)
            else:
                # Quantiles jump between rows where the last digits of a fit differ.
                error = column.endswith(("_residual", "_below", "_above")) or column == "stretch"
                rel = 0.2 if error else 0.05
                close = pytest.approx(float(before[key][column]), rel=rel, abs=1e-5)
                assert number == close, (key, column)


def _read(path: Path) -> dict[tuple[str, ...], dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return {tuple(row[name] for name in NAMES): row for row in csv.DictReader(stream)}


def _write(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(COLUMNS)
        table.writerows(rows)
