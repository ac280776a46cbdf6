"""The redaction of secrets."""

import pytest

from s3mover.observe.redaction import Redactor

SECRET = "wJalr/XUtn+FE\\MI"


@pytest.mark.parametrize(
    "text",
    [
        f"bad key {SECRET}!",
        "mysql://u:wJalr%2FXUtn%2BFE%5CMI@db/x",
        f"Error({SECRET!r})",
    ],
)
def test_a_secret_is_replaced_in_each_of_its_spellings(text: str) -> None:
    """Plain, percent-encoded or inside a Python repr, the secret is masked."""
    redactor = Redactor()
    redactor.register([SECRET])
    assert "[redacted]" in redactor.clean(text)
    assert "XUtn" not in redactor.clean(text)


def test_short_and_empty_secrets_are_ignored() -> None:
    """A secret below six characters would mask ordinary text."""
    redactor = Redactor()
    redactor.register(["", "12345"])
    assert redactor.clean("12345 is a port") == "12345 is a port"


def test_six_characters_are_enough() -> None:
    """The shortest secret that is hidden has six characters."""
    redactor = Redactor()
    redactor.register(["123456"])
    assert redactor.clean("a123456b") == "a[redacted]b"


def test_a_secret_within_a_longer_one_leaves_no_rest() -> None:
    """The longer secret is replaced first, or its tail would remain."""
    redactor = Redactor()
    redactor.register(["password", "password-tail"])
    assert redactor.clean("password-tail") == "[redacted]"


def test_a_group_replaces_only_what_it_registered_before() -> None:
    """Refreshed credentials replace their predecessors and no other secrets."""
    redactor = Redactor()
    redactor.register(["dsn-password"], "audit")
    redactor.register(["token-one"], "source")
    redactor.register(["token-two"], "source")
    assert redactor.clean("dsn-password token-one token-two") == "[redacted] token-one [redacted]"


def test_a_secret_with_a_lone_surrogate_can_be_registered() -> None:
    """Such a password must not prevent the start."""
    redactor = Redactor()
    redactor.register(["pass\udc80word"])
    assert redactor.clean("a pass\udc80word") == "a [redacted]"
