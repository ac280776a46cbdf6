"""The report as text tables for people."""

from collections.abc import Iterator
from itertools import chain

from s3mover.commands.report_data import UNLIMITED, ReportData
from s3mover.costs.money import money_text
from s3mover.model import Action, BatchKind, FailureRecord, Pair, SweepRecord
from s3mover.observe.text import human_size, utc_moment, visible

MAX_FAILURES = 20


def table_lines(data: ReportData) -> Iterator[str]:
    """Yield the lines of all tables; of the failures alone if only these were asked for."""
    if not data.failed_only:
        yield from _totals(data)
        yield from _sweeps(data)
    yield from _failures(data, UNLIMITED if data.failed_only else MAX_FAILURES)


def _totals(data: ReportData) -> Iterator[str]:
    yield f"{'status':<10}{'method':<20}{'objects':>12}{'size':>14}{_route_heading(data)}"
    for pair, total in data.totals():
        counts = f"{total.objects:>12}{human_size(total.bytes):>14}"
        yield f"{total.status:<10}{total.method or '-':<20}{counts}{_route_cell(data, pair)}"
    yield ""


def _sweeps(data: ReportData) -> Iterator[str]:
    columns = f"{'status':<13}{'listed':>10}{'moved':>10}{'failed':>8}{'seconds':>10}{'cost':>12}"
    yield f"{'sweep':>8}  {'started (UTC)':<20}{columns}{_route_heading(data)}"
    for sweep in data.sweeps():
        tally = sweep.tally
        yield (
            f"{sweep.id:>8}  {utc_moment(sweep.started_at)[:19]:<20}{sweep.status:<13}"
            f"{tally.listed:>10}{tally.succeeded:>10}{tally.failed:>8}{sweep.duration_us / 1e6:>10.2f}"
            f"{_cost(sweep):>12}"
            f"{_route_cell(data, sweep.pair)}{'  events' if sweep.kind is BatchKind.EVENTS else ''}"
        )
    yield ""


def _cost(sweep: SweepRecord) -> str:
    return "-" if sweep.cost_micros is None else money_text(sweep.cost_micros)


def _failures(data: ReportData, limit: int) -> Iterator[str]:
    failures = data.failures(limit)
    first = next(failures, None)
    if first is None:
        yield "no failures"
        return
    yield "failures, newest first:"
    for failure in chain([first], failures):
        time = utc_moment(failure.at)[:19]
        route = "".join(f"{name or '-'}: " for name in data.route_column(failure.pair).values())
        deletion = "deletion of " if failure.action is Action.DELETE else ""
        error = f"{deletion}{visible(failure.key)}: {visible(failure.code)}: {visible(failure.message)}"
        yield f"  {time}  {route}{error}{_next_attempt(failure)}"


def _next_attempt(failure: FailureRecord) -> str:
    """Return when the object is tried again, nothing if it has succeeded since."""
    if failure.next_attempt is None:
        return ""
    if failure.failures_in_a_row == 1:
        return " (failed in 1 sweep, tried again by the next)"
    time = utc_moment(failure.next_attempt)[:19]
    return f" (failed in {failure.failures_in_a_row} sweeps, tried again after {time})"


def _route_heading(data: ReportData) -> str:
    return "".join(f"  {name}" for name in data.route_column())


def _route_cell(data: ReportData, pair: Pair | None) -> str:
    return "".join(f"  {name or '-'}" for name in data.route_column(pair).values())
