"""The shipped catalogues: what they hold, and that it is sound."""

from __future__ import annotations

import csv
import math
import subprocess
import sys
from pathlib import Path

import pytest

import infersave.catalogs
from infersave.catalogs.store import Catalog, load_catalog, load_gpus, load_vm_types
from infersave.models.topology import host_rates

DATA = Path(infersave.catalogs.__file__).parent / "data"
PROVIDERS = (
    *("aws", "azure", "gcp", "hyperstack", "lambda"),
    *("nebius", "oci", "runpod", "verda"),
)
GIB = 2**30
GB = 1e9

CLOUDS = load_catalog()


def keys(catalog: Catalog) -> list[str]:
    return [offer.key for offer in catalog.offers]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


class TestClouds:
    @pytest.mark.parametrize("provider", PROVIDERS)
    def test_every_provider_has_offers(self, provider: str) -> None:
        assert len(CLOUDS.select(provider=provider, purchase="on_demand").offers) > 0

    def test_no_other_provider(self) -> None:
        assert CLOUDS.providers() == PROVIDERS

    def test_keys_are_unique(self) -> None:
        assert len(set(keys(CLOUDS))) == len(CLOUDS.offers)
        names = [(vm.provider, vm.name) for vm in load_vm_types()]
        assert len(set(names)) == len(names)

    def test_every_gpu_of_a_vm_type_is_described(self) -> None:
        described = {gpu.name for gpu in load_gpus()}
        assert {vm.gpu.name for vm in load_vm_types()} <= described
        assert {row["gpu"] for row in table(DATA / "gpu_aliases.csv")} <= described

    def test_every_vm_type_is_on_offer(self) -> None:
        assert {vm.key for vm in CLOUDS.vm_types()} == {vm.key for vm in load_vm_types()}

    def test_prices_are_positive_and_plausible_per_gpu(self) -> None:
        for offer in CLOUDS.offers:
            assert 0.02 < offer.usd_per_hour / offer.vm_type.n_gpus < 40, offer.key

    def test_spot_is_never_dearer_unless_the_row_says_so(self) -> None:
        on_demand = {
            (offer.vm_type.key, offer.region): offer.usd_per_hour
            for offer in CLOUDS.select(purchase="on_demand").offers
        }
        for offer in CLOUDS.select(purchase="spot").offers:
            dearest = on_demand.get((offer.vm_type.key, offer.region), float("inf"))
            assert offer.usd_per_hour <= dearest or "at_ondemand" in offer.source, offer.key

    def test_aws_us_east_1_has_the_breadth_to_plan_with(self) -> None:
        here = CLOUDS.select("aws", "us-east-1", "on_demand")
        assert len({offer.vm_type.key for offer in here.offers}) >= 40

    def test_every_row_has_a_source_and_a_date(self) -> None:
        for path in DATA.rglob("*.csv"):
            if path.name in ("gpus.csv", "vm_types.csv", "offers.csv"):
                assert all(row["source"] and row["date"] for row in table(path)), path
        assert all(offer.source and offer.date for offer in CLOUDS.offers)

    def test_slices_are_one_gpu_shared(self) -> None:
        slices = [vm for vm in CLOUDS.vm_types() if vm.gpu_share < 1]
        assert slices
        assert all(vm.n_gpus == 1 for vm in slices)
        whole = {vm.name: vm for vm in CLOUDS.vm_types()}
        rates = host_rates(1, whole["g6f.4xlarge"].link)
        assert rates.h2d_bytes_per_s == pytest.approx(13.471 * GB / 2)

    @pytest.mark.parametrize(
        ("key", "h2d_gb_per_s", "d2h_gb_per_s"),
        [
            ("aws:g6.xlarge", 13.468, 13.334),
            ("aws:g5.48xlarge", 10.3264, 6.73682),
            ("aws:p3.16xlarge", 5.34543, 5.73991),
            ("gcp:a3-highgpu-8g", 13.8399, 14.2679),
            ("aws:p4d.24xlarge", 6.2, 6.2),
            ("aws:p5en.48xlarge", 27.5, 27.5),  # sharing unknown: two GPUs an uplink
            ("azure:Standard_NC96ads_A100_v4", 26.6861, 26.3314),
        ],
    )
    def test_all_busy_host_rates_are_those_measured(
        self, key: str, h2d_gb_per_s: float, d2h_gb_per_s: float
    ) -> None:
        vm = {vm.key: vm for vm in CLOUDS.vm_types()}[key]
        rates = host_rates(vm.n_gpus, vm.link)
        assert rates.h2d_bytes_per_s == pytest.approx(h2d_gb_per_s * GB, rel=1e-6)
        assert rates.d2h_bytes_per_s == pytest.approx(d2h_gb_per_s * GB, rel=1e-6)

    def test_gpu_links(self) -> None:
        vms = {vm.key: vm for vm in CLOUDS.vm_types()}
        assert vms["aws:p5.48xlarge"].gpu_link_bytes_per_s == 450 * GB
        assert vms["aws:g7e.48xlarge"].gpu_link_bytes_per_s == pytest.approx(54.17585 * GB)
        # No NVLink and no peer access: up and down at half of 13.2128 GB/s.
        assert vms["aws:g6.12xlarge"].gpu_link_bytes_per_s == pytest.approx(6.6064 * GB)
        # Four GPUs whose NVLink bridges join pairs: the slowest hop is through the host.
        bridged = vms["azure:Standard_NC96ads_A100_v4"]
        assert (bridged.gpu_link_bytes_per_s or math.inf) < 14 * GB
        assert vms["azure:Standard_NC48ads_A100_v4"].gpu_link_bytes_per_s == 300 * GB

    def test_an_estimate_says_so(self) -> None:
        vms = {vm.key: vm for vm in CLOUDS.vm_types()}
        assert vms["lambda:gpu_8x_h100_sxm5"].link.basis.startswith("estimate: ")
        assert vms["aws:g6.xlarge"].link.basis == "measured on this type 2024-09-25"


