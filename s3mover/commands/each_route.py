"""Runs a command for every route of the settings, one after the other."""

from collections.abc import Callable

from s3mover.errors import ExitCode, MoverError
from s3mover.settings import Route, Settings, routes_of

# Prints one line.
Echo = Callable[[str], None]


def for_each_route(
    settings: Settings, echo: Echo, command: Callable[[Route], ExitCode], *, headings: bool = True
) -> ExitCode:
    """Run `command` for each route, below a heading with its name, and return the worst exit code.

    Raises:
        MoverError: the first error, after all routes were tried.
    """
    codes: list[ExitCode] = []
    errors: list[MoverError] = []
    for route in routes_of(settings):
        if route.name and headings:
            echo(f"# route {route.name}")
        try:
            codes.append(command(route))
        except MoverError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return max(codes)
