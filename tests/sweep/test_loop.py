"""The loop of a sweep: errors of its other threads reach it."""

from collections.abc import Iterator

import pytest

from s3mover.model import ObjectPage
from s3mover.planning.page_diff import Rules
from s3mover.planning.plan import ListingPlan
from s3mover.sweep.loop import Sweep
from tests.audit.samples import PAIR
from tests.sweep.scripted import OPENED, Scene


class Broken:
    """A listing whose thread meets an internal error."""

    def pages(self, _after: str) -> Iterator[ObjectPage]:
        raise OverflowError("a defect")

    def first_after(self, _text: str) -> str | None:
        return None

    def starts_anywhere(self) -> bool:
        return False

    def is_ordered_at(self, _key: str) -> bool:
        return False

    def lists_directories(self) -> bool:
        return False

    def close_thread(self) -> None:
        """Hold nothing."""


def test_an_internal_error_of_the_plan_ends_the_sweep() -> None:
    """It is met on a listing thread; a loop that it did not reach would wait for ever."""
    plan = ListingPlan(Broken(), Broken(), Rules(PAIR, lambda *_: True), listers=2, page=10)
    with pytest.raises(OverflowError, match="a defect"):
        Sweep(Scene().tools, PAIR, plan, OPENED).run()
