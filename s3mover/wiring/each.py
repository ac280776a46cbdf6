"""Commands over several routes: all of them in turn, or the one that was named."""

from collections.abc import Callable
from dataclasses import replace

from s3mover.errors import ExitCode, MoverError, SettingsError
from s3mover.settings import Route, Settings, routes_of

Say = Callable[[str], None]


def chosen(settings: Settings, route: str | None) -> Settings:
    """Return the settings with the one route that was named, or with all where none was.

    Raises:
        SettingsError: there is no such route.
    """
    if route is None:
        return settings
    found = tuple(one for one in settings.routes if one.name == route)
    if not found:
        known = ", ".join(one.name for one in settings.routes) or "none"
        raise SettingsError([f"--route: there is no route {route!r}; the settings have: {known}"])
    return replace(settings, routes=found)


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
