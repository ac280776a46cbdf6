"""Waiting for slow requests without standing still: the loop goes on beating while another thread works for it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")

BEAT_SECONDS = 0.1


def while_heartbeating(heartbeat: Callable[[], None], call: Callable[[], T]) -> T:
    """Return what `call` returns, or raise what it raises; `heartbeat` is called here meanwhile."""
    with ThreadPoolExecutor(1, thread_name_prefix="beside") as beside:
        result = beside.submit(call)
        while not wait([result], BEAT_SECONDS).done:
            heartbeat()
        return result.result()
