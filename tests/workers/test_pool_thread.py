"""The pool's thread: it runs calls and periodic tasks, and an error does not end it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from s3mover.workers.pool.pool_thread import PoolThread
from testkit.waiting import TOO_LONG


class Task:
    """A periodic task that is due once at its start, and then when the test sets `due_at`."""

    def __init__(self) -> None:
        self.due_at = 0.0
        self.polls: SimpleQueue[None] = SimpleQueue()

    def poll(self) -> None:
        if time.monotonic() >= self.due_at:
            self.due_at = time.monotonic() + TOO_LONG
            self.polls.put(None)


@contextmanager
def running(task: Task, errors: "SimpleQueue[Exception]") -> Iterator[PoolThread]:
    thread = PoolThread(errors.put)
    thread.start([task])
    try:
        yield thread
    finally:
        thread.stop(lambda: None)


def test_calls_run_in_their_order_on_one_thread() -> None:
    """Also those that were submitted before the start, and the last call of `stop` after all others."""
    ran: list[tuple[int, str]] = []

    def record(number: int) -> None:
        ran.append((number, threading.current_thread().name))

    thread = PoolThread(lambda _: None)
    for number in range(3):
        thread.call(record, number)
    thread.start([Task()])
    thread.call(record, 3)
    thread.stop(lambda: record(4))
    assert ran == [(number, "pool") for number in range(5)]
    assert thread.is_stopped


def test_the_thread_goes_on_after_an_error() -> None:
    """The error is handed over, and the next call runs."""
    errors, answers = SimpleQueue[Exception](), SimpleQueue[str]()

    def fail() -> None:
        raise OverflowError("an internal error")

    with running(Task(), errors) as thread:
        thread.call(fail)
        thread.call(answers.put, "next")
        assert answers.get(timeout=TOO_LONG) == "next"
    assert str(errors.get(timeout=TOO_LONG)) == "an internal error"


def test_a_periodic_task_runs_when_it_is_due() -> None:
    """Without a call, at the time that the task names."""
    task = Task()
    with running(task, SimpleQueue()) as thread:
        task.polls.get(timeout=TOO_LONG)
        thread.call(setattr, task, "due_at", time.monotonic() + 0.01)
        task.polls.get(timeout=TOO_LONG)
