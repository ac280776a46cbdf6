"""The `report` command: prints the contents of the trail as a table, JSON or CSV.

The trail knows only pairs of buckets; if the settings have routes, each row names its route.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing

from s3mover.app.factories import pair_of
from s3mover.audit.opening import open_reader
from s3mover.commands.each_route import Echo
from s3mover.commands.report_csv import csv_lines
from s3mover.commands.report_data import ReportData, ReportScope
from s3mover.commands.report_deletions import DELETION_FORMATS
from s3mover.commands.report_json import json_lines
from s3mover.commands.report_table import table_lines
from s3mover.errors import ExitCode
from s3mover.settings.model import Settings

_FORMATS: dict[str, Callable[[ReportData], Iterator[str]]] = {
    "table": table_lines,
    "json": json_lines,
    "csv": csv_lines,
}


def report(
    settings: Settings,
    echo: Echo,
    *,
    failed: bool,
    since: float,
    sweep_id: int | None,
    output: str,
    one_route: bool = False,
    deletions: bool = False,
) -> ExitCode:
    """Print the contents of the trail; `since` is in seconds before now, 0 for all rows.

    With `one_route` only the one route of the settings is reported, else everything in the trail; with `deletions`
    deletions at the destination only.

    Raises:
        MoverError: the audit database cannot be read.
    """
    routes = {pair_of(route.settings): route.name for route in settings.routes}
    pair = next(iter(routes)) if one_route else None
    scope = ReportScope(time.time() - since if since else 0.0, sweep_id, failed, pair, routes)
    with closing(open_reader(settings.audit.url.value)) as trail:
        for line in (DELETION_FORMATS if deletions else _FORMATS)[output](ReportData(trail, scope)):
            echo(line)
    return ExitCode.OK
