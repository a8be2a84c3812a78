"""Who runs where, and how fast: predicted, and as measured."""

from __future__ import annotations

from ..models.fleet import FleetProblem
from ..models.plan import FleetPlan, MeasuredRoute, Route
from .deployment_columns import prediction_columns, replica_columns, token_sizes
from .places import place_labels, place_of
from .route_groups import grouped, in_periods, replica_column
from .screen import Screen
from .tables import Column, name_column, number_column
from .words import NOTHING, percent, three_digits, usd

AT_THE_WORST = "Replicas at the most, times and tokens/s at the worst of all periods."


def show_assignments(screen: Screen, problem: FleetProblem, plan: FleetPlan) -> None:
    """What the performance model predicts."""
    if not plan.assignments:
        return
    screen.table(*assignment_columns(problem, plan))
    if in_periods(grouped(plan.assignments)):
        screen.paragraph(AT_THE_WORST)


def assignment_columns(
    problem: FleetProblem, plan: FleetPlan
) -> tuple[list[Column], list[Column], list[Column]]:
    """(columns that name a row, the replicas, what is predicted)."""
    groups = grouped(plan.assignments)
    asked = {workload.name: workload for workload in problem.workloads}
    workloads = [asked[group[0].workload] for group in groups]
    labels = place_labels(plan)
    bills = (sum(a.job.usd for a in group if a.job) for group in groups)
    return (
        [
            name_column("workload", (group[0].workload for group in groups)),
            number_column("tokens\nin/out", token_sizes(groups, workloads)),
            name_column("VM type", (labels[place_of(group[0])] for group in groups)),
        ],
        [
            *replica_columns(groups),
            number_column("USD\na run", (usd(bill) if bill else NOTHING for bill in bills)),
        ],
        prediction_columns(groups, workloads),
    )


def show_measured(screen: Screen, problem: FleetProblem, plan: FleetPlan) -> None:
    """What was measured: how much of it is used."""
    if plan.measured:
        screen.table(*measured_columns(problem, plan))


def measured_columns(problem: FleetProblem, plan: FleetPlan) -> tuple[list[Column], list[Column]]:
    """(columns that name a row, the others)."""
    groups = grouped(plan.measured)
    shares = {demand.name: demand.shares for demand in problem.measured}
    labels = place_labels(plan)
    firsts = [group[0] for group in groups]
    classes = name_column("class", (class_name(route, shares[route.workload]) for route in firsts))
    most = (max(r.requests_per_s or 0.0 for r in group) for group in groups)
    return (
        [
            name_column("workload", (route.workload for route in firsts)),
            *([] if classes.empty else [classes]),
            name_column("VM type", (labels[place_of(route)] for route in firsts)),
        ],
        [
            replica_column(groups),
            number_column("GPUs\neach", (str(route.n_gpus) for route in firsts)),
            number_column("requests/s\nrouted", map(three_digits, most)),
            number_column(
                "requests/s\nmeasured, each",
                (three_digits(route.measured_requests_per_s) for route in firsts),
            ),
            number_column("load", (percent(max(map(_load, group))) for group in groups)),
        ],
    )


def class_name(route: Route, shares: tuple[float, ...]) -> str:
    """Which of several classes, with its part of the requests."""
    if len(shares) == 1:
        return NOTHING
    index = route.request_class
    return f"{index + 1} ({percent(shares[index])})"


def _load(route: MeasuredRoute) -> float:
    """Part of its measured throughput that the kept part of the replicas carries."""
    return (route.requests_per_s or 0.0) / (route.part * route.measured_requests_per_s)
