"""The source's events on the status page: one line on their lag, and what sweeps cost beside them. Pure."""

from collections.abc import Iterable

from s3mover.observe.page import Status
from s3mover.observe.page.humanize import count, duration
from s3mover.observe.page.markup import escaped

_DAY_SECONDS = 86400


def events_line(events: Status | None, sweeps: Iterable[Status]) -> str:
    """Return a line on the events; empty where none are received."""
    if events is None:
        return ""
    parts = [_moved(events), _waiting(events), _cost(events, sweeps), events["problem"]]
    return f'<p class="sentence">{escaped(" ".join(filter(None, parts)))}</p>'


def _moved(events: Status) -> str:
    if events["lag_seconds"] is None:
        return f"Events: {count(events['received'])} received."
    median, slow = duration(events["lag_seconds"]), duration(events["lag_p99_seconds"])
    return f"Events: {count(events['moved'])} objects moved, half of them within {median}, 99% within {slow}."


def _waiting(events: Status) -> str:
    texts = [
        f"{count(events[name])} {text}"
        for name, text in (("waiting", "messages wait"), ("dead_letters", "were given up"))
        if events[name]
    ]
    return f"{', '.join(texts)}." if texts else ""


def _cost(events: Status, sweeps: Iterable[Status]) -> str:
    """Return what sweeps cost a day at this interval: the cheapest of the last ones moved least, and listed as much."""
    costs = [
        sweep["cost_usd"] for sweep in sweeps if sweep["status"] == "completed" and sweep.get("cost_usd")
    ]
    interval = events["sweep_interval_seconds"]
    if not costs or not interval:
        return ""
    per_day = min(costs) * _DAY_SECONDS / interval
    return f"Sweeps every {duration(interval)} cost about {per_day:,.2f} USD a day."
