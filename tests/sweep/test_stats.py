"""The result of a sweep: its counts agree with its rows, whatever the outcomes are."""

from hypothesis import given
from hypothesis import strategies as st

from s3mover.events import Event
from s3mover.model import Method, ObjectEntry, Order, Outcome, Status, Transfer, unmoved
from s3mover.planning.page_diff import PageDiff
from s3mover.sweep.stats import SweepStats

ENDS = ["copied", "reduced", "streamed", "failed", "skipped", "returned"]


def order(number: int) -> Order:
    return Order(1, number, f"k{number}", f"k{number}", number, "e", "2025-01-04T03:17:09.000Z", "")


def outcome(number: int, end: str) -> Outcome:
    base = unmoved(order(number), "", "", 0.0, attempts=1)
    match end:
        case "copied":
            return base._replace(status=Status.SUCCESS, method=Method.SERVER_SIDE_COPY)
        case "reduced":
            copied = base._replace(status=Status.SUCCESS, method=Method.SERVER_SIDE_COPY)
            return copied._replace(unkept=("tags", "acl"))
        case "streamed":
            return base._replace(status=Status.SUCCESS, method=Method.STREAMING, fallback="AccessDenied")
        case "skipped":
            return base._replace(status=Status.SKIPPED, code="NoSuchKey")
    return base._replace(code="InternalError")


@given(ends=st.lists(st.sampled_from(ENDS), min_size=1), in_place=st.integers(0, 5))
def test_every_object_is_accounted_for(ends: list[str], in_place: int) -> None:
    """Listed = skipped + succeeded + failed + waiting, and planned is what still has a row."""
    events: list[Event] = []
    stats = SweepStats(1, events.append)
    orders = [order(number) for number in range(1, len(ends) + 1)]
    entries = [Transfer(ObjectEntry(o.key, o.size, o.etag, o.last_modified), "missing") for o in orders]
    stats.page_compared(PageDiff(len(ends) + in_place, entries, {"in_place": in_place}))
    stats.intended(orders)
    stats.withdrawn([o for o, end in zip(orders, ends, strict=True) if end == "returned"])
    stats.settled([outcome(n, end) for n, end in enumerate(ends, 1) if end != "returned"])

    tally = stats.tally()

    copied, streamed = ends.count("copied") + ends.count("reduced"), ends.count("streamed")
    assert tally.succeeded == copied + streamed
    assert (tally.server_side_copies, tally.streamed) == (copied, streamed)
    assert tally.failed == ends.count("failed") == len(stats.failures)
    assert tally.skipped == in_place + ends.count("skipped")
    assert tally.planned == tally.succeeded + tally.failed
    assert tally.waiting == ends.count("returned")
    assert tally.bytes == sum(n for n, end in enumerate(ends, 1) if end in {"copied", "reduced", "streamed"})
    names = [event.name for event in events]
    assert names.count("object.moved") == tally.succeeded
    assert names.count("object.fallback") == stats.fallbacks["AccessDenied"] == tally.streamed
    assert (
        names.count("object.reduced") == stats.unkept["tags"] == stats.unkept["acl"] == ends.count("reduced")
    )
