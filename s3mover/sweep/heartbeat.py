"""Slow requests on another thread, so that the loop's thread goes on with its heartbeat."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")

HEARTBEAT_SECONDS = 0.1


def while_heartbeating(heartbeat: Callable[[], None], call: Callable[[], T]) -> T:
    """Return what `call` returns on another thread, or raise what it raises; call `heartbeat` here meanwhile."""
    with ThreadPoolExecutor(1, thread_name_prefix="slow-call") as thread:
        result = thread.submit(call)
        while not wait([result], HEARTBEAT_SECONDS).done:
            heartbeat()
        return result.result()
