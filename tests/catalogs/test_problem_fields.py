"""What a problem file may say besides workloads: supply of its own, limits, time, measurements."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

import infersave
from infersave import Budget, FleetProblem, Horizon, Selection, Survival, parse_problem
from infersave.catalogs.plain_data import parse_text
from infersave.models.outcome import CatalogError, InferSaveError, ProblemError

Data = dict[str, Any]

CHAT: Data = {
    "name": "chat",
    "architecture": "facebook/opt-2.7b",
    "requests_per_s": 5,
    "requests": [{"input_tokens": 128, "output_tokens": 64}],
}
RACK: Data = {"vm_type": "rack", "gpu": "anything", "n_gpus": 4, "usd_per_hour": 6}
SEARCH: Data = {
    "name": "search",
    "requests_per_s": 3,
    "shares": [0.25, 0.75],
    "throughput": [{"vm_type": "rack", "n_gpus": 2, "requests_per_s": [2, 1.5]}],
}


def bought(**fields: object) -> Data:
    """A problem on the paper's catalogue."""
    return {"catalog": {"name": "paper"}, "workloads": [CHAT], **fields}


def measured(**fields: object) -> Data:
    """A problem on a VM type of one's own."""
    return {"offers": [RACK], "measured": [SEARCH], **fields}


def chat(**fields: object) -> Data:
    return bought(workloads=[{**CHAT, **fields}])


def search(**fields: object) -> Data:
    return measured(measured=[{**SEARCH, **fields}])


class TestSupply:
    def test_reserved_vms_join_the_offers(self) -> None:
        entry = {"vm_type": "g6.xlarge", "region": "here", "usd_per_hour": 0.4, "owned": 3}
        problem = parse_problem(bought(reserved=[entry]))
        plain = parse_problem(bought())
        assert problem.offers[:-1] == plain.offers
        offer = problem.offers[-1]
        assert offer.key == "aws:g6.xlarge@here/reserved"
        assert (offer.usd_per_hour, offer.owned, offer.source) == (0.4, 3, "problem file")
        papers = next(o.vm_type for o in plain.offers if o.vm_type.name == "g6.xlarge")
        assert offer.vm_type == papers, "the machine of the catalogue that is bought from"

    def test_reserved_vm_types_come_from_the_whole_catalogue(self) -> None:
        entry = {"vm_type": "aws:p5.48xlarge", "region": "us-east-1", "usd_per_hour": 30.0}
        offer = parse_problem(bought(reserved=[entry])).offers[-1]
        assert (offer.vm_type.n_gpus, offer.owned) == (8, 0)

    def test_own_vm_types_are_known_by_name_only(self) -> None:
        problem = parse_problem(measured())
        assert [offer.key for offer in problem.offers] == ["own:rack@anywhere/on_demand"]
        vm_type = problem.offers[0].vm_type
        assert (vm_type.gpu.name, vm_type.n_gpus, vm_type.family) == ("anything", 4, "rack")
        assert vm_type.host_link is None
        assert vm_type.gpu.memory_bytes is None

    def test_own_vm_types_say_where_and_how(self) -> None:
        entry = {
            **RACK,
            "provider": "colo",
            "region": "cellar",
            "purchase": "reserved",
            "owned": 2,
            "family": "racks",
            "vcpus": 128,
        }
        offer = parse_problem(measured(offers=[entry])).offers[0]
        assert offer.key == "colo:rack@cellar/reserved"
        assert (offer.owned, offer.vm_type.family, offer.vm_type.vcpus) == (2, "racks", 128)

    def test_own_vm_types_stand_beside_a_catalogue_that_is_named(self) -> None:
        both = parse_problem(measured(catalog={"name": "paper"}))
        assert len(both.offers) == 1 + len(parse_problem(bought()).offers)

    def test_what_is_measured_needs_no_calibration(self) -> None:
        assert parse_problem(measured()).calibrations == ()
        assert parse_problem(bought()).calibrations


