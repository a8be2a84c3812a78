"""How each family of decoder-only LLMs differs from Llama: rules as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

Flag = bool | str
"""Always so, or as the named field of the file says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """How the layers of one `model_type` differ from Llama's.

    Attributes:
        norms: norms of width hidden_size per layer.
        norm_bias: whether a norm has a bias beside its weight.
        gated: gate, up and down matrices, or up and down alone.
        four_times: the feed-forward width is four times hidden_size unless given.
        head_norm: norms of queries and keys: `head` shared by the heads, `full` one each.
        head_bias: whether the output projection has a bias.
        expert_bias: whether experts and router have biases.
        shared_gate: whether a gate of width hidden_size scales the shared expert.
        sinks: whether each query head has a learned sink.
        embedding_norm: whether a norm follows the embedding.
        extra_positions: rows of a learned position table beyond the longest context;
            None without such a table.
        sliding: whether `sliding_window` holds for layers that `layer_types` does not list.
        defaults: fields that the family's configuration class fills in.
    """

    norms: int = 2
    norm_bias: bool = False
    gated: bool = True
    four_times: bool = False
    qkv_bias: Flag = "attention_bias"
    out_bias: Flag = "attention_bias"
    mlp_bias: Flag = "mlp_bias"
    head_norm: Literal["", "head", "full"] = ""
    head_bias: bool = False
    expert_bias: bool = False
    shared_gate: bool = False
    sinks: bool = False
    embedding_norm: bool = False
    extra_positions: int | None = None
    sliding: bool = False
    defaults: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


TIED = {"tie_word_embeddings": True}
NO_WINDOW = {"use_sliding_window": False}
GEMMA = {**TIED, "head_dim": 256, "sliding_window": 4096}
GEMMA3 = {
    "vocab_size": 262_208,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "max_position_embeddings": 131_072,
    "sliding_window_pattern": 6,
}
GPT = Family(
    norm_bias=True,
    gated=False,
    four_times=True,
    qkv_bias=True,
    out_bias=True,
    mlp_bias=True,
    extra_positions=0,
    defaults=TIED,
)
GPTJ = Family(norms=1, norm_bias=True, gated=False, four_times=True, mlp_bias=True, head_bias=True)
QWEN3 = Family(head_norm="head", sliding=True, defaults=NO_WINDOW)
QWEN3_NEXT = Family(
    head_norm="head",
    shared_gate=True,
    defaults={"full_attention_interval": 4, "attn_output_gate": True},
)

FAMILIES = {
    "bloom": Family(
        norm_bias=True,
        gated=False,
        four_times=True,
        qkv_bias=True,
        out_bias=True,
        mlp_bias=True,
        embedding_norm=True,
        defaults=TIED,
    ),
    "codegen": GPTJ,
    "deepseek_v2": Family(),
    "deepseek_v3": Family(),
    "falcon": Family(
        norm_bias=True,
        gated=False,
        four_times=True,
        qkv_bias="bias",
        out_bias="bias",
        mlp_bias="bias",
        defaults={**TIED, "multi_query": True, "parallel_attn": True},
    ),
    "gemma": Family(defaults=GEMMA),
    "gemma2": Family(norms=4, sliding=True, defaults={**GEMMA, "sliding_window_pattern": 2}),
    "gemma3": Family(norms=4, head_norm="head", sliding=True, defaults={**GEMMA, **GEMMA3}),
    "glm4_moe": Family(out_bias=False, head_norm="head", defaults={"use_qk_norm": False}),
    "gpt2": GPT,
    "gpt_bigcode": replace(GPT, defaults={**TIED, "multi_query": True}),
    "gpt_neox": Family(
        norm_bias=True, gated=False, mlp_bias=True, defaults={"attention_bias": True}
    ),
    "gpt_oss": Family(
        expert_bias=True,
        sinks=True,
        sliding=True,
        defaults={"attention_bias": True, "head_dim": 64, "sliding_window_pattern": 2},
    ),
    "gptj": GPTJ,
    "granitemoehybrid": Family(),
    "kimi_k2": Family(),
    "llama": Family(),
    "llama4": Family(sliding=True, defaults={"n_shared_experts": 1, "sliding_window_pattern": 4}),
    "minimax_m2": Family(head_norm="full"),
    "mistral": Family(sliding=True),
    "mixtral": Family(sliding=True),
    "mpt": Family(gated=False, four_times=True, defaults=TIED),
    "opt": Family(
        norm_bias=True,
        gated=False,
        qkv_bias="enable_bias",
        out_bias="enable_bias",
        mlp_bias="enable_bias",
        extra_positions=2,
        defaults={**TIED, "enable_bias": True, "do_layer_norm_before": True},
    ),
    "phi": Family(
        norms=1,
        norm_bias=True,
        gated=False,
        qkv_bias=True,
        out_bias=True,
        mlp_bias=True,
        head_bias=True,
    ),
    "phi3": Family(sliding=True),
    "qwen2": Family(qkv_bias=True, out_bias=False, sliding=True, defaults=NO_WINDOW),
    "qwen2_moe": Family(
        qkv_bias=True, out_bias=False, shared_gate=True, sliding=True, defaults=NO_WINDOW
    ),
    "qwen3": QWEN3,
    "qwen3_moe": QWEN3,
    "qwen3_next": QWEN3_NEXT,
    "qwen3_vl": QWEN3,
    "qwen3_vl_moe": QWEN3,
    "qwen3_5": QWEN3_NEXT,
    "qwen3_5_moe": QWEN3_NEXT,
    "starcoder2": Family(
        norm_bias=True,
        gated=False,
        qkv_bias="use_bias",
        out_bias="use_bias",
        mlp_bias="use_bias",
        sliding=True,
        defaults={**TIED, "use_bias": True},
    ),
}
"""Rules per `model_type`, each from Hugging Face transformers 5.23,
models/<model_type>/modeling_<model_type>.py and configuration_<model_type>.py;
`kimi_k2` is deepseek_v3 under another name."""
