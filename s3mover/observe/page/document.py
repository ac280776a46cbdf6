"""The status page: one HTML document rendered from `/status`. Pure.

The page is complete without JavaScript; the script only replaces the parts that have changed. Style and script are
inline and allowed by their hashes in the Content-Security-Policy, so nothing else can run, whatever a key contains.
Every text passes through `escaped`.
"""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from string import Template
from urllib.parse import quote

from s3mover.observe.page import Status
from s3mover.observe.page.failures import failure_list
from s3mover.observe.page.figures import figures
from s3mover.observe.page.headline import Severity, headline_of, overall_headline
from s3mover.observe.page.hour import last_hour
from s3mover.observe.page.leader import NOT_REPORTED, leader_line, with_leader
from s3mover.observe.page.machines import machines_card
from s3mover.observe.page.markup import bucket_pair, escaped
from s3mover.observe.page.merge_routes import merge_routes
from s3mover.observe.page.source_events import events_line
from s3mover.observe.page.tables import routes_table, sweeps_table

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


def _hash_source(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


POLICY = "; ".join(
    [
        "default-src 'none'",
        f"style-src {_hash_source(_STYLE)}",
        f"script-src {_hash_source(_SCRIPT)}",
        "img-src data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
"""The Content-Security-Policy of the page (W3C CSP Level 3)."""


def render(status: Status) -> bytes:
    """Return the page for a status, of one pair of buckets or with a list of `routes`."""
    routes = [with_leader(route) for route in status.get("routes", [])]
    status = {**with_leader(status), "routes": routes}
    headline = overall_headline(routes) if routes else headline_of(status)
    status = merge_routes(status)
    page = _PAGE.substitute(
        title=escaped(f"{headline.text} · s3mover"),
        icon=_icon(headline.severity),
        style=_STYLE,
        script=_SCRIPT,
        pair=bucket_pair(status["pair"]),
        severity=headline.severity,
        headline=escaped(headline.text),
        now=f'<p class="sentence">{escaped(headline.sentence)}</p>'
        + ("" if routes else _of_one_pair(status)),
        routes=routes_table(routes) + machines_card(status["cluster"], status["now"]),
        hour=NOT_REPORTED if status.get("leader") else last_hour(status["history"]),
        failures=NOT_REPORTED if status.get("leader") else failure_list(status["failures"], status["now"]),
        sweeps=sweeps_table(status["sweeps"], status["now"]),
        about=_about(status),
    )
    return page.encode("utf-8", "backslashreplace")


def _of_one_pair(status: Status) -> str:
    return (
        leader_line(status.get("leader"))
        + figures(status)
        + events_line(status.get("events"), status["sweeps"])
    )


def _icon(severity: Severity) -> str:
    circle = f"<circle cx='8' cy='8' r='7' fill='{_ICON_COLOURS[severity]}'/>"
    return "data:image/svg+xml," + quote(
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>{circle}</svg>"
    )


def _about(status: Status) -> str:
    parts = [f"s3mover {status['version']}"]
    if "threads" in status:
        processes = "1 process" if status["processes"] == 1 else f"{status['processes']} processes"
        parts.append(f"{status['threads']} threads in {processes}")
    if status.get("paused"):
        parts.append("paused: no new transfers start")
    parts += [
        f"at most {limit} concurrent requests to the {side}" for side, limit in status["limits"].items()
    ]
    return escaped(" · ".join(parts))
