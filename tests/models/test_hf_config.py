"""config.json files against counts that others made, and against what strangers may send."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from infersave.models.architecture import Architecture
from infersave.models.hf_config import architecture_from_config
from infersave.models.hf_fields import MAX_BYTES
from infersave.models.outcome import ProblemError

Config = dict[str, Any]

LLAMA: Config = {
    "model_type": "llama",
    "num_hidden_layers": 4,
    "hidden_size": 64,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "intermediate_size": 96,
    "vocab_size": 1000,
    "max_position_embeddings": 128,
}
MHA = {**LLAMA, "num_key_value_heads": 8}
EXPERTS = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
ROUTED = {"n_routed_experts": 8, "n_shared_experts": 1} | {
    k: EXPERTS[k] for k in ("num_experts_per_tok", "moe_intermediate_size")
}
LOCAL = {"num_local_experts": 8, "num_experts_per_tok": 2, "intermediate_size": 32}
SHARED = {**EXPERTS, "shared_expert_intermediate_size": 40}
LATENT = {"kv_lora_rank": 16, "qk_nope_head_dim": 8, "qk_rope_head_dim": 4, "v_head_dim": 8}
DELTA = {
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 12,
    "linear_conv_kernel_dim": 4,
}
GRANITE = {
    **LLAMA,
    "model_type": "granitemoehybrid",
    "shared_intermediate_size": 48,
    "layer_types": ["mamba", "mamba", "attention", "mamba"],
    "mamba_n_heads": 16,
    "mamba_d_head": 8,
    "mamba_expand": 2,
    "mamba_d_state": 16,
    "mamba_d_conv": 4,
}
OPT = {**MHA, "model_type": "opt", "intermediate_size": None, "ffn_dim": 256}
FALCON = {**MHA, "model_type": "falcon", "intermediate_size": None, "num_key_value_heads": None}
GPT = {"n_layer": 2, "n_embd": 64, "n_head": 4, "vocab_size": 500, "n_positions": 32}
STARCODER2 = {**LLAMA, "model_type": "starcoder2", "intermediate_size": 256}
V2_LITE = {
    "model_type": "deepseek_v2",
    "num_hidden_layers": 27,
    "hidden_size": 2048,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "q_lora_rank": None,
    "kv_lora_rank": 512,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
    "intermediate_size": 10944,
    "first_k_dense_replace": 1,
    "n_routed_experts": 64,
    "n_shared_experts": 2,
    "num_experts_per_tok": 6,
    "moe_intermediate_size": 1408,
    "vocab_size": 102400,
}


def family(model_type: str, **changes: Any) -> Config:
    return {**LLAMA, "model_type": model_type, **changes}


def changed(**changes: Any) -> Config:
    return {**LLAMA, **changes}


# Each counted with Hugging Face transformers 5.23: its own class on torch's meta device,
# tied tensors once.
COUNTED: list[tuple[str, Config, int]] = [
    ("Llama with biases", changed(attention_bias=True, mlp_bias=True), 244_928),
    ("Llama, tied, wide heads", changed(head_dim=24, tie_word_embeddings=True), 261_184),
    ("Phi-3", family("phi3"), 243_264),
    ("Qwen3 with biases", family("qwen3", head_dim=16, attention_bias=True), 285_376),
    ("Gemma 3, bare", {"model_type": "gemma3_text", "num_hidden_layers": 6, "hidden_size": 64}
     | {"intermediate_size": 96}, 19_255_872),
    ("StarCoder2", STARCODER2, 239_104),
    ("StarCoder2 bare", STARCODER2 | {"use_bias": False, "tie_word_embeddings": False}, 301_184),
    ("OPT without biases", {**OPT, "word_embed_proj_dim": 64, "enable_bias": False}, 270_080),
    ("OPT, projected, no last norm", {**OPT, "word_embed_proj_dim": 32}
     | {"_remove_final_layer_norm": True}, 244_352),
    ("Falcon-RW", {**FALCON, "multi_query": False, "parallel_attn": False, "bias": True}, 264_064),
    ("Falcon 11B", {**FALCON, "num_kv_heads": 2, "new_decoder_architecture": True}
     | {"num_ln_in_parallel_attn": 1, "ffn_hidden_size": 100}, 156_800),
    ("Falcon 40B, untied", {**FALCON, "num_kv_heads": 2, "new_decoder_architecture": True}
     | {"tie_word_embeddings": False}, 301_184),
    ("GPT-NeoX, no bias", {**MHA, "model_type": "gpt_neox", "intermediate_size": 200}
     | {"attention_bias": False}, 298_144),
    ("GPT-NeoX, tied", {**MHA, "model_type": "gpt_neox", "intermediate_size": 200}
     | {"tie_word_embeddings": True}, 235_168),
    ("GPT-2", {"model_type": "gpt2", "n_layer": 12, "n_embd": 768, "n_head": 12}
     | {"vocab_size": 50257, "n_positions": 1024}, 124_439_808),
    ("GPT-BigCode, MHA", {**GPT, "model_type": "gpt_bigcode", "multi_query": False}, 134_144),
    ("CodeGen", {**GPT, "model_type": "codegen", "n_inner": 128}, 130_804),
    ("MPT", {"model_type": "mpt", "n_layers": 2, "d_model": 64, "n_heads": 4}
     | {"vocab_size": 500, "max_seq_len": 64}, 130_624),
    ("Mixtral", family("mixtral", num_local_experts=4, num_experts_per_tok=2), 465_472),
    ("Qwen2-MoE, every second layer", family("qwen2_moe", **SHARED)
     | {"decoder_sparse_step": 2, "mlp_only_layers": [3]}, 282_624),
    ("Qwen2-MoE, first layer dense", family("qwen2_moe", **SHARED, mlp_only_layers=[0]), 360_576),
    ("MiniMax-M2", family("minimax_m2", head_dim=16, **LOCAL), 409_792),
    ("gpt-oss", family("gpt_oss", **LOCAL), 662_400),
    ("GLM-4 MoE", family("glm4_moe", head_dim=16, **ROUTED, first_k_dense_replace=1)
     | {"attention_bias": True, "use_qk_norm": True}, 397_248),
    ("GLM-4 MoE, bare", family("glm4_moe", head_dim=16, **ROUTED, first_k_dense_replace=1),
     396_352),
    ("DeepSeek-V2-Lite", V2_LITE, 15_706_484_224),
    ("DeepSeek with biases", family("deepseek_v3", **LATENT, **ROUTED, q_lora_rank=24)
     | {"first_k_dense_replace": 2, "attention_bias": True}, 322_704),
    ("Qwen3-Next", family("qwen3_next", head_dim=16, **SHARED, **DELTA), 423_260),
    ("Granite 4", {**GRANITE, **LOCAL, "mamba_n_groups": 1, "tie_word_embeddings": True}, 396_208),
    ("Granite 4 dense", {**GRANITE, "num_local_experts": 0, "num_experts_per_tok": 0}
     | {"mamba_n_groups": 2, "mamba_proj_bias": True, "mamba_conv_bias": False}, 268_800),
]  # fmt: skip


def shape(config: Config) -> Architecture:
    return architecture_from_config(config, "test")


@pytest.mark.parametrize(("about", "config", "params"), COUNTED, ids=[c[0] for c in COUNTED])
def test_parameters_are_counted_exactly(about: str, config: Config, params: int) -> None:
    assert shape(config).params == params, about


def kinds(config: Config) -> list[tuple[int, str, int | None]]:
    return [(g.count, g.attention, g.window_tokens) for g in shape(config).groups]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (LLAMA | {"sliding_window": 32}, [(4, "full", None)]),
        (family("mistral", sliding_window=32), [(4, "sliding", 32)]),
        (family("mistral", sliding_window=None), [(4, "full", None)]),
        (family("qwen2", sliding_window=32), [(4, "full", None)]),
        (
            family("qwen2", sliding_window=32, use_sliding_window=True, max_window_layers=3),
            [(3, "full", None), (1, "sliding", 32)],
        ),
        (family("gemma2", sliding_window=32), [(2, "sliding", 32), (2, "full", None)]),
        (family("gemma3", sliding_window=32, num_hidden_layers=13),
         [(11, "sliding", 32), (2, "full", None)]),
        (family("gemma3", sliding_window=32, sliding_window_pattern=3),
         [(3, "sliding", 32), (1, "full", None)]),
        (family("gpt_oss", sliding_window=128, **LOCAL),
         [(2, "sliding", 128), (2, "full", None)]),
        (family("llama4", attention_chunk_size=64, **LOCAL),
         [(3, "sliding", 64), (1, "full", None)]),
        (family("unheard_of", sliding_window=32), [(4, "full", None)]),
        (family("unheard_of", sliding_window=32)
         | {"layer_types": ["sliding_attention"] * 3 + ["full_attention"]},
         [(3, "sliding", 32), (1, "full", None)]),
        (family("qwen3_next", head_dim=16, **DELTA), [(3, "none", None), (1, "full", None)]),
    ],
)  # fmt: skip
def test_windows(config: Config, expected: list[tuple[int, str, int | None]]) -> None:
    assert kinds(config) == expected


def test_latent_cache_is_neither_doubled_nor_divided() -> None:
    latent = shape(V2_LITE).groups[0]
    assert latent.attention == "latent"
    assert latent.kv_values_per_token == 512 + 64
    assert latent.kv_heads == 1
    assert latent.score_flops == 2 * 16 * (512 + 64 + 512)


def test_latent_layers_split_into_dense_and_routed() -> None:
    dense, routed = shape(V2_LITE).groups
    assert (dense.count, dense.n_experts) == (1, 0)
    assert (routed.count, routed.n_experts, routed.experts_per_token) == (26, 64, 6)
    assert routed.expert_params == 3 * 2048 * 1408
    assert routed.ffn_width == 2 * (6 + 2) * 1408


def test_one_layer_by_hand() -> None:
    (layer,) = shape(LLAMA).groups
    attention = 64 * 64 + 2 * 64 * 16 + 64 * 64
    assert layer.shared_params == attention + 3 * 64 * 96 + 2 * 64
    assert layer.kv_values_per_token == 2 * 2 * 8
    assert (layer.kv_heads, layer.query_heads) == (2, 8)
    assert layer.score_flops == 4 * 8 * 8
    assert layer.ffn_width == 2 * 96


def test_multi_query_caches_one_head() -> None:
    (layer,) = shape({**GPT, "model_type": "gpt_bigcode"}).groups
    assert (layer.kv_heads, layer.kv_values_per_token) == (1, 2 * 16)
    # Falcon 7B writes num_kv_heads = 71 although it has one.
    (falcon,) = shape({**FALCON, "num_kv_heads": 8, "multi_query": True}).groups
    assert falcon.kv_heads == 1


def test_recurrent_layers_keep_a_state_and_no_cache() -> None:
    state, full = shape(family("qwen3_next", head_dim=16, **DELTA)).groups
    assert (state.kv_values_per_token, state.score_flops, full.state_values) == (0, 0, 0)
    assert state.state_values == 4 * 8 * 12 + (2 * 16 + 48) * 3
    mamba = shape({**GRANITE, "mamba_n_groups": 1}).groups[0]
    assert mamba.state_values == 128 * 16 + (128 + 2 * 16) * 3


def test_the_tied_head_is_multiplied_but_stored_once() -> None:
    tied, untied = shape(LLAMA | {"tie_word_embeddings": True}), shape(LLAMA)
    assert tied.head_params == untied.head_params == 64_000
    assert untied.params - tied.params == 64_000


def test_text_of_a_multimodal_file() -> None:
    text = {**LLAMA, "model_type": "gemma3_text", "sliding_window": 32}
    outer = {"model_type": "gemma3", "vision_config": {"hidden_size": 1152}}
    quantised = {"quantization_config": {"quant_method": "fp8"}}
    found = shape({**outer, **quantised, "text_config": text})
    assert found.params == shape(text).params
    assert found.native_precision == "fp8"


@pytest.mark.parametrize(
    ("quantization", "precision"),
    [
        (None, "fp16"),
        ({"quant_method": "fp8", "fmt": "e4m3"}, "fp8"),
        ({"quant_method": "fbgemm_fp8"}, "fp8"),
        ({"quant_method": "mxfp4"}, "mxfp4"),
        ({"quant_method": "awq", "bits": 4}, "int4"),
        ({"quant_method": "gptq", "bits": 4}, "int4"),
        ({"quant_method": "gptq", "bits": 8}, "int8"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "int4"),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "int8"),
        ({"quant_method": "modelopt", "quant_algo": "FP8"}, "fp8"),
        (
            {"quant_method": "compressed-tensors"}
            | {"config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "float"}}}},
            "fp8",
        ),
        (
            {"quant_method": "compressed-tensors"}
            | {"config_groups": {"group_0": {"weights": {"num_bits": 4, "type": "int"}}}},
            "int4",
        ),
    ],
)
def test_native_precision(quantization: Config | None, precision: str) -> None:
    assert shape(LLAMA | {"quantization_config": quantization}).native_precision == precision


@pytest.mark.parametrize(
    "quantization",
    [
        "fp8",
        {"bits": 4},
        {"quant_method": ["fp8"]},
        {"quant_method": "gptq"},
        {"quant_method": "gptq", "bits": 3},
        {"quant_method": "fp8", "quant_algo": "MIXED_PRECISION"},
        {"quant_method": "modelopt", "quant_algo": "NVFP4"},
        {"quant_method": "compressed-tensors", "config_groups": []},
        {"quant_method": "compressed-tensors", "config_groups": {"group_0": None}},
    ],
)
def test_unknown_quantisation_is_refused(quantization: object) -> None:
    with pytest.raises(ProblemError, match="quantization_config"):
        shape(LLAMA | {"quantization_config": quantization})


def test_unknown_family_is_read_by_general_rules_and_says_so() -> None:
    found = shape(family("unheard_of"))
    assert found.params == shape(LLAMA).params
    assert "unheard_of" in found.source
    assert architecture_from_config(LLAMA, "a", "there").source == "there"
    latent = shape(family("unheard_of", **LATENT))
    assert [g.attention for g in latent.groups] == ["latent"]


@pytest.mark.parametrize(
    "field", ["num_hidden_layers", "hidden_size", "num_attention_heads", "vocab_size"]
)
def test_missing_field_is_named(field: str) -> None:
    with pytest.raises(ProblemError, match="whole number") as caught:
        shape({k: v for k, v in family("unheard_of").items() if k != field})
    assert caught.value.field == f"config.json: {field}"


WRONG = [None, True, 1.5, math.nan, math.inf, "64", -1, 0, 10**10, 10**5000, [64], {"a": 1}]


@pytest.mark.parametrize("value", WRONG, ids=lambda v: type(v).__name__)
@pytest.mark.parametrize("field", ["num_hidden_layers", "hidden_size", "vocab_size", "n_experts"])
def test_wrong_numbers_are_refused(field: str, value: object) -> None:
    config = family("qwen3_moe", **EXPERTS)
    name = {"n_experts": "num_experts_per_tok"}.get(field, field)
    with pytest.raises(ProblemError) as caught:
        shape(config | {name: value})
    assert caught.value.field == f"config.json: {name}"
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"num_hidden_layers": 1_000_001}, "num_hidden_layers"),
        ({"num_key_value_heads": 3}, "num_key_value_heads"),
        ({"num_key_value_heads": 16}, "num_key_value_heads"),
        ({"num_attention_heads": 7, "num_key_value_heads": 7}, "num_attention_heads"),
        ({"intermediate_size": None}, "intermediate_size"),
        ({"tie_word_embeddings": 1}, "tie_word_embeddings"),
        ({"attention_bias": "yes"}, "attention_bias"),
        ({"model_type": 5}, "model_type"),
        ({"text_config": [1]}, "text_config"),
        ({"is_encoder_decoder": True}, "is_encoder_decoder"),
        ({"model_type": "bert"}, "model_type"),
        ({"layer_types": "full"}, "layer_types"),
        ({"layer_types": ["full_attention"]}, "layer_types"),
        ({"layer_types": ["full_attention"] * 3 + ["guess"]}, "layer_types[3]"),
        ({"layer_types": ["full_attention", ["full_attention"], 2, 3]}, "layer_types[1]"),
        ({"layer_types": ["sliding_attention"] * 4}, "sliding_window"),
        ({"layer_types": ["linear_attention"] * 4}, "linear_conv_kernel_dim"),
        ({"layer_types": ["mamba"] * 4}, "mamba_n_heads"),
        ({"mamba_d_state": 16}, "layer_types"),
        ({"model_type": "jamba", "attn_layer_period": 8}, "layer_types"),
        ({"model_type": "gemma4", "global_head_dim": 512}, "global_head_dim"),
        ({**EXPERTS, "num_experts_per_tok": 9}, "num_experts_per_tok"),
        ({**EXPERTS, "mlp_only_layers": [True]}, "mlp_only_layers[0]"),
        ({**EXPERTS, "mlp_only_layers": 3}, "mlp_only_layers"),
        ({"kv_lora_rank": 16}, "qk_rope_head_dim"),
    ],
)
def test_inconsistent_fields_are_refused(changes: Config, field: str) -> None:
    with pytest.raises(ProblemError) as caught:
        shape(LLAMA | changes)
    assert caught.value.field == f"config.json: {field}"


@pytest.mark.parametrize("content", [None, 3, "text", [1], b"{}", {1, 2}])
def test_only_an_object_is_a_config(content: Any) -> None:
    with pytest.raises(ProblemError, match=r"config\.json"):
        architecture_from_config(content, "test")


def test_many_layers_and_exceptions_are_quick() -> None:
    config = changed(**EXPERTS, num_hidden_layers=10_000, mlp_only_layers=list(range(10_000)))
    assert shape(config).n_layers == 10_000


def test_a_file_a_folder_and_a_mapping_agree(tmp_path: Path) -> None:
    folder = tmp_path / "my-llm"
    folder.mkdir()
    file = folder / "config.json"
    file.write_text(json.dumps(LLAMA), encoding="utf-8")
    read = Architecture.from_hf_config(folder)
    assert read == Architecture.from_hf_config(str(file))
    assert read.name == "my-llm"
    assert read.groups == Architecture.from_hf_config(LLAMA).groups
    assert Architecture.from_hf_config(file, name="mine").name == "mine"


def test_default_names(tmp_path: Path) -> None:
    assert Architecture.from_hf_config(LLAMA | {"_name_or_path": "org/llm"}).name == "org/llm"
    assert Architecture.from_hf_config(LLAMA | {"_name_or_path": "\x1b[2J"}).name == "llama"
    assert Architecture.from_hf_config(LLAMA | {"model_type": ""}).name == "unnamed"
    file = tmp_path / "config.json"
    file.write_text(json.dumps(LLAMA | {"_name_or_path": "org/llm"}), encoding="utf-8")
    assert Architecture.from_hf_config(file).name == "org/llm"
    with pytest.raises(ProblemError, match="name"):
        Architecture.from_hf_config(LLAMA, name="\x1b[2J")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not JSON: line 1"),
        (b'{\n  "a": 1,\n  "b"\n}', "not JSON: line 4"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[1, 2]", "must be an object"),
        (b'{"hidden_size": NaN}', "finite"),
        (b'{"hidden_size": -Infinity}', "finite"),
        (b'{"hidden_size": 1, "hidden_size": 2}', "must be there once"),
        (b'{"hidden_size": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"[" * 200_000, "nested too deeply"),
        (b" " * (MAX_BYTES + 1), "must be at most"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(content)
    with pytest.raises(ProblemError, match=says):
        Architecture.from_hf_config(file)


@pytest.mark.parametrize("path", ["absent.json", ".", "/dev/null", "a\0b", "x" * 5000])
def test_unreadable_files_are_refused(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProblemError, match="cannot be read"):
        Architecture.from_hf_config(path)


def test_only_a_path_or_a_mapping_is_taken() -> None:
    wrong: Any = 3
    with pytest.raises(ProblemError, match="must be an object"):
        Architecture.from_hf_config(wrong)
