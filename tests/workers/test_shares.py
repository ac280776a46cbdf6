"""One limit for all workers: how it is shared, and which rates and events follow."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.events import RequestLimitMoved, ThrottleChanged
from s3mover.model import Side
from s3mover.s3.adaptive_limit import AdaptiveLimit
from s3mover.workers.messages import REQUESTS, Report, Usage
from s3mover.workers.ratelimit.shares import IDLE_SHARE, Demand, RateShares, allocate

DEMANDS = st.dictionaries(
    st.integers(0, 8), st.builds(Demand, st.floats(0, 1000), st.integers(0, 75)), min_size=1, max_size=8
)


@given(limit=st.floats(0.1, 5000), demands=DEMANDS)
def test_no_more_is_shared_than_there_is(limit: float, demands: dict[int, Demand]) -> None:
    """Except the share of the idle participants; and each participant may go on."""
    shares = allocate(limit, demands)
    assert shares.keys() == demands.keys()
    assert sum(shares.values()) <= limit * (1 + IDLE_SHARE) * 1.000001
    least = limit * IDLE_SHARE / len(shares) / 75
    assert all(share >= min(least, limit / 2 / 600) for share in shares.values())


def test_a_limit_that_is_used_up_leaves_a_share_to_the_idle() -> None:
    """The others may use all of it, or a little more because of rounding."""
    assert allocate(1000.3, {0: Demand(), 1: Demand(5000.7)})[0] == pytest.approx(1000.3 * IDLE_SHARE / 2)


@given(limit=st.floats(10, 5000), others=st.integers(1, 7))
def test_an_unused_share_goes_to_those_that_wait(limit: float, others: int) -> None:
    """One busy worker beside idle ones gets the whole limit."""
    shares = allocate(limit, {0: Demand(limit / 8, 75)} | {one: Demand() for one in range(1, others + 1)})
    assert shares[0] == pytest.approx(limit)


def test_a_share_is_in_proportion_to_the_waiting_threads() -> None:
    """Three times the waiting threads get three times the share; a worker that does not wait keeps what it uses."""
    shares = allocate(500, {1: Demand(50, 30), 2: Demand(50, 10), 3: Demand(80, 0)})
    assert (shares[1], shares[2], shares[3]) == (300, 100, 100)


def test_without_a_limit_no_participant_is_limited() -> None:
    """Each one gets an infinite rate."""
    assert allocate(inf, {1: Demand(), 2: Demand(5, 3)}) == {1: inf, 2: inf}


def answers(*usage: Usage, carried_out: int = 0, refused: int = 0) -> Report:
    requests = {
        (Side.DESTINATION, "CopyObject", "200"): carried_out,
        (Side.DESTINATION, "CopyObject", "SlowDown"): refused,
    }
    return Report("only", [], [], {what: count for what, count in requests.items() if count}, list(usage))


def shares_of_two(bound: float = 0.0) -> RateShares:
    """Return the limits of two participants: the supervisor (0) and one worker (1)."""
    made = RateShares(["only"], 150, 0.0)
    made.configure("only", {REQUESTS: bound}, 0.0)
    made.register(1)
    return made


def rates(limits: RateShares, now: float, limit: str) -> dict[int, float]:
    return {worker: sent.rate for worker, sent in limits.due(now) if sent.limit == limit}


def test_a_users_bound_holds_across_supervisor_and_workers() -> None:
    """Both begin with a half; the one that waits gets nearly all of it once it reports that."""
    limits = shares_of_two(bound=100)
    assert rates(limits, 0.0, REQUESTS) == {0: 50, 1: 50}
    limits.take_report(0, 1.0, answers(Usage(REQUESTS, 5, 70)))
    assert rates(limits, 1.0, REQUESTS) == {0: 100, 1: 100 * IDLE_SHARE / 2}


def test_a_dead_workers_share_goes_to_the_others() -> None:
    """No part of the limit remains reserved for it."""
    limits = shares_of_two(bound=100)
    limits.take_report(0, 1.0, answers(Usage(REQUESTS, 50, 10)))
    limits.take_report(1, 1.0, answers(Usage(REQUESTS, 50, 10)))
    list(limits.due(1.0))
    limits.unregister(1)
    assert rates(limits, 1.5, REQUESTS) == {0: 100}


def test_a_silent_participant_keeps_no_share() -> None:
    """A listing that has ended, or workers between sweeps, reserve nothing."""
    limits = shares_of_two(bound=100)
    limits.take_report(0, 1.0, answers(Usage(REQUESTS, 8, 0)))
    limits.take_report(1, 1.0, answers(Usage(REQUESTS, 5, 70)))
    assert rates(limits, 1.0, REQUESTS) == {0: 50, 1: 50}
    limits.take_report(1, 4.5, answers(Usage(REQUESTS, 5, 70)))
    assert rates(limits, 4.5, REQUESTS) == {0: 100 * IDLE_SHARE / 2, 1: 100}


def test_a_refusal_lowers_all_rates_at_once() -> None:
    """If one worker is refused, the rates of all fall, only on the side that refused."""
    limits = shares_of_two()
    assert rates(limits, 0.0, Side.DESTINATION) == {0: AdaptiveLimit.START / 2, 1: AdaptiveLimit.START / 2}
    limits.take_report(0, 0.01, answers(Usage(Side.DESTINATION, 12, 40), carried_out=10, refused=2))
    sent = list(limits.due(0.01))
    assert {rate.limit for _, rate in sent} == {Side.DESTINATION}
    half = AdaptiveLimit.START / 2
    assert [(worker, rate.rate) for worker, rate in sent] == [(1, half * IDLE_SHARE / 2)]
    limits.take_report(1, 0.02, answers(Usage(Side.DESTINATION, 12, 40)))
    assert sum(rates(limits, 0.2, Side.DESTINATION).values()) == pytest.approx(half)


def changes(limits: RateShares, now: float) -> list[ThrottleChanged]:
    return [event for _, event in limits.changes(now) if isinstance(event, ThrottleChanged)]


def test_refusals_are_announced_rarely() -> None:
    """Growth without a refusal is not announced; refusals are announced together, at most twice a second."""
    limits = shares_of_two()
    limits.take_report(0, 0.5, answers(Usage(Side.DESTINATION, 100, 75), carried_out=100))
    assert changes(limits, 0.5) == []
    limits.take_report(0, 0.6, answers(Usage(Side.DESTINATION, 100, 75), carried_out=90, refused=10))
    [event] = changes(limits, 0.6)
    rate = AdaptiveLimit.START * AdaptiveLimit.START_GROWTH / 2
    assert (event.side, event.refused, event.limit, event.rate) == (Side.DESTINATION, 10, 75, rate)
    limits.take_report(0, 0.7, answers(carried_out=1, refused=3))
    assert changes(limits, 0.7) == []
    limits.take_report(0, 1.2, answers(carried_out=1, refused=4))
    assert [event.refused for event in changes(limits, 1.2)] == [7]


def test_every_step_of_a_limit_is_announced_once() -> None:
    """Its initial rate and its growth without a refusal; nothing while it does not change."""
    limits = shares_of_two()

    def steps(now: float) -> list[tuple[Side, float]]:
        return [(e.side, e.rate) for _, e in limits.changes(now) if isinstance(e, RequestLimitMoved)]

    start = AdaptiveLimit.START
    assert steps(0.0) == [(Side.SOURCE, start), (Side.DESTINATION, start)]
    assert steps(0.1) == []
    limits.take_report(1, 0.5, answers(Usage(Side.DESTINATION, 100, 75), carried_out=100))
    assert steps(0.5) == [(Side.DESTINATION, start * AdaptiveLimit.START_GROWTH)]
    limits.take_report(1, 0.9, answers(Usage(Side.DESTINATION, 400, 0), carried_out=400))
    assert steps(0.9) == [(Side.DESTINATION, 0.0)]
