"""Which of several events of one key is the newest."""

import random

from hypothesis import given
from hypothesis import strategies as st

from s3mover.notifications.changes import ChangeKind, ObjectChange, is_older, newest_by_key

CREATED, REMOVED = ChangeKind.CREATED, ChangeKind.REMOVED


def test_the_sequencer_orders_events_of_a_key_whatever_their_times_and_places() -> None:
    created = ObjectChange(CREATED, "a", 1.0, "e", "00A5")
    removed = ObjectChange(REMOVED, "a", 9.0, "", "00A1")
    assert newest_by_key([created, removed]) == newest_by_key([removed, created]) == {"a": created}


def test_a_shorter_sequencer_is_padded_with_zeros_at_its_right_end() -> None:
    short, long = (ObjectChange(CREATED, "a", 0.0, "", text) for text in ("00B", "00A5"))
    assert is_older(long, short)
    assert not is_older(short, ObjectChange(CREATED, "a", 0.0, "", "00B0"))


def test_without_sequencers_the_times_decide_and_then_the_last_comes_first() -> None:
    first, second = ObjectChange(CREATED, "a", 2.0), ObjectChange(REMOVED, "a", 2.0)
    older = ObjectChange(REMOVED, "a", 1.0, "", "FF")
    assert newest_by_key([first, second, older]) == {"a": second}


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 2**64 - 1), st.sampled_from([CREATED, REMOVED])),
        unique_by=lambda one: one[:2],
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_duplicates_and_disorder_do_not_change_what_is_newest(
    found: list[tuple[str, int, ChangeKind]], shuffled: random.Random
) -> None:
    changes = [ObjectChange(kind, key, 0.0, "", f"{number:016X}") for key, number, kind in found]
    twice = changes * 2
    shuffled.shuffle(twice)
    newest = newest_by_key(twice)
    assert newest == newest_by_key(changes)
    assert {key: int(one.sequencer, 16) for key, one in newest.items()} == {
        key: max(number for name, number, _ in found if name == key) for key, *_ in found
    }
