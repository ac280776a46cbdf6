"""Which range is given out next, which is handed back, and when the sweep is over."""

import pytest

from s3mover.scale.tasks import AnswerStatus, RangeAnswer
from s3mover.sweep.round import RECALL_SECONDS, Round

DONE = RangeAnswer(AnswerStatus.COMPLETED)
FAILED = RangeAnswer(AnswerStatus.FAILED, "denied", "AccessDenied")


@pytest.fixture
def three() -> Round:
    """Three ranges that wait."""
    made = Round()
    for after, until in (("", "g"), ("g", "p"), ("p", None)):
        made.add(after, until)
    return made


def due(ranges: Round, machines: int, now: float = 0.0) -> list[int]:
    """Give out what is due, and return the numbers."""
    given = [one.number for one in ranges.due(machines, now)]
    for number in given:
        ranges.give(number, now)
    return given


def test_no_more_ranges_are_out_than_there_are_machines(three: Round) -> None:
    """A task that waited for a machine would be bound to one that has another range."""
    assert due(three, 2) == [1, 2]
    assert due(three, 2) == []
    three.end(1, DONE)
    assert due(three, 2) == [3]
    assert due(three, 0) == []


def test_a_range_that_is_taken_back_waits_for_its_time(three: Round) -> None:
    """It has a new token, and is given out once the former run has settled."""
    assert due(three, 1) == [1]
    three.take_back(1, 2, not_before=10.0)
    assert due(three, 3, now=9.0) == [2, 3]
    assert due(three, 3, now=10.0) == [1]
    assert (three.ranges[1].token, three.ranges[1].attempt) == (2, 2)


def test_the_sweep_is_over_when_every_range_has_ended(three: Round) -> None:
    """Once it is blocked, or a range has failed, it is over when no machine has a range."""
    due(three, 2)
    assert not three.is_done(blocked=False)
    assert not three.is_done(blocked=True)
    three.end(1, DONE)
    three.end(2, FAILED)
    assert three.is_done(blocked=True)
    assert three.is_done(blocked=False)
    assert three.failed() is FAILED
    assert three.counts() == (1, 0, 2)


def test_a_sweep_is_whole_only_if_every_range_was_completed(three: Round) -> None:
    """A range that was handed back because of a stop has ended, and its keys were not all looked at."""
    assert not Round().is_whole()
    for number in (1, 2):
        three.end(number, DONE)
    assert not three.is_whole()
    three.end(3, RangeAnswer(AnswerStatus.INTERRUPTED, "stopping"))
    assert three.is_done(blocked=True)
    assert not three.is_whole()
    three.end(3, DONE)
    assert three.is_whole()


def test_an_idle_machine_gets_half_of_the_slowest_range(three: Round) -> None:
    """Only if no range waits, one was worked on for long, and none is being handed back."""
    assert three.to_recall(3, 100.0) is None, "ranges wait"
    due(three, 3)
    three.end(3, DONE)
    assert three.to_recall(3, RECALL_SECONDS - 1) is None
    assert three.to_recall(2, RECALL_SECONDS) is None, "no machine is idle"
    slow = three.to_recall(3, RECALL_SECONDS)
    assert slow is three.ranges[1]
    slow.is_recalled = True
    assert three.to_recall(3, RECALL_SECONDS) is None
    slow.is_recalled, slow.is_whole = False, True
    assert three.to_recall(3, RECALL_SECONDS) is three.ranges[2]
