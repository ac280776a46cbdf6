"""What an instance that stands by shows of the leader in status and metrics: its report, with every field checked.

The report is another process's text, perhaps of another version: what is missing or of another type gets its default.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson

from s3mover.model import LeaderReport
from s3mover.observe.redaction import redactor
from s3mover.observe.text import to_json

REPORTED = ("state", "version", "problem", "failed_in_a_row", "next_sweep_at", "sweep")
"""The fields of `/status` that a leader reports, besides the latest of its `sweeps`."""
SWEEPS = 5
# The largest report that is written.
REPORT_BYTES = 16_384

_COUNTS: dict[str, object] = {
    "sweep": 0, "seconds": 0, "listed": 0, "skipped": 0, "planned": 0, "succeeded": 0, "failed": 0, "bytes": 0,
    "server_side_copies": 0, "streamed": 0,
}  # fmt: skip
_CURRENT: dict[str, object] = {
    **_COUNTS, "waiting": 0, "waiting_bytes": 0, "objects_per_second": 0.0, "bytes_per_second": 0, "listing": False,
}  # fmt: skip
_LAST: dict[str, object] = {
    **_COUNTS, "status": "", "outage_seconds": 0.0, "postponed": 0, "summary": "", "message": "",
}  # fmt: skip


class SeenLeader(NamedTuple):
    """The leader as it was seen at `seen_at` (monotonic seconds), when its report was `age` seconds old."""

    name: str
    url: str
    age: float
    seen_at: float
    fields: Mapping[str, Any]

    def age_at(self, now: float) -> float:
        """Return the age of the report in seconds; `now` is monotonic."""
        return self.age + max(0.0, now - self.seen_at)

    def as_dict(self, now: float) -> dict[str, object]:
        """Return what `/status` shows of the leader; `now` is monotonic."""
        return {"name": self.name, "url": self.url, "age_seconds": round(self.age_at(now), 1), **self.fields}


def report_of(status: Mapping[str, Any]) -> str:
    """Return what a leader reports: a part of its own `/status`, as JSON of at most `REPORT_BYTES`."""
    report = {name: status[name] for name in REPORTED}
    text = to_json({**report, "sweeps": list(status["sweeps"])[:SWEEPS]})
    return (text if len(text) <= REPORT_BYTES else to_json({**report, "problem": ""})).decode()


def read_report(report: LeaderReport, seen_at: float) -> SeenLeader:
    """Return the report of a leader with every field checked; `seen_at` is in monotonic seconds."""
    return SeenLeader(
        report.name, _web_address(report.url), report.age, seen_at, _fields(_object(report.text))
    )


def _object(text: str) -> Mapping[str, Any]:
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return given if isinstance(given, dict) else {}


def _fields(given: Mapping[str, Any]) -> dict[str, object]:
    sweep, sweeps = given.get("sweep"), given.get("sweeps")
    ended = (
        [_last(one) for one in sweeps[:SWEEPS] if isinstance(one, dict)] if isinstance(sweeps, list) else []
    )
    return {
        **_typed(given, {"state": "", "version": "", "problem": "", "failed_in_a_row": 0}),
        "next_sweep_at": _moment(given.get("next_sweep_at")),
        "sweep": _current(sweep) if isinstance(sweep, dict) else None,
        "sweeps": [one for one in ended if one["ended_at"]],
    }


def _current(given: Mapping[str, Any]) -> dict[str, object]:
    return {
        **_typed(given, _CURRENT),
        "started_at": _moment(given.get("started_at")),
        **{
            name: given.get(name) if _is_number(given.get(name)) else None
            for name in ("eta_seconds", "progress")
        },
    }


def _last(given: Mapping[str, Any]) -> dict[str, object]:
    cost = given.get("cost_usd")
    return {
        **_typed(given, _LAST),
        "ended_at": _moment(given.get("ended_at")),
        "deletions": None,
        "cost_usd": cost if _is_number(cost) else None,
    }


def _typed(given: Mapping[str, Any], defaults: Mapping[str, object]) -> dict[str, object]:
    """Return the fields of `defaults`, as given where the given value is of the same kind."""
    return {name: _like(given.get(name), default) for name, default in defaults.items()}


def _like(value: object, default: object) -> object:
    if isinstance(default, bool):
        return value if isinstance(value, bool) else default
    if isinstance(default, str):
        return redactor.clean(value) if isinstance(value, str) else default
    return value if _is_number(value) else default


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _moment(value: object) -> str | None:
    """Return an ISO 8601 time with its zone as it was given, None for anything else."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return str(value) if moment is not None and moment.tzinfo is not None else None


def _web_address(url: str) -> str:
    """Return the URL if it is one that a page may link to, else an empty string."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in {"http", "https"} and parts.hostname else ""
