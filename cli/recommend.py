"""`infersave recommend`: rank the VMs that serve one workload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cyclopts import App

from ..models.outcome import CatalogError, ProblemError
from .filters import Filters
from .numerals import Flag, Whole
from .output import JsonFlag, print_json
from .progress import working
from .source import Source, at_confidence, read_problem
from .workload_options import WorkloadOptions, flags_given, problem_from_flags

if TYPE_CHECKING:
    from ..models.fleet import FleetProblem
    from ..models.hardware import Offer
    from ..models.workload import Workload

app = App(
    name="recommend",
    help_epilogue="""Examples:
  infersave recommend --architecture meta-llama/Llama-3.1-8B \\
      --input-tokens 512 --output-tokens 256 --requests-per-s 12 \\
      --ttft-s 1 --tpot-s 0.05 --provider aws
  infersave recommend --architecture facebook/opt-2.7b --engine static \\
      --input-tokens 1024 --output-tokens 128 \\
      --job-requests 200000 --deadline-s 21600
  infersave recommend example:two-workloads --workload chat""",
)

SHOWN = 10
"""VM types that the table ranks when nobody says how many."""


@app.default
def recommend(
    problem: Source | None = None,
    /,
    *,
    workload: str | None = None,
    of: WorkloadOptions = WorkloadOptions(),  # noqa: B008 - frozen
    among: Filters = Filters(),  # noqa: B008 - frozen
    confidence: float | None = None,
    top: Whole | None = None,
    all: Flag = False,
    json: JsonFlag = False,
) -> int:
    """Rank the VMs that serve one workload: what each costs, and why the others lose.

    Describe the workload by options, or name one of a problem file.

    Args:
        problem: A .yaml, .toml or .json file, example:NAME, or - for stdin.
        workload: Which workload of the problem, when it has several.
        confidence: Rank by times that hold with this probability, from 0.5 (the median) to below 1.
        top: VM types to show, 10 when absent; with --json choices, all when absent.
        all: Show each VM type in every region, and every reason.
    """
    from ..solver.measuring import worth_measuring
    from ..solver.recommend import recommend as rank

    if top is not None and top < 1:
        raise ProblemError("--top", top, "must be at least 1")
    asked = at_confidence(_problem(problem, workload, of, among), confidence)
    with working(f"evaluating {len(asked.offers):,} offers"):
        ranking = rank(asked)
    with working("looking for the measurement that matters most"):
        ranking = worth_measuring(asked, ranking)
    if json:
        choices = ranking.choices if top is None else ranking.choices[:top]
        print_json(ranking.model_copy(update={"choices": choices}).model_dump(mode="json"))
    else:
        from .recommend_view import show_recommendation
        from .screen import Screen

        show_recommendation(Screen(), asked, ranking, None if all else top or SHOWN)
    return 0


def _problem(
    source: str | None, workload: str | None, of: WorkloadOptions, among: Filters
) -> FleetProblem:
    """One workload and its offers, from a problem or from options."""
    if source is None:
        if workload is not None:
            raise ProblemError("--workload", workload, "names a workload of a PROBLEM; give one")
        return problem_from_flags(of, among)
    if flags := flags_given(of, among):
        raise ProblemError(flags[0], None, "describes a workload; PROBLEM does so already")
    problem = read_problem(source)
    names = [w.name for w in problem.workloads]
    if not names:
        rule = "has no workload to predict; recommend does not rank on measured throughput"
        raise ProblemError("PROBLEM", source, rule)
    if workload is None and len(names) > 1:
        rule = f"is required: the problem has the workloads {', '.join(names)}"
        raise ProblemError("--workload", None, rule)
    if workload is not None and workload not in names:
        raise CatalogError.unknown("workload", workload, names, "--workload")
    return _alone(problem, next(w for w in problem.workloads if workload in (None, w.name)))


def _alone(problem: FleetProblem, workload: Workload) -> FleetProblem:
    """One workload at its peak, on the offers where it may run and can be predicted.

    What bounds a fleet as a whole (quotas, a budget, a horizon) does not bound a ranking.
    """
    from ..models.fleet import FleetProblem

    offers = tuple(offer for offer in problem.offers if _may_run(workload, offer))
    if not offers:
        rule = "may run on no offer whose VM type has a specification"
        raise ProblemError("--workload", workload.name, rule)
    return FleetProblem(
        workloads=(_at_peak(workload),),
        offers=offers,
        calibrations=problem.calibrations,
        confidence=problem.confidence,
        billing=problem.billing,
    )


def _may_run(workload: Workload, offer: Offer) -> bool:
    """Whether it may run there alone, and can be predicted."""
    if offer.purchase == "spot" and workload.max_spot_share < 1:
        return False
    return workload.permits(offer) and offer.vm_type.host_link is not None


def _at_peak(workload: Workload) -> Workload:
    """The workload at its greatest rate, without what a fleet alone can promise."""
    from ..models.workload import Demand

    rate = workload.requests_per_s
    if rate is not None and workload.profile is not None:
        rate *= max(workload.profile)
    free = Demand(name=workload.name)
    rules = {
        field: getattr(free, field)
        for field in ("profile", "allow", "forbid", "max_vm_types", "max_spot_share", "survive")
    }
    return workload.replace(requests_per_s=rate, **rules)
