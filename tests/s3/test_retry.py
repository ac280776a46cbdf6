"""The backoff, the retry loop and the budget of repetitions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.errors import S3Error
from s3mover.s3.retry import CAP_SECONDS, RetryBudget, backoff, retrying


class Flaky:
    """A call that fails so many times before it succeeds."""

    def __init__(self, failures: int, *, temporary: bool = True) -> None:
        self.calls = 0
        self.failures = failures
        self.temporary = temporary

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise S3Error("SlowDown", temporary=self.temporary)
        return "done"


@given(attempt=st.integers(1, 10_000), luck=st.floats(0, 1))
def test_a_wait_is_never_longer_than_the_cap(attempt: int, luck: float) -> None:
    """Full jitter: anything from nothing to the bound, as chance has it."""
    assert backoff(attempt, lambda: luck) == luck * backoff(attempt, lambda: 1.0)
    assert 0 <= backoff(attempt, lambda: luck) <= CAP_SECONDS


def test_the_bound_doubles_with_each_attempt() -> None:
    """0.2, 0.4, 0.8 ... seconds at the most, and 20 in the end."""
    assert [backoff(attempt, lambda: 1.0) for attempt in (1, 2, 3, 100)] == [0.2, 0.4, 0.8, 20.0]


def test_a_temporary_error_is_tried_again_after_a_wait() -> None:
    """The result comes in the end, after one wait per failure."""
    waits: list[float] = []
    assert retrying(Flaky(2), attempts=3, pause=waits.append, random=lambda: 1.0) == "done"
    assert waits == [0.2, 0.4]


def test_attempts_are_bounded() -> None:
    """The last error is raised as it is."""
    call = Flaky(5)
    with pytest.raises(S3Error, match="SlowDown"):
        retrying(call, attempts=3, pause=lambda _: None)
    assert call.calls == 3


def test_a_permanent_error_is_not_tried_again() -> None:
    """What cannot succeed is raised at once."""
    call = Flaky(5, temporary=False)
    with pytest.raises(S3Error):
        retrying(call, pause=lambda _: None)
    assert call.calls == 1


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_repetitions_beyond_the_budget_come_one_after_the_other() -> None:
    """What is saved up costs no wait; then each repetition waits for the one before, as the floor has it."""
    budget = RetryBudget(3, 10, Time())
    waits = [budget.spend() for _ in range(6)]
    assert waits == pytest.approx([0, 0, 0, 0.1, 0.2, 0.3])


def test_requests_that_are_carried_out_earn_repetitions() -> None:
    """A fifth of them may be repeated at once, and no more is saved than the reserve."""
    budget = RetryBudget(3, 10, Time())
    for _ in range(3):
        budget.spend()
    budget.earn(10)
    assert [budget.spend() for _ in range(3)] == pytest.approx([0, 0, 0.1])
    budget.earn(1_000_000)
    assert [budget.spend() for _ in range(4)] == pytest.approx([0, 0, 0, 0.2])


def test_an_overloaded_store_is_not_hammered() -> None:
    """To a store that carries nothing out, a hundred threads send no more than the reserve and the floor."""
    time = Time()
    budget = RetryBudget(20, 5, time)
    due = [budget.spend() for _ in range(100)]
    asked = 0
    while time.now < 60:
        time.now += 0.1
        for place, at in enumerate(due):
            if at <= time.now:
                asked += 1
                due[place] = time.now + budget.spend()
    assert asked <= 20 + 5 * 60 + 1
