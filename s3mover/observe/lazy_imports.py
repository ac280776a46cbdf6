"""Leaving out what a library would load although nobody here uses it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def without(package: str, *, missed: bool = False) -> Iterator[None]:
    """Let `package` look as if it were not installed to what is imported meanwhile, unless it is loaded already.

    Where it would be `missed`, it looks as if there were nothing in it.
    """
    if package in sys.modules:
        yield
        return
    # None is the import system's own way to say that a module is not there.
    sys.modules[package] = ModuleType(package) if missed else None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]
