"""The figures of the status page: the current sweep, or else the last one. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from s3mover.costs.money import MICROS, money_text
from s3mover.observe.page import Status, humanize
from s3mover.observe.page.markup import escaped
from s3mover.observe.text import human_size


class Figure(NamedTuple):
    """A value with its name; `unit` is written small, `alarming` is coloured."""

    name: str
    value: str
    unit: str = ""
    alarming: bool = False


def figures(status: Status) -> str:
    """Return the figures of the current sweep, or else those of the last sweep."""
    if status["sweep"] is not None:
        return _progress_bar(status["sweep"]) + _list([*_of_current(status["sweep"]), *_cost(status["cost"])])
    if status["sweeps"]:
        return _list(_of_last(status["sweeps"][0]))
    return ""


def _of_current(sweep: Status) -> list[Figure]:
    return [
        Figure("Moved", humanize.count(sweep["succeeded"])),
        Figure("Waiting", humanize.count(sweep["waiting"]) + ("+" if sweep["listing"] else "")),
        _failed(sweep),
        Figure("Skipped", humanize.count(sweep["skipped"])),
        Figure("Objects", humanize.rate(sweep["objects_per_second"]), " /s"),
        _size("Throughput", sweep["bytes_per_second"], "/s"),
    ]


def _of_last(sweep: Status) -> list[Figure]:
    return [
        Figure("Moved", humanize.count(sweep["succeeded"])),
        _failed(sweep),
        Figure("Skipped", humanize.count(sweep["skipped"])),
        Figure("Listed", humanize.count(sweep["listed"])),
        _size("Data moved", sweep["bytes"]),
        Figure("Duration", humanize.duration(sweep["seconds"])),
        *_money("Cost", sweep.get("cost_usd")),
        *_of_deletions(sweep["deletions"]),
    ]


def _cost(cost: Status) -> list[Figure]:
    """Return what the current sweep costs, and the day where it has a limit; nothing where no price is known."""
    limit = _money("Cost today", cost["today_usd"], alarming=bool(cost["limit_reached"]))
    return [*_money("Cost", cost["sweep_usd"]), *(limit if cost["limit_per_day_usd"] else [])]


def _money(name: str, dollars: float | None, *, alarming: bool = False) -> list[Figure]:
    if dollars is None:
        return []
    return [Figure(name, money_text(round(dollars * MICROS)), alarming=alarming)]


def _of_deletions(counts: Status | None) -> list[Figure]:
    if counts is None:
        return []
    deleted, left = humanize.count(counts["deleted"]), humanize.count(counts["waiting"] + counts["confirmed"])
    return [
        Figure("Deleted at destination", deleted),
        Figure("Only at destination", left, alarming=bool(counts["refusal"] and counts["propagates"])),
    ]


def _failed(sweep: Status) -> Figure:
    return Figure("Failed", humanize.count(sweep["failed"]), alarming=sweep["failed"] > 0)


def _size(name: str, size: float, per: str = "") -> Figure:
    number, _, unit = human_size(size).partition(" ")
    return Figure(name, number, f" {unit}{per}")


def _progress_bar(sweep: Status) -> str:
    """Draw the progress of the sweep; the bar has no value while the progress is unknown."""
    progress, left = sweep["progress"], sweep["eta_seconds"]
    value = "" if progress is None else f' value="{progress:.4f}"'
    done = f"{humanize.count(sweep['listed'])} objects listed"
    if progress is not None:
        done = f"{100 * progress:.0f}% of sweep {sweep['sweep']}"
    eta = "" if left is None else f"<span>about {escaped(humanize.duration(left))} left</span>"
    return (
        f'<progress max="1"{value} aria-label="Progress of the sweep">{escaped(done)}</progress>'
        f'<p class="ends"><span>{escaped(done)} after {humanize.duration(sweep["seconds"])}</span>{eta}</p>'
    )


def _list(figures: Iterable[Figure]) -> str:
    return f"<dl>{''.join(map(_figure, figures))}</dl>"


def _figure(figure: Figure) -> str:
    unit = f"<small>{escaped(figure.unit)}</small>" if figure.unit else ""
    alarm = ' class="bad"' if figure.alarming else ""
    return f"<div><dt>{escaped(figure.name)}</dt><dd{alarm}>{escaped(figure.value)}{unit}</dd></div>"
