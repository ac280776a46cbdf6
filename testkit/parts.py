"""The parts of a large object without a worker's threads."""

from collections.abc import Callable, Iterable
from typing import Any

from s3mover.transfer.parts import Part


def one_by_one(do: Callable[[Part], Any], parts: Iterable[Part]) -> list[Any]:
    """Do the parts on the calling thread."""
    return [do(part) for part in parts]
