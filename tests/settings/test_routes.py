"""Several pairs of buckets in one file."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from s3mover.errors import SettingsError
from s3mover.settings import Settings, routes_of
from s3mover.settings.load import load

FILE = """
transfer: {method: streaming, max_attempts: 5}
sweep: {interval: 5m}
source: {region: eu-central-1, access_key: AKIATOP, secret_key: top-secret}
routes:
  - name: hr
    source: {bucket: hr-docs, prefix: in/}
    destination: {bucket: hr-copy}
    sweep: {interval: 1m}
  - name: sales-eu
    source: {bucket: sales-docs, access_key: AKIASALES, secret_key: sales-secret}
    destination: {bucket: sales-copy, prefix: sales/}
    transfer: {method: auto, after: delete}
"""


def loaded(
    file: str, environ: Mapping[str, str] | None = None, overrides: Mapping[str, object] | None = None
) -> Settings:
    path = Path("f.yaml")
    path.write_text(file, encoding="utf-8")
    return load(path, environ or {}, overrides or {})


def problems(file: str, environ: Mapping[str, str] | None = None, **overrides: object) -> list[str]:
    with pytest.raises(SettingsError) as told:
        loaded(file, environ, {name.replace("__", "."): value for name, value in overrides.items()})
    return list(told.value.problems)


def test_a_route_has_what_stands_at_the_top_and_its_own() -> None:
    """Its own wins; the buckets need not be named at the top."""
    hr, sales = loaded(FILE).routes
    assert (hr.name, sales.name) == ("hr", "sales-eu")
    assert (hr.settings.transfer.method, sales.settings.transfer.method) == ("streaming", "auto")
    assert (hr.settings.sweep.interval, sales.settings.sweep.interval) == (60.0, 300.0)
    assert (hr.settings.source.access_key, sales.settings.source.access_key) == ("AKIATOP", "AKIASALES")
    assert (hr.settings.source.region, sales.settings.source.region) == ("eu-central-1",) * 2
    assert (hr.settings.destination.prefix, sales.settings.destination.prefix) == ("in/", "sales/")


def test_environment_and_command_line_reach_a_route_by_its_name() -> None:
    """So that secrets can be mounted; a hyphen becomes an underscore."""
    Path("mounted").write_text("from-a-file\n", encoding="utf-8")
    environ = {
        "S3MOVER_ROUTES__SALES_EU__SOURCE__SECRET_KEY_FILE": "mounted",
        "S3MOVER_ROUTES__HR__TRANSFER__MAX_ATTEMPTS": "7",
        "S3MOVER_TRANSFER__MAX_ATTEMPTS": "6",
    }
    hr, sales = loaded(FILE, environ, {"routes.hr.filter.min_age": "1h"}).routes
    assert sales.settings.source.secret_key.value == "from-a-file"
    assert (hr.settings.transfer.max_attempts, sales.settings.transfer.max_attempts) == (7, 6)
    assert (hr.settings.filter.min_age, sales.settings.filter.min_age) == (3600.0, 0.0)


def test_without_routes_there_is_the_one_pair() -> None:
    """Under an empty name."""
    settings = loaded("source: {bucket: ours}\ndestination: {bucket: theirs}\n")
    assert routes_of(settings) == (("", settings),)
    assert settings.routes == ()


ROUTE = "routes:\n  - name: hr\n    source: {bucket: ours}\n    destination: {bucket: theirs}\n"


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("routes: hr\n", "routes (f.yaml line 1): is not a list; expected a list of mappings"),
        ("routes:\n  - source: {bucket: ours}\n", "routes[0] (f.yaml line 2): has no valid name"),
        ("routes:\n  - name: Hr\n", "routes[0] (f.yaml line 2): has no valid name"),
        ("routes:\n  - hr\n", "routes[0] (f.yaml line 2): has no valid name"),
        (ROUTE + "  - name: hr\n", "routes[1] (f.yaml line 5): has the same name as another route, hr"),
        (
            ROUTE + "    transfer: {part_size: 1MiB}\n",
            'routes.hr.transfer.part_size (f.yaml line 5): "1MiB" is too small; expected a number with',
        ),
        (
            ROUTE + "    sauce: {}\n",
            'routes.hr: "sauce" (f.yaml line 5) is not a section; did you mean source?',
        ),
        (
            ROUTE + "    sweep: {intervall: 1m}\n",
            'routes.hr: "sweep.intervall" (f.yaml line 5) is not a setting',
        ),
        (
            ROUTE + "    http: {port: 1}\n",
            "routes.hr.http.port (f.yaml line 5): applies to all routes; set http.port at the top",
        ),
        (
            "routes:\n  - name: hr\n    source: {bucket: ours}\n",
            "routes.hr.destination.bucket: is not set",
        ),
        (
            "routes:\n  - name: hr\n    source: {bucket: ours}\n    destination: {bucket: ours}\n",
            "routes.hr: source and destination overlap",
        ),
        (
            ROUTE + "  - name: b\n    source: {bucket: ours}\n    destination: {bucket: theirs}\n",
            "routes.b: has the same buckets and prefixes as routes.hr",
        ),
    ],
)
def test_what_is_wrong_with_a_route_is_said_with_its_name(file: str, sentence: str) -> None:
    """Or with its place, where it has none."""
    assert any(problem.startswith(sentence) for problem in problems(file)), problems(file)


def test_what_is_wrong_at_the_top_is_said_once() -> None:
    """And not for every route again."""
    assert len(problems(FILE.replace("5m", "5 apples"))) == 1


def test_a_route_that_is_not_there_cannot_be_set() -> None:
    """Neither in the environment nor on the command line."""
    assert "is not a setting" in problems(FILE, {"S3MOVER_ROUTES__LEGAL__SWEEP__INTERVAL": "1m"})[0]
    assert "is not a setting" in problems(FILE, routes__legal__sweep__interval="1m")[0]
