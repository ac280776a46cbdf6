"""The settings in force, and what may change under a running daemon."""

from pathlib import Path

import pytest

from s3mover.app.current_settings import (
    CREDENTIALS,
    RELOADABLE,
    Current,
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
    """None is left over from a setting that has gone."""
    assert setting_definitions().keys() >= RELOADABLE >= CREDENTIALS


def test_what_differs_is_named_in_the_model_s_order() -> None:
    """Groups within sections included."""
    new = pair(sweep__interval="5m", transfer__restore__days="4", http__port="1")
    assert differing(pair(), new) == ["transfer.restore.days", "sweep.interval", "http.port"]
    assert differing(new, new) == []


def test_only_the_names_that_are_asked_for_are_taken_over() -> None:
    """Whatever else differs stays as it was."""
    new = pair(sweep__interval="5m", transfer__restore__tier="bulk", http__port="1")
    taken = merged(pair(), new, RELOADABLE)
    assert differing(pair(), taken) == ["transfer.restore.tier", "sweep.interval"]
    assert differing(taken, new) == ["http.port"]


def test_routes_are_named_and_taken_over_each_for_itself() -> None:
    """What stands at the top for all of them counts for each; what they share stands once."""
    old, new = routes(), routes(", sweep: {interval: 5m}", filter__min_age="1h", http__port="1")
    assert differing(old, new) == [
        "http.port",
        "routes.hr.filter.min_age",
        "routes.sales.filter.min_age",
        "routes.sales.sweep.interval",
    ]
    taken = merged(old, new, RELOADABLE)
    assert differing(taken, new) == ["http.port"]
    assert [its.sweep.interval for _, its in taken.routes] == [60.0, 300.0]


def test_another_list_of_routes_waits_for_a_restart() -> None:
    """Neither more routes nor fewer are taken over."""
    assert differing(pair(), routes())[-1] == "routes"
    assert merged(routes(), pair(), RELOADABLE).routes == routes().routes
    assert not is_among("routes", RELOADABLE)
    assert is_among("routes.hr.sweep.interval", RELOADABLE)


def test_the_settings_in_force_are_asked_for_by_route() -> None:
    """The one pair has an empty name."""
    assert Current(pair()).routes == [""]
    assert Current(pair()).of("").source.bucket == "ours"
    current = Current(routes())
    current.take_over(routes(", sweep: {interval: 5m}"), RELOADABLE)
    assert (current.routes, current.of("sales").sweep.interval) == (["hr", "sales"], 300.0)


def test_secrets_of_every_route_are_known() -> None:
    """And the password of the trail."""
    assert "hr-secret" in secrets_of(routes())
    assert secrets_of(pair(audit__url="mysql://u:pass@h/n"))[-1] == "pass"
