"""Every guard of deletions, by itself: the truth table of `deletion_guards.py`."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.audit.trail import LastCopy
from s3mover.model import DeletionCandidate, ObjectEntry, Pair, SweepStatus
from s3mover.planning.deletion_guards import (
    DeletionPolicy,
    ListDigest,
    SweepFacts,
    missed,
    reason_by_trail,
    reason_not_to_count,
    reason_to_keep,
    reason_to_refuse,
    reason_to_wait,
    seen_again,
)

PAIR = Pair("ours", "in/", "theirs", "out/")
LONG_PAIR = PAIR._replace(source_prefix="in/" * 10)
POLICY = DeletionPolicy(
    propagate=True, recorded_only=True, confirm=2, min_age=3600.0, max_objects=1000, max_share=0.1
)
ENTRY = ObjectEntry("out/a.pdf", 100, "e1", "2025-01-04T03:17:09.000Z")
COPY = LastCopy(100, "s1", "e1")
SEEN = DeletionCandidate("in/a.pdf", "e1", 100, seen_sweep=7, seen_at=1000.0)
MISSED = SEEN._replace(
    times_missed=1, first_missed_sweep=6, first_missed_at=900.0, last_missed_sweep=6, last_missed_at=900.0
)


def excluding(key: str) -> bool:
    return key != "in/a.pdf"


@pytest.mark.parametrize(
    ("entry", "pair", "policy", "reason"),
    [
        ({}, PAIR, {}, ""),
        ({"key": "other/a.pdf"}, PAIR, {}, "outside_prefix"),
        ({"key": "out/.s3mover-probe-1"}, PAIR, {}, "probe"),
        ({"key": "out/b/.s3mover-probe-1"}, PAIR, {}, ""),
        ({"key": "out/" + "k" * 1020}, PAIR, {}, ""),
        ({"key": "out/" + "k" * 1020}, LONG_PAIR, {}, "unusable_key"),
        ({}, PAIR, {"included": excluding}, "filtered"),
        ({"key": "out/b.pdf"}, PAIR, {"included": excluding}, ""),
        ({}, PAIR, {"not_after": "2025-01-04T03:17:08.000Z"}, "too_young"),
        ({}, PAIR, {"not_after": "2025-01-04T03:17:09.000Z"}, ""),
        ({"etag": ""}, PAIR, {}, "no_etag"),
    ],
)
def test_what_is_never_deleted_as_it_is(
    entry: dict[str, Any], pair: Pair, policy: dict[str, Any], reason: str
) -> None:
    """One row for each guard on the listing, with what just passes it."""
    assert reason_to_keep(ENTRY._replace(**entry), pair, replace(POLICY, **policy)) == reason


@pytest.mark.parametrize(
    ("copy", "recorded_only", "reason"),
    [
        (COPY, True, ""),
        (None, True, "not_recorded"),
        (COPY._replace(destination_etag="e2"), True, "not_recorded"),
        (COPY._replace(destination_etag=""), True, "not_recorded"),
        (COPY._replace(size=99), True, "not_recorded"),
        (None, False, ""),
    ],
)
def test_only_what_s3mover_put_there_is_deleted_by_default(
    copy: LastCopy | None, reason: str, *, recorded_only: bool
) -> None:
    """The newest success of the key must have recorded this very ETag and size."""
    assert reason_by_trail(ENTRY, replace(POLICY, recorded_only=recorded_only), copy) == reason


@pytest.mark.parametrize(
    ("known", "last_completed", "goes_on"),
    [
        (None, 6, False),
        (MISSED, 6, True),
        (MISSED, 5, True),
        (MISSED, 7, False),
        (SEEN, 6, True),
        (SEEN, 9, True),
        (MISSED._replace(etag="e0"), 6, False),
        (MISSED._replace(size=1), 6, False),
        (MISSED._replace(key="in/other"), 6, False),
    ],
)
def test_sweeps_in_a_row_are_those_of_one_object_without_a_completed_one_between(
    known: DeletionCandidate | None, last_completed: int, *, goes_on: bool
) -> None:
    """Another version, another key of the same digest, or a completed sweep that did not count: it begins anew.

    A sweep that did not complete does neither count nor interrupt.
    """
    fresh = SEEN._replace(seen_sweep=10, seen_at=5000.0)
    seen = seen_again(known, fresh, last_completed)
    assert (seen.seen_sweep, seen.seen_at) == (10, 5000.0)
    if goes_on:
        assert known is not None
        assert seen._replace(seen_sweep=known.seen_sweep, seen_at=known.seen_at) == known
    else:
        assert seen == fresh


@pytest.mark.parametrize(
    ("status", "source_listed", "counts"),
    [
        (SweepStatus.COMPLETED, 1, True),
        (SweepStatus.COMPLETED, 0, False),
        (SweepStatus.FAILED, 1, False),
        (SweepStatus.INTERRUPTED, 1, False),
        (SweepStatus.RUNNING, 1, False),
    ],
)
def test_only_a_completed_sweep_of_a_source_that_lists_something_counts(
    status: SweepStatus, source_listed: int, *, counts: bool
) -> None:
    """An unmounted prefix, a wrong bucket or an error says nothing about what is missing."""
    assert (reason_not_to_count(SweepFacts(status, source_listed, 10)) == "") is counts


def test_a_sweep_is_counted_once() -> None:
    """Judging again, after a kill or an unknown commit, changes nothing."""
    once = missed(SEEN, POLICY, 990.0)
    assert once == SEEN._replace(
        times_missed=1,
        first_missed_sweep=7,
        first_missed_at=1000.0,
        last_missed_sweep=7,
        last_missed_at=1000.0,
    )
    assert missed(once, POLICY, 990.0) == once
    again = missed(once._replace(seen_sweep=8, seen_at=2000.0), POLICY, 1990.0)
    assert (again.times_missed, again.first_missed_at, again.last_missed_sweep) == (2, 1000.0, 8)


@pytest.mark.parametrize(
    ("times", "age", "policy", "reason"),
    [
        (1, 7200.0, {}, "unconfirmed"),
        (2, 7200.0, {}, ""),
        (3, 3600.0, {}, ""),
        (2, 3599.0, {}, "too_recent"),
        (9, 0.0, {}, "too_recent"),
        (2, 7200.0, {"confirm": 3}, "unconfirmed"),
        (3, 7200.0, {"confirm": 3}, ""),
        (2, 7200.0, {"min_age": 7201.0}, "too_recent"),
        (2, -5.0, {"min_age": 0.0}, ""),
        (1, -5.0, {"confirm": 1, "min_age": 0.0}, ""),
    ],
)
def test_a_deletion_is_confirmed_by_sweeps_and_time(
    times: int, age: float, policy: dict[str, Any], reason: str
) -> None:
    """Both are demanded; the age is from the first sweep that missed it to the beginning of the last."""
    started_at = 10_000.0
    candidate = MISSED._replace(times_missed=times, first_missed_at=started_at - age)
    assert reason_to_wait(candidate, replace(POLICY, **policy), started_at) == reason
    counted = candidate._replace(last_missed_sweep=7)
    assert missed(counted, replace(POLICY, **policy), started_at).is_confirmed is (reason == "")


@pytest.mark.parametrize(
    ("confirmed", "listed", "policy", "said"),
    [
        (0, 0, {}, ""),
        (1000, 10_000, {}, ""),
        (1001, 100_000, {}, "more than deletions.max_objects (1000)"),
        (100, 999, {}, "more than deletions.max_share (10%) of the 999 objects"),
        (100, 1000, {}, ""),
        (1, 5, {}, "more than deletions.max_share (10%) of the 5 objects"),
        (5, 5, {"max_share": 1.0}, ""),
        (1, 1000, {"max_objects": 0}, "more than deletions.max_objects (0)"),
        (1, 1000, {"max_share": 0.0}, "more than deletions.max_share (0%) of the 1000 objects"),
    ],
)
def test_too_many_deletions_are_refused_together(
    confirmed: int, listed: int, policy: dict[str, Any], said: str
) -> None:
    """Above the number or the share nothing is deleted; at the limit all are."""
    reason = reason_to_refuse(
        confirmed, replace(POLICY, **policy), SweepFacts(SweepStatus.COMPLETED, 1, listed)
    )
    assert reason.startswith(said)
    assert bool(reason) is bool(said)


@given(st.integers(1, 10**6), st.integers(0, 10**6))
def test_a_source_that_lists_half_its_keys_deletes_nothing(listed: int, missing: int) -> None:
    """By the default limits: whatever is more than a tenth of the destination is refused."""
    facts = SweepFacts(SweepStatus.COMPLETED, 1, listed)
    allowed = not reason_to_refuse(missing, POLICY, facts)
    assert allowed == (missing <= 1000 and 10 * missing <= listed)


def digest(*candidates: DeletionCandidate) -> str:
    found = ListDigest()
    for candidate in candidates:
        found.add(candidate)
    return str(found)


def test_a_list_is_approved_as_it_stands() -> None:
    """Another key, version, size, order or number of objects has another digest; how often one was missed has not."""
    other = MISSED._replace(key="in/b.pdf")
    lists = [
        (MISSED,),
        (other,),
        (MISSED, other),
        (other, MISSED),
        (MISSED._replace(etag="e2"),),
        (MISSED._replace(size=1),),
        (),
    ]
    assert len({digest(*each) for each in lists}) == len(lists)
    assert digest(MISSED._replace(times_missed=9, seen_sweep=12)) == digest(MISSED)
