"""`infersave report` and `plan --report`: one page that needs nothing else and runs nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from infersave import FleetPlan, FleetProblem, example_names, load_problem, solve
from infersave.cli.report_content import report_of
from infersave.cli.report_money import costs_of_places, costs_of_workloads
from infersave.cli.report_page import PAGE, render

pytestmark = pytest.mark.skipif(not find_spec("jinja2"), reason="needs jinja2")

Run = Callable[..., CompletedProcess[str]]

VOID = {"meta", "br", "hr", "img", "input", "link"}
LOADS = {"src", "href", "srcset", "data", "action", "formaction", "poster", "background", "ping"}
"""Attributes with which HTML makes requests."""
TEXT_CONTRAST = 4.5
"""WCAG 2.2, 1.4.3, level AA."""
GRAPHICS_CONTRAST = 3.0
"""WCAG 2.2, 1.4.11."""
HOSTILE = "<script>alert(1)</script>\"'><img src=//evil.example/x onerror=alert(1)>\x1b[31m\u202e"


class Page(HTMLParser):
    """A page whose tags must match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs), "an attribute is given twice"
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.inside.setdefault(self.open[-1], []).append(data.strip())

    @property
    def text(self) -> str:
        """What a reader sees, on one line."""
        kept = (words for tag, words in self.inside.items() if tag not in ("style", "script"))
        return " ".join(" ".join(words) for words in kept)

    def styles(self) -> Iterator[str]:
        """Every piece of CSS."""
        yield from self.inside["style"]
        yield from (attrs["style"] or "" for _, attrs in self.tags if "style" in attrs)


def page_of(problem: FleetProblem, plan: FleetPlan, source: str = "fleet.yaml") -> Page:
    told = report_of(problem, plan, source=source, plan_source="plan.json", date="2026-01-01")
    return Page(render(told))


def harmless(page: Page) -> None:
    """It loads nothing, and runs nothing but its own script."""
    for tag, attrs in page.tags:
        assert not LOADS & set(attrs), (tag, attrs)
        assert not [name for name in attrs if name.startswith("on")], (tag, attrs)
        assert tag not in ("img", "link", "iframe", "object", "embed", "base", "form"), tag
    for style in page.styles():
        assert not re.search(r"url\(|@import|//", style, re.IGNORECASE), style
    (script,) = page.inside["script"]
    assert script == (PAGE / "report.js").read_text(encoding="utf-8").strip()
    assert not re.search(r"fetch|import|XMLHttp|https?:", script)
    policy = next(a["content"] for _, a in page.tags if "http-equiv" in a) or ""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none';")
    assert f"script-src 'sha256-{digest}'" in policy


@pytest.mark.parametrize("name", example_names())
def test_every_example_has_a_page_that_needs_nothing_else(name: str) -> None:
    problem = load_problem(f"example:{name}")
    plan = solve(problem)
    page = page_of(problem, plan, f"example:{name}")
    harmless(page)
    assert page.inside["title"] == [f"Fleet plan: {name}"]
    for demand in problem.demands:
        assert demand.name in page.inside["b"]
    for vm in plan.vms:
        assert vm.vm_type in page.inside["td"]
    for use in plan.limits:
        assert use.name in page.inside["span"]


@pytest.mark.parametrize("name", example_names())
def test_shares_add_up_to_the_plan(name: str) -> None:
    problem = load_problem(f"example:{name}")
    plan = solve(problem)
    for costs in (costs_of_places(problem, plan), costs_of_workloads(problem, plan)):
        total = sum(cost.usd_per_hour for cost in costs)
        assert total == pytest.approx(plan.usd_per_hour, rel=1e-9)
    rented = sum(cost.gpus for cost in costs_of_workloads(problem, plan))
    hours = [1.0 if vm.period is None else problem.hours[vm.period] for vm in plan.vms]
    gpu_hours = sum(vm.gpus * h for vm, h in zip(plan.vms, hours, strict=True))
    assert rented == pytest.approx(gpu_hours / sum(problem.hours))


def test_a_workload_pays_for_the_gpus_it_occupies() -> None:
    """Of the eight GPUs of a VM its replicas take six; the other two are idle."""
    problem = load_problem("example:mixed-lengths")
    plan = solve(problem)
    (vm,) = plan.vms
    assert (vm.gpus, vm.gpus_used) == (8, 6)
    used, idle = costs_of_workloads(problem, plan)
    assert used.usd_per_hour == pytest.approx(vm.usd_per_hour * 6 / 8)
    assert (idle.name, idle.gpus) == ("idle GPUs", 2)


def test_offload_is_drawn_layer_by_layer() -> None:
    problem = load_problem("example:paper-offline")
    plan = solve(problem)
    (fraction,) = plan.assignments[0].deployment.offload.fractions
    page = page_of(problem, plan)
    drawn = [a["style"] for t, a in page.tags if t == "i" and "--count" in (a.get("style") or "")]
    assert drawn == [f"--count:32;--part:{fraction:.4f}"]
    assert "nothing is offloaded" not in page.text


def test_no_picture_where_nothing_is_offloaded() -> None:
    problem = load_problem("example:two-workloads")
    page = page_of(problem, solve(problem))
    assert not [a for _, a in page.tags if "--count" in (a.get("style") or "")]
    assert page.text.count("All KV cache stays in GPU memory: nothing is offloaded.") == 2


