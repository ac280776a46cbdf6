"""The status page for people: one HTML document made from what `/status` tells. Pure.

The page is whole without JavaScript; the script only takes over what has changed. Style and script are part of
the document and named by their hashes in the Content-Security-Policy, so nothing else can run, whatever a key holds:
each text passes `shown` on its way into the page.
"""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from string import Template
from typing import Any
from urllib.parse import quote

from s3mover.observe.page.figures import figures, hour
from s3mover.observe.page.headline import Severity, headline_of, overall_headline
from s3mover.observe.page.markup import pair_shown, shown
from s3mover.observe.page.merge_routes import merge_routes
from s3mover.observe.page.tables import failure_list, routes_table, sweeps_table

Status = Mapping[str, Any]

_ASSETS = files("s3mover.observe.page") / "assets"
_STYLE = (_ASSETS / "page.css").read_text(encoding="utf-8")
_SCRIPT = (_ASSETS / "page.js").read_text(encoding="utf-8")
_PAGE = Template((_ASSETS / "page.html").read_text(encoding="utf-8"))
_ICON_COLOURS = {
    Severity.GOOD: "#18794e",
    Severity.BUSY: "#2468c8",
    Severity.WARN: "#b26a00",
    Severity.BAD: "#c02b2b",
    Severity.CALM: "#6a7486",
}


def _hashed(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


POLICY = "; ".join(
    [
        "default-src 'none'",
        f"style-src {_hashed(_STYLE)}",
        f"script-src {_hashed(_SCRIPT)}",
        "img-src data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
"""The page's Content-Security-Policy (W3C CSP Level 3)."""


def render(status: Status) -> bytes:
    """Return the page for what `StatusBoard.status` told, or for a list of such as `routes`."""
    routes = status.get("routes", [])
    verdict = overall_headline(routes) if routes else headline_of(status)
    status = merge_routes(status)
    page = _PAGE.substitute(
        title=shown(f"{verdict.headline} · s3mover"),
        icon=_icon(verdict.tone),
        style=_STYLE,
        script=_SCRIPT,
        pair=pair_shown(status["pair"]),
        tone=verdict.tone,
        headline=shown(verdict.headline),
        now=f'<p class="said">{shown(verdict.sentence)}</p>' + ("" if routes else figures(status)),
        routes=routes_table(routes),
        hour=hour(status["history"]),
        failures=failure_list(status["failures"], status["now"]),
        sweeps=sweeps_table(status["sweeps"], status["now"]),
        about=_about(status),
    )
    return page.encode("utf-8", "backslashreplace")


def _icon(tone: Severity) -> str:
    circle = f"<circle cx='8' cy='8' r='7' fill='{_ICON_COLOURS[tone]}'/>"
    return "data:image/svg+xml," + quote(
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>{circle}</svg>"
    )


def _about(status: Status) -> str:
    parts = [f"s3mover {status['version']}"]
    if "threads" in status:
        processes = "1 process" if status["processes"] == 1 else f"{status['processes']} processes"
        parts.append(f"{status['threads']} threads in {processes}")
    if status.get("paused"):
        parts.append("paused: nothing new begins")
    parts += [f"{limit} requests at once to the {side}" for side, limit in status["limits"].items()]
    return shown(" · ".join(parts))
