"""The `report` command: what the trail holds, as a table for people, or as JSON or CSV for programs.

Where the settings have routes, each row says whose it is; the trail itself knows pairs of buckets only.
"""

import csv
import io
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, fields
from itertools import chain
from typing import Any

from s3mover.app.factories import pair_of
from s3mover.audit.opening import open_reader
from s3mover.audit.trail import Total, Trail
from s3mover.errors import ExitCode
from s3mover.model import FailureRecord, Pair, SweepRecord
from s3mover.observe.text import human_size, to_json, utc_moment, visible
from s3mover.settings.model import Settings

Say = Callable[[str], None]

SWEEPS_SHOWN = 10
FAILURES_SHOWN = 20
ALL = 2**31
# A route's name stands for its pair.
FAILURE_COLUMNS = [column.name for column in fields(FailureRecord) if column.name != "pair"]

Totals = list[tuple[Pair | None, Total]]


@dataclass(frozen=True, slots=True)
class Scope:
    """What the report is about: rows younger than `since` seconds since the epoch; of one sweep and pair, if not None.

    `routes` has the names of the routes by their pairs.
    """

    since: float
    sweep: int | None
    failed_only: bool
    pair: Pair | None = None
    routes: Mapping[Pair, str] = field(default_factory=dict)

    def whose(self, pair: Pair | None) -> dict[str, str]:
        """Return what is said of a row beside its own columns: its route, where there are routes."""
        return {"route": self.routes.get(pair, "") if pair else ""} if self.routes else {}

    def column(self, pair: Pair | None) -> str:
        """Return the same as the last column of a table."""
        return "".join(f"  {name or '-'}" for name in self.whose(pair).values())

    @property
    def heading(self) -> str:
        """What stands above that column."""
        return "  route" if self.routes else ""


def report(
    settings: Settings,
    say: Say,
    *,
    failed: bool,
    since: float,
    sweep_id: int | None,
    form: str,
    one_route: bool = False,
) -> ExitCode:
    """Say what the trail holds; `since` is in seconds before now, 0 for all of it.

    With `one_route` it is about the one route of the settings, else about all that the trail holds.

    Raises:
        MoverError: the audit database cannot be read.
    """
    names = {pair_of(route.settings): route.name for route in settings.routes}
    pair = next(iter(names)) if one_route else None
    scope = Scope(time.time() - since if since else 0.0, sweep_id, failed, pair, names)
    with closing(open_reader(settings.audit.url.value)) as trail:
        for line in _FORMS[form](trail, scope):
            say(line)
    return ExitCode.OK


def _table(trail: Trail, scope: Scope) -> Iterator[str]:
    if not scope.failed_only:
        yield from _totals(_chosen_totals(trail, scope), scope)
        yield from _sweeps(_chosen_sweeps(trail, scope), scope)
    limit = ALL if scope.failed_only else FAILURES_SHOWN
    yield from _failures(_chosen_failures(trail, scope, limit), scope)


def _totals(totals: Totals, scope: Scope) -> Iterator[str]:
    yield f"{'status':<10}{'method':<20}{'objects':>12}{'size':>14}{scope.heading}"
    for pair, total in totals:
        counted = f"{total.objects:>12}{human_size(total.bytes):>14}"
        yield f"{total.status:<10}{total.method or '-':<20}{counted}{scope.column(pair)}"
    yield ""


def _sweeps(sweeps: list[SweepRecord], scope: Scope) -> Iterator[str]:
    columns = f"{'status':<13}{'listed':>10}{'moved':>10}{'failed':>8}{'seconds':>10}"
    yield f"{'sweep':>8}  {'started (UTC)':<20}{columns}{scope.heading}"
    for sweep in sweeps:
        tally = sweep.tally
        yield (
            f"{sweep.id:>8}  {utc_moment(sweep.started_at)[:19]:<20}{sweep.status:<13}"
            f"{tally.listed:>10}{tally.succeeded:>10}{tally.failed:>8}{sweep.duration_us / 1e6:>10.2f}"
            f"{scope.column(sweep.pair)}"
        )
    yield ""


