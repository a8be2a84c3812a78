"""What one layer of a config.json weighs, caches and computes.

Each function follows the modelling code that it cites, in Hugging Face transformers 5.23.
"""

from __future__ import annotations

from .architecture import LayerGroup
from .hf_fields import Fields, wrong


def layer_group(fields: Fields, kind: str, sparse: bool, count: int) -> LayerGroup:
    """`count` layers: what mixes the tokens, and the feed-forward network behind it."""
    if kind == "linear":
        mixer = _delta_net(fields)
    elif kind == "mamba":
        mixer = _mamba2(fields)
    elif fields.whole("kv_lora_rank", 0):
        mixer = _latent(fields)
    else:
        mixer = _attention(fields, kind)
    group = _experts(fields, mixer) if sparse else _dense(fields, mixer)
    norms = _norms(fields) * norm_params(fields)
    return group.replace(count=count, shared_params=group.shared_params + norms)


def norm_params(fields: Fields) -> int:
    """Parameters of one norm over the residual stream."""
    return fields.whole("hidden_size") * (1 + fields.family.norm_bias)


def _norms(fields: Fields) -> int:
    """Norms per layer; modeling_falcon has one before both branches, or one for each."""
    if fields.model_type != "falcon":
        return fields.family.norms
    if fields.flag("new_decoder_architecture"):
        return fields.whole("num_ln_in_parallel_attn", 2)
    return 1 if fields.flag("parallel_attn") else 2


