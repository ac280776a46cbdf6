"""From which key on a range that is handed back is left, and what counts of it."""

from collections.abc import Iterable

import pytest

from s3mover.model import Tally
from s3mover.planning.page_diff import PageDiff
from s3mover.scale.tasks import AnswerStatus, RangeAnswer
from s3mover.sweep.range_progress import Finished, RangeProgress
from s3mover.sweep.range_run import with_earlier_runs
from s3mover.sweep.round import Round


def progress(pages: Iterable[tuple[str, int]]) -> RangeProgress:
    """Pages that were compared: of each the last key, and how many objects were in place."""
    made = RangeProgress()
    for last_key, in_place in pages:
        made.add(PageDiff(10, [], {"in_place": in_place}, last_key=last_key))
    return made


@pytest.mark.parametrize(
    ("compared_up_to", "first_undone", "finished"),
    [
        (None, None, Finished("z", 40, {})),
        ("m", None, Finished("m", 20, {"in_place": 7})),
        ("p", None, Finished("m", 20, {"in_place": 7})),
        ("m", "e", Finished("d", 10, {"in_place": 9})),
        (None, "m", Finished("d", 10, {"in_place": 9})),
        ("a", None, Finished("", 0, {"in_place": 10})),
        (None, "", Finished("", 0, {"in_place": 10})),
    ],
)
def test_the_rest_begins_where_a_page_ended_before_what_is_undone(
    compared_up_to: str | None, first_undone: str | None, finished: Finished
) -> None:
    """In whatever order several threads have listed; objects that are listed again are not counted."""
    made = progress([("d", 1), ("t", 3), ("m", 2), ("z", 4)])
    assert made.finished(compared_up_to, first_undone) == finished


def test_the_next_run_begins_where_the_former_one_ended() -> None:
    """One that does not say where it ended leaves all of its keys; the counts of the last run are those of all."""
    ranges = Round()
    ranges.add("a", "z")
    first = RangeAnswer(AnswerStatus.INTERRUPTED, rest_after="k", listed=10, tally=Tally(listed=15))
    for answer in (first, RangeAnswer(AnswerStatus.INTERRUPTED, tally=Tally(listed=17))):
        ranges.hand_back(1, answer)
    state = ranges.ranges[1]
    assert (state.after, state.until, state.listed_before) == ("k", "z", 10)
    assert ranges.tallies() == [Tally(listed=17)]
    ranges.end(1, RangeAnswer(AnswerStatus.COMPLETED, tally=Tally(listed=20)))
    assert ranges.tallies() == [Tally(listed=20)]
    assert len(ranges.answers()) == 3


def test_a_range_of_several_runs_counts_each_object_once() -> None:
    """What an earlier run moved and is listed again is moved, not skipped; what it finished is not listed again."""
    rows = Tally(planned=7, succeeded=6, failed=1, bytes=60, streamed=6)
    counted = with_earlier_runs(Tally(listed=10, skipped=7, succeeded=3), rows, listed_before=5)
    assert counted == Tally(15, 8, 7, 6, 1, 60, 0, 6)
    assert counted.waiting == 0
