"""The report as CSV, as a spreadsheet reads it."""

import csv
import io
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.audit.trail import Total
from s3mover.audit.trail import Trail as AuditTrail
from s3mover.commands.report_csv import csv_lines
from s3mover.commands.report_data import FAILURE_FIELDS, ReportData, ReportScope
from s3mover.model import FailureRecord, Method, Status

FORMULA = "=+-@\t\r\N{FULLWIDTH EQUALS SIGN}"


class Trail:
    """A trail with one total, and one failure whose texts are all alike."""

    def __init__(self, text: str) -> None:
        self._text = text

    def totals(self, *_: object) -> list[Total]:
        """Return the total."""
        return [Total(Status.SUCCESS, Method.STREAMING, 2, 30), Total(Status.ERROR, "", 1, 0)]

    def failures(self, *_: object) -> list[FailureRecord]:
        """Return the failure."""
        return [FailureRecord(7, self._text, self._text, self._text, 3, 1.5)]


def report(text: str = "", *, failed: bool = True) -> list[str]:
    data = ReportData(cast("AuditTrail", Trail(text)), ReportScope(0.0, None, failed))
    return list(csv_lines(data))


def cells(text: str, delimiter: str = ",") -> list[str]:
    """Return the cells of the failure's row, as a spreadsheet with this separator reads them."""
    _, line = report(text)
    [row] = csv.reader(io.StringIO(line), delimiter=delimiter)
    return row


@given(st.text(st.characters(), max_size=20) | st.text(FORMULA + ";, '\"\x1b\u202ea", max_size=8))
def test_no_cell_is_a_formula_and_every_cell_prints(text: str) -> None:
    """Whatever an object's key or a store's message is, and whether the separator is a comma or a semicolon."""
    row = cells(text)
    assert len(row) == len(FAILURE_FIELDS)
    for cell in [*row, *cells(text, ";")]:
        assert not cell.strip().startswith(tuple(FORMULA))
        assert cell.isprintable()


@pytest.mark.parametrize(
    ("key", "cell"),
    [
        ("plain/ä b.pdf", "plain/ä b.pdf"),
        ("=HYPERLINK(A1)", "'=HYPERLINK(A1)"),
        ("-1", "'-1"),
        ("a;=1+1", "a;'=1+1"),
        ("a+b=c-d@e", "a+b=c-d@e"),
        ('a,"b"', '"a,""b"""'),
        ("a\x1b[2Jb\u202e\n", "a\\x1b[2Jb\\u202e\\n"),
    ],
)
def test_a_text_is_quoted_and_escaped_as_needed(key: str, cell: str) -> None:
    """A plain one stays as it is."""
    assert report(key)[1] == f"7,{cell},{cell},{cell},3,1.5,0,,copy"


def test_the_totals_are_plain() -> None:
    """Numbers are numbers, and what is unknown is empty."""
    assert report(failed=False) == [
        "status,method,objects,bytes",
        "success,streaming,2,30",
        "error,,1,0",
    ]
