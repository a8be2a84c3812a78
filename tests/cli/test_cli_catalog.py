"""`infersave catalog`: summary, lists and facts."""

from __future__ import annotations

import json
from collections.abc import Callable
from subprocess import CompletedProcess
from typing import get_args

import pytest

from infersave import architecture_names, load_calibrations, load_catalog
from infersave.cli.catalog_columns import LISTINGS
from infersave.cli.catalog_list import What
from infersave.cli.filters import FIELDS, Filters

Run = Callable[..., CompletedProcess[str]]


def test_summary_counts_what_there_is(infersave: Run) -> None:
    told = json.loads(infersave("catalog", "--json").stdout)
    catalog = load_catalog()
    assert told["schema_version"] == 2
    assert told["counts"]["offers"] == len(catalog.offers)
    assert told["counts"]["architectures"] == len(architecture_names())
    assert [row["provider"] for row in told["providers"]] == list(catalog.providers())
    offers = sum(row["on_demand_offers"] + row["spot_offers"] for row in told["providers"])
    assert offers == len(catalog.offers)
    shown = infersave("catalog").stdout
    assert f"{len(catalog.offers):,} offers" in shown
    assert all(provider in shown for provider in catalog.providers())


@pytest.mark.parametrize("what", get_args(What))
def test_each_list_as_json_and_as_table(infersave: Run, what: str) -> None:
    done = infersave("catalog", "list", what, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["schema_version"], told["what"]) == (2, what)
    assert told["items"]
    shown = infersave("catalog", "list", what).stdout
    key = LISTINGS[what][1][0].field
    assert all(str(item[key]) in shown for item in told["items"])


def test_lists_are_complete(infersave: Run) -> None:
    def items(what: str) -> int:
        return len(json.loads(infersave("catalog", "list", what, "--json").stdout)["items"])

    catalog = load_catalog()
    assert items("offers") == len(catalog.offers)
    assert items("vm-types") == len(catalog.vm_types())
    assert items("gpus") == len(catalog.gpus())
    assert items("architectures") == len(architecture_names())
    assert items("calibrations") == len(load_calibrations())


def test_filters_narrow(infersave: Run) -> None:
    told = infersave(
        *("catalog", "list", "offers", "--provider", "aws", "--region", "us-east-1"),
        *("--gpu", "L4", "--gpu", "T4", "--purchase", "on_demand", "--max-usd-per-hour", "1"),
        "--json",
    )
    items = json.loads(told.stdout)["items"]
    chosen = load_catalog().select(
        provider="aws",
        regions="us-east-1",
        gpus=["L4", "T4"],
        purchase="on_demand",
        max_usd_per_hour=1.0,
    )
    assert len(items) == len(chosen.offers)
    assert [item["usd_per_hour"] for item in items] == sorted(
        offer.usd_per_hour for offer in chosen.offers
    )


def test_filters_are_those_of_a_problem_file() -> None:
    from dataclasses import fields

    from infersave.catalogs.problem_file import CatalogFilter

    assert {field.name for field in fields(Filters)} == set(FIELDS)
    assert set(FIELDS.values()) == set(CatalogFilter.model_fields)


def test_a_vm_type_with_host_link_and_sources(infersave: Run) -> None:
    done = infersave("catalog", "show", "g6.12xlarge", "--json")
    (match,) = json.loads(done.stdout)["matches"]
    assert (match["kind"], match["provider"], match["n_gpus"]) == ("vm_type", "aws", 4)
    assert match["h2d_bytes_per_s_all_gpus"] <= match["h2d_bytes_per_s_one_gpu"]
    assert match["source"]
    assert match["calibrations"][0]["gpu"] == "L4"
    assert all(offer["date"] for offer in match["offers"])
    shown = infersave("catalog", "show", "g6.12xlarge").stdout
    assert "host to GPU, all copy" in shown
    assert "source" in shown


def test_a_name_in_any_case_or_with_its_provider(infersave: Run) -> None:
    one = infersave("catalog", "show", "AWS:G6.12XLARGE", "--json").stdout
    assert one == infersave("catalog", "show", "g6.12xlarge", "--json").stdout


def test_a_gpu(infersave: Run) -> None:
    (match,) = json.loads(infersave("catalog", "show", "t4", "--json").stdout)["matches"]
    assert match["kind"] == "gpu"
    assert match["flops_per_s"] == pytest.approx(65e12, rel=0.01)
    assert any(vm["vm_type"] == "g4dn.xlarge" for vm in match["vm_types"])
    assert "TFLOP/s" in infersave("catalog", "show", "t4").stdout


def test_an_architecture(infersave: Run) -> None:
    name = "meta-llama/Llama-3.1-8B"
    (match,) = json.loads(infersave("catalog", "show", name, "--json").stdout)["matches"]
    assert match["kind"] == "architecture"
    assert match["params"] == 8_030_261_248
    assert match["kv_bytes_per_token"] == 128 * 2**10
    assert match["weight_bytes"]["fp16"] == 2 * match["params"]
    shown = infersave("catalog", "show", name).stdout
    assert "128 KiB" in shown
    assert "8.03 billion" in shown


def test_the_paper_s_catalogue(infersave: Run) -> None:
    told = json.loads(infersave("catalog", "list", "--catalog", "paper", "--json").stdout)
    assert [item["usd_per_hour"] for item in told["items"]] == [0.71, 1.167, 1.466, 2.699]
    shown = infersave("catalog", "show", "g6.xlarge", "--catalog", "paper", "--json")
    (match,) = json.loads(shown.stdout)["matches"]
    assert match["least_usd_per_hour"] == 1.167


def test_examples_say_what_each_workload_asks(infersave: Run) -> None:
    items = json.loads(infersave("catalog", "list", "examples", "--json").stdout)["items"]
    asks = {(item["example"], item["workload"]): item["asks"] for item in items}
    assert "2 tables of 4 buckets of request sizes" in asks["example:melange", "melange"]
    assert "not on spot; 70 % without any one zone" in asks["example:estate", "chat"]
    assert "0.2 to 1.5 times that over 24 periods" in asks["example:day", "chat"]
