"""One limit for all workers: how it is shared, and what is sent and told of it."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.events import RequestLimitMoved, ThrottleChanged
from s3mover.model import Side
from s3mover.s3.throttle import AdaptiveLimit
from s3mover.workers.messages import REQUESTS, Report, Usage
from s3mover.workers.ratelimit.shares import IDLE_SHARE, Demand, RateShares, allocate

DEMANDS = st.dictionaries(
    st.integers(0, 8), st.builds(Demand, st.floats(0, 1000), st.integers(0, 75)), min_size=1, max_size=8
)


@given(limit=st.floats(0.1, 5000), demands=DEMANDS)
def test_no_more_is_shared_than_there_is(limit: float, demands: dict[int, Demand]) -> None:
    """Only what lets the idle begin comes on top, and everybody may go on."""
    shares = allocate(limit, demands)
    assert shares.keys() == demands.keys()
    assert sum(shares.values()) <= limit * (1 + IDLE_SHARE) * 1.000001
    least = limit * IDLE_SHARE / len(shares) / 75
    assert all(share >= min(least, limit / 2 / 600) for share in shares.values())


def test_a_limit_that_is_used_up_leaves_something_to_the_idle() -> None:
    """What others use may come to all of it, or by the sums of fractions to a little more."""
    assert allocate(1000.3, {0: Demand(), 1: Demand(5000.7)})[0] == pytest.approx(1000.3 * IDLE_SHARE / 2)


@given(limit=st.floats(10, 5000), others=st.integers(1, 7))
def test_a_share_that_nobody_uses_goes_to_those_who_wait(limit: float, others: int) -> None:
    """One busy worker beside idle ones has the whole limit."""
    shares = allocate(limit, {0: Demand(limit / 8, 75)} | {one: Demand() for one in range(1, others + 1)})
    assert shares[0] == pytest.approx(limit)


def test_who_waits_has_a_share_by_its_waiting_threads() -> None:
    """Three times the threads that wait are three times the share; who does not wait keeps what it uses."""
    shares = allocate(500, {1: Demand(50, 30), 2: Demand(50, 10), 3: Demand(80, 0)})
    assert (shares[1], shares[2], shares[3]) == (300, 100, 100)


def test_no_limit_is_shared_as_none() -> None:
    """Where everything may pass, everybody is told so."""
    assert allocate(inf, {1: Demand(), 2: Demand(5, 3)}) == {1: inf, 2: inf}


def answers(*usage: Usage, carried_out: int = 0, refused: int = 0) -> Report:
    requests = {
        (Side.DESTINATION, "CopyObject", "200"): carried_out,
        (Side.DESTINATION, "CopyObject", "SlowDown"): refused,
    }
    return Report("only", [], [], {what: count for what, count in requests.items() if count}, list(usage))


def governor(bound: float = 0.0) -> RateShares:
    """Two share the limits: the supervisor (0) and one worker (1)."""
    made = RateShares(["only"], 150, 0.0)
    made.configure("only", {REQUESTS: bound}, 0.0)
    made.register(1)
    return made


def rates(governor: RateShares, now: float, valve: str) -> dict[int, float]:
    return {worker: told.rate for worker, told in governor.due(now) if told.valve == valve}


def test_a_users_bound_holds_across_supervisor_and_workers() -> None:
    """Both begin with a half; the one that waits has nearly all of it as soon as it says so."""
    limits = governor(bound=100)
    assert rates(limits, 0.0, REQUESTS) == {0: 50, 1: 50}
    limits.hear(0, 1.0, answers(Usage(REQUESTS, 5, 70)))
    assert rates(limits, 1.0, REQUESTS) == {0: 100, 1: 100 * IDLE_SHARE / 2}


def test_a_dead_workers_share_goes_to_the_others() -> None:
    """Nobody keeps a share for it."""
    limits = governor(bound=100)
    limits.hear(0, 1.0, answers(Usage(REQUESTS, 50, 10)))
    limits.hear(1, 1.0, answers(Usage(REQUESTS, 50, 10)))
    list(limits.due(1.0))
    limits.forget(1)
    assert rates(limits, 1.5, REQUESTS) == {0: 100}


def test_who_falls_silent_keeps_no_share() -> None:
    """A listing that has ended, or workers between sweeps, hold nothing back from the others."""
    limits = governor(bound=100)
    limits.hear(0, 1.0, answers(Usage(REQUESTS, 8, 0)))
    limits.hear(1, 1.0, answers(Usage(REQUESTS, 5, 70)))
    assert rates(limits, 1.0, REQUESTS) == {0: 50, 1: 50}
    limits.hear(1, 4.5, answers(Usage(REQUESTS, 5, 70)))
    assert rates(limits, 4.5, REQUESTS) == {0: 100 * IDLE_SHARE / 2, 1: 100}


def test_a_refusal_lowers_everybodys_rate_at_once() -> None:
    """What one worker meets concerns all, at the side that refused, and only there."""
    limits = governor()
    assert rates(limits, 0.0, Side.DESTINATION) == {0: AdaptiveLimit.START / 2, 1: AdaptiveLimit.START / 2}
    limits.hear(0, 0.01, answers(Usage(Side.DESTINATION, 12, 40), carried_out=10, refused=2))
    sent = list(limits.due(0.01))
    assert {told.valve for _, told in sent} == {Side.DESTINATION}
    half = AdaptiveLimit.START / 2
    assert [(worker, told.rate) for worker, told in sent] == [(1, half * IDLE_SHARE / 2)]
    limits.hear(1, 0.02, answers(Usage(Side.DESTINATION, 12, 40)))
    assert sum(rates(limits, 0.2, Side.DESTINATION).values()) == pytest.approx(half)


def changes(governor: RateShares, now: float) -> list[ThrottleChanged]:
    return [event for _, event in governor.news(now) if isinstance(event, ThrottleChanged)]


def test_it_is_told_of_refusals_and_seldom() -> None:
    """Growth without a refusal is no news; refusals are counted together, some times a second at most."""
    limits = governor()
    limits.hear(0, 0.5, answers(Usage(Side.DESTINATION, 100, 75), carried_out=100))
    assert changes(limits, 0.5) == []
    limits.hear(0, 0.6, answers(Usage(Side.DESTINATION, 100, 75), carried_out=90, refused=10))
    [event] = changes(limits, 0.6)
    rate = AdaptiveLimit.START * AdaptiveLimit.START_GROWTH / 2
    assert (event.side, event.refused, event.limit, event.rate) == (Side.DESTINATION, 10, 75, rate)
    limits.hear(0, 0.7, answers(carried_out=1, refused=3))
    assert changes(limits, 0.7) == []
    limits.hear(0, 1.2, answers(carried_out=1, refused=4))
    assert [event.refused for event in changes(limits, 1.2)] == [7]


def test_every_step_of_a_limit_is_told_once() -> None:
    """Where it begins, where it grows to without a refusal, and nothing where it stands still."""
    limits = governor()

    def steps(now: float) -> list[tuple[Side, float]]:
        return [(e.side, e.rate) for _, e in limits.news(now) if isinstance(e, RequestLimitMoved)]

    start = AdaptiveLimit.START
    assert steps(0.0) == [(Side.SOURCE, start), (Side.DESTINATION, start)]
    assert steps(0.1) == []
    limits.hear(1, 0.5, answers(Usage(Side.DESTINATION, 100, 75), carried_out=100))
    assert steps(0.5) == [(Side.DESTINATION, start * AdaptiveLimit.START_GROWTH)]
    limits.hear(1, 0.9, answers(Usage(Side.DESTINATION, 400, 0), carried_out=400))
    assert steps(0.9) == [(Side.DESTINATION, 0.0)]
