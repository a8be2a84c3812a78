"""Catalogues of one's own: folders and files in the shipped format, sound and broken."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

import infersave.catalogs
from infersave.catalogs.store import load_catalog, load_gpus
from infersave.models.outcome import CatalogError

DATA = Path(infersave.catalogs.__file__).parent / "data"
GB = 1e9

CLOUDS = load_catalog()


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_a_folder_round_trip(tmp_path: Path) -> None:
    for name in ("gpus.csv", "vm_types.csv", "offers.csv"):
        shutil.copy(DATA / name, tmp_path / name)
    assert load_catalog(tmp_path).offers == CLOUDS.offers


def test_a_file_of_prices_for_shipped_vm_types(tmp_path: Path) -> None:
    own = table(DATA / "paper" / "offers.csv")
    write(tmp_path / "negotiated.csv", own)
    catalog = load_catalog(str(tmp_path / "negotiated.csv"))
    assert sorted(o.usd_per_hour for o in catalog.offers) == [0.71, 1.167, 1.466, 2.699]
    (t4,) = catalog.select(gpus="T4").gpus()
    assert t4 == {gpu.name: gpu for gpu in load_gpus()}["T4"]


def test_own_figures_of_a_gpu_reach_the_shipped_vm_types(tmp_path: Path) -> None:
    write(tmp_path / "offers.csv", table(DATA / "paper" / "offers.csv"))
    write(tmp_path / "gpus.csv", table(DATA / "paper" / "gpus.csv"))
    (t4,) = load_catalog(tmp_path).select(gpus="T4").gpus()
    assert t4.memory_bytes == 15 * GB


def test_optional_columns_may_be_absent(tmp_path: Path) -> None:
    vm_types = table(DATA / "paper" / "vm_types.csv")
    for row in vm_types:
        for column in ("gpu_share", "vcpus", "gpu_link_basis", "note"):
            del row[column]
    write(tmp_path / "vm_types.csv", vm_types)
    write(tmp_path / "offers.csv", table(DATA / "paper" / "offers.csv"))
    assert all(vm.vcpus is None for vm in load_catalog(tmp_path).vm_types())


@pytest.mark.parametrize(
    ("file", "column", "value", "said"),
    [
        ("offers.csv", "usd_per_hour", "-1", "greater than 0"),
        ("offers.csv", "usd_per_hour", "cheap", "must be a number"),
        ("offers.csv", "usd_per_hour", "nan", "finite"),
        ("offers.csv", "purchase", "cheap", "'on_demand', 'spot' or 'reserved'"),
        ("offers.csv", "vm_type", "g4dn.xlrge", "the nearest names are aws:g4dn.xlarge"),
        ("offers.csv", "region", "\x1b[31mred", "pattern"),
        ("vm_types.csv", "gpu", "T5", "unknown GPU 'T5'; the nearest names are T4"),
        ("vm_types.csv", "n_gpus", "1.5", "must be a whole number"),
        ("vm_types.csv", "n_gpus", "0", "greater than or equal to 1"),
        ("vm_types.csv", "gpu_share", "1.5", "less than or equal to 1"),
        ("vm_types.csv", "h2d_bytes_per_s", "0", "greater than 0"),
        ("vm_types.csv", "vm_type", "", "at least 1 character"),
        ("gpus.csv", "memory_bytes", "", "must be a number"),
        ("gpus.csv", "flops_per_s", "0", "greater than 0"),
    ],
)
def test_a_broken_row_says_where_and_why(
    tmp_path: Path, file: str, column: str, value: str, said: str
) -> None:
    for name in ("gpus.csv", "vm_types.csv", "offers.csv"):
        rows = table(DATA / "paper" / name)
        if name == file:
            rows[0][column] = value
        write(tmp_path / name, rows)
    with pytest.raises(CatalogError) as raised:
        load_catalog(tmp_path)
    message = str(raised.value)
    assert f"{tmp_path / file}: row 2, column {column}" in message
    assert said in message
    assert message.isprintable()


@pytest.mark.parametrize("file", ["gpus.csv", "vm_types.csv", "offers.csv"])
def test_a_row_may_not_be_there_twice(tmp_path: Path, file: str) -> None:
    for name in ("gpus.csv", "vm_types.csv", "offers.csv"):
        rows = table(DATA / "paper" / name)
        write(tmp_path / name, [*rows, rows[0]] if name == file else rows)
    with pytest.raises(CatalogError, match=r"row 6, column .*must be unique"):
        load_catalog(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "row 1: column provider is missing"),
        ("provider,vm_type,region\n", "column purchase is missing"),
        (
            "provider,vm_type,region,purchase,usd_per_hour,source,date,note,prce\n",
            "row 1: unknown column 'prce'",
        ),
        (
            "provider,vm_type,region,purchase,usd_per_hour,source,date,date\n",
            "column date is there twice",
        ),
        (
            "provider,vm_type,region,purchase,usd_per_hour,source,date\naws,g6.xlarge\n",
            "row 2: 2 cells, must be 7",
        ),
        ('provider,"vm', "cannot be read as CSV"),
    ],
)
def test_a_table_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "offers.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError) as raised:
        load_catalog(path)
    assert str(path) in str(raised.value)
    assert said in str(raised.value)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "offers.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CatalogError, match="cannot be read as CSV"):
        load_catalog(path)


def test_a_spreadsheets_byte_order_mark_and_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "offers.csv"
    text = (DATA / "paper" / "offers.csv").read_text(encoding="utf-8")
    path.write_text("\ufeff" + text.replace("\n", "\r\n") + "\r\n", encoding="utf-8", newline="")
    assert len(load_catalog(path).offers) == 4
