"""`infersave predict`: an answer to each row in order, and a reason where there is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

Run = Callable[..., CompletedProcess[str]]
MEASUREMENTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "measurements"

ROWS = """\
gpu,n_gpus,model,phase,batch,input_tokens,output_tokens,engine
H100-80GB,1,meta-llama/Llama-3.1-8B,prefill,1,1024,,vLLM
H100-80GB,1,meta-llama/Llama-3.1-8B,decode,16,1024,,vLLM
A100-40GB,1,mistralai/Mistral-7B-v0.1,e2e,32,512,512,TensorRT-LLM
H200-141GB,2,Qwen/Qwen3-8B,serving,64,1024,512,SGLang
Abacus-1,1,meta-llama/Llama-3.1-8B,decode,16,1024,,vLLM
H100-80GB,1,nobody/knows,decode,16,1024,,vLLM
H100-80GB,1,meta-llama/Llama-3.1-8B,decode,-4,1024,,vLLM
"""


def predicted(run: Run, text: str) -> list[dict[str, Any]]:
    Path("rows.csv").write_text(text, encoding="utf-8")
    done = run("predict", "rows.csv", "--json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert data["status"] == "predicted"
    found: list[dict[str, Any]] = data["predictions"]
    return found


def test_each_row_in_order(infersave: Run) -> None:
    found = predicted(infersave, ROWS)
    assert [row["row"] for row in found] == list(range(2, 9))
    prefill, decode, batch, serving, gpu, model, slip = found
    for row in (prefill, decode, batch):
        assert 0 < row["low_s"] < row["predicted_s"] < row["high_s"]
    for name in ("ttft_s", "tpot_s", "tokens_per_s"):
        assert 0 < serving[f"low_{name}"] < serving[f"predicted_{name}"] < serving[f"high_{name}"]
    assert batch["predicted_tokens_per_s"] == pytest.approx(32 * 1024 / batch["predicted_s"])
    assert decode["predicted_s"] < prefill["predicted_s"] < batch["predicted_s"]
    assert "Abacus-1" in gpu["reason"]
    assert "nobody/knows" in model["reason"]
    assert "row 8" in slip["reason"]
    assert "-4" in slip["reason"]


def test_a_table_for_people(infersave: Run) -> None:
    Path("rows.csv").write_text(ROWS, encoding="utf-8")
    done = infersave("predict", "rows.csv")
    assert done.returncode == 0
    assert "Predicted 4 rows of 7" in done.stdout
    assert "row 6: " in done.stdout


def test_own_calibrations_come_first(infersave: Run) -> None:
    from infersave.catalogs.calibrations import load_calibrations, write_calibrations

    shipped = next(c for c in load_calibrations() if c.gpu == "A10" and c.plans)
    mine = shipped.replace(gpu="A10", software="mine", source="me")
    slow = mine.replace(decode=mine.decode.replace(layer_s=1.0))
    with Path("mine.csv").open("w", encoding="utf-8") as stream:
        write_calibrations(stream, [slow])
    row = "gpu,model,phase,batch,input_tokens,software\nA10,facebook/opt-2.7b,decode,1,64,mine\n"
    Path("rows.csv").write_text(row, encoding="utf-8")
    done = infersave("predict", "rows.csv", "--calibrations", "mine.csv", "--json")
    (found,) = json.loads(done.stdout)["predictions"]
    assert found["predicted_s"] > 32.0  # one second for each of its layers
    assert found["calibration"]["software"] == "mine"


def test_kv_cache_that_streams_from_the_host(infersave: Run) -> None:
    header = "gpu,model,system,batch,input_tokens,output_tokens,lowest_tier,kv_gpu_frac"
    rows = [f"V100-32GB,facebook/opt-13b,FlexGen,32,512,80,{tier}" for tier in ("gpu,1", "cpu,0")]
    here, there = predicted(infersave, "\n".join((header, *rows)))
    # 13.1 GB of prompts' KV cache and 1.0 GB of answers', at some 8.9 GB/s.
    waited = there["predicted_decode_step_s"] - here["predicted_decode_step_s"]
    assert waited == pytest.approx(14.1e9 / 8.9e9, rel=0.05)
    lost = f"{header}\nT4,facebook/opt-13b,DeepSpeed,2,512,32,cpu,\n"
    assert "does not say how much" in predicted(infersave, lost)[0]["reason"]


def test_a_file_that_is_not_there(infersave: Run) -> None:
    done = infersave("predict", "absent.csv", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["status"] == "invalid"


@pytest.mark.skipif(not MEASUREMENTS.exists(), reason="needs the measurement files")
@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("phase_llmpilot_decode.csv", 265),
        ("phase_llmpilot_prefill.parquet", 33_800),
        ("phase_splitwise.csv", 54),
        ("phase_helix_layer.csv", 190),
        ("e2e_argonne.csv", 745),
        ("e2e_aic_silicon.csv", 1285),
        ("offload_measured.csv", 8),
        ("pcie_bandwidth.csv", 0),
        ("model_specs.csv", 0),
        ("infersave_paper.csv", 4),
    ],
)
def test_published_files_as_they_are(infersave: Run, name: str, least: int) -> None:
    if name.endswith(".parquet") and not find_spec("pyarrow"):
        pytest.skip("needs pyarrow")
    done = infersave("predict", str(MEASUREMENTS / name), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["predictions"]
    assert sum("reason" not in row for row in found) >= least
    assert all(("reason" in row) != any(k.startswith("predicted") for k in row) for row in found)