class TestLimits:
    def test_limits_reach_the_problem(self) -> None:
        quota = {"name": "few", "families": "g6", "regions": ["us-east-1"], "limit": 2}
        problem = parse_problem(
            bought(quotas=[quota], budget={"usd_per_hour": 9}, zones_per_region=2)
        )
        assert problem.quotas[0].families == ("g6",)
        assert problem.quotas[0].regions == ("us-east-1",)
        assert (problem.quotas[0].limit, problem.quotas[0].unit) == (2, "vms")
        assert problem.budget == Budget(usd_per_hour=9)
        assert problem.zones_per_region == 2

    def test_workloads_say_where_and_what_survives(self) -> None:
        told = chat(
            allow={"gpus": "L4"},
            forbid={"vm_types": ["g5.xlarge"], "purchase": "on_demand"},
            max_vm_types=1,
            max_spot_share=0.5,
            survive={"zone": 0.5},
        )
        workload = parse_problem(told).workloads[0]
        assert workload.allow == Selection(gpus=("L4",))
        assert workload.forbid == Selection(vm_types=("g5.xlarge",), purchase=("on_demand",))
        assert (workload.max_vm_types, workload.max_spot_share) == (1, 0.5)
        assert workload.survive == Survival(zone=0.5)

    def test_billing_says_what_a_job_s_vms_wait_for(self) -> None:
        told = {"boot_s": 90, "load_bytes_per_s": 1e9, "idle_tail_s": 30}
        billing = parse_problem(bought(billing=told)).billing
        assert (billing.boot_s, billing.load_bytes_per_s, billing.idle_tail_s) == (90, 1e9, 30)


class TestGPUNames:
    V100: ClassVar[Data] = {
        "catalog": {"vm_types": ["p3.2xlarge", "Standard_NC6s_v3", "a2-ultragpu-1g"]}
    }

    def test_short_names_mean_every_gpu_on_offer_they_may_mean(self) -> None:
        quota = {"name": "old", "gpus": ["V100-16GB", "A100-80GB"], "limit": 1}
        problem = parse_problem(bought(quotas=[quota], **self.V100))
        assert problem.quotas[0].gpus == ("V100-PCIe-16GB", "V100-SXM2-16GB", "A100-SXM4-80GB")

    def test_a_meaning_that_is_not_on_offer_is_left_out(self) -> None:
        quota = {"name": "old", "gpus": "V100-16GB", "limit": 1}
        problem = parse_problem(bought(quotas=[quota], catalog={"vm_types": "p3.2xlarge"}))
        assert problem.quotas[0].gpus == ("V100-SXM2-16GB",)

    def test_workloads_use_them_too(self) -> None:
        told = {**chat(allow={"gpus": "A100-80GB"}, forbid={"gpus": ["V100-16GB"]}), **self.V100}
        workload = parse_problem(told).workloads[0]
        assert workload.allow.gpus == ("A100-SXM4-80GB",)
        assert workload.forbid.gpus == ("V100-PCIe-16GB", "V100-SXM2-16GB")

    def test_an_own_gpu_keeps_its_name(self) -> None:
        rack = {**RACK, "gpu": "A100-80GB"}
        problem = parse_problem(measured(offers=[rack], measured=[search_allowing("A100-80GB")]))
        assert problem.measured[0].allow.gpus == ("A100-80GB",)


def search_allowing(gpu: str) -> Data:
    return {**SEARCH, "allow": {"gpus": gpu}}


class TestTime:
    def test_periods_of_one_length_are_counted(self) -> None:
        told = chat(profile=[1, 2, 0.5]) | {"horizon": {"periods": 3, "hours": 8, "startup_s": 60}}
        problem = parse_problem(told)
        assert problem.horizon == Horizon(hours=(8.0, 8.0, 8.0), startup_s=60)
        assert problem.workloads[0].profile == (1, 2, 0.5)

    def test_a_period_is_an_hour_unless_told(self) -> None:
        assert parse_problem(bought(horizon={"periods": 24})).hours == (1.0,) * 24

    def test_periods_may_differ(self) -> None:
        told = {"hours": [8, 16], "min_up_periods": 2, "cyclic": False}
        horizon = parse_problem(bought(horizon=told)).horizon
        assert horizon == Horizon(hours=(8, 16), min_up_periods=2, cyclic=False)


class TestMeasured:
    def test_a_table_for_each_vm_type(self) -> None:
        workload = parse_problem(measured()).measured[0]
        assert workload.shares == (0.25, 0.75)
        assert workload.throughput[0].requests_per_s == (2.0, 1.5)

    def test_one_number_for_one_class(self) -> None:
        told = {**SEARCH, "throughput": [{"vm_type": "rack", "requests_per_s": 2}]}
        del told["shares"]
        workload = parse_problem(measured(measured=[told])).measured[0]
        assert workload.throughput[0].requests_per_s == (2.0,)

    def test_both_kinds_of_demand(self) -> None:
        table = [{"vm_type": "aws:g6.xlarge", "requests_per_s": [2, 1]}]
        problem = parse_problem(bought(measured=[{**SEARCH, "throughput": table}]))
        assert [demand.name for demand in problem.demands] == ["chat", "search"]