def _attention(fields: Fields, kind: str) -> LayerGroup:
    """Multi-head, grouped-query or multi-query attention, full or within a window."""
    hidden, heads = fields.whole("hidden_size"), fields.whole("num_attention_heads")
    kv_heads = fields.whole("num_key_value_heads", heads)
    if fields.flag("multi_query") and not fields.flag("new_decoder_architecture"):
        kv_heads = 1
    if heads % kv_heads:
        raise wrong("num_key_value_heads", kv_heads, f"must divide num_attention_heads = {heads}")
    if hidden % heads and fields.find("head_dim") is None:
        raise wrong("num_attention_heads", heads, "must divide hidden_size, or give head_dim")
    width = fields.whole("head_dim", hidden // heads or 1)
    query, key_value = heads * width, 2 * kv_heads * width
    # Qwen3-Next's query projection also makes the gate of the output.
    projected = query * (1 + fields.flag("attn_output_gate")) + key_value
    weights = hidden * (projected + query)
    weights += projected * fields.flag(fields.family.qkv_bias)
    weights += hidden * fields.flag(fields.family.out_bias)
    if fields.flag("use_qk_norm", True):
        norms = {"": 0, "head": 2 * width, "full": query + key_value // 2}
        weights += norms[fields.family.head_norm]
    return LayerGroup(
        count=1,
        attention="sliding" if kind == "sliding" else "full",
        shared_params=weights + heads * fields.family.sinks,
        kv_values_per_token=key_value,
        kv_heads=kv_heads,
        window_tokens=fields.whole("sliding_window") if kind == "sliding" else None,
        score_flops=4.0 * query,
        query_heads=heads,
        ffn_width=0,
    )


def _latent(fields: Fields) -> LayerGroup:
    """Multi-head latent attention (modeling_deepseek_v2 and v3; arXiv:2405.04434).

    Keys and values stay compressed and the up-projections are absorbed into the query
    and the output, as engines decode: a head scores a key over rank + rotary dimensions
    and sums values over rank dimensions, 2 FLOPs for each.
    """
    hidden, heads = fields.whole("hidden_size"), fields.whole("num_attention_heads")
    rank, rotary = fields.whole("kv_lora_rank"), fields.whole("qk_rope_head_dim")
    key, value = fields.whole("qk_nope_head_dim"), fields.whole("v_head_dim")
    query_rank = fields.whole("q_lora_rank", 0)
    query = heads * (key + rotary)
    weights = (hidden + 1 + query) * query_rank if query_rank else hidden * query
    weights += hidden * (rank + rotary) + rank + rank * heads * (key + value)
    weights += heads * value * hidden
    weights += (query_rank + rank + rotary + hidden) * fields.flag("attention_bias")
    return LayerGroup(
        count=1,
        attention="latent",
        shared_params=weights,
        kv_values_per_token=rank + rotary,
        score_flops=2.0 * heads * (rank + rotary + rank),
        query_heads=heads,
        ffn_width=0,
    )


def _recurrent(weights: int, state: int) -> LayerGroup:
    return LayerGroup(
        count=1,
        attention="none",
        shared_params=weights,
        kv_values_per_token=0,
        state_values=state,
        score_flops=0.0,
        query_heads=0,
        ffn_width=0,
    )


def _delta_net(fields: Fields) -> LayerGroup:
    """Gated delta rule (modeling_qwen3_next, Qwen3NextGatedDeltaNet).

    A sequence keeps one key x value matrix per head, and the last inputs of a causal
    convolution over queries, keys and values.
    """
    hidden, taps = fields.whole("hidden_size"), fields.whole("linear_conv_kernel_dim")
    heads, value = fields.whole("linear_num_value_heads"), fields.whole("linear_value_head_dim")
    key = fields.whole("linear_key_head_dim")
    keys, values = fields.whole("linear_num_key_heads") * key, heads * value
    mixed = 2 * keys + values
    # In: queries, keys, values, the gate z, and beta and alpha of each head.
    weights = hidden * (mixed + values + 2 * heads) + mixed * taps
    weights += 2 * heads + value + values * hidden
    return _recurrent(weights, heads * key * value + mixed * (taps - 1))


def _mamba2(fields: Fields) -> LayerGroup:
    """Mamba-2 (arXiv:2405.21060; modeling_granitemoehybrid, GraniteMoeHybridMambaLayer)."""
    hidden, heads = fields.whole("hidden_size"), fields.whole("mamba_n_heads")
    inner, taps = fields.whole("mamba_expand") * hidden, fields.whole("mamba_d_conv")
    state = fields.whole("mamba_d_state")
    mixed = inner + 2 * fields.whole("mamba_n_groups") * state
    projected = inner + mixed + heads
    weights = hidden * (projected + inner) + mixed * (taps + fields.flag("mamba_conv_bias", True))
    weights += (projected + hidden) * fields.flag("mamba_proj_bias")
    # Per head: A, D and the bias of dt; and the norm before the way out.
    weights += 3 * heads + inner
    return _recurrent(weights, inner * state + mixed * (taps - 1))


def _feed_forward(fields: Fields, width: int, bias: bool) -> int:
    """Parameters of a network of this width: (gate,) up and down."""
    hidden, inputs = fields.whole("hidden_size"), 1 + fields.family.gated
    return hidden * width * (inputs + 1) + bias * (inputs * width + hidden)


def _dense(fields: Fields, mixer: LayerGroup) -> LayerGroup:
    """A mixer followed by one feed-forward network."""
    hidden, ratio = fields.whole("hidden_size"), 4 if fields.family.four_times else 0
    width = fields.whole("intermediate_size_mlp", 0)  # of Llama 4's dense layers
    if not fields.whole("num_experts", 0, least=0):
        # Granite 4 without experts is left with its shared network.
        width = width or fields.whole("shared_expert_intermediate_size", 0, least=0)
    width = width or fields.whole("intermediate_size", ratio * hidden or None)
    weights = _feed_forward(fields, width, fields.flag(fields.family.mlp_bias))
    return mixer.replace(
        shared_params=mixer.shared_params + weights,
        ffn_width=width * (1 + fields.family.gated),
    )


def _experts(fields: Fields, mixer: LayerGroup) -> LayerGroup:
    """A mixer followed by a router, its experts and those that all tokens share.

    (modeling_mixtral, modeling_qwen3_moe, modeling_deepseek_v3, modeling_gpt_oss.)
    """
    hidden, experts = fields.whole("hidden_size"), fields.whole("num_experts")
    chosen = fields.whole("num_experts_per_tok")
    if chosen > experts:
        raise wrong("num_experts_per_tok", chosen, f"must be at most num_experts = {experts}")
    bias = fields.family.expert_bias
    width = fields.whole("moe_intermediate_size", 0) or fields.whole("intermediate_size")
    shared = fields.whole("n_shared_experts", 0, least=0) * width
    shared = fields.whole("shared_expert_intermediate_size", shared, least=0)
    weights = experts * (hidden + bias) + _feed_forward(fields, shared, False)
    weights += hidden * fields.family.shared_gate
    return mixer.replace(
        shared_params=mixer.shared_params + weights,
        expert_params=_feed_forward(fields, width, bias),
        n_experts=experts,
        experts_per_token=chosen,
        ffn_width=(chosen * width + shared) * (1 + fields.family.gated),
    )
