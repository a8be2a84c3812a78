"""A report as one HTML file that needs nothing else, rendered with jinja2 (extra: report)."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..models.outcome import ProblemError
from .output import printable

if TYPE_CHECKING:
    from .report_parts import Report

PAGE = Path(__file__).resolve().parent / "page"
"""The template, its style and its script."""


def check_renderable(field: str, path: Path) -> None:
    """Refuse early what could not be rendered at the end.

    Raises:
        ProblemError: jinja2 is not installed.
    """
    if find_spec("jinja2") is None:
        raise ProblemError(field, str(path), "needs jinja2: pip install 'infersave[report]'")


def render(report: Report) -> str:
    """The page.

    Whatever a name holds, it is shown and not run: every value is escaped, and the page
    allows itself no script but its own, known by its hash, and no request at all.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def shown(value: object) -> object:
        return printable(value) if type(value) is str else value

    environment = Environment(
        loader=FileSystemLoader(PAGE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["heading"] = heading
    script = (PAGE / "report.js").read_text(encoding="utf-8").strip()
    return environment.get_template("report.html").render(
        report=report,
        style=Markup((PAGE / "report.css").read_text(encoding="utf-8").strip()),
        script=Markup(script),
        script_hash=b64encode(sha256(script.encode()).digest()).decode(),
    )


def heading(title: str) -> str:
    """A column's title on one line.

    >>> heading("repli-\\ncas"), heading("tokens\\nin/out")
    ('replicas', 'tokens in/out')
    """
    return title.replace("-\n", "").replace("\n", " ")
