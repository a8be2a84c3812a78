"""`infersave batch --parquet`: the rows as a table with types, whole or not at all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from infersave.catalogs.sweeps import Sweep
from infersave.cli.parquet import write_parquet

pytestmark = pytest.mark.skipif(not find_spec("pyarrow"), reason="needs pyarrow")

Run = Callable[..., CompletedProcess[str]]
RATE = "workloads[chat].requests_per_s"
TPOT = "workloads[chat].slo.tpot_s"
SWEEP = ("--vary", f"{RATE}=1,12", "--vary", f"{TPOT}=0.05,1e-6", "--out", "r.jsonl")


def journal(name: str = "r.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(name).read_text(encoding="utf-8").splitlines()]


def table(name: str = "r.parquet") -> Any:
    from pyarrow.parquet import read_table

    return read_table(name)


def test_a_table_says_what_the_rows_say(infersave: Run, folder: Path) -> None:
    done = infersave("batch", "example:two-workloads", *SWEEP, "--parquet", "r.parquet")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("rows in r.jsonl, as a table in r.parquet.\n")
    rows, found = journal(), table().to_pylist()
    assert [row["status"] for row in found] == ["optimal", "infeasible"] * 2
    assert [(row[RATE], row[TPOT]) for row in found] == [
        (rate, tpot) for rate in (1, 12) for tpot in (0.05, 1e-6)
    ]
    for row, told in zip(rows, found, strict=True):
        for name in ("key", "index", "status", "usd_per_hour", "usd_per_hour_bound", "gap"):
            assert told[name] == row[name]
        assert told["seconds"] == row["seconds"]


def test_what_a_failure_has_no_value_for_is_null(infersave: Run, folder: Path) -> None:
    infersave("batch", "example:two-workloads", *SWEEP, "--parquet", "r.parquet")
    solved, failed, *_ = table().to_pylist()
    for name in ("usd_per_hour", "usd_per_hour_bound", "gap", "n_vms", "vms", "limit"):
        assert failed[name] is None, name
    assert "no VM type can serve workload 'chat'" in failed["message"]
    assert failed["reasons"]
    assert solved["message"] is None
    assert solved["reasons"] is None
    assert solved["n_vms"] == sum(vm["count"] for vm in solved["vms"])
    assert {vm["job"] for vm in solved["vms"]} == {None, "nightly-summaries"}


def test_columns_have_types(folder: Path) -> None:
    """Also where every row failed, and where values have no type in common."""
    row: dict[str, Any] = {
        **dict.fromkeys(("usd_per_hour", "usd_per_hour_bound", "gap", "limit")),
        "key": "k",
        "status": "invalid",
        "vms": [],
        "message": "m",
        "reasons": [],
        "seconds": 0.5,
    }
    values: tuple[tuple[object, ...], ...] = (
        (1, 1, 0.5, "a", True, [1], 2**70),
        (2, 2.5, None, None, False, "x", 1),
    )
    sweep = Sweep(("whole", "real", "gap_", "word", "flag", "mixed", "large"), values)
    write_parquet(Path("r.parquet"), ({**row, "index": i} for i in range(2)), sweep)
    types = {field.name: str(field.type) for field in table().schema}
    assert [types[f] for f in sweep.fields] == [
        *("int64", "double", "double", "string", "bool", "string", "string")
    ]
    assert types["usd_per_hour"] == "double"
    assert types["n_vms"] == "int64"
    found = table().to_pylist()
    assert [row["mixed"] for row in found] == ["[1]", '"x"']
    assert [row["gap_"] for row in found] == [0.5, None]


def test_over_time_the_most_vms_at_once_count(infersave: Run, folder: Path) -> None:
    vary = ("--vary", "horizon.startup_s=300,300")
    infersave("batch", "example:day", *vary, "--out", "r.jsonl", "--parquet", "r.parquet")
    one, _ = table().to_pylist()
    by_period: dict[int, int] = {}
    for vm in one["vms"]:
        by_period[vm["period"]] = by_period.get(vm["period"], 0) + vm["count"]
    assert one["n_vms"] == max(by_period.values())
    assert len(by_period) > 1


def test_lines_of_a_file_have_no_varied_columns(infersave: Run, folder: Path) -> None:
    (folder / "p.jsonl").write_text("{}\n{torn\n", encoding="utf-8")
    done = infersave("batch", "p.jsonl", "--out", "r.jsonl", "--parquet", "r.parquet", "--json")
    told = json.loads(done.stdout)
    assert (told["schema_version"], told["parquet"]) == (2, "r.parquet")
    assert table()["status"].to_pylist() == ["invalid"] * 2
    assert table().column_names[:3] == ["index", "status", "usd_per_hour"]


def test_nothing_to_solve_is_an_empty_table(infersave: Run, folder: Path) -> None:
    (folder / "p.jsonl").write_text("\n", encoding="utf-8")
    done = infersave("batch", "p.jsonl", "--out", "r.jsonl", "--parquet", "r.parquet")
    assert done.returncode == 0
    assert table().num_rows == 0


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_has_the_rows_so_far(number: signal.Signals, folder: Path) -> None:
    command = [sys.executable, "-m", "infersave", "batch", "example:two-workloads"]
    command += ["--vary", f"{RATE}=1:40:400", "--out", "r.jsonl", "--parquet", "r.parquet"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while not Path("r.jsonl").exists() or not Path("r.jsonl").stat().st_size:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    assert process.wait(timeout=60) == 128 + number
    keys = [row["key"] for row in journal()]
    assert 0 < len(keys) < 400
    assert table()["key"].to_pylist() == keys
    assert {path.name for path in folder.iterdir()} == {"r.jsonl", "r.parquet"}


def test_a_table_is_not_lost_to_a_run_that_cannot_be(infersave: Run, folder: Path) -> None:
    infersave("batch", "example:two-workloads", *SWEEP, "--parquet", "r.parquet")
    before = Path("r.parquet").read_bytes()
    other = ("--gap", "0.01", "--parquet", "r.parquet")
    done = infersave("batch", "example:two-workloads", *SWEEP, *other)
    assert done.returncode == 2
    assert Path("r.parquet").read_bytes() == before


def test_a_table_does_not_replace_the_rows(infersave: Run, folder: Path) -> None:
    infersave("batch", "example:two-workloads", *SWEEP)
    before = Path("r.jsonl").read_bytes()
    done = infersave("batch", "example:two-workloads", *SWEEP, "--parquet", "./r.jsonl")
    assert done.returncode == 2
    assert "must be another file than that of --out" in done.stderr
    assert Path("r.jsonl").read_bytes() == before


def test_without_pyarrow_nothing_is_solved(
    infersave: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infersave.cli.parquet.find_spec", lambda name: None)
    done = infersave("batch", "example:two-workloads", *SWEEP, "--parquet", "r.parquet")
    assert done.returncode == 2
    assert done.stderr == (
        "error: --parquet = 'r.parquet': needs pyarrow: pip install 'infersave[parquet]'\n"
    )
    assert list(folder.iterdir()) == []
