"""Loads the settings from file, environment and command line, or raises all problems at once."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from s3mover.errors import SettingsError
from s3mover.settings.constraints import (
    conflicts,
    duplicate_pairs,
    missing_buckets,
    shared_destinations,
    shared_queues,
)
from s3mover.settings.definitions import setting_definitions
from s3mover.settings.files import file_reader
from s3mover.settings.model import Route, Settings
from s3mover.settings.names import with_values
from s3mover.settings.prices import read_prices
from s3mover.settings.problems import Given, Problem, of_route, refused
from s3mover.settings.sources import Layer, from_environment, from_file, from_overrides

# Before any validator is built: pydantic would run the plug-ins of every installed package, and these see our secrets.
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"


def load(
    path: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, object],
    *,
    buckets: bool = True,
) -> Settings:
    """Load the settings. Precedence: command line, environment, file, defaults.

    Args:
        path: the file that was named on the command line, or None: `$S3MOVER_CONFIG`, else `./config.yaml`.
        environ: the environment.
        overrides: values from the command line by setting (`sweep.interval`); None means not given.
        buckets: whether both buckets must be named; `report` and `schema` work without them.

    Raises:
        SettingsError: with every problem, each a sentence that names its setting and never a secret.
    """
    read = file_reader()
    file = from_file(path, environ, read)
    layers = [file, from_environment(environ, file.routes, read), from_overrides(overrides, file.routes)]
    given = _given(layers)
    problems = [problem for layer in layers for problem in layer.problems]
    settings, refusals = _validated(given)
    problems += refusals
    settings = _keys_kept(settings, given)
    problems += _across_settings(settings, problems, buckets=buckets and not file.routes)
    routes = []
    for name in file.routes:
        route, found = _route(given, [layer.routes[name] for layer in layers], buckets=buckets)
        routes.append(Route(name, route))
        known = {problem.text for problem in problems}
        problems += [of_route(name, problem) for problem in found if problem.text not in known]
    among_routes = (duplicate_pairs, shared_destinations, shared_queues) if buckets else ()
    problems += [problem for check in among_routes for problem in check(routes)]
    problems += _invalid_prices(settings.prices.file)
    if problems:
        raise SettingsError([problem.text for problem in problems])
    return replace(settings, routes=tuple(routes))


def _given(layers: Sequence[Layer]) -> dict[str, Given]:
    return {name: value for layer in layers for name, value in layer.values.items()}


def _route(
    given: Mapping[str, Given], layers: Sequence[Layer], *, buckets: bool
) -> tuple[Settings, list[Problem]]:
    """Return the settings of a route, whose own values have precedence over those at the top, and their problems."""
    own = _given(layers)
    settings, refusals = _validated({**given, **own})
    settings = _keys_kept(settings, {**given, **own})
    problems = [problem for layer in layers for problem in layer.problems] + refusals
    return settings, [*problems, *_across_settings(settings, problems, buckets=buckets)]


def _validated(given: Mapping[str, Given]) -> tuple[Settings, list[Problem]]:
    """Return settings with defaults in place of invalid values, and the problems, in the order of the model."""
    values: dict[str, object] = {}
    refusals = []
    for name, setting in setting_definitions().items():
        if name in given:
            try:
                values[name] = TypeAdapter(setting.annotation).validate_python(given[name].value)
            except ValidationError as error:
                detail = error.errors(include_url=False, include_input=False)[0]
                refusals.append(refused(setting, given[name], detail))
    return with_values(Settings(), values), refusals


def _keys_kept(settings: Settings, given: Mapping[str, Given]) -> Settings:
    """Return the settings with the source's prefix for the destination, if that is not set."""
    if "destination.prefix" in given:
        return settings
    return with_values(settings, {"destination.prefix": settings.source.prefix})


def _invalid_prices(file: str) -> list[Problem]:
    if not file:
        return []
    try:
        read_prices(file)
    except SettingsError as error:
        return [Problem(text) for text in error.problems]
    return []


def _across_settings(settings: Settings, known: list[Problem], *, buckets: bool) -> list[Problem]:
    """Return the violated constraints, except those on settings whose value is unknown because of another problem."""
    unsure = frozenset().union(*(problem.settings for problem in known))
    found = [*(missing_buckets(settings) if buckets else ()), *conflicts(settings)]
    return [problem for problem in found if not problem.settings & unsure]
