"""Selects one of several routes by its name."""

from dataclasses import replace

from s3mover.errors import SettingsError
from s3mover.settings.model import Settings


def select_route(settings: Settings, route: str | None) -> Settings:
    """Return the settings with the one route that was named, or with all where none was.

    Raises:
        SettingsError: no route has this name.
    """
    if route is None:
        return settings
    found = tuple(one for one in settings.routes if one.name == route)
    if not found:
        known = ", ".join(one.name for one in settings.routes) or "none"
        raise SettingsError([f"--route: {route!r} is not a route; expected one of: {known}"])
    return replace(settings, routes=found)
