"""The work that all routes share: an internal error in it ends none of several routes."""

import pytest

from s3mover.events import Event, TaskFailed
from s3mover.lifecycle.periodic import RETRY_SECONDS, PeriodicTasks


class Failing:
    """Fails as long as it is told to, and counts its calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.fails = True

    def poll(self) -> None:
        self.calls += 1
        if self.fails:
            raise OverflowError("odd date")


class Clock:
    """A clock that stands still."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_internal_error_is_announced_and_the_other_tasks_go_on() -> None:
    """With its trace, once a minute while it lasts."""
    clock, events = Clock(), list[Event]()
    tasks = PeriodicTasks(events.append, isolated=True, clock=clock)
    failing, other = Failing(), Failing()
    other.fails = False
    tasks.register(failing.poll)
    tasks.register(other.poll)
    for _ in range(5):
        tasks.run()
    assert (failing.calls, other.calls) == (1, 5)
    [event] = events
    assert isinstance(event, TaskFailed)
    assert event.seconds == RETRY_SECONDS
    assert event.message.startswith("internal error: Traceback")
    assert "OverflowError: odd date" in event.message
    clock.now += RETRY_SECONDS
    failing.fails = False
    for _ in range(2):
        tasks.run()
    assert (failing.calls, len(events)) == (3, 1)


def test_an_internal_error_of_a_single_pair_is_raised() -> None:
    """The program ends with its exit code, as it does for errors of the pair's own loop."""
    tasks = PeriodicTasks(lambda _: None, isolated=False)
    tasks.register(Failing().poll)
    with pytest.raises(OverflowError):
        tasks.run()


def test_a_task_is_called_while_it_is_registered() -> None:
    """And not after."""
    tasks = PeriodicTasks(lambda _: None, isolated=True)
    task = Failing()
    task.fails = False
    with tasks.registered(task.poll):
        tasks.run()
    tasks.run()
    assert task.calls == 1
