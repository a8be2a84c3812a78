"""Measurement files: every column name, unit and way of splitting, and slips that are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infersave.catalogs.measurement_files import usable_rows
from infersave.catalogs.measurements import read_measured
from infersave.catalogs.records import Record, read_records
from infersave.models.outcome import CatalogError, UnknownNameError

PLAIN = {"gpu": "L4", "model": "facebook/opt-6.7b", "batch": "8", "input_tokens": "512"}


def read(**cells: Any) -> Any:
    return read_measured(Record(Path("rows.csv"), 2, {**PLAIN, **cells}))


def only(**cells: Any) -> Any:
    (row,) = read(**cells).observations.values()
    return row


def test_a_plain_row() -> None:
    row = only(phase="e2e", output_tokens="64", engine="vllm", n_gpus="2", latency_s="1.5")
    assert (row.gpu.name, row.n_gpus, row.kind, row.batch) == ("L4", 2, "batch", 8.0)
    assert (row.input_tokens, row.output_tokens, row.seconds) == (512.0, 64, 1.5)
    assert row.software == "vLLM"


@pytest.mark.parametrize(
    ("cells", "kind", "software"),
    [
        ({"phase": "prefill"}, "prefill", "any"),
        ({"phase": "decode", "engine": "TGIS"}, "decode", "TGIS"),
        ({"mean_ctx_tokens": "600"}, "decode", "TGIS"),
        ({"sum_new_tokens": "900", "n_new": "3"}, "prefill", "TGIS"),
        ({"phase": "decode", "tokens_or_batch": "16", "layer_time_s": "1e-3"}, "decode", "Helix"),
        ({"output_tokens": "9", "tpot_s": "0.01", "backend": "trtllm"}, "serving", "TensorRT-LLM"),
        ({"output_tokens": "9", "framework": "llama.cpp"}, "batch", "llama.cpp"),
        ({"output_tokens": "9", "phase": "online", "engine": "continuous"}, "serving", "any"),
    ],
)
def test_what_a_row_times(cells: dict[str, str], kind: str, software: str) -> None:
    row = only(**cells)
    assert (row.kind, row.software) == (kind, software)


def test_prompts_that_share_a_prefill() -> None:
    row = only(sum_new_tokens="900", n_new="3")
    assert (row.batch, row.input_tokens) == (3.0, 300.0)


def test_both_phases_of_one_run() -> None:
    found = read(prefill_p50_s="0.1", decode_step_p50_s="0.02", e2e_p50_s="2", output_tokens="64")
    assert {name: row.seconds for name, row in found.observations.items()} == {
        "prefill": 0.1,
        "decode": 0.02,
        "latency": 2.0,
    }


@pytest.mark.parametrize(
    ("split", "gpus", "way"),
    [
        ({"tensor_parallel": "8", "moe_tp_size": "8", "moe_ep_size": "1"}, 8, ""),
        ({"tensor_parallel": "64", "moe_tp_size": "8", "moe_ep_size": "8"}, 8, ", expert-parallel"),
        ({"tensor_parallel": "8", "moe_tp_size": "1", "moe_ep_size": "8"}, 8, ", expert-parallel"),
        (
            {"tensor_parallel": "1", "attention_dp_size": "8", "moe_ep_size": "8"},
            8,
            ", data-parallel attention",
        ),
    ],
)
def test_degrees_that_are_products_of_one_set_of_gpus(
    split: dict[str, str], gpus: int, way: str
) -> None:
    row = only(phase="serving", output_tokens="9", engine="sglang", **split)
    assert (row.n_gpus, row.software) == (gpus, f"SGLang{way}")


@pytest.mark.parametrize(
    ("name", "gpu"),
    [("H100-80GB", "H100-SXM5-80GB"), ("V100-16GB", "V100-SXM2-16GB"), ("b200", "B200-SXM-180GB")],
)
def test_short_names_of_gpus(name: str, gpu: str) -> None:
    assert only(phase="decode", gpu=name).gpu.name == gpu


def test_a_quantisation_has_the_shape_of_its_llm() -> None:
    row = only(phase="decode", model="nvidia/Qwen3-32B-NVFP4", precision="fp4")
    assert row.architecture.name.endswith("Qwen3-32B")
    assert row.precision == "nvfp4"


@pytest.mark.parametrize(
    ("cells", "column", "rule"),
    [
        ({"batch": "-1"}, "batch", "above 0"),
        ({"batch": "many"}, "batch", "must be a number"),
        ({"batch": None}, "batch", "is missing"),
        ({"input_tokens": "0"}, "input_tokens", "above 0"),
        ({"input_tokens": "1e12"}, "input_tokens", "at most"),
        ({"duration_p50_s": "nan"}, "duration_p50_s", "above 0"),
        ({"duration_p50_s": "-0.1"}, "duration_p50_s", "above 0"),
        ({"n_gpus": "0"}, "n_gpus", "above 0"),
        ({"seconds": "1e-320"}, "seconds", "at least 1e-09"),
        ({"precision": "fp3"}, "precision", "must be one of"),
        ({"phase": "postfill"}, "phase", "must be one of"),
        ({"gpu": None}, "gpu", "is missing"),
        ({"model": None}, "model", "is missing"),
    ],
)
def test_a_slip_is_named(cells: dict[str, Any], column: str, rule: str) -> None:
    filled = {**PLAIN, "phase": "decode", **cells}
    record = Record(Path("rows.csv"), 7, {k: v for k, v in filled.items() if v is not None})
    with pytest.raises(CatalogError) as caught:
        read_measured(record)
    for part in ("rows.csv: row 7", column, rule):
        assert part in str(caught.value)


@pytest.mark.parametrize("cells", [{"gpu": "TPU-v9"}, {"model": "nobody/knows"}])
def test_unknown_names_are_counted_not_fitted(cells: dict[str, str]) -> None:
    record = Record(Path("rows.csv"), 2, {**PLAIN, "phase": "decode", "seconds": 1.0, **cells})
    with pytest.raises(UnknownNameError, match="unknown"):
        read_measured(record)
    rows, left_out = usable_rows([record])
    assert not rows
    assert sum(left_out.values()) == 1


def test_formats_say_the_same(tmp_path: Path) -> None:
    row = {**PLAIN, "phase": "decode", "seconds": 0.02}
    header, cells = ",".join(row), ",".join(map(str, row.values()))
    (tmp_path / "a.csv").write_text(f"{header}\n{cells}\n", encoding="utf-8")
    (tmp_path / "a.json").write_text(json.dumps([row]), encoding="utf-8")
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    found = [
        next(iter(read_measured(read_records(tmp_path / name)[0]).observations.values()))
        for name in ("a.csv", "a.json", "a.jsonl")
    ]
    assert len({(r.gpu.name, r.batch, r.input_tokens, r.seconds) for r in found}) == 1


def test_a_file_of_no_known_format(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x", encoding="utf-8")
    with pytest.raises(CatalogError, match="must end in one of"):
        read_records(tmp_path / "a.txt")
    with pytest.raises(CatalogError, match="cannot be read"):
        read_records(tmp_path / "absent.csv")


VLLM_SERVE = {
    "backend": "vllm",
    "model_id": "meta-llama/Llama-3.1-8B",
    "max_concurrency": 16,
    "completed": 100,
    "total_input_tokens": 51200,
    "total_output_tokens": 12800,
    "mean_ttft_ms": 210.0,
    "median_ttft_ms": 200.0,
    "median_tpot_ms": 12.0,
}
GENAI_PERF = {
    "time_to_first_token": {"unit": "ms", "avg": 200.0},
    "inter_token_latency": {"unit": "ms", "avg": 12.0},
    "input_sequence_length": {"unit": "tokens", "avg": 512.0},
    "output_sequence_length": {"unit": "tokens", "avg": 128.0},
    "input_config": {
        "model_names": ["meta-llama/Llama-3.1-8B"],
        "perf_analyzer": {"stimulus": {"concurrency": 16}},
    },
}


@pytest.mark.parametrize("result", [VLLM_SERVE, GENAI_PERF])
def test_results_of_serving_benchmarks(tmp_path: Path, result: dict[str, Any]) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(result), encoding="utf-8")
    (record,) = read_records(path, {"gpu": "L40S", "software": "vLLM"})
    (row,) = read_measured(record).observations.values()
    assert (row.kind, row.batch, row.input_tokens, row.output_tokens) == ("serving", 16, 512, 128)
    assert row.seconds == pytest.approx(0.012)
    assert row.ttft_s == pytest.approx(0.2)
    assert (row.gpu.name, row.software) == ("L40S", "vLLM")


def test_a_latency_benchmark_takes_its_sizes_from_what_is_said(tmp_path: Path) -> None:
    path = tmp_path / "latency.json"
    path.write_text(json.dumps({"avg_latency": 2.0, "latencies": [2.0], "percentiles": {}}))
    said = {**PLAIN, "output_tokens": 32}
    (record,) = read_records(path, said)
    row = read_measured(record).observations["latency"]
    assert (row.kind, row.seconds, row.batch, row.output_tokens) == ("batch", 2.0, 8.0, 32)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (
            {**VLLM_SERVE, "total_input_tokens": "many"},
            "total_input_tokens = 'many'",
        ),
        ({**VLLM_SERVE, "completed": [1]}, "completed = [1]: must be a number"),
        ({**VLLM_SERVE, "median_tpot_ms": 10**400}, "median_tpot_ms"),
        ({**VLLM_SERVE, "total_output_tokens": float("inf")}, "must be finite"),
        (
            {**GENAI_PERF, "inter_token_latency": 0.01},
            "inter_token_latency = 0.01: must",
        ),
        ({**GENAI_PERF, "inter_token_latency": {"avg": "x"}}, "inter_token_latency.avg = 'x'"),
        ({**GENAI_PERF, "input_config": [1]}, "input_config = [1]: must be a table"),
        ({**GENAI_PERF, "input_config": {"model_names": "x"}}, "model_names = 'x': must be a list"),
    ],
)
def test_results_that_are_none(tmp_path: Path, result: dict[str, Any], said: str) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps([VLLM_SERVE, result]), encoding="utf-8")
    with pytest.raises(CatalogError) as caught:
        read_records(path)
    assert f"{path}: row 2: " in str(caught.value)
    assert said in str(caught.value)


def test_less_than_one_request_completed(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps({**VLLM_SERVE, "completed": 1e-320}), encoding="utf-8")
    (record,) = read_records(path)
    assert record.cells["output_tokens"] == VLLM_SERVE["total_output_tokens"]


@pytest.mark.parametrize("column", ["batch", "seconds", "moe_tp_size", "kv_gpu_frac"])
def test_a_number_too_large_for_a_float(column: str) -> None:
    with pytest.raises(CatalogError, match=f"row 2, column {column} = 10"):
        read(**{"phase": "decode", column: 10**400})


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", "[" * 100_000, "nest lists and tables at most 32 deep"),
        ("a.jsonl", '{"gpu": ' * 100_000, "nest lists and tables at most 32 deep"),
        ("a.json", '{"gpu": "L4", "gpu": "T4"}', "gpu: is given twice"),
        ("a.json", "{", "not valid JSON"),
        ("a.json", "[1]", "row 1: must be a table"),
        ("a.csv", 'gpu,model\n"L4,opt', "cannot be read as csv"),
        ("a.parquet", "PAR1 and so on", "cannot be read as parquet"),
    ],
)
def test_files_that_are_none(tmp_path: Path, name: str, text: str, said: str) -> None:
    if name == "a.parquet":
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError) as caught:
        read_records(tmp_path / name)
    assert said in str(caught.value)
    assert name in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("old", [b"\x15\x04", b"PAR1"])
def test_parquet_that_is_damaged(tmp_path: Path, old: bytes) -> None:
    """Its reader's messages hold line breaks and control characters."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.Table.from_pylist([PLAIN]), path)
    path.write_bytes(path.read_bytes().replace(old, b"\x0e\x0f" * (len(old) // 2)))
    with pytest.raises(CatalogError) as caught:
        read_records(path)
    assert str(caught.value).isprintable()
