"""Catalogues, calibrations and measurements as strangers might write them, broken at random."""

from __future__ import annotations

import copy
import csv
import io
import json
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import infersave
from infersave.benchmarks.fuzz import NASTY, break_one, bytes_broken, refusal
from infersave.catalogs.calibrations import SHIPPED, load_calibrations
from infersave.catalogs.measurement_files import usable_rows
from infersave.catalogs.records import read_records
from infersave.catalogs.store import DATA, load_catalog
from infersave.models.observation import Observation
from infersave.models.sample import Sample

Table = list[list[str]]

CATALOGUE = ("offers.csv", "vm_types.csv", "gpus.csv")
CALIBRATIONS = "mine.csv"
FEW_ROWS = 4

PROBLEM = """{"catalog": {"name": %s}, "calibrations": "mine.csv", "workloads": [{"name": "chat",
"architecture": "facebook/opt-2.7b", "requests_per_s": 2, "requests": [{"input_tokens": 128,
"output_tokens": 64}]}]}"""

COLUMNS = ("gpu", "model", "phase", "batch", "input_tokens", "output_tokens", "seconds")
ROWS: tuple[dict[str, Any], ...] = (
    *(
        dict(zip(COLUMNS, ("L4", "facebook/opt-2.7b", phase, batch, 512, 64, 0.02), strict=True))
        for phase in ("prefill", "decode", "e2e")
        for batch in (1, 8, 32)
    ),
    {
        "gpu": "T4",
        "model": "opt-6.7b",
        "prefill_p50_s": 0.1,
        "decode_step_p50_s": 0.02,
        "e2e_p50_s": 2.0,
        "output_tokens": 64,
        "batch": 4,
        "input_tokens": 100,
        "kv_gpu_frac": 0.5,
        "weights_gpu_frac": 1.0,
        "lowest_tier": "cpu",
        "suspect": "False",
    },
    {
        "gpu": "H100-80GB",
        "model": "Mixtral-8x7B",
        "tpot_s": 0.01,
        "ttft_s": 0.2,
        "isl": 9,
        "osl": 9,
        "concurrency": 16,
        "moe_tp_size": 8,
        "moe_ep_size": 1,
        "tp": 8,
        "n_new": 3,
        "sum_new_tokens": 900,
        "precision": "fp8",
        "attention_dp_size": 1,
        "engine": "sglang",
    },
    {
        "backend": "vllm",
        "model_id": "meta-llama/Llama-3.1-8B",
        "max_concurrency": 16,
        "completed": 100,
        "total_input_tokens": 51200,
        "total_output_tokens": 12800,
        "mean_ttft_ms": 210.0,
        "median_ttft_ms": 200.0,
        "median_tpot_ms": 12.0,
    },
    {
        "time_to_first_token": {"unit": "ms", "avg": 200.0},
        "inter_token_latency": {"unit": "ms", "avg": 12.0},
        "input_sequence_length": {"avg": 512.0},
        "output_sequence_length": {"avg": 128.0},
        "input_config": {
            "model_names": ["meta-llama/Llama-3.1-8B"],
            "endpoint": {"model_names": ["x"]},
            "perf_analyzer": {"stimulus": {"concurrency": 16}},
            "loadgen": {"concurrency": 16},
        },
    },
    {"avg_latency": 2.0, "latencies": [2.0], "percentiles": {"50": 2.0}},
)
"""Rows of each kind that `infersave calibrate` reads."""


@cache
def shipped(name: str) -> Table:
    """The first rows of a table that ships."""
    path = SHIPPED if name == CALIBRATIONS else DATA / "paper" / name
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))[: FEW_ROWS + 1]


def of_catalogues(seed: int, folder: Path) -> str | None:
    """A catalogue and calibrations of one's own, one table of them broken."""
    rng = random.Random(seed)
    wrong = rng.choice((*CATALOGUE, CALIBRATIONS))
    for name in (*CATALOGUE, CALIBRATIONS):
        table = copy.deepcopy(shipped(name))
        for _ in range(rng.randint(1, 3) if name == wrong else 0):
            break_table(rng, table)
        text = as_csv(table)
        _write(folder / name, bytes_broken(rng, text) if name == wrong else text)
    own = folder if rng.random() < 0.8 else folder / "offers.csv"
    ways: tuple[Callable[[], object], ...] = (
        lambda: load_catalog(own).offers,
        lambda: load_calibrations(str(folder / CALIBRATIONS)),
        lambda: infersave.parse_problem(json.loads(PROBLEM % json.dumps(str(own))), folder),
    )
    return refusal(rng.choice(ways), str(folder))


def of_measurements(seed: int, folder: Path) -> str | None:
    """Rows of measurements, broken, as `infersave calibrate` takes them."""
    rng = random.Random(seed)
    data: Any = copy.deepcopy(rng.choices(ROWS, k=rng.randint(1, 4)))
    for _ in range(rng.randint(1, 3)):
        break_one(rng, data)
    path = folder / f"rows{rng.choice(('.csv', '.json', '.jsonl', '.json'))}"
    _write(path, bytes_broken(rng, _as_rows(rng, data, path.suffix)))
    said = {"gpu": "L4", "model": "opt-13b"} if rng.random() < 0.5 else {}
    return refusal(lambda: _taken(path, said), path.name)


def _as_rows(rng: random.Random, data: list[Any], suffix: str) -> str:
    if suffix == ".jsonl":
        return "\n".join(json.dumps(row) for row in data)
    if suffix == ".json":
        return json.dumps(data[0] if len(data) == 1 and rng.random() < 0.5 else data)
    rows = [row for row in data if isinstance(row, dict)]
    header = list(dict.fromkeys(str(column) for row in rows for column in row))
    table = [header, *([str(row.get(column, "")) for column in header] for row in rows)]
    if rng.random() < 0.5:
        break_table(rng, table)
    return as_csv(table)


def _taken(path: Path, said: dict[str, str]) -> tuple[list[Observation], list[Any]]:
    """The rows that may be fitted, and their features."""
    rows, _ = usable_rows(read_records(path, said))
    work = Sample.of(rows).work
    return rows, [work.prefill.tolist(), work.decode.tolist()]


def break_table(rng: random.Random, table: Table) -> None:
    """One cell, row or column of a table: another text, gone, or doubled."""
    row = rng.randrange(len(table))
    if not table[row]:
        return
    column = rng.randrange(len(table[row]))
    way = rng.randrange(8)
    if way == 0:
        del table[row][column]
    elif way == 1:
        table[row].append(str(rng.choice(NASTY))[:200])
    elif way == 2:
        table.insert(row, list(table[row]))
    elif way == 3:
        del table[row]
        table[:] = table or [[]]
    elif way == 4:
        for cells in table:
            del cells[column : column + 1]
    else:
        table[row][column] = rng.choice(TEXTS)


TEXTS = (
    *(str(value) for value in NASTY if len(str(value)) < 400),
    *("-1", "0", "1e400", "-nan", "1_0", " 1 ", "1.5", "9" * 5000, "'=1", '"', "1,5", "٣", "²"),
)
"""Cells that have broken parsers."""


def as_csv(table: Table) -> str:
    """A table as CSV."""
    stream = io.StringIO()
    csv.writer(stream).writerows(table)
    return stream.getvalue()


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
