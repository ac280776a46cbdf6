"""The report as CSV: the failures, or else the totals, because a CSV file has rows of one kind."""

from collections.abc import Iterator
from dataclasses import asdict, fields

from s3mover.audit.trail import Total
from s3mover.commands.csv_text import csv_line
from s3mover.commands.report_data import FAILURE_FIELDS, ReportData, failure_fields


def csv_lines(data: ReportData) -> Iterator[str]:
    """Yield the header and the rows."""
    if data.failed_only:
        yield csv_line([*FAILURE_FIELDS, *data.route_column()])
        for failure in data.failures():
            yield csv_line((failure_fields(failure) | data.route_column(failure.pair)).values())
        return
    yield csv_line([*(column.name for column in fields(Total)), *data.route_column()])
    for pair, total in data.totals():
        yield csv_line((asdict(total) | data.route_column(pair)).values())
