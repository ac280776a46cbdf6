"""The report as CSV: the failures, or else the totals, because a CSV file has rows of one kind."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields

from s3mover.audit.trail import Total
from s3mover.commands.report_data import FAILURE_FIELDS, ReportData, failure_fields


def csv_lines(data: ReportData) -> Iterator[str]:
    """Yield the header and the rows."""
    if data.failed_only:
        yield _line([*FAILURE_FIELDS, *data.route_column()])
        for failure in data.failures():
            yield _line((failure_fields(failure) | data.route_column(failure.pair)).values())
        return
    yield _line([*(column.name for column in fields(Total)), *data.route_column()])
    for pair, total in data.totals():
        yield _line((asdict(total) | data.route_column(pair)).values())


def _line(values: Iterable[object]) -> str:
    line = io.StringIO()
    # The writer quotes only its own line terminator, so it gets both characters.
    csv.writer(line, lineterminator="\r\n").writerow(values)
    return line.getvalue().removesuffix("\r\n")
