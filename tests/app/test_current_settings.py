"""The settings in force, and which of them may change while the daemon runs."""

from pathlib import Path

import pytest

from s3mover.app.current_settings import (
    CREDENTIALS,
    RELOADABLE,
    CurrentSettings,
    differing,
    is_among,
    merged,
    secrets_of,
)
from s3mover.settings import Settings
from s3mover.settings.definitions import setting_definitions
from s3mover.settings.load import load

PAIR = {"SRC_BUCKET": "ours", "DST_BUCKET": "theirs"}
ROUTES = """
routes:
  - {{name: hr, source: {{bucket: hr-docs, secret_key: hr-secret, access_key: A}}, destination: {{bucket: hr-copy}}}}
  - {{name: sales, source: {{bucket: sales}}, destination: {{bucket: sales-copy}}{more}}}
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def pair(**overrides: str) -> Settings:
    return load(None, PAIR, {name.replace("__", "."): value for name, value in overrides.items()})


def routes(more: str = "", **overrides: str) -> Settings:
    path = Path("routes.yaml")
    path.write_text(ROUTES.format(more=more), encoding="utf-8")
    return load(path, {}, {name.replace("__", "."): value for name, value in overrides.items()})


def test_every_reloadable_name_is_a_setting() -> None:
    """No name remains of a setting that was removed."""
    assert setting_definitions().keys() >= RELOADABLE >= CREDENTIALS


def test_differing_settings_are_named_in_the_order_of_the_model() -> None:
    """Including those of groups within sections."""
    new = pair(sweep__interval="5m", transfer__restore__days="4", http__port="1")
    assert differing(pair(), new) == ["transfer.restore.days", "sweep.interval", "http.port"]
    assert differing(new, new) == []


def test_only_the_given_names_are_merged() -> None:
    """Other settings keep their values."""
    new = pair(sweep__interval="5m", transfer__restore__tier="bulk", http__port="1")
    result = merged(pair(), new, RELOADABLE)
    assert differing(pair(), result) == ["transfer.restore.tier", "sweep.interval"]
    assert differing(result, new) == ["http.port"]


def test_settings_of_routes_are_named_and_merged_per_route() -> None:
    """A setting at the top that routes may override counts for each route; others are named once."""
    old, new = routes(), routes(", sweep: {interval: 5m}", filter__min_age="1h", http__port="1")
    assert differing(old, new) == [
        "http.port",
        "routes.hr.filter.min_age",
        "routes.sales.filter.min_age",
        "routes.sales.sweep.interval",
    ]
    result = merged(old, new, RELOADABLE)
    assert differing(result, new) == ["http.port"]
    assert [own.sweep.interval for _, own in result.routes] == [60.0, 300.0]


def test_another_list_of_routes_waits_for_a_restart() -> None:
    """Routes are neither added nor removed at runtime."""
    assert differing(pair(), routes())[-1] == "routes"
    assert merged(routes(), pair(), RELOADABLE).routes == routes().routes
    assert not is_among("routes", RELOADABLE)
    assert is_among("routes.hr.sweep.interval", RELOADABLE)


def test_the_settings_in_force_are_returned_by_route() -> None:
    """A single pair has an empty name."""
    assert CurrentSettings(pair()).routes == [""]
    assert CurrentSettings(pair()).of("").source.bucket == "ours"
    current = CurrentSettings(routes())
    current.update(routes(", sweep: {interval: 5m}"), RELOADABLE)
    assert (current.routes, current.of("sales").sweep.interval) == (["hr", "sales"], 300.0)


def test_secrets_of_every_route_are_returned() -> None:
    """And the password of the audit database."""
    assert "hr-secret" in secrets_of(routes())
    audited = load(None, PAIR | {"MYSQL_DSN": "mysql://u:pass@h/n"}, {})
    assert secrets_of(audited)[-1] == "pass"
