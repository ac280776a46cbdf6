"""How many threads each kind of work may bind."""

from hypothesis import given
from hypothesis import strategies as st

from s3mover.transfer.parts import GIB, MIB
from s3mover.workers.process.admission import BULK, Backlog, Bounds, Kind, kind_of

NOTHING: dict[Kind, int] = dict.fromkeys(BULK, 0)
threads = st.integers(1, 500)
takes_long = st.sampled_from([Kind.LONG, Kind.PART])


def test_orders_are_told_apart_by_size() -> None:
    """Small up to 8 MiB, long above 64 MiB, huge where an object goes in parts by either way."""
    kinds = {
        Kind.SMALL: (0, 8 * MIB),
        Kind.LARGE: (8 * MIB + 1, 64 * MIB),
        Kind.LONG: (64 * MIB + 1, 5 * GIB),
        Kind.HUGE: (5 * GIB + 1, 50_000 * GIB),
    }
    assert {kind: tuple(map(kind_of, sizes)) for kind, sizes in kinds.items()} == {
        kind: (kind, kind) for kind in kinds
    }


@given(threads)
def test_small_orders_may_have_every_thread(count: int) -> None:
    """Whatever else is under way, a thread that is free takes a small order."""
    busy: dict[Kind, int] = dict.fromkeys(BULK, count)
    assert all(Bounds(count).room(Kind.SMALL, backlog, busy) > 0 for backlog in Backlog)


@given(threads)
def test_bulk_keeps_an_eighth_while_small_orders_lack_threads(count: int) -> None:
    """All bulk together has an eighth of the threads, and never less than one, so that it goes on."""
    bounds = Bounds(count)
    assert {bounds.room(kind, Backlog.LACK, NOTHING) for kind in BULK} == {max(1, count // 8)}
    full = {**NOTHING, Kind.LARGE: bounds.bulk_min}
    assert {bounds.room(kind, Backlog.LACK, full) for kind in BULK} == {0}


@given(threads, takes_long)
def test_what_takes_long_leaves_an_eighth_free_while_small_orders_lack_none(count: int, kind: Kind) -> None:
    """Small orders that come find a thread at once; where there are few threads, all may be bound."""
    room = Bounds(count).room(kind, Backlog.CALM, NOTHING)
    assert room == max(1, count - count // 8)


@given(threads, takes_long)
def test_what_takes_long_is_not_begun_for_a_moments_lull(count: int, kind: Kind) -> None:
    """Only once small orders have lacked nothing for a while does it bind more threads."""
    bounds = Bounds(count)
    assert bounds.room(kind, Backlog.ENDED, NOTHING) == bounds.bulk_min


@given(threads, st.sampled_from([Backlog.CALM, Backlog.ENDED]))
def test_large_orders_leave_no_thread_idle(count: int, backlog: Backlog) -> None:
    """They are taken as soon as small ones have enough, however many threads there are."""
    assert Bounds(count).room(Kind.LARGE, backlog, NOTHING) == count


@given(threads, st.sampled_from(Backlog))
def test_few_huge_objects_are_under_way_at_once(count: int, backlog: Backlog) -> None:
    """Their parts keep all threads busy, while each holds a thread from its beginning to its end."""
    bounds = Bounds(count)
    assert bounds.room(Kind.HUGE, backlog, NOTHING) == bounds.bulk_min
    assert bounds.room(Kind.HUGE, backlog, {**NOTHING, Kind.HUGE: bounds.bulk_min}) == 0
