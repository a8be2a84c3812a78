"""Narrowing a catalogue down, and what is said when nothing is left or known."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from infersave.catalogs.store import Catalog, load_catalog, load_gpus
from infersave.models.hardware import Offer
from infersave.models.outcome import CatalogError, ProblemError

CLOUDS = load_catalog()


def keys(catalog: Catalog) -> list[str]:
    return [offer.key for offer in catalog.offers]


def test_no_filter_and_all_keep_everything() -> None:
    assert keys(CLOUDS.select()) == keys(CLOUDS)
    assert keys(CLOUDS.select(provider="all", regions="all", gpus="all")) == keys(CLOUDS)


def test_every_filter_narrows() -> None:
    chosen = CLOUDS.select(
        provider="aws",
        regions=["us-east-1", "us-west-2"],
        purchase="on_demand",
        gpus=["L4", "L40S"],
        families=("g6", "g6e"),
        max_usd_per_hour=2.0,
    )
    assert {o.vm_type.provider for o in chosen.offers} == {"aws"}
    assert set(chosen.regions()) == {"us-east-1", "us-west-2"}
    assert {gpu.name for gpu in chosen.gpus()} == {"L4", "L40S"}
    assert {vm.family for vm in chosen.vm_types()} == {"g6", "g6e"}
    assert max(o.usd_per_hour for o in chosen.offers) <= 2.0
    assert {o.purchase for o in chosen.offers} == {"on_demand"}


def test_a_vm_type_by_name_or_by_key() -> None:
    assert keys(CLOUDS.select(vm_types="g6.xlarge")) == keys(
        CLOUDS.select(vm_types="aws:g6.xlarge")
    )


def test_short_keys_of_price_lists() -> None:
    (a100,) = CLOUDS.select(gpus="A100-40GB").gpus()
    assert a100.name == "A100-SXM4-40GB"
    both = {gpu.name for gpu in CLOUDS.select(gpus="V100-16GB").gpus()}
    assert both == {"V100-SXM2-16GB", "V100-PCIe-16GB"}


def test_one_price_everywhere_passes_any_region() -> None:
    assert len(CLOUDS.select(provider="lambda", regions="us-west-3").offers) > 0
    both = CLOUDS.select(provider=["aws", "lambda"], regions="us-east-1")
    assert both.regions() == ("all", "us-east-1")


def test_narrowing_twice_is_narrowing_once() -> None:
    once = CLOUDS.select(provider="aws", gpus="T4")
    assert keys(CLOUDS.select(provider="aws").select(gpus="T4")) == keys(once)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda: CLOUDS.select(provider="awss"),
            "catalog.provider: unknown provider 'awss'; the nearest names are aws",
        ),
        (
            lambda: CLOUDS.select(regions=["us-east-1", "us-esat-2"]),
            "catalog.regions[1]: unknown region 'us-esat-2'; the nearest names are us-",
        ),
        (
            lambda: CLOUDS.select("aws", regions=["europe-west4"]),
            "catalog.regions[0]: unknown region 'europe-west4'",
        ),
        (
            lambda: CLOUDS.select(gpus=["T4", "A10O"]),
            "catalog.gpus[1]: unknown GPU 'A10O'; the nearest names are A10",
        ),
        (
            lambda: CLOUDS.select(vm_types="g6.xlrge"),
            "catalog.vm_types: unknown VM type 'g6.xlrge'; the nearest names are g6.xlarge",
        ),
        (
            lambda: CLOUDS.select(purchase="preemptible"),
            "catalog.purchase: unknown purchase option 'preemptible'; known are on_demand, "
            "reserved, spot",
        ),
        (
            lambda: CLOUDS.select(families="g66"),
            "catalog.families: unknown family 'g66'",
        ),
        (
            lambda: CLOUDS.select(provider="lambda", purchase="spot"),
            "catalog.purchase = 'spot': leaves no offer; 20 offers",
        ),
        (
            lambda: CLOUDS.select(provider="lambda", gpus="T4"),
            "catalog.gpus = 'T4': leaves no offer",
        ),
        (
            lambda: CLOUDS.select(max_usd_per_hour=0.001),
            "catalog.max_usd_per_hour = 0.001: leaves no offer",
        ),
        (
            lambda: load_catalog("cloud"),
            "unknown catalogue, nor a file or folder 'cloud'; the nearest names are clouds",
        ),
        (lambda: load_gpus("papers"), "unknown catalogue 'papers'"),
        (lambda: load_catalog("x" * 5000), "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(CatalogError) as raised:
        wrong()
    assert message in str(raised.value)


@pytest.mark.parametrize("cap", [0.0, -1.0, float("nan"), "cheap"])
def test_a_price_cap_is_a_positive_number(cap: float) -> None:
    with pytest.raises(ProblemError, match="max_usd_per_hour"):
        CLOUDS.select(max_usd_per_hour=cap)


@pytest.mark.parametrize("names", [[], [4], 4])
def test_a_filter_is_made_of_names(names: list[str]) -> None:
    with pytest.raises(ProblemError, match=r"catalog\.gpus"):
        CLOUDS.select(gpus=names)


def test_an_offer_is_in_a_catalogue_once() -> None:
    offer: Offer = CLOUDS.offers[0]
    with pytest.raises(ProblemError, match=r"offers\[1\]"):
        Catalog(offers=(offer, offer))
