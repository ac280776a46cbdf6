"""The report as CSV: the failures, or else the totals, because a CSV file has rows of one kind.

People open it in a spreadsheet, and anyone who may write to the source chooses keys: no cell is taken for a formula,
and unprintable characters are escaped. The JSON report has the exact texts.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields

from s3mover.audit.trail import Total
from s3mover.commands.report_data import FAILURE_FIELDS, ReportData, failure_fields
from s3mover.observe.text import visible


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


# What begins a formula, also in the full-width forms that some languages of spreadsheets accept.
_FORMULA = "=+@-\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH COMMERCIAL AT}\N{FULLWIDTH HYPHEN-MINUS}"
# At the start of a cell, or after a semicolon: where the comma is the decimal point, spreadsheets split lines there.
_FORMULA_START = re.compile(rf'((?:^|;)[\s"]*)(?=[{re.escape(_FORMULA)}])')


def _line(values: Iterable[object]) -> str:
    line = io.StringIO()
    # The writer quotes only its own line terminator, so it gets both characters.
    csv.writer(line, lineterminator="\r\n").writerow(map(_cell, values))
    return line.getvalue().removesuffix("\r\n")


def _cell(value: object) -> object:
    """Return a text as one that is shown and not calculated: with an apostrophe, as spreadsheets mark texts."""
    return _FORMULA_START.sub(r"\1'", visible(value)) if isinstance(value, str) else value
