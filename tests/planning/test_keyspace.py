"""Cuts of key ranges are always valid, and good where keys are what they mostly are."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.planning.keyspace import ceiling, halfway, left_per_passed, reach

DIGITS = "0123456789"
keys = st.text("ab/\x01é\uffff😀", max_size=5) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=20
)
alphabets = st.text(st.characters(exclude_categories=["Cs"]), max_size=10).map(
    lambda text: "".join(sorted(set(text)))
)


@given(low=keys, high=keys, alphabet=alphabets)
def test_a_cut_lies_between(low: str, high: str, alphabet: str) -> None:
    """Whatever the keys are, in the order of their UTF-8 bytes; or there is none."""
    low, high = sorted([low, high])
    at = halfway(low, high, alphabet)
    if at is not None:
        assert low.encode() < at.encode() < high.encode()


def test_a_cut_is_near_the_middle_and_short() -> None:
    """Of the keys that there may be."""
    assert halfway("docs/00002999", "docs/99999999", DIGITS) == "docs/5"
    assert halfway("docs/2024-01", "docs/2024-09", DIGITS + "-") == "docs/2024-05"
    assert halfway("a", "a", DIGITS) is None


def test_no_cut_is_longer_than_a_key_may_be() -> None:
    """S3 would refuse it."""
    low = "é" * 511 + "11"
    assert halfway(low, low + "9", DIGITS) is None
    assert halfway("é" * 505 + "1", "é" * 505 + "9", DIGITS) is not None


def test_what_is_left_is_estimated() -> None:
    """By the way that was passed."""
    assert round(left_per_passed("docs/000", "docs/100", "docs/500", DIGITS)) == 4
    assert left_per_passed("b", "b", "b", "b") == 0


@pytest.mark.parametrize("at_once", [1, 3])
@given(
    below=st.lists(keys.filter(bool), min_size=1, max_size=8), alphabet=alphabets.filter(bool), data=st.data()
)
def test_the_end_of_the_keys_is_above_what_was_passed(
    at_once: int, below: list[str], alphabet: str, data: st.DataObject
) -> None:
    """Or no cut at all comes of it."""
    there = sorted(set(below))
    low = data.draw(st.sampled_from(there))
    asked: list[str] = []

    def first_after(texts: Sequence[str]) -> list[str | None]:
        asked.extend(texts)
        return [next((key for key in there if key > text), None) for text in texts]

    end = reach(low, ceiling("", alphabet), alphabet, first_after, at_once)
    assert end.startswith(low[: len(end) - 12])
    assert len(asked) <= len(low).bit_length() * at_once


def test_the_end_of_the_keys_is_found_by_a_few_questions() -> None:
    """Two hundred thousand numbered objects, of which three thousand were listed."""
    there = [f"documents/{number:08d}" for number in range(0, 200_000, 1000)] + ["documents/00199999"]
    asked: list[str] = []

    def first_after(texts: Sequence[str]) -> list[str | None]:
        asked.extend(texts)
        return [next((key for key in there if key > text), None) for text in texts]

    alphabet = "/0123456789cdemnostu"
    end = reach("documents/00002999", ceiling("", alphabet), alphabet, first_after)
    assert end.startswith("documents/00u")
    assert len(asked) <= 5
