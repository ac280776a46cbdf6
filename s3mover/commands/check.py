"""The `check` command: tests whether the work can be done, and prints each result and the missing permissions."""

import json
from collections.abc import Iterable

from s3mover.commands.each_route import Echo, for_each_route
from s3mover.diagnostics.check_results import CheckResult, Level
from s3mover.diagnostics.check_setup import open_check_context
from s3mover.diagnostics.checks import Checks
from s3mover.errors import ExitCode
from s3mover.observe.text import to_json, visible_lines
from s3mover.settings import Route, Settings

SYMBOLS = {Level.OK: "✅", Level.WARNING: "⚠️", Level.FAILED: "❌"}


def check(settings: Settings, echo: Echo, *, as_json: bool) -> ExitCode:
    """Print the result of each test, then the policy statements that grant the missing permissions.

    With `as_json` each route prints one document on one line.
    """
    return for_each_route(
        settings, echo, lambda route: _check(route, echo, as_json=as_json), headings=not as_json
    )


def _check(route: Route, echo: Echo, *, as_json: bool) -> ExitCode:
    results = []
    with open_check_context(route.settings) as context:
        for result in Checks(context).run():
            results.append(result)
            if not as_json:
                echo(f"{SYMBOLS[result.level]} {result.name}: {visible_lines(result.message)}")
    for line in _json_lines(route.name, results) if as_json else _policy_lines(results):
        echo(line)
    return ExitCode.UNREACHABLE if any(result.level is Level.FAILED for result in results) else ExitCode.OK


def _json_lines(route: str, results: Iterable[CheckResult]) -> Iterable[str]:
    fields = [{name: value for name, value in result._asdict().items() if value != ()} for result in results]
    yield to_json({"route": route, "results": fields} if route else fields).decode()


def _policy_lines(results: Iterable[CheckResult]) -> Iterable[str]:
    for result in results:
        for document in result.policy:
            yield f"\n# {result.name}: add to the policy of {document['attach_to']}"
            yield json.dumps(document["policy"], indent=2)
