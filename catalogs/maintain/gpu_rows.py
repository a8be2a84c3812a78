"""One row of gpus.csv from the gathered figures of a GPU, with sources spelled out."""

from __future__ import annotations

from host_links import GB, Row

MIB_PER_GIB = 1024
MIB = 2**20
TERA = 1e12

SOURCES = {
    "SMI": ("nvidia-smi in SpareCores/sc-inspector-data@804d3c71", "2026-08-22"),
    "NVB": ("nvbandwidth in SpareCores/sc-inspector-data@804d3c71", "2026-08-22"),
    "AIC": ("ai-dynamo/aiconfigurator@095f58a5", "2026-08-21"),
    "AZH": ("Azure/azurehpc-health-checks@0e0a1ac2", "2026-05-01"),
    "LLV": ("hahnyuan/LLM-Viewer@472f71f1", "2024-07-30"),
    "VID": ("microsoft/vidur@7d475133", ""),
    "GS": ("winston-zhang-orz/gpu-specs", ""),
    "ASTRO": ("astroC86/gpu-datasheet", ""),
    "SYS": ("T4 page of sysrqmts.com", ""),
    "A10GB": ("article A10 vs A10G (baseten) quoting NVIDIA's brief", ""),
    "TT": ("torchtitan get_peak_flops", ""),
    "GLK": ("H100 page of glennklockwood.com", ""),
    "GRK": ("public page on the H100 NVL part", ""),
    "MI": ("public text on MI300X", ""),
    "MSFT": ("pages on Azure ND GB200 v6", ""),
}
NOT_HARDWARE = "InferSave"
"""Source code of the column with the paper's own figures, which is not used."""
UNKNOWN_DATE = "2026-08 (gathered)"
USED = ("fp16_tensor_dense_tflops", "fp8_dense_tflops", "mem_bw_gbs", "all compute")
"""The gathered columns that reach gpus.csv: doubts about others do not concern it."""

SAME_SIZE_MEASURED = {"A40": "L40S", "RTX-A6000": "L40S", "L40": "L40S", "MI300X": "GB200"}
"""GPUs whose usable memory nobody read -> one of the same nominal size that was read."""


def memory(spec: Row, specs: dict[str, Row]) -> tuple[float, str]:
    """Usable memory [bytes], and where it comes from."""
    if spec["mem_usable_mib"]:
        return float(spec["mem_usable_mib"]) * MIB, "memory: driver's total"
    other = specs[SAME_SIZE_MEASURED[spec["gpu"]]]
    nominal_mib = float(spec["mem_nominal_gib"]) * MIB_PER_GIB
    reserve_mib = float(other["mem_nominal_gib"]) * MIB_PER_GIB - float(other["mem_usable_mib"])
    reason = f"less the {reserve_mib:g} MiB that {other['gpu']} of that size holds back"
    text = f"memory: nominal {spec['mem_nominal_gib']} GiB {reason}"
    return (nominal_mib - reserve_mib) * MIB, text


def sources(spec: Row) -> tuple[str, str]:
    """The sources of a row in words, and the date of the newest."""
    words, dates = [], []
    for part in spec["sources"].split("; "):
        code, _, remark = part.partition(" ")
        if code == NOT_HARDWARE:
            continue
        text, date = SOURCES.get(code, (code, ""))
        words.append(f"{text} {remark}".strip())
        dates.append(date)
    return "; ".join(words), max(dates) or UNKNOWN_DATE


def gpu_row(spec: Row, specs: dict[str, Row]) -> Row:
    """One row of gpus.csv."""
    memory_bytes, memory_source = memory(spec, specs)
    text, date = sources(spec)
    doubts = [d for d in spec["unverified_fields"].split("; ") if d.startswith(USED)]
    notes = [f"from memory of the datasheet: {', '.join(doubts)}" if doubts else "", spec["notes"]]
    fp8 = spec["fp8_dense_tflops"]
    return {
        "name": spec["gpu"],
        "memory_bytes": str(round(memory_bytes)),
        "flops_per_s": f"{float(spec['fp16_tensor_dense_tflops']) * TERA:.6g}",
        "fp8_flops_per_s": f"{float(fp8) * TERA:.6g}" if fp8 else "",
        "memory_bytes_per_s": f"{float(spec['mem_bw_gbs']) * GB:.6g}",
        "source": f"{text}; {memory_source}",
        "date": date,
        "note": ". ".join(note for note in notes if note),
    }