def _failures(failures: Iterator[FailureRecord], scope: Scope) -> Iterator[str]:
    first = next(failures, None)
    if first is None:
        yield "no failures"
        return
    yield "failures, the latest first:"
    for failure in chain([first], failures):
        moment = utc_moment(failure.at)[:19]
        said = f"{visible(failure.key)}: {visible(failure.code)}: {visible(failure.message)}"
        whose = "".join(f"{name or '-'}: " for name in scope.whose(failure.pair).values())
        yield f"  {moment}  {whose}{said}{_next_attempt(failure)}"


def _next_attempt(failure: FailureRecord) -> str:
    """Tell how its object stands by now, where it has not succeeded since."""
    if failure.next_attempt is None:
        return ""
    sweeps = f"{failure.failures_in_a_row} sweep{'s' if failure.failures_in_a_row > 1 else ''}"
    waits = (
        f"after {utc_moment(failure.next_attempt)[:19]}" if failure.failures_in_a_row > 1 else "by the next"
    )
    return f" (failed in {sweeps}, tried again {waits})"


def _json(trail: Trail, scope: Scope) -> Iterator[str]:
    """One JSON document, its failures written one by one so that any number of them fits into memory."""
    yield "{"
    if not scope.failed_only:
        totals = [asdict(total) | scope.whose(pair) for pair, total in _chosen_totals(trail, scope)]
        sweeps = [asdict(sweep) | scope.whose(sweep.pair) for sweep in _chosen_sweeps(trail, scope)]
        yield f'"totals": {_text(totals)},'
        yield f'"sweeps": {_text(sweeps)},'
    yield '"failures": ['
    separator = ""
    for failure in _chosen_failures(trail, scope, ALL):
        yield f"{separator}{_text(_columns(failure) | scope.whose(failure.pair))}"
        separator = ","
    yield "]}"


def _csv(trail: Trail, scope: Scope) -> Iterator[str]:
    """The failures, or the totals where all is asked for: a CSV file holds one kind of row."""
    if scope.failed_only:
        yield _csv_line([*FAILURE_COLUMNS, *scope.whose(None)])
        for failure in _chosen_failures(trail, scope, ALL):
            yield _csv_line([*(_columns(failure) | scope.whose(failure.pair)).values()])
        return
    yield _csv_line([*(column.name for column in fields(Total)), *scope.whose(None)])
    for pair, total in _chosen_totals(trail, scope):
        yield _csv_line([*(asdict(total) | scope.whose(pair)).values()])


def _chosen_totals(trail: Trail, scope: Scope) -> Totals:
    if not scope.routes:
        return [(None, total) for total in trail.totals(scope.since, scope.sweep)]
    totals = trail.totals_by_pair(scope.since, scope.sweep)
    return [(pair, total) for pair, total in totals if scope.pair in {None, pair}]


def _chosen_sweeps(trail: Trail, scope: Scope) -> list[SweepRecord]:
    return trail.latest_sweeps(SWEEPS_SHOWN, scope.since, scope.sweep, scope.pair)


def _chosen_failures(trail: Trail, scope: Scope, limit: int) -> Iterator[FailureRecord]:
    return trail.failures(limit, scope.since, scope.sweep, scope.pair)


def _columns(failure: FailureRecord) -> dict[str, Any]:
    return {name: getattr(failure, name) for name in FAILURE_COLUMNS}


def _csv_line(values: list[object]) -> str:
    line = io.StringIO()
    # Of all characters that end lines the writer quotes just those that end its own.
    csv.writer(line, lineterminator="\r\n").writerow(values)
    return line.getvalue().removesuffix("\r\n")


def _text(value: object) -> str:
    return to_json(value).decode()


_FORMS: dict[str, Callable[[Trail, Scope], Iterator[str]]] = {"table": _table, "json": _json, "csv": _csv}
