"""Merges the status of several routes into one, for the status page: lists newest first, counts added up. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from operator import itemgetter

from s3mover.observe.page import Status

_SHOWN = 20
_COUNTS = ("server_side_copy", "streaming", "failed", "bytes")


def merge_routes(status: Status) -> Status:
    """Return `status` with its routes merged, their list entries marked with `route`; unchanged without routes."""
    routes: Sequence[Status] = status.get("routes", [])
    if not routes:
        return status
    return {
        **status,
        "now": max(route["now"] for route in routes),
        "pair": f"{len(routes)} routes" if len(routes) > 1 else routes[0]["pair"],
        "sweep": None,
        "cluster": _one_cluster([route["cluster"] for route in routes if route["cluster"]]),
        "sweeps": _merge_lists(routes, "sweeps", "ended_at"),
        "failures": _merge_lists(routes, "failures", "at"),
        "history": _add_up([route["history"] for route in routes]),
        "limits": {
            f"{side} of {route['route']}": limit
            for route in routes
            for side, limit in route["limits"].items()
        },
    }


def _one_cluster(clusters: Sequence[Status]) -> Status | None:
    """Return the cluster that all routes share, with the ranges of all of them."""
    if not clusters:
        return None
    ranges: Counter[str] = Counter()
    for cluster in clusters:
        ranges.update(cluster["ranges"])
    rates = {
        machine["address"]: machine["rate"]
        for cluster in clusters
        for machine in cluster["machines"]
        if machine["rate"] is not None
    }
    machines = [{**machine, "rate": rates.get(machine["address"])} for machine in clusters[0]["machines"]]
    retries = [cluster["last_retry"] for cluster in clusters if cluster["last_retry"]]
    return {
        **clusters[0],
        "machines": machines,
        "ranges": dict(ranges),
        "last_retry": retries[-1] if retries else "",
    }


def _merge_lists(routes: Iterable[Status], name: str, moment: str) -> Sequence[Status]:
    entries = [{**entry, "route": route["route"]} for route in routes for entry in route[name]]
    return sorted(entries, key=itemgetter(moment), reverse=True)[:_SHOWN]


def _add_up(histories: Sequence[Status]) -> Status:
    """Add the histories step by step; all were read at the same instant, so their steps are the same."""
    sums: dict[str, object] = {
        name: [sum(step) for step in zip(*(history[name] for history in histories), strict=True)]
        for name in _COUNTS
    }
    return {**histories[0], **sums}
