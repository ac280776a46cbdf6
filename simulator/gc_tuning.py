"""Spares the garbage collector what stays: a full collection over a million objects takes a second."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def collect_seldom() -> None:
    """Leave alone what is there now, and look at what comes seldom."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)


@contextmanager
def furnishing() -> Iterator[None]:
    """Make many lasting objects without the collector looking through them again and again."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
