"""A status as lines for a terminal. Every text of it is made visible: it may come from anywhere."""

from collections.abc import Iterator
from typing import Any

from s3mover.costs.money import MICROS, money_text
from s3mover.observe.page import humanize
from s3mover.observe.page.headline import headline_of
from s3mover.observe.page.leader import with_leader
from s3mover.observe.text import human_size, visible

SHOWN = 5


def status_lines(status: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the status of an instance, with one part for each of its routes.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is not a status of this version.
    """
    yield f"s3mover {visible(str(status['version']))}: {'ready' if status['ready'] else 'not ready'}"
    routes = status.get("routes") or [status]
    for route in routes:
        yield ""
        if "route" in route:
            yield f"# route {visible(str(route['route']))}"
        yield from _route(route)
    if cluster := status.get("cluster"):
        ranges = ", ".join(f"{int(count)} {visible(str(name))}" for name, count in cluster["ranges"].items())
        yield ""
        yield f"machines: {len(cluster['machines'])}, ranges: {ranges or 'none'}"


def _route(status: dict[str, Any]) -> Iterator[str]:
    headline = headline_of(status)
    yield visible(str(status["pair"]))
    yield visible(f"{headline.text}. {headline.sentence}")
    if status["problem"]:
        yield visible(f"problem: {status['problem']}")
    leader = status["leader"]
    if leader:
        yield _leader(leader)
    shown = with_leader(status)
    if shown["sweep"] is not None:
        yield _current(shown["sweep"])
    yield from _cost(status["cost"])
    yield from _sweeps(shown["sweeps"][:SHOWN])
    # A leader does not report its failures, and those that this instance saw are old.
    yield from () if leader else _failures(status["failures"][:SHOWN])


def _leader(leader: dict[str, Any]) -> str:
    parts = [leader["name"], leader["state"], leader["problem"], leader["url"]]
    age = humanize.duration(float(leader["age_seconds"]))
    return visible(f"leader: {', '.join(filter(None, map(str, parts)))}, as of {age} ago")


def _current(sweep: dict[str, Any]) -> str:
    progress, left = sweep["progress"], sweep["eta_seconds"]
    parts = [
        f"sweep {int(sweep['sweep'])}",
        f"{int(sweep['listed']):,} listed" if progress is None else f"{100 * float(progress):.0f}%",
        f"{int(sweep['succeeded']):,} moved",
        f"{int(sweep['failed']):,} failed",
        f"{int(sweep['waiting']):,} waiting",
        f"{float(sweep['objects_per_second']):,.1f} objects/s",
        f"{human_size(float(sweep['bytes_per_second']))}/s",
    ]
    return ", ".join(parts + ([] if left is None else [f"about {humanize.duration(float(left))} left"]))


def _cost(cost: dict[str, Any]) -> Iterator[str]:
    parts = [] if cost["sweep_usd"] is None else [f"{_money(cost['sweep_usd'])} for this sweep"]
    if cost["today_usd"] is not None:
        limit = cost["limit_per_day_usd"]
        parts.append(f"{_money(cost['today_usd'])} today" + ("" if limit is None else f" of {_money(limit)}"))
    if parts:
        yield f"cost: {', '.join(parts)}"
    for what in cost["unpriced"]:
        yield f"not in it: {visible(str(what))}"


def _sweeps(sweeps: list[dict[str, Any]]) -> Iterator[str]:
    if not sweeps:
        return
    yield ""
    yield f"{'sweep':>8}  {'status':<13}{'ended (UTC)':<21}{'moved':>10}{'failed':>8}{'seconds':>10}{'cost':>12}"
    for sweep in sweeps:
        cost = sweep["cost_usd"]
        yield (
            f"{int(sweep['sweep']):>8}  {visible(str(sweep['status'])):<13}{visible(str(sweep['ended_at']))[:19]:<21}"
            f"{int(sweep['succeeded']):>10}{int(sweep['failed']):>8}{float(sweep['seconds']):>10.2f}"
            f"{'-' if cost is None else _money(cost):>12}"
        )


def _failures(failures: list[dict[str, Any]]) -> Iterator[str]:
    if not failures:
        return
    yield ""
    yield "failures, newest first:"
    for failure in failures:
        error = f"{failure['key']}: {failure['code']}: {failure['message']}"
        yield f"  {visible(str(failure['at']))[:19]}  {visible(error)}"


def _money(dollars: object) -> str:
    return money_text(round(float(dollars) * MICROS))  # type: ignore[arg-type]
