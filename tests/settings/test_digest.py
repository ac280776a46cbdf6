"""The digest of a route's settings names every difference that matters, and shows nothing."""

import pytest

from s3mover.settings import Settings, setting_names, with_values
from s3mover.settings.digest import differing_settings, settings_digest
from s3mover.settings.secret import Secret

SAME = Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("source.bucket", "b"),
        ("source.prefix", "p/"),
        ("source.endpoint_url", "http://other"),
        ("destination.prefix", "q/"),
        ("destination.kms_key_id", "k"),
        ("transfer.method", "streaming"),
        ("transfer.after", "delete"),
        ("transfer.restore.days", 4),
        ("filter.exclude", ("*.tmp",)),
        ("filter.min_age", 5.0),
    ],
)
def test_a_difference_in_what_is_moved_is_named(name: str, value: object) -> None:
    other = settings_digest(with_values(SAME, {name: value}))
    assert differing_settings(settings_digest(SAME), other) == [name]


def test_machines_may_differ_in_credentials_threads_and_everything_around_the_transfer() -> None:
    values = {
        "source.access_key": "AKIA",
        "source.secret_key": Secret("hidden-secret"),
        "destination.session_token": Secret("hidden-secret"),
        "destination.role_arn": "arn:aws:iam::123456789012:role/r",
        "transfer.threads": 7,
        "transfer.bandwidth": 5,
        "sweep.interval": 1.0,
        "source.events.receivers": 3,
        "audit.url": Secret("mysql://u:hidden-secret@h/n"),
        "scale.scheduler": "tls://h:1",
        "log.level": "debug",
    }
    assert settings_digest(with_values(SAME, values)) == settings_digest(SAME)


def test_a_setting_that_only_one_of_both_knows_is_a_difference() -> None:
    assert differing_settings("a=1 b=2", "a=1 c=2") == ["b", "c"]


def test_no_secret_is_a_part_of_it() -> None:
    names = {pair.partition("=")[0] for pair in settings_digest(SAME).split()}
    assert names < set(setting_names())
    assert not {name for name in names if "secret" in name or "token" in name or "url" in name} - {
        "source.endpoint_url",
        "destination.endpoint_url",
    }
