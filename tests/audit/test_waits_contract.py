"""What every trail promises of objects that wait for their next attempt, held against every database."""

import contextlib

import pytest

from s3mover.audit import digests
from s3mover.audit.opening import open_reader
from s3mover.audit.trail import Trail
from s3mover.model import Pair, Wait, WaitChanges
from tests.audit.conftest import Backend
from tests.audit.samples import AT, PAIR, failed, moved, order
from tests.audit.test_trail_contract import ODD_KEYS, OTHER_PAIR


def wait(key: str, failures: int = 2, sweep: int = 7, next_attempt: float = AT + 60) -> Wait:
    """A wait like any other."""
    return Wait(key, failures, sweep, "etag", AT, next_attempt)


@pytest.fixture
def sweep(trail: Trail) -> int:
    """A sweep that is running."""
    return trail.open_sweep(PAIR, AT)


def test_a_wait_is_kept_and_ended(trail: Trail) -> None:
    """Set together with the outcomes, overwritten by the next, ended by a success, told again without harm."""
    first, second = trail.open_sweep(PAIR, AT), trail.open_sweep(PAIR, AT + 1)
    assert not trail.has_waits(PAIR)
    assert trail.waits(PAIR, []) == {}
    for _ in range(2):
        trail.settle([failed(order(first, 1, "k"))], WaitChanges(PAIR, [wait("k", 1, first)]))
    assert trail.has_waits(PAIR)
    assert trail.waits(PAIR, ["j", "k"]) == {"k": wait("k", 1, first)}
    trail.settle([failed(order(second, 1, "k"))], WaitChanges(PAIR, [wait("k", 2, second)]))
    assert trail.waits(PAIR, ["k"]) == {"k": wait("k", 2, second)}
    for _ in range(2):
        trail.settle([moved(order(second, 2, "k"))], WaitChanges(PAIR, ended=["k", "never failed"]))
    assert not trail.has_waits(PAIR)


@pytest.mark.usefixtures("sweep")
def test_a_wait_stands_or_falls_with_its_outcomes(trail: Trail) -> None:
    """What is rolled back made nobody wait."""
    broken = order(1, 1)._replace(key=None)  # type: ignore[arg-type]
    with pytest.raises(Exception, match=r"(?i)null"):
        trail.settle([failed(broken)], WaitChanges(PAIR, [wait("k")]))
    assert not trail.has_waits(PAIR)


@pytest.mark.usefixtures("sweep")
def test_waits_are_found_by_any_key(trail: Trail) -> None:
    """Whatever a key holds, and however many are asked for at once; another pair's are another's."""
    trail.settle([], WaitChanges(PAIR, [wait(key) for key in ODD_KEYS]))
    trail.settle([], WaitChanges(OTHER_PAIR, [wait("in/a", 9)]))
    assert trail.waits(PAIR, [*ODD_KEYS, *map(str, range(1000))]) == {key: wait(key) for key in ODD_KEYS}
    assert trail.waits(OTHER_PAIR, ODD_KEYS) == {"in/a": wait("in/a", 9)}
    assert not trail.has_waits(Pair("no", "", "such", ""))
    assert trail.waits(PAIR, ["what the command line could not decode: \udcff"]) == {}
    trail.end_waits(PAIR, ODD_KEYS)
    assert not trail.has_waits(PAIR)
    assert trail.has_waits(OTHER_PAIR)


@pytest.mark.usefixtures("sweep")
def test_two_keys_of_one_hash_share_a_row(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that failed last has it; the other is tried too early, which does no harm, and never waits for it."""
    monkeypatch.setattr(digests, "_number", lambda _text: -1)
    trail.settle([], WaitChanges(PAIR, [wait("a")]))
    trail.settle([], WaitChanges(PAIR, [wait("b")]))
    assert trail.waits(PAIR, ["a"]) == {}
    assert trail.waits(PAIR, ["a", "b"]) == {"b": wait("b")}


@pytest.mark.usefixtures("sweep")
def test_old_waits_are_forgotten_step_by_step(trail: Trail) -> None:
    """Objects that no sweep meets any more leave nothing behind; the others keep waiting."""
    trail.settle([], WaitChanges(PAIR, [wait(f"k{n}", next_attempt=AT + n) for n in range(1, 6)]))
    assert [trail.end_old_waits(PAIR, AT + 4, 2) for _ in range(3)] == [2, 1, 0]
    assert sorted(trail.waits(PAIR, [f"k{n}" for n in range(1, 6)])) == ["k4", "k5"]
    assert trail.end_old_waits(OTHER_PAIR, AT + 100, 10) == 0


def test_failures_tell_of_the_next_attempt(trail: Trail) -> None:
    """Each failed row says how its object stands now; what succeeded since waits for nothing."""
    sweep, other = trail.open_sweep(PAIR, AT), trail.open_sweep(OTHER_PAIR, AT)
    trail.settle([failed(order(sweep, 1, "a")), failed(order(sweep, 2, "b"))])
    trail.settle([failed(order(other, 1, "a"))], WaitChanges(PAIR, [wait("a", 3)]))
    told = {(one.sweep, one.key): (one.failures_in_a_row, one.next_attempt) for one in trail.failures(10)}
    assert told == {(sweep, "a"): (3, AT + 60), (sweep, "b"): (0, None), (other, "a"): (0, None)}


@pytest.mark.usefixtures("sweep")
def test_waits_are_ended_beside_a_running_daemon(trail: Trail, backend: Backend) -> None:
    """Who holds the lease is not asked, and finds the change at its next look."""
    assert trail.acquire_lease(PAIR)
    trail.settle([], WaitChanges(PAIR, [wait("a"), wait("b")]))
    with contextlib.closing(open_reader(backend.url)) as beside:
        beside.end_waits(PAIR, ["a"])
    assert list(trail.waits(PAIR, ["a", "b"])) == ["b"]
