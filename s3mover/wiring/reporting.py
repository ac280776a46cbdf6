"""The `report` command: what the trail holds, as a table for people, or as JSON or CSV for programs."""

import csv
import io
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from itertools import chain

from s3mover.audit.opening import open_reader
from s3mover.audit.trail import Total, Trail
from s3mover.errors import ExitCode
from s3mover.model import FailureRecord, SweepRecord
from s3mover.observe.text import human_size, to_json, utc_moment, visible
from s3mover.settings.model import Settings

Say = Callable[[str], None]

SWEEPS_SHOWN = 10
FAILURES_SHOWN = 20
ALL = 2**31


@dataclass(frozen=True, slots=True)
class Scope:
    """What the report is about: rows younger than `since` seconds since the epoch, and of one sweep, if not None."""

    since: float
    sweep: int | None
    failed_only: bool


def report(
    settings: Settings, say: Say, *, failed: bool, since: float, sweep_id: int | None, form: str
) -> ExitCode:
    """Say what the trail holds; `since` is in seconds before now, 0 for all of it.

    Raises:
        MoverError: the audit database cannot be read.
    """
    scope = Scope(time.time() - since if since else 0.0, sweep_id, failed)
    with closing(open_reader(settings.audit.url.value)) as trail:
        for line in _FORMS[form](trail, scope):
            say(line)
    return ExitCode.OK


def _table(trail: Trail, scope: Scope) -> Iterator[str]:
    if not scope.failed_only:
        yield from _totals(trail.totals(scope.since, scope.sweep))
        yield from _sweeps(_chosen_sweeps(trail, scope))
    limit = ALL if scope.failed_only else FAILURES_SHOWN
    yield from _failures(trail.failures(limit, scope.since, scope.sweep))


def _totals(totals: list[Total]) -> Iterator[str]:
    yield f"{'status':<10}{'method':<20}{'objects':>12}{'size':>14}"
    for total in totals:
        yield f"{total.status:<10}{total.method or '-':<20}{total.objects:>12}{human_size(total.bytes):>14}"
    yield ""


def _sweeps(sweeps: list[SweepRecord]) -> Iterator[str]:
    yield f"{'sweep':>8}  {'started (UTC)':<20}{'status':<13}{'listed':>10}{'moved':>10}{'failed':>8}{'seconds':>10}"
    for sweep in sweeps:
        tally = sweep.tally
        yield (
            f"{sweep.id:>8}  {utc_moment(sweep.started_at)[:19]:<20}{sweep.status:<13}"
            f"{tally.listed:>10}{tally.succeeded:>10}{tally.failed:>8}{sweep.duration_us / 1e6:>10.2f}"
        )
    yield ""


def _failures(failures: Iterator[FailureRecord]) -> Iterator[str]:
    first = next(failures, None)
    if first is None:
        yield "no failures"
        return
    yield "failures, the latest first:"
    for failure in chain([first], failures):
        moment = utc_moment(failure.at)[:19]
        said = f"{visible(failure.key)}: {visible(failure.code)}: {visible(failure.message)}"
        yield f"  {moment}  {said}{_next_attempt(failure)}"


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
        yield f'"totals": {_text([asdict(total) for total in trail.totals(scope.since, scope.sweep)])},'
        yield f'"sweeps": {_text([asdict(sweep) for sweep in _chosen_sweeps(trail, scope)])},'
    yield '"failures": ['
    separator = ""
    for failure in trail.failures(ALL, scope.since, scope.sweep):
        yield f"{separator}{_text(asdict(failure))}"
        separator = ","
    yield "]}"


def _csv(trail: Trail, scope: Scope) -> Iterator[str]:
    """The failures, or the totals where all is asked for: a CSV file holds one kind of row."""
    if scope.failed_only:
        yield _csv_line([field.name for field in fields(FailureRecord)])
        for failure in trail.failures(ALL, scope.since, scope.sweep):
            yield _csv_line([*asdict(failure).values()])
        return
    yield _csv_line(["status", "method", "objects", "bytes"])
    for total in trail.totals(scope.since, scope.sweep):
        yield _csv_line([total.status, total.method, total.objects, total.bytes])


def _chosen_sweeps(trail: Trail, scope: Scope) -> list[SweepRecord]:
    return trail.latest_sweeps(SWEEPS_SHOWN, scope.since, scope.sweep)


def _csv_line(values: list[object]) -> str:
    line = io.StringIO()
    # Of all characters that end lines the writer quotes just those that end its own.
    csv.writer(line, lineterminator="\r\n").writerow(values)
    return line.getvalue().removesuffix("\r\n")


def _text(value: object) -> str:
    return to_json(value).decode()


_FORMS: dict[str, Callable[[Trail, Scope], Iterator[str]]] = {"table": _table, "json": _json, "csv": _csv}