class TestPaper:
    def test_prices_of_table_iv(self) -> None:
        paper = load_catalog("paper")
        assert {offer.key: offer.usd_per_hour for offer in paper.offers} == {
            "aws:g4dn.xlarge@us-east-1/on_demand": 0.71,
            "aws:g5.xlarge@us-east-1/on_demand": 1.466,
            "aws:g6.xlarge@us-east-1/on_demand": 1.167,
            "aws:g6e.xlarge@us-east-1/on_demand": 2.699,
        }

    @pytest.mark.parametrize(
        ("name", "gpu", "memory_gb", "tflops", "memory_gb_per_s", "host_gib", "pcie_gb_per_s"),
        [
            ("g4dn.xlarge", "T4", 15, 65, 320, 16, 6),
            ("g6.xlarge", "L4", 23, 121, 300, 16, 12),
            ("g5.xlarge", "A10G", 23, 70, 600, 16, 12),
            ("g6e.xlarge", "L40S", 47, 362, 864, 32, 12),
        ],
    )
    def test_machines(
        self,
        name: str,
        gpu: str,
        memory_gb: float,
        tflops: float,
        memory_gb_per_s: float,
        host_gib: float,
        pcie_gb_per_s: float,
    ) -> None:
        (vm,) = load_catalog("paper").select(vm_types=name).vm_types()
        assert vm.gpu.name == gpu
        assert vm.gpu.memory_bytes == memory_gb * GB
        assert vm.gpu.flops_per_s == tflops * 1e12
        assert vm.gpu.memory_bytes_per_s == memory_gb_per_s * GB
        assert vm.host_memory_bytes == host_gib * GIB
        rates = host_rates(vm.n_gpus, vm.link)
        assert rates.h2d_bytes_per_s == rates.d2h_bytes_per_s == pcie_gb_per_s * GB

    def test_the_papers_own_rates_are_kept_beside(self) -> None:
        kept = {row["name"]: row["paper_tflops"] for row in table(DATA / "paper" / "gpus.csv")}
        assert kept == {"T4": "8.24", "L4": "30.29", "A10G": "31.52", "L40S": "91.61"}


def test_a_shipped_catalogue_is_read_once() -> None:
    assert load_catalog() is load_catalog("clouds")
    assert CLOUDS.offers[0].vm_type is CLOUDS.select(provider="aws").offers[0].vm_type


def test_vm_types_share_their_gpu() -> None:
    assert len({id(vm.gpu) for vm in CLOUDS.vm_types()}) == len(CLOUDS.gpus())


def test_loading_needs_no_networkx() -> None:
    source = "from infersave.catalogs.store import load_catalog; load_catalog(); import sys; "
    check = source + "assert 'networkx' not in sys.modules"
    subprocess.run([sys.executable, "-c", check], check=True, timeout=60)