def test_bars_show_what_is_used() -> None:
    """One bar an SLO, as long as the part of its bound that is used."""
    problem = load_problem("example:two-workloads")
    plan = solve(problem)
    told = report_of(problem, plan, source="f", plan_source="p", date="")
    replicas = [replica for card in told.cards for replica in card.replicas]
    for assignment, shown in zip(plan.assignments, replicas, strict=True):
        bars = {bar.title: bar for bar in shown.bars}
        for check in assignment.slos:
            if check.slo != "tokens_per_s":
                title = {"ttft_s": "TTFT", "tpot_s": "TPOT"}[check.slo]
                assert bars[title].part == pytest.approx(check.predicted / check.bound)
                assert bars[title].tight == (check.slack <= 0.05)
        performance = assignment.performance
        part = performance.gpu_bytes / performance.gpu_limit_bytes
        assert bars["GPU memory"].part == pytest.approx(part)


def test_whatever_text_holds_is_shown_and_not_run() -> None:
    """A plan from elsewhere may carry any text where the problem cannot contradict it."""
    problem = load_problem("example:two-workloads")
    plan = solve(problem)
    told = tuple(a.replace(calibration=HOSTILE, extrapolates=(HOSTILE,)) for a in plan.assignments)
    hostile = plan.replace(backend=HOSTILE, formulation=HOSTILE, limit=HOSTILE, assignments=told)
    offers = tuple(offer.replace(date=HOSTILE) for offer in problem.offers)
    page = page_of(problem.replace(offers=offers), hostile, source=f"{HOSTILE}.yaml")
    harmless(page)
    assert page.text.count("<script>alert(1)</script>") > 4, "shown as it is"
    assert not {"\x1b", "\u202e"} & set(page.text)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """As WCAG defines it.

    >>> contrast("#ffffff", "#000000")
    21.0
    """
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_text_can_be_read_in_every_scheme() -> None:
    """Light, dark and print: text on either ground, and bars on theirs."""
    css = (PAGE / "report.css").read_text(encoding="utf-8")
    schemes = [
        dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    ]
    assert len(schemes) == 3
    for colours in schemes:
        for ground in ("paper", "sheet"):
            for text in ("ink", "quiet", "tight"):
                assert contrast(colours[text], colours[ground]) >= TEXT_CONTRAST, (text, ground)
        for mark in ("fill", "tight"):
            assert contrast(colours[mark], colours["track"]) >= GRAPHICS_CONTRAST, mark


def test_plan_writes_a_page_and_says_the_same_as_ever(infersave: Run, small: str) -> None:
    before = infersave("plan", small)
    done = infersave("plan", small, "--report", "plan.html", "--out", "plan.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == before.stdout
    page = Page(Path("plan.html").read_text(encoding="utf-8"))
    assert before.stdout.splitlines()[0] in page.text
    assert "infersave verify small.yaml plan.json" in page.text
    assert {"The next-best fleets", "Why other VM types lost"} <= set(page.inside["h3"])


def test_other_fleets_may_be_left_out(infersave: Run, small: str) -> None:
    done = infersave("plan", small, "--report", "plan.html", "--no-reasons", "--json")
    assert done.returncode == 0
    assert FleetPlan.parse(json.loads(done.stdout)).vms
    page = Page(Path("plan.html").read_text(encoding="utf-8"))
    assert "What binds" in page.inside["h3"]
    assert "The next-best fleets" not in page.inside["h3"]


def test_report_of_a_plan_from_a_file(infersave: Run, small: str) -> None:
    infersave("plan", small, "--out", "plan.json")
    done = infersave("report", small, "plan.json", "--out", "r.html", "--no-reasons", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["status"], told["out"]) == ("holds", "r.html")
    harmless(Page(Path("r.html").read_text(encoding="utf-8")))


def test_a_plan_that_does_not_hold_gets_no_page(infersave: Run, small: str) -> None:
    infersave("plan", small, "--out", "plan.json")
    data = json.loads(Path("plan.json").read_text(encoding="utf-8"))
    data["usd_per_hour"] *= 0.9
    Path("plan.json").write_text(json.dumps(data), encoding="utf-8")
    done = infersave("report", small, "plan.json", "--out", "r.html")
    assert done.returncode == 1
    assert "does not stand up" in done.stderr
    assert not Path("r.html").exists()


def test_of_many_contradictions_some_are_shown(infersave: Run, small: str) -> None:
    infersave("plan", "example:day", "--out", "plan.json")
    done = infersave("report", small, "plan.json", "--out", "r.html")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 10
    assert "more: infersave verify shows all" in done.stderr.splitlines()[-1]


def test_without_jinja2_nothing_is_solved(
    infersave: Run, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infersave.cli.report_page.find_spec", lambda name: None)
    done = infersave("plan", small, "--report", "plan.html")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: --report = 'plan.html': needs jinja2: pip install 'infersave[report]'\n"
    )


def test_a_page_does_not_replace_the_plan(infersave: Run, small: str) -> None:
    done = infersave("plan", small, "--report", "plan.json", "--out", "./plan.json")
    assert done.returncode == 2
    assert done.stderr == (
        "error: --report = 'plan.json': must be another file than that of --out\n"
    )


def test_a_page_needs_a_folder(infersave: Run, small: str) -> None:
    done = infersave("plan", small, "--report", "nowhere/plan.html")
    assert done.returncode == 2
    assert done.stderr.startswith("error: --report = 'nowhere/plan.html': its folder does not")
