"""What the status page lists: routes, the latest failures with advice, the latest sweeps. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from s3mover.observe.page import humanize
from s3mover.observe.page.advice import advice_for
from s3mover.observe.page.headline import Severity, headline_of
from s3mover.observe.page.markup import isolated, pair_shown, shown, when
from s3mover.observe.text import human_size

Status = Mapping[str, Any]

# The name of each request differs, so failures that are alike would not be seen as such.
_REQUEST = re.compile(r" \(request [^()]*\)$")
_TONES = {"completed": Severity.GOOD, "failed": Severity.BAD, "interrupted": Severity.WARN}


def routes_table(routes: Sequence[Status]) -> str:
    """Return a table of the routes; nothing where there are none."""
    if not routes:
        return ""
    head = (
        '<tr><th>Route</th><th>State</th><th class="n">Done</th><th class="n">Moved</th>'
        '<th class="n">Failed</th><th class="n wide">Waiting</th></tr>'
    )
    rows = "".join(map(_route, routes))
    return (
        '<section class="card"><h2>Routes</h2>'
        f"<table><thead>{head}</thead><tbody>{rows}</tbody></table></section>"
    )


def _route(route: Status) -> str:
    """Return a route's rows: its sweep under way or its last one in figures, and its pair."""
    verdict = headline_of(route)
    sweep = route["sweep"] or (route["sweeps"] or [{}])[0]
    progress = sweep.get("progress")
    failed = sweep.get("failed", 0)
    return (
        f'<tr><td><span class="mark {verdict.tone}">{isolated(route["route"])}</span></td>'
        f"<td>{shown(verdict.headline)}</td>"
        f'<td class="n">{"" if progress is None else humanize.percent(progress, 1)}</td>'
        f'<td class="n">{humanize.count(sweep.get("succeeded", 0))}</td>'
        f'<td class="{"bad n" if failed else "n"}">{humanize.count(failed)}</td>'
        f'<td class="n wide">{humanize.count(sweep.get("waiting", 0))}</td></tr>'
        f'<tr><td colspan="6" class="message pair">{pair_shown(route["pair"])}</td></tr>'
    )


def failure_list(failures: Sequence[Status], now: str) -> str:
    """Return the failures by code, each code with its advice, alike ones together."""
    if not failures:
        return '<p class="nothing">None since the start.</p>'
    by_code: dict[str, list[Status]] = {}
    for failure in _latest_by_key(failures):
        by_code.setdefault(failure["code"], []).append(failure)
    return "".join(_failures_of(code, those, now) for code, those in by_code.items())


def _latest_by_key(failures: Sequence[Status]) -> list[Status]:
    """Return each object's newest failure: one that fails in every sweep is told once."""
    latest: dict[tuple[str | None, str], Status] = {}
    for failure in failures:
        latest.setdefault((failure.get("route"), failure["key"]), failure)
    return list(latest.values())


def _failures_of(code: str, failures: Sequence[Status], now: str) -> str:
    objects = "1 object" if len(failures) == 1 else f"{len(failures)} objects"
    by_message: dict[str, list[Status]] = {}
    for failure in failures:
        by_message.setdefault(_REQUEST.sub("", failure["message"]), []).append(failure)
    items = "".join(_failures_alike(message, those, now) for message, those in by_message.items())
    return (
        f'<article><h3><code>{shown(code or "no code")}</code> <span class="soft">{objects}</span></h3>'
        f'<p class="advice">{shown(advice_for(code))}</p>{items}</article>'
    )


def _failures_alike(message: str, failures: Sequence[Status], now: str) -> str:
    why = f'<p class="why">{isolated(message)}</p>' if message else ""
    items = "".join(f"<li>{_failed_object(failure, now)}</li>" for failure in failures)
    return f'{why}<ul class="objects">{items}</ul>'


def _failed_object(failure: Status, now: str) -> str:
    attempts = "" if failure["attempts"] <= 1 else f"{failure['attempts']} attempts, "
    route = f"{shown(failure['route'])}, " if "route" in failure else ""
    ended = f"{route}{attempts}{when(failure['at'], now)}"
    return f'<bdi class="key">{shown(failure["key"])}</bdi> <span class="soft">{ended}</span>'


def sweeps_table(sweeps: Sequence[Status], now: str) -> str:
    """Return a table of sweeps."""
    if not sweeps:
        return '<p class="nothing">No sweep has ended since the start.</p>'
    head = (
        "<tr><th>Sweep</th><th>Ended</th><th class=n>Moved</th><th class=n>Failed</th>"
        '<th class="n wide">Needed nothing</th><th class="n wide">Size</th><th class=n>Took</th></tr>'
    )
    return f"<table><thead>{head}</thead><tbody>{''.join(_sweep(sweep, now) for sweep in sweeps)}</tbody></table>"


def _sweep(sweep: Status, now: str) -> str:
    failed = "bad n" if sweep["failed"] else "n"
    said = f'<tr><td colspan="7" class="message">{isolated(sweep["message"])}</td></tr>'
    return (
        f"<tr><td>{_mark(sweep)}</td><td>{when(sweep['ended_at'], now)}</td>"
        f'<td class="n">{humanize.count(sweep["succeeded"])}</td>'
        f'<td class="{failed}">{humanize.count(sweep["failed"])}</td>'
        f'<td class="n wide">{humanize.count(sweep["skipped"])}</td>'
        f'<td class="n wide">{human_size(sweep["bytes"])}</td>'
        f'<td class="n">{humanize.duration(sweep["seconds"])}</td></tr>{said if sweep["message"] else ""}'
    )


def _mark(sweep: Status) -> str:
    """Return the sweep's number and status; a small screen has room for the status only where it is not the usual."""
    status = str(sweep["status"])
    usual = status == "completed"
    tone = Severity.WARN if usual and sweep["failed"] else _TONES.get(status, Severity.CALM)
    told = "soft wide" if usual else "soft"
    if "route" in sweep:
        status = f"{sweep['route']}, {status}"
    return f'<span class="mark {tone}">{sweep["sweep"]}</span> <span class="{told}">{shown(status)}</span>'
