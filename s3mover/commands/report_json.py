"""The report as one JSON document."""

from collections.abc import Iterator
from dataclasses import asdict

from s3mover.commands.report_data import ReportData, failure_fields
from s3mover.costs.money import usd
from s3mover.model import SweepRecord
from s3mover.observe.text import to_json


def json_lines(data: ReportData) -> Iterator[str]:
    """Yield the document; one line per failure, so that any number of them fits into memory."""
    yield "{"
    if not data.failed_only:
        totals = [asdict(total) | data.route_column(pair) for pair, total in data.totals()]
        sweeps = [_sweep(sweep) | data.route_column(sweep.pair) for sweep in data.sweeps()]
        yield f'"totals": {_text(totals)},'
        yield f'"sweeps": {_text(sweeps)},'
    yield '"failures": ['
    separator = ""
    for failure in data.failures():
        yield f"{separator}{_text(failure_fields(failure) | data.route_column(failure.pair))}"
        separator = ","
    yield "]}"


def _sweep(sweep: SweepRecord) -> dict[str, object]:
    fields = asdict(sweep)
    micros = fields.pop("cost_micros")
    return fields | {"cost_usd": None if micros is None else usd(micros)}


def _text(value: object) -> str:
    return to_json(value).decode()
