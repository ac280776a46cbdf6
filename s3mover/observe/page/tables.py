"""The tables of the status page: the routes and the latest sweeps. Pure."""

from collections.abc import Iterable, Sequence

from s3mover.observe.page import Status, humanize
from s3mover.observe.page.headline import Severity, headline_of
from s3mover.observe.page.markup import bucket_pair, escaped, isolated, time_ago
from s3mover.observe.text import human_size

_SEVERITIES = {"completed": Severity.GOOD, "failed": Severity.BAD, "interrupted": Severity.WARN}


def routes_table(routes: Sequence[Status]) -> str:
    """Return a table of the routes, empty without routes."""
    if not routes:
        return ""
    head = (
        '<tr><th>Route</th><th>State</th><th class="n">Progress</th><th class="n">Moved</th>'
        '<th class="n">Failed</th><th class="n wide">Waiting</th></tr>'
    )
    return f'<section class="card"><h2>Routes</h2>{_table(head, map(_route, routes))}</section>'


def _route(route: Status) -> str:
    """Return two rows for a route: the figures of its current or last sweep, and its pair of buckets."""
    headline = headline_of(route)
    sweep = route["sweep"] or (route["sweeps"] or [{}])[0]
    progress = sweep.get("progress")
    return (
        f'<tr><td><span class="mark {headline.severity}">{isolated(route["route"])}</span></td>'
        f"<td>{escaped(headline.text)}{_leader(route.get('leader'))}</td>"
        f'<td class="n">{"" if progress is None else escaped(humanize.percent(progress, 1))}</td>'
        f'<td class="n">{humanize.count(sweep.get("succeeded", 0))}</td>{_failed(sweep.get("failed", 0))}'
        f'<td class="n wide">{humanize.count(sweep.get("waiting", 0))}</td></tr>'
        f'<tr><td colspan="6" class="message pair">{bucket_pair(route["pair"])}</td></tr>'
    )


def _leader(leader: Status | None) -> str:
    """Return whose figures these are, and how old, for a route that stands by."""
    if not leader:
        return ""
    age = humanize.duration(leader["age_seconds"])
    return f' <span class="soft">{isolated(leader["name"])} leads, as of {age} ago</span>'


def sweeps_table(sweeps: Sequence[Status], now: str) -> str:
    """Return a table of the last sweeps."""
    if not sweeps:
        return '<p class="nothing">No sweep has finished since the start.</p>'
    head = (
        '<tr><th>Sweep</th><th>Finished</th><th class="n">Moved</th><th class="n">Failed</th>'
        '<th class="n wide">Skipped</th><th class="n wide">Size</th><th class="n">Duration</th></tr>'
    )
    return _table(head, (_sweep(sweep, now) for sweep in sweeps))


def _sweep(sweep: Status, now: str) -> str:
    return (
        f"<tr><td>{_number_and_status(sweep)}</td><td>{time_ago(sweep['ended_at'], now)}</td>"
        f'<td class="n">{humanize.count(sweep["succeeded"])}</td>{_failed(sweep["failed"])}'
        f'<td class="n wide">{humanize.count(sweep["skipped"])}</td>'
        f'<td class="n wide">{human_size(sweep["bytes"])}</td>'
        f'<td class="n">{humanize.duration(sweep["seconds"])}</td></tr>{"".join(map(_remark, _remarks(sweep)))}'
    )


def _remarks(sweep: Status) -> list[str]:
    """Return what a sweep's row does not say: why it ended early, and how long it waited for the database."""
    waited = sweep["outage_seconds"]
    outage = f"waited {humanize.duration(waited)} for the audit database" if waited >= 1 else ""
    return [remark for remark in (sweep["message"], outage, _deletions(sweep.get("deletions"))) if remark]


def _remark(text: str) -> str:
    return f'<tr><td colspan="7" class="message">{isolated(text)}</td></tr>'


def _deletions(counts: Status | None) -> str:
    """Return what became of the objects that only the destination has; empty if there are none."""
    if counts is None or not any(counts[name] for name in ("deleted", "failed", "waiting", "confirmed")):
        return ""
    deleted, waiting = humanize.count(counts["deleted"]), humanize.count(counts["waiting"])
    parts = [f"Deleted at destination: {deleted} ({waiting} waiting for confirmation)"]
    parts += [f"{humanize.count(counts['failed'])} failed"] if counts["failed"] else []
    parts += [f"{humanize.count(counts['confirmed'])} confirmed"] if counts["confirmed"] else []
    parts += [f"refused: {counts['refusal']}"] if counts["refusal"] else []
    return ", ".join(parts)


def _number_and_status(sweep: Status) -> str:
    """Return the sweep's number and status; narrow screens hide the status of completed sweeps."""
    status = str(sweep["status"])
    completed = status == "completed"
    severity = Severity.WARN if completed and sweep["failed"] else _SEVERITIES.get(status, Severity.CALM)
    css = "soft wide" if completed else "soft"
    if "route" in sweep:
        status = f"{sweep['route']}, {status}"
    return (
        f'<span class="mark {severity}">{sweep["sweep"]}</span> <span class="{css}">{escaped(status)}</span>'
    )


def _failed(number: int) -> str:
    return f'<td class="{"bad n" if number else "n"}">{humanize.count(number)}</td>'


def _table(head: str, rows: Iterable[str]) -> str:
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"
