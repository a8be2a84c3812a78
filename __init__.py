"""Least-cost VM fleets for LLM serving under SLOs, by mixed-integer programming.

    import infersave

    problem = infersave.load_problem("fleet.yaml")
    plan = infersave.solve(problem)
    print(plan.usd_per_hour, plan.usd_per_hour_bound, plan.status.sentence)

The checkout is the package. This file names it absolutely, because test runners may
import it under the checkout's folder name; every other module imports relatively.
Names are loaded when first used: importing this loads no solver.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from infersave.catalogs.architectures import architecture_names, load_architecture
    from infersave.catalogs.calibrations import load_calibrations
    from infersave.catalogs.measurement_files import load_measurements
    from infersave.catalogs.problem_file import example_names, load_problem, parse_problem
    from infersave.catalogs.store import Catalog, load_catalog
    from infersave.models.architecture import Architecture, LayerGroup
    from infersave.models.arrivals import Queueing
    from infersave.models.billing import WHOLE_HOURS, Billing
    from infersave.models.calibration import Calibration, Coefficients
    from infersave.models.deployment import Deployment, OffloadSchedule, Performance, evaluate
    from infersave.models.disturbance import Disturbance
    from infersave.models.fleet import FleetProblem
    from infersave.models.frontier import Frontier, FrontierPoint
    from infersave.models.hardware import GPU, HostLink, Offer, VMType
    from infersave.models.limits import Budget, Horizon, Quota, Selection, Survival
    from infersave.models.measured import MeasuredWorkload, Throughput
    from infersave.models.observation import Observation
    from infersave.models.outcome import (
        BackendError,
        BackendUnavailable,
        CalibrationError,
        CatalogError,
        Conflict,
        InfeasibleError,
        InferSaveError,
        NoPlanError,
        ProblemError,
        Status,
        UnknownNameError,
        UnsupportedOption,
        UnsupportedProgram,
        VerificationError,
    )
    from infersave.models.own_fit import OwnFit, fit_calibrations
    from infersave.models.plan import (
        Assignment,
        FleetPlan,
        Host,
        LimitUse,
        MeasuredRoute,
        Opinion,
        VMCount,
    )
    from infersave.models.prediction import Prediction, Predictor
    from infersave.models.reasons import Alternative, Binding, Loser, Reasons
    from infersave.models.relaxation import Change, Explanation, Relaxation
    from infersave.models.replan import Replan, ReplicaChange, Step
    from infersave.models.result import Result
    from infersave.models.sample import Sample
    from infersave.models.sensitivity import BreakEven, FieldSensitivity, NextStep, Sensitivity
    from infersave.models.workload import SLO, Job, RequestClass, Workload
    from infersave.solver.backends.base import backend_names
    from infersave.solver.export import ColumnName, ExportedProgram, export_program
    from infersave.solver.many import solve_many
    from infersave.solver.measuring import worth_measuring
    from infersave.solver.program import SolveOptions
    from infersave.solver.reasons.relaxing import explain
    from infersave.solver.recommend import Choice, Measurement, Recommendation, recommend
    from infersave.solver.replanning.planner import Planner
    from infersave.solver.second_opinion import second_opinion
    from infersave.solver.solve import solve
    from infersave.solver.verify import verify
    from infersave.solver.whatif.frontier import frontier
    from infersave.solver.whatif.sensitivity import sensitivity

_HOME = {
    "catalogs.architectures": ("architecture_names", "load_architecture"),
    "catalogs.calibrations": ("load_calibrations",),
    "catalogs.measurement_files": ("load_measurements",),
    "catalogs.problem_file": ("example_names", "load_problem", "parse_problem"),
    "catalogs.store": ("Catalog", "load_catalog"),
    "models.architecture": ("Architecture", "LayerGroup"),
    "models.billing": ("WHOLE_HOURS", "Billing"),
    "models.calibration": ("Calibration", "Coefficients"),
    "models.arrivals": ("Queueing",),
    "models.deployment": ("Deployment", "OffloadSchedule", "Performance", "evaluate"),
    "models.disturbance": ("Disturbance",),
    "models.fleet": ("FleetProblem",),
    "models.frontier": ("Frontier", "FrontierPoint"),
    "models.hardware": ("GPU", "HostLink", "Offer", "VMType"),
    "models.limits": ("Budget", "Horizon", "Quota", "Selection", "Survival"),
    "models.measured": ("MeasuredWorkload", "Throughput"),
    "models.observation": ("Observation",),
    "models.own_fit": ("OwnFit", "fit_calibrations"),
    "models.prediction": ("Prediction", "Predictor"),
    "models.replan": ("Replan", "ReplicaChange", "Step"),
    "models.result": ("Result",),
    "models.sample": ("Sample",),
    "models.sensitivity": ("BreakEven", "FieldSensitivity", "NextStep", "Sensitivity"),
    "models.reasons": ("Alternative", "Binding", "Loser", "Reasons"),
    "models.relaxation": ("Change", "Explanation", "Relaxation"),
    "models.plan": (
        "Assignment",
        "FleetPlan",
        "Host",
        "LimitUse",
        "MeasuredRoute",
        "Opinion",
        "VMCount",
    ),
    "models.outcome": (
        "BackendError",
        "BackendUnavailable",
        "CalibrationError",
        "CatalogError",
        "Conflict",
        "InfeasibleError",
        "InferSaveError",
        "NoPlanError",
        "ProblemError",
        "Status",
        "UnknownNameError",
        "UnsupportedOption",
        "UnsupportedProgram",
        "VerificationError",
    ),
    "models.workload": ("SLO", "Job", "RequestClass", "Workload"),
    "solver.backends.base": ("backend_names",),
    "solver.replanning.planner": ("Planner",),
    "solver.program": ("SolveOptions",),
    "solver.export": ("ColumnName", "ExportedProgram", "export_program"),
    "solver.whatif.frontier": ("frontier",),
    "solver.many": ("solve_many",),
    "solver.measuring": ("worth_measuring",),
    "solver.recommend": ("Choice", "Measurement", "Recommendation", "recommend"),
    "solver.reasons.relaxing": ("explain",),
    "solver.second_opinion": ("second_opinion",),
    "solver.whatif.sensitivity": ("sensitivity",),
    "solver.solve": ("solve",),
    "solver.verify": ("verify",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "GPU",
    "SLO",
    "WHOLE_HOURS",
    "Alternative",
    "Architecture",
    "Assignment",
    "BackendError",
    "BackendUnavailable",
    "Billing",
    "Binding",
    "BreakEven",
    "Budget",
    "Calibration",
    "CalibrationError",
    "Catalog",
    "CatalogError",
    "Change",
    "Choice",
    "Coefficients",
    "ColumnName",
    "Conflict",
    "Deployment",
    "Disturbance",
    "Explanation",
    "ExportedProgram",
    "FieldSensitivity",
    "FleetPlan",
    "FleetProblem",
    "Frontier",
    "FrontierPoint",
    "Horizon",
    "Host",
    "HostLink",
    "InfeasibleError",
    "InferSaveError",
    "Job",
    "LayerGroup",
    "LimitUse",
    "Loser",
    "MeasuredRoute",
    "MeasuredWorkload",
    "Measurement",
    "NextStep",
    "NoPlanError",
    "Observation",
    "Offer",
    "OffloadSchedule",
    "Opinion",
    "OwnFit",
    "Performance",
    "Planner",
    "Prediction",
    "Predictor",
    "ProblemError",
    "Queueing",
    "Quota",
    "Reasons",
    "Recommendation",
    "Relaxation",
    "Replan",
    "ReplicaChange",
    "RequestClass",
    "Result",
    "Sample",
    "Selection",
    "Sensitivity",
    "SolveOptions",
    "Status",
    "Step",
    "Survival",
    "Throughput",
    "UnknownNameError",
    "UnsupportedOption",
    "UnsupportedProgram",
    "VMCount",
    "VMType",
    "VerificationError",
    "Workload",
    "__version__",
    "architecture_names",
    "backend_names",
    "evaluate",
    "example_names",
    "explain",
    "export_program",
    "fit_calibrations",
    "frontier",
    "load_architecture",
    "load_calibrations",
    "load_catalog",
    "load_measurements",
    "load_problem",
    "parse_problem",
    "recommend",
    "second_opinion",
    "sensitivity",
    "solve",
    "solve_many",
    "verify",
    "worth_measuring",
]


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'infersave' has no attribute {name!r}")
    value: object = getattr(import_module(f"infersave.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
