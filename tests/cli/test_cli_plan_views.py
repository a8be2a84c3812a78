"""What the screen says of limits, time, purchase options, hosts and measurements."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import yaml

from infersave import FleetPlan, LimitUse, MeasuredWorkload, example_names
from infersave.cli.assumptions import carried_without_spot
from infersave.cli.notes import idle_notes
from infersave.cli.plan_hosts import LINES
from infersave.cli.plan_limits import reached
from infersave.models.plan import MeasuredRoute, VMCount

Run = Callable[..., CompletedProcess[str]]
Show = Callable[..., str]

BOX = {"vm_type": "box", "gpu": "L4", "usd_per_hour": 1.0}
RACK = {"vm_type": "rack", "gpu": "A100", "n_gpus": 4, "usd_per_hour": 3.0}
SEARCH = {
    "name": "search",
    "requests_per_s": 8,
    "target_utilization": 1.0,
    "throughput": [{"vm_type": "box", "requests_per_s": [2]}],
}


def boxes(**fields: object) -> dict[str, Any]:
    """A measured workload on boxes that carry 2 requests/s each."""
    return {"offers": [BOX], "measured": [SEARCH], **fields}


@pytest.fixture
def show(infersave: Run, folder: Path) -> Show:
    """The screen of a plan, spaces run together."""

    def run(data: dict[str, Any], *arguments: str) -> str:
        (folder / "problem.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
        done = infersave("plan", "problem.yaml", *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert max(map(len, done.stdout.splitlines())) <= 100
        return "\n".join(" ".join(line.split()) for line in done.stdout.splitlines())

    return run


@pytest.mark.parametrize("name", example_names())
def test_every_example_has_a_plan_that_fits_the_screen(infersave: Run, name: str) -> None:
    done = infersave("plan", f"example:{name}")
    assert (done.returncode, done.stderr) == (0, "")
    assert "proved optimal" in done.stdout.splitlines()[0]
    assert max(map(len, done.stdout.splitlines())) <= 100


class TestLimits:
    def test_what_is_used_and_what_is_reached(self, show: Show) -> None:
        spot = {**BOX, "purchase": "spot", "usd_per_hour": 0.5}
        quota = {"name": "cheap", "purchase": "spot", "limit": 3, "unit": "gpus"}
        told = show(boxes(offers=[BOX, spot], quotas=[quota], budget={"usd_per_hour": 20}))
        assert "\ncheap 3 3 GPUs reached\n" in told
        assert "\nbudget 2.500 20.00 USD/h -\n" in told

    def test_nothing_is_said_without_limits(self, show: Show) -> None:
        assert "limit" not in show(boxes())

    @pytest.mark.parametrize(
        ("used", "limit", "full"), [(3, 3, True), (2.9, 3, False), (0, 0, True)]
    )
    def test_reached(self, used: float, limit: float, full: bool) -> None:
        assert reached(LimitUse(name="a", unit="vms", used=used, limit=limit)) is full


class TestPurchase:
    def test_spot_says_what_is_left_without_it(self, show: Show) -> None:
        spot = {**BOX, "purchase": "spot", "usd_per_hour": 0.5}
        told = show(boxes(offers=[BOX, spot], measured=[{**SEARCH, "max_spot_share": 0.5}]))
        assert "\n2 box own anywhere spot 2 of 2 1.000 search\n" in told
        assert "All spot VMs may vanish at once" in told
        assert "search 50 %" in told

    def test_classes_keep_their_parts_of_what_is_left(self) -> None:
        demand = MeasuredWorkload.parse({**SEARCH, "max_spot_share": 0.9})
        route = {
            "workload": "search",
            "region": "r",
            "provider": "own",
            "vm_type": "box",
            "n_gpus": 1,
            "measured_requests_per_s": 2.0,
        }
        calm = {**route, "purchase": "on_demand", "replicas": 2, "part": 1.5, "requests_per_s": 3}
        gone = {**route, "purchase": "spot", "replicas": 2, "part": 2.0, "requests_per_s": 3}
        routes = [MeasuredRoute.parse(calm), MeasuredRoute.parse(gone)]
        assert carried_without_spot(demand, list(routes)) == pytest.approx(1.5 * 2 / 6)
        other = MeasuredRoute.parse({**gone, "request_class": 1})
        assert carried_without_spot(demand, [*routes, other]) == pytest.approx(0.1), "as asked"

    def test_reserved_vms_are_paid_for_idle_or_not(self, show: Show) -> None:
        idle = {**RACK, "purchase": "reserved", "owned": 2}
        told = show(boxes(offers=[BOX, idle]), "--hosts")
        assert "\n2 rack own anywhere reserved 0 of 8 6.000 nothing\n" in told
        assert "8 GPUs rented and paid for, but idle: on rack." in told
        assert "Reserved VMs are paid for in every hour, used or not: USD 6.000 per hour." in told
        assert "- rack #1-2: empty\n" in told
        assert "To be reserved" not in told

    def test_reserved_beyond_what_is_owned_is_told(self, show: Show) -> None:
        told = show(boxes(offers=[{**BOX, "purchase": "reserved", "owned": 1}]))
        assert "To be reserved besides those you own: 3 VMs of box." in told
        assert "own reserved as in the problem" in told


class TestZones:
    def test_each_zone_is_counted(self, show: Show) -> None:
        told = show(boxes(measured=[{**SEARCH, "survive": {"zone": 1.0}}]))
        assert "\n6 box own anywhere 2 each in a, b, c on demand 6 of 6 6.000 search\n" in told
        assert "Still carried after a loss, within every SLO: search 100 % without any one" in told
        assert "Zones a, b, c stand for any 3 of a region" in told

    def test_uneven_zones_are_told_apart(self, show: Show) -> None:
        wide = [{**SEARCH, "survive": {"zone": 0.5}}]
        told = show(boxes(measured=wide, zones_per_region=2))
        assert "2 each in a, b" in told or " in a, " in told
        assert "Zones a, b stand" in told


class TestHosts:
    SHARED: dict[str, Any] = {  # noqa: RUF012 - read only
        "offers": [RACK],
        "measured": [
            {**SEARCH, "throughput": [{"vm_type": "rack", "requests_per_s": 2}]},
            {
                **SEARCH,
                "name": "embed",
                "requests_per_s": 1,
                "throughput": [{"vm_type": "rack", "n_gpus": 2, "requests_per_s": 1}],
            },
        ],
    }

    def test_shared_vms_are_listed(self, show: Show) -> None:
        told = show(self.SHARED)
        assert "Who sits on which VM\n" in told
        assert "- rack #1: embed x1 (2 GPUs), search x2 (1 GPU each)\n" in told
        assert "- rack #2: search x2 (1 GPU each)\n" in told

    def test_a_replica_a_vm_goes_without_saying(self, show: Show) -> None:
        assert "Who sits" not in show(boxes())
        assert "- box #1-4: search x1 (1 GPU)\n" in show(boxes(), "--hosts")

    def test_a_long_list_is_cut(self, show: Show) -> None:
        names = [f"rack{i}" for i in range(LINES + 4)]
        each = [
            {**SEARCH, "name": n, "throughput": [{"vm_type": n, "requests_per_s": 3}]}
            for n in names
        ]
        problem = {"offers": [{**RACK, "vm_type": n} for n in names], "measured": each}
        assert "- 4 more lines; --hosts shows all.\n" in show(problem)
        told = show(problem, "--hosts")
        assert "more line" not in told
        assert all(f"- {n} #1: {n} x3 (1 GPU each)\n" in told for n in names)


class TestMeasured:
    def test_classes_and_their_part_of_shared_replicas(self, show: Show) -> None:
        table = [{"vm_type": "box", "requests_per_s": [8, 4]}]
        told = show(boxes(measured=[{**SEARCH, "shares": [0.5, 0.5], "throughput": table}]))
        assert "\nsearch 1 (50 %) box 0.67 of 2 1 4.00 8.00 75 %\n" in told
        assert "\nsearch 2 (50 %) box 1.33 of 2 1 4.00 4.00 75 %\n" in told
        assert "TTFT" not in told
        assert "Request classes of a workload share replicas" in told
        assert "as the problem gives it, not predicted; at most 100 % of it is used" in told

    def test_one_class_needs_no_column(self, show: Show) -> None:
        told = show(boxes())
        assert "\nsearch box 4 1 8.00 2.00 100 %\n" in told
        assert "Request classes" not in told


class TestTime:
    DAY: dict[str, Any] = boxes(
        horizon={"hours": [6, 2, 4, 12], "startup_s": 1800},
        measured=[{**SEARCH, "profile": [0.5, 0.5, 1.0, 0.25]}],
    )

    def test_a_row_for_each_run_of_periods(self, show: Show) -> None:
        told = show(self.DAY)
        assert "\nperiod hours requests/s box GPUs used USD/h\n" in told
        assert "\n0-1 0-8 4.00 2 (+1) 2 of 2 2.000\n" in told
        assert "\n2 8-12 8.00 4 (+2) 4 of 4 4.000\n" in told
        assert "\n3 12-24 2.00 1 1 of 1 1.000\n" in told

    def test_the_money_of_the_whole(self, show: Show) -> None:
        told = show(self.DAY)
        assert told.startswith("USD 1.896 per hour, proved optimal")
        assert "\nOn average over 24 h: USD 45.50 in all, USD 1.500 of it for starts.\n" in told
        assert "\n1-4 box own anywhere on demand 44.0 3 44.00 search\n" in told
        assert "A VM serves 30 min after its start, and is paid for them." in told

    def test_starts_that_take_no_time_say_so(self, show: Show) -> None:
        told = show({**self.DAY, "horizon": {"hours": [6, 2, 4, 12]}})
        assert "horizon.startup_s says how long it takes" in told

    def test_hosts_name_their_periods(self, show: Show) -> None:
        told = show(self.DAY, "--hosts")
        assert "- box #1-2 in periods 0-1: search x1 (1 GPU)\n" in told
        assert "- box #1-4 in period 2: search x1 (1 GPU)\n" in told

    def test_idle_gpus_are_counted_in_hours(self) -> None:
        vm = VMCount(
            provider="own",
            vm_type="rack",
            region="r",
            purchase="on_demand",
            period=1,
            count=1,
            gpus=4,
            gpus_used=1,
            usd_per_hour=1.0,
        )
        told = idle_notes([vm, vm.replace(period=0)], (1.0, 10.0))
        assert told == ["33.0 GPU-hours rented and paid for, but idle: on rack."]

    def test_verify_counts_vms_at_one_time(self, infersave: Run, show: Show) -> None:
        show(self.DAY, "--out", "plan.json")
        done = infersave("verify", "problem.yaml", "plan.json")
        assert done.returncode == 0
        assert done.stdout.startswith("holds: 1 workload on up to 4 VMs for USD 1.896 per hour.")

    def test_json_has_every_period(self, infersave: Run, show: Show) -> None:
        show(self.DAY, "--out", "plan.json")
        plan = FleetPlan.parse(json.loads(Path("plan.json").read_text(encoding="utf-8")))
        assert [(vm.period, vm.count, vm.started) for vm in plan.vms] == [
            (0, 2, 1),
            (1, 2, 0),
            (2, 4, 2),
            (3, 1, 0),
        ]
        assert {host.period for host in plan.hosts} == {0, 1, 2, 3}


JOB = """\
catalog: {name: paper}
workloads:
  - name: nightly
    architecture: facebook/opt-1.3b
    engine: static
    job: {requests: 2000, deadline_s: 3600}
    requests: [{input_tokens: 256, output_tokens: 64}]
"""


def test_what_a_job_s_bill_leaves_out(infersave: Run, folder: Path) -> None:
    (folder / "job.yaml").write_text(JOB, encoding="utf-8")
    bare = " ".join(infersave("plan", "job.yaml").stdout.split())
    assert (
        "Taken as zero for the VMs of jobs, until you give it: billing.boot_s, "
        "billing.load_bytes_per_s, billing.idle_tail_s." in bare
    )
    billing = "billing: {boot_s: 90, load_bytes_per_s: 2.0e+9}\n"
    (folder / "job.yaml").write_text(billing + JOB, encoding="utf-8")
    told = " ".join(infersave("plan", "job.yaml").stdout.split())
    assert "A job's VMs are billed for 1.5 min to boot, weights loaded at 2 GB/s." in told
    assert "until you give it: billing.idle_tail_s." in told
