"""Holds the deadline of a stop from the first moment on, whatever the work waits for.

The work runs on a thread of its own. The main thread, where signal handlers run, only waits: for the end of the work,
or for the deadline. So a store, database or file that never answers cannot keep the program alive.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from s3mover.lifecycle.stop import Stop

# Time after the deadline in which killed workers are reaped, and the last outcomes and the sweep are recorded.
RECORDING_SECONDS = 3.0
JOIN_SECONDS = 0.1

T = TypeVar("T")


def run_until_deadline(stop: Stop, work: Callable[[], T], beyond: float = RECORDING_SECONDS) -> T | None:
    """Run `work` and return its result, None if it has not ended `beyond` seconds after the deadline of a stop.

    Raises:
        Exception: what `work` raised.
    """
    done: Future[T] = Future()
    # A daemon: an exiting process does not wait for it.
    thread = threading.Thread(target=_run, args=(work, done), name="work", daemon=True)
    thread.start()
    while thread.is_alive() and stop.overrun < beyond:
        thread.join(JOIN_SECONDS)
    return done.result() if done.done() else None


def _run(work: Callable[[], T], done: Future[T]) -> None:
    try:
        done.set_result(work())
    except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
        done.set_exception(error)
