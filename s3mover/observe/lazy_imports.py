"""Skips imports of a library that s3mover does not use."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def without(package: str, *, required: bool = False) -> Iterator[None]:
    """Make imports within the block see `package` as not installed, unless it is loaded already.

    If it is `required`, they see it as an empty module instead.
    """
    if package in sys.modules:
        yield
        return
    # None is how the import system marks a module as missing.
    sys.modules[package] = ModuleType(package) if required else None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]
