"""How many threads each kind of task may use."""

from hypothesis import given
from hypothesis import strategies as st

from s3mover.transfer.parts import GIB, MIB
from s3mover.workers.process.admission import BULK, Backlog, Bounds, Kind, kind_of

NONE_RUNNING: dict[Kind, int] = dict.fromkeys(BULK, 0)
threads = st.integers(1, 500)
takes_long = st.sampled_from([Kind.LONG, Kind.PART])


def test_the_kind_of_an_order_depends_on_its_size() -> None:
    """Small up to 8 MiB, long above 64 MiB, huge where an object goes in parts by either method."""
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
def test_small_orders_may_use_every_thread(count: int) -> None:
    """A free thread takes a small order, no matter what else runs."""
    busy: dict[Kind, int] = dict.fromkeys(BULK, count)
    assert all(Bounds(count).room(Kind.SMALL, backlog, busy) > 0 for backlog in Backlog)


@given(threads)
def test_bulk_keeps_an_eighth_while_small_orders_lack_threads(count: int) -> None:
    """All bulk together has an eighth of the threads, and at least one, so that it goes on."""
    bounds = Bounds(count)
    assert {bounds.room(kind, Backlog.PRESENT, NONE_RUNNING) for kind in BULK} == {max(1, count // 8)}
    full = {**NONE_RUNNING, Kind.LARGE: bounds.bulk_min}
    assert {bounds.room(kind, Backlog.PRESENT, full) for kind in BULK} == {0}


@given(threads, takes_long)
def test_what_takes_long_leaves_an_eighth_free_while_small_orders_lack_no_threads(
    count: int, kind: Kind
) -> None:
    """New small orders find a thread at once; where there are few threads, all may be used."""
    room = Bounds(count).room(kind, Backlog.NONE, NONE_RUNNING)
    assert room == max(1, count - count // 8)


@given(threads, takes_long)
def test_what_takes_long_does_not_begin_in_a_short_lull(count: int, kind: Kind) -> None:
    """It uses more threads only after small orders have lacked none for a while."""
    bounds = Bounds(count)
    assert bounds.room(kind, Backlog.RECENT, NONE_RUNNING) == bounds.bulk_min


@given(threads, st.sampled_from([Backlog.NONE, Backlog.RECENT]))
def test_large_orders_leave_no_thread_idle(count: int, backlog: Backlog) -> None:
    """They begin as soon as small ones have enough threads, with any number of threads."""
    assert Bounds(count).room(Kind.LARGE, backlog, NONE_RUNNING) == count


@given(threads, st.sampled_from(Backlog))
def test_few_huge_objects_run_at_once(count: int, backlog: Backlog) -> None:
    """Their parts keep all threads busy, while each object holds a thread from beginning to end."""
    bounds = Bounds(count)
    assert bounds.room(Kind.HUGE, backlog, NONE_RUNNING) == bounds.bulk_min
    assert bounds.room(Kind.HUGE, backlog, {**NONE_RUNNING, Kind.HUGE: bounds.bulk_min}) == 0
