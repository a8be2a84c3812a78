"""The paths of a VM between GPUs and host, from what was measured on it or elsewhere.

Three questions, each with the words that say how it was answered:
what one GPU gets alone, what the GPUs share, and how GPUs reach each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

Row = dict[str, str]

GB = 1e9
ASSUMED_SHARING = 2
"""GPUs per uplink where nobody measured: the usual PCIe switch, and the careful guess."""
FULL_LANES = "16"
ONE_FORM_ONLY = ("B200", "GB200", "H100-SXM", "H200", "MI300X")
"""Price keys of GPUs that clouds rent on one kind of board alone, the one with NVLink."""
MESH_PEERS = 7
"""Other GPUs on a full-mesh board of eight: the datasheet rate is the sum of so many links."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Bytes/s to the GPUs and back, and how they are known."""

    h2d: float
    d2h: float
    basis: str


def pcie_classes(topology: list[Row]) -> dict[str, Rate]:
    """PCIe generation -> the median of what whole GPUs get on sixteen lanes of it."""
    classes = {}
    for generation in sorted({row["pcie_gen_effective"] for row in topology}):
        rows = [
            row
            for row in topology
            if row["pcie_gen_effective"] == generation
            and row["pcie_lanes"] == FULL_LANES
            and row["h2d_single_gbs"]
            and row["d2h_single_gbs"]
        ]
        if rows:
            classes[generation] = Rate(
                median(float(row["h2d_single_gbs"]) for row in rows) * GB,
                median(float(row["d2h_single_gbs"]) for row in rows) * GB,
                f"estimate: median of {len(rows)} types measured on PCIe Gen{generation} x16",
            )
    return classes


def own_rate(topology: Row, spec: Row, classes: dict[str, Rate]) -> Rate:
    """What one GPU of the VM gets when it copies alone."""
    if topology.get("planning_h2d_gbs_one_gpu"):
        h2d = float(topology["planning_h2d_gbs_one_gpu"]) * GB
        basis = f"{topology['planning_basis']} {topology['measured_at']}".strip()
        if topology["d2h_single_gbs"]:
            return Rate(h2d, float(topology["d2h_single_gbs"]) * GB, basis)
        return Rate(h2d, h2d, f"{basis}; d2h not measured, taken as h2d")
    if spec["h2d_measured_gbs"]:
        place = spec["h2d_measured_on"].replace(";", ",")
        return Rate(
            float(spec["h2d_measured_gbs"]) * GB,
            float(spec["d2h_measured_gbs"]) * GB,
            f"estimate: this GPU's rate elsewhere ({place})",
        )
    if spec["pcie_gen"]:
        return classes[spec["pcie_gen"]]
    newest = classes[max(classes)]  # NVLink-C2C: faster than PCIe, by how much nobody measured
    return Rate(newest.h2d, newest.d2h, f"{newest.basis}; this GPU's link to the host is faster")


def uplink(topology: Row, own: Rate, n_gpus: int, share: float) -> tuple[int, Rate]:
    """GPUs behind one shared path, and what that path carries."""
    if share < 1.0:
        reason = "uplink: the slice's share of a link that its neighbours use too"
        return 1, Rate(own.h2d * share, own.d2h * share, reason)
    if n_gpus == 1:
        return 1, Rate(own.h2d, own.d2h, "")
    known = topology.get("gpus_per_host_uplink", "unknown")
    if not topology.get("planning_h2d_gbs_per_gpu_all_busy"):
        if known not in ("unknown", ""):
            return int(known), Rate(own.h2d, own.d2h, "all-busy rate from the sharing alone")
        reason = f"sharing unknown: {ASSUMED_SHARING} GPUs per uplink assumed"
        return ASSUMED_SHARING, Rate(own.h2d, own.d2h, reason)
    h2d = float(topology["planning_h2d_gbs_per_gpu_all_busy"]) * GB
    d2h = float(topology["d2h_all_min_per_gpu_gbs"] or "inf") * GB
    # Without a measurement back to the host the two directions are alike.
    d2h = min(d2h, own.d2h) if topology["d2h_all_min_per_gpu_gbs"] else h2d
    if known in ("unknown", ""):
        sharing = n_gpus if h2d < own.h2d else 1
    else:
        sharing = int(known)
    if sharing == 1:  # rates that differ in the noise must not make a path beat its own link
        h2d = min(h2d, own.h2d)
    return sharing, Rate(h2d * sharing, d2h * sharing, "")


def gpu_link(price: Row, topology: Row, spec: Row, n_gpus: int, busy: Rate) -> tuple[float, str]:
    """GPU to GPU [bytes/s] and its basis: NVLink, else PCIe peer copies, else the host."""
    through_host = min(busy.h2d, busy.d2h) / 2
    if n_gpus == 1:
        return through_host, "one GPU: not used"
    form = topology.get("nvlink", "unknown")
    pairs_only = "bridge" in form and n_gpus > 2
    datasheet = float(topology.get("nvlink_datasheet_gbs_per_dir_per_gpu") or 0)
    if datasheet and not pairs_only:
        return datasheet * GB, f"datasheet: {form.replace(';', ',')}"
    if form == "unknown" and _board_is_certain(price):
        kind, rate = spec["nvlink_form"], float(spec["nvlink_gbs_per_dir"])
        basis = "datasheet: by the GPU's form factor, not checked on this VM"
        if kind.startswith("NVSwitch"):
            return rate * GB, basis
        if kind.startswith("Infinity Fabric"):
            return rate * GB * (n_gpus - 1) / MESH_PEERS, basis
    if topology.get("p2p") == "yes" and topology["p2p_read_median_gbs"] and not pairs_only:
        return float(topology["p2p_read_median_gbs"]) * GB, "measured: PCIe peer copies"
    why = "NVLink bridges join pairs alone; " if pairs_only else ""
    return through_host, f"estimate: {why}through the host, half its all-busy rate"


def _board_is_certain(price: Row) -> bool:
    return price["gpu"] in ONE_FORM_ONLY or "SXM" in price["instance_type"].upper()


def link_columns(
    price: Row, topology: Row, spec: Row, classes: dict[str, Rate], n_gpus: int, share: float
) -> dict[str, str]:
    """The columns of vm_types.csv from `h2d_bytes_per_s` to `gpu_link_basis`."""
    own = own_rate(topology, spec, classes)
    sharing, shared = uplink(topology, own, n_gpus, share)
    sharing = min(sharing, n_gpus)
    busy = Rate(
        min(own.h2d, shared.h2d / sharing), min(own.d2h, shared.d2h / sharing), shared.basis
    )
    peer, peer_basis = gpu_link(price, topology, spec, n_gpus, busy)
    return {
        "h2d_bytes_per_s": str(round(own.h2d)),
        "d2h_bytes_per_s": str(round(own.d2h)),
        "gpus_per_uplink": str(sharing),
        "uplink_h2d_bytes_per_s": str(round(shared.h2d)),
        "uplink_d2h_bytes_per_s": str(round(shared.d2h)),
        "link_basis": "; ".join(text for text in (own.basis, shared.basis) if text),
        "gpu_link_bytes_per_s": str(round(peer)),
        "gpu_link_basis": peer_basis,
    }