L4: Data = {"name": "l4", "limit": 1}
CONTRACT: Data = {"vm_type": "g6.xlarge", "region": "r", "usd_per_hour": 0.4}
TABLE = SEARCH["throughput"][0]

BAD: list[tuple[Data, str, str]] = [
    (bought(quotas={}), "quotas", "valid tuple"),
    (bought(quotas=["g6"]), "quotas[0]", "dictionary"),
    (bought(quotas=[L4, {"name": "b", "limit": -1}]), "quotas[1].limit", "greater than or equal"),
    (bought(quotas=[{"name": "b"}]), "quotas[0].limit", "is required"),
    (bought(quotas=[{**L4, "unit": "racks"}]), "quotas[0].unit", "'vms', 'gpus' or 'vcpus'"),
    (bought(quotas=[{**L4, "gpu": "L4"}]), "quotas[0].gpu", "not a known field"),
    (bought(quotas=[{**L4, "gpus": ["L4", "L5"]}]), "quotas[0].gpus[1]", "unknown GPU 'L5'"),
    (bought(quotas=[{**L4, "gpus": [4]}]), "quotas[0].gpus[0]", "string"),
    (bought(quotas=[{**L4, "gpus": []}]), "quotas[0].gpus", "at least 1"),
    (bought(quotas=[{**L4, "families": "g7"}]), "quotas[0].families[0]", "no offer"),
    (bought(quotas=[{**L4, "purchase": "cheap"}]), "quotas[0].purchase[0]", "'spot'"),
    (bought(quotas=[L4, L4]), "quotas[1].name", "given twice"),
    (bought(budget={"usd_per_hour": 0}), "budget.usd_per_hour", "greater than 0"),
    (bought(budget={"usd": 5}), "budget.usd", "needs a horizon"),
    (bought(zones_per_region=1), "zones_per_region", "greater than or equal to 2"),
    (bought(billing={"boot_s": -1}), "billing.boot_s", "greater than or equal to 0"),
    (bought(horizon={"hours": []}), "horizon.hours", "at least 1"),
    (bought(horizon={"hours": [1, 0]}), "horizon.hours[1]", "greater than 0"),
    (bought(horizon={"periods": 0}), "horizon.periods", "greater than or equal to 1"),
    (bought(horizon={"periods": 10**9}), "horizon.periods", "less than or equal to 8784"),
    (bought(horizon={"periods": 2, "hours": [1, 2]}), "horizon.hours", "valid number"),
    (bought(horizon={"periods": 2, "days": 1}), "horizon.days", "not a known field"),
    (bought(horizon={"periods": 2, "min_up_periods": 3}), "horizon.min_up_periods", "at most"),
    (bought(horizon=24), "horizon", "dictionary"),
    (chat(profile=[1, 2]), "workloads[0].profile", "one number per period"),
    (chat(survive={"zone": 2}), "workloads[0].survive.zone", "less than or equal to 1"),
    (chat(survive={"rack": 1}), "workloads[0].survive.rack", "not a known field"),
    (chat(max_spot_share=-0.5), "workloads[0].max_spot_share", "greater than or equal to 0"),
    (chat(max_vm_types=0), "workloads[0].max_vm_types", "greater than or equal to 1"),
    (chat(allow={"gpus": "L5"}), "workloads[0].allow.gpus[0]", "nearest names are L4"),
    (chat(allow="L4"), "workloads[0].allow", "dictionary"),
    (chat(forbid={"regions": "mars"}), "workloads[0].forbid.regions[0]", "no offer"),
    (bought(reserved=CONTRACT), "reserved", "list of tables"),
    (bought(reserved=["g6.xlarge"]), "reserved[0]", "must be a table"),
    (bought(reserved=[{**CONTRACT, "vm_type": "g6.xlrge"}]), "reserved[0].vm_type", "g6.xlarge"),
    (bought(reserved=[{**CONTRACT, "owned": 1.5}]), "reserved[0].owned", "integer"),
    (bought(reserved=[{**CONTRACT, "usd_per_hour": -1}]), "reserved[0].usd_per_hour", "greater"),
    (bought(reserved=[{**CONTRACT, "hours": 1}]), "reserved[0].hours", "not a known field"),
    (bought(reserved=[CONTRACT, CONTRACT]), "reserved[1]", "offered twice"),
    (bought(reserved=[{"vm_type": "g6.xlarge"}]), "reserved[0].region", "is required"),
    (measured(offers=[]), "offers", "at least 1"),
    (measured(offers=[{**RACK, "gpu": None}]), "offers[0].gpu", "string"),
    (measured(offers=[{**RACK, "n_gpus": 0}]), "offers[0].n_gpus", "greater than or equal to 1"),
    (measured(offers=[{**RACK, "owned": 1}]), "offers[0].owned", "reserved"),
    (measured(offers=[RACK, {**RACK, "region": "b", "n_gpus": 2}]), "offers[1].vm_type", "another"),
    (measured(offers=[RACK, RACK]), "offers[1]", "offered twice"),
    (
        bought(offers=[{**RACK, "provider": "aws", "vm_type": "g6.xlarge"}]),
        "offers[0].vm_type",
        "another machine",
    ),
    (measured(measured=[]), "measured", "at least one workload"),
    (measured(measured=[3]), "measured[0]", "dictionary"),
    (search(requests_per_s=None), "measured[0].requests_per_s", "is required"),
    (search(shares=[0.5, 0.4]), "measured[0].shares", "add up to 1"),
    (search(throughput=[]), "measured[0].throughput", "at least 1"),
    (
        search(throughput=[TABLE, {**TABLE, "n_gpus": 0}]),
        "measured[0].throughput[1].n_gpus",
        "greater than or equal to 1",
    ),
    (
        search(throughput=[{**TABLE, "requests_per_s": [1, -2]}]),
        "measured[0].throughput[0].requests_per_s[1]",
        "greater than or equal to 0",
    ),
    (
        search(throughput=[{**TABLE, "requests_per_s": 1}]),
        "measured[0].throughput[0].requests_per_s",
        "one number per request class",
    ),
    ({"offers": [RACK]}, "workloads", "at least one workload"),
    (bought(quota=[L4]), "quota", "not a known field"),
]


