"""Lines of CSV from values that anyone may have chosen.

People open it in a spreadsheet, and anyone who may write to the source chooses keys: no cell is taken for a formula,
and unprintable characters are escaped. JSON has the exact texts.
"""

import csv
import io
import re
from collections.abc import Iterable

from s3mover.observe.text import visible

# What begins a formula, also in the full-width forms that some languages of spreadsheets accept.
_FORMULA = "=+@-\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH COMMERCIAL AT}\N{FULLWIDTH HYPHEN-MINUS}"
# At the start of a cell, or after a semicolon: where the comma is the decimal point, spreadsheets split lines there.
_FORMULA_START = re.compile(rf'((?:^|;)[\s"]*)(?=[{re.escape(_FORMULA)}])')


def csv_line(values: Iterable[object]) -> str:
    """Return one line, without its end."""
    line = io.StringIO()
    # The writer quotes only its own line terminator, so it gets both characters.
    csv.writer(line, lineterminator="\r\n").writerow(map(_cell, values))
    return line.getvalue().removesuffix("\r\n")


def _cell(value: object) -> object:
    """Return a text as one that is shown and not calculated: with an apostrophe, as spreadsheets mark texts."""
    return _FORMULA_START.sub(r"\1'", visible(value)) if isinstance(value, str) else value
