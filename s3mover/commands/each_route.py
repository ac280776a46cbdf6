"""Commands over several routes: all of them in turn, or the one that was named."""

from collections.abc import Callable

from s3mover.errors import ExitCode, MoverError
from s3mover.settings import Route, Settings, routes_of

Say = Callable[[str], None]


def on_each(
    settings: Settings, say: Say, do: Callable[[Route], ExitCode], *, headings: bool = True
) -> ExitCode:
    """Do something for each route in turn, under its name, and return the worst exit code.

    Raises:
        MoverError: the first error, after all routes had their turn.
    """
    codes: list[ExitCode] = []
    errors: list[MoverError] = []
    for route in routes_of(settings):
        if route.name and headings:
            say(f"# route {route.name}")
        try:
            codes.append(do(route))
        except MoverError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return max(codes)