@pytest.mark.parametrize(
    ("data", "field", "rule"), BAD, ids=[f"{n}-{field}" for n, (_, field, _) in enumerate(BAD)]
)
def test_what_is_wrong_is_named(data: Data, field: str, rule: str) -> None:
    with pytest.raises(InferSaveError) as caught:
        parse_problem(data)
    message = str(caught.value)
    assert message.startswith((f"{field} = ", f"{field}: ")), message
    assert rule in message


def test_a_name_that_several_providers_use_needs_its_provider(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from infersave.catalogs import load_vm_types, stated_offers

    first = load_vm_types()[0]
    twin = first.replace(provider="elsewhere")
    monkeypatch.setattr(stated_offers, "load_vm_types", lambda: (first, twin))
    entry = {"vm_type": first.name, "region": "r", "usd_per_hour": 1.0}
    with pytest.raises(ProblemError, match=r"reserved\[0\]\.vm_type .*one of aws:.*elsewhere:"):
        parse_problem(bought(reserved=[entry]))
    entry["vm_type"] = twin.key
    assert parse_problem(bought(reserved=[entry])).offers[-1].vm_type == twin


@pytest.mark.parametrize("data", [bought, measured])
def test_the_problem_is_a_value_like_any(data: Callable[[], Data]) -> None:
    problem = parse_problem(data())
    assert FleetProblem.parse(problem.model_dump()) == problem


@pytest.mark.parametrize("name", infersave.example_names())
def test_a_whole_problem_as_json_is_a_problem_file(name: str) -> None:
    problem = infersave.load_problem(f"example:{name}")
    assert infersave.parse_problem(json.loads(problem.model_dump_json())) == problem


@pytest.mark.parametrize("suffix", [".yaml", ".toml"])
def test_a_number_that_cannot_be_written_out(suffix: str) -> None:
    """Python refuses to show an integer of more than 4,300 decimal digits."""
    huge = "0x" + "f" * 5000
    text = f"quotas = {huge}\n" if suffix == ".toml" else f"quotas: {huge}\n"
    workloads = '[{name = "a"}]' if suffix == ".toml" else "[{name: a}]"
    text += f"workloads {'=' if suffix == '.toml' else ':'} {workloads}\n"
    data = parse_text(text, suffix, "problem")
    assert isinstance(data, dict)
    with pytest.raises(ProblemError):
        parse_problem(data)
    with pytest.raises(ProblemError, match="very many digits"):
        parse_problem({**data, "workloads": data["quotas"]})


def test_a_path_with_control_characters() -> None:
    workload = {"name": "a", "architecture": "facebook/opt-2.7b", "requests_per_s": 1.0}
    with pytest.raises(CatalogError) as caught:
        parse_problem({"calibrations": "a\x1b[31m.csv", "workloads": [workload]})
    assert str(caught.value).isprintable()
