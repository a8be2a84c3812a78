"""`infersave export`: the file, its formats, and the names beside it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]


def test_a_file_and_the_names_beside_it(infersave: Run, small: str, folder: Path) -> None:
    done = infersave("export", small, "--out", "fleet.mps", "--names", "names.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("fleet.mps: ")
    names = json.loads((folder / "names.json").read_text())
    assert (names["schema_version"], names["format"]) == (2, "mps")
    assert names["columns"]["c0001"].startswith("VMs of aws:")
    text = (folder / "fleet.mps").read_text()
    assert text.startswith("NAME")
    assert all(name in text for name in names["columns"])
    assert "chat" not in text


def test_packed_it_is_the_same_file(infersave: Run, small: str, folder: Path) -> None:
    for name in ("fleet.lp", "fleet.lp.gz", "again.lp.gz"):
        assert infersave("export", small, "--out", name).returncode == 0
    packed = (folder / "fleet.lp.gz").read_bytes()
    assert gzip.decompress(packed) == (folder / "fleet.lp").read_bytes()
    assert packed == (folder / "again.lp.gz").read_bytes()


def test_json_says_what_was_written(infersave: Run, small: str, folder: Path) -> None:
    done = infersave("export", small, "--out", "fleet.lp", "--json")
    told = json.loads(done.stdout)
    assert (told["schema_version"], told["out"], told["format"]) == (2, "fleet.lp", "lp")
    assert told["rows"] > 0


@pytest.mark.parametrize("out", ["fleet", "fleet.gz", "fleet.txt", "fleet.mps.zip"])
def test_a_suffix_that_says_no_format(infersave: Run, small: str, folder: Path, out: str) -> None:
    done = infersave("export", small, "--out", out)
    assert done.returncode == 2
    assert done.stderr == f"error: --out = '{out}': must end in .mps, .lp, .mps.gz or .lp.gz\n"
    assert not (folder / out).exists()


def test_a_folder_that_is_not_there(infersave: Run, small: str) -> None:
    done = infersave("export", small, "--out", "fleet.mps", "--names", "no/names.json")
    assert done.returncode == 2
    assert "--names = 'no/names.json': its folder does not exist" in done.stderr
