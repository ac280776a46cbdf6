"""The report of deletions at the destination: as a table, JSON or CSV."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields
from itertools import islice

from s3mover.commands.csv_text import csv_line
from s3mover.commands.report_data import ReportData
from s3mover.model import DELETION, DeletionRecord, Status
from s3mover.observe.text import to_json, utc_moment, visible

SHOWN = 20
# The route's name stands for its pair.
_FIELDS = [column.name for column in fields(DeletionRecord) if column.name != "pair"]


def _table(data: ReportData) -> Iterator[str]:
    counts: Counter[Status] = Counter()
    for _, total in data.totals():
        counts[total.status] += total.objects if total.method == DELETION else 0
    yield f"deleted at the destination: {counts[Status.SUCCESS]}, failed: {counts[Status.ERROR]}"
    shown = list(islice(data.deletions(SHOWN), SHOWN))
    if not shown:
        return
    yield "newest first:"
    for record in shown:
        route = "".join(f"{name or '-'}: " for name in data.route_column(record.pair).values())
        reason = ": ".join(visible(text) for text in (record.code, record.message) if text)
        yield f"  {utc_moment(record.at)[:19]}  {record.status:<8}{route}{visible(record.key)}: {reason}"


def _json(data: ReportData) -> Iterator[str]:
    yield '{"deletions": ['
    separator = ""
    for record in data.deletions():
        yield f"{separator}{to_json(_columns(data, record)).decode()}"
        separator = ","
    yield "]}"


def _csv(data: ReportData) -> Iterator[str]:
    yield csv_line([*_FIELDS, *data.route_column()])
    for record in data.deletions():
        yield csv_line(_columns(data, record).values())


def _columns(data: ReportData, record: DeletionRecord) -> dict[str, object]:
    return {name: getattr(record, name) for name in _FIELDS} | data.route_column(record.pair)


DELETION_FORMATS: dict[str, Callable[[ReportData], Iterator[str]]] = {
    "table": _table,
    "json": _json,
    "csv": _csv,
}
