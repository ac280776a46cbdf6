"""The records of `model.py`."""

from hypothesis import given
from hypothesis import strategies as st

from s3mover.model import Action, Credentials, Order, Pair, Tally, has_md5_shape, unmoved


@given(prefix=st.text(max_size=5), other=st.text(max_size=5), rest=st.text(min_size=1))
def test_keys_are_mapped_between_prefixes(prefix: str, other: str, rest: str) -> None:
    """Only the prefix is replaced, and the mapping can be reversed."""
    pair = Pair("a", prefix, "b", other)
    target = pair.destination_key(prefix + rest)
    assert target == other + rest
    assert pair.source_key(target) == prefix + rest


def test_credentials_do_not_show_their_secret() -> None:
    """Neither in repr nor in str."""
    credentials = Credentials("AKIAIOSFODNN7EXAMPLE", "the-secret-key", "the-session-token")
    for shown in (repr(credentials), str(credentials), f"{credentials}"):
        assert "the-se" not in shown
        assert "AKIAIOS" not in shown


def test_waiting_objects_are_those_not_finished() -> None:
    """Listed = skipped + succeeded + failed + waiting."""
    assert Tally(listed=10, skipped=3, planned=5, succeeded=2, failed=1).waiting == 4


def test_only_complete_md5s_have_md5_shape() -> None:
    """The ETag of a multipart upload is not an MD5, whatever its length."""
    assert has_md5_shape("a" * 32)
    assert not has_md5_shape("a" * 30 + "-1")
    assert not has_md5_shape("a" * 32 + "-12")


def test_an_outcome_names_the_action_of_its_order() -> None:
    """An order copies unless it says otherwise."""
    order = Order(1, 1, "k", "k", 5, "e", "", "")
    assert order.action is Action.COPY
    for action in Action:
        assert unmoved(order._replace(action=action), "Timeout", "", 0.0).action is action
