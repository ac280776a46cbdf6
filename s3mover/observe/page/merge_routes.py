"""Several routes' status told as one, for the status page: what each tells is merged, newest first. Pure.

A daemon with one pair of buckets has no routes, and its status is told as it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

Status = Mapping[str, Any]

_LATEST = 20
_COUNTS = ("server_side_copy", "streaming", "failed", "bytes")


def merge_routes(status: Status) -> Status:
    """Return `status` with what its routes tell merged; entries of lists say their `route`."""
    routes: Sequence[Status] = status.get("routes", [])
    if not routes:
        return status
    return {
        **status,
        "now": max(route["now"] for route in routes),
        "pair": f"{len(routes)} routes" if len(routes) > 1 else routes[0]["pair"],
        "sweep": None,
        "sweeps": _merged(routes, "sweeps", "ended_at"),
        "failures": _merged(routes, "failures", "at"),
        "history": _summed([route["history"] for route in routes]),
        "limits": {
            f"{side} of {route['route']}": limit
            for route in routes
            for side, limit in route["limits"].items()
        },
    }


def _merged(routes: Iterable[Status], name: str, moment: str) -> Sequence[Status]:
    entries = [{**entry, "route": route["route"]} for route in routes for entry in route[name]]
    return sorted(entries, key=itemgetter(moment), reverse=True)[:_LATEST]


def _summed(histories: Sequence[Status]) -> Status:
    """Add up steps; the routes were asked within an instant, so that the last step of each is the same."""
    sums: dict[str, object] = {
        name: [sum(step) for step in zip(*(history[name] for history in histories), strict=True)]
        for name in _COUNTS
    }
    return {**histories[0], **sums}
