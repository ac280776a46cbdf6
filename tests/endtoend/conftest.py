"""A simulator for each module, and fresh buckets on it for each test."""

from collections.abc import Iterator

import pytest

from simulator import Simulator
from testkit.world import DESTINATION, SOURCE, World, make_world


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """One simulator for the tests of a module."""
    with Simulator() as running:
        yield running


@pytest.fixture
def world(simulator: Simulator) -> Iterator[World]:
    """Fresh buckets; server-side copies are permitted."""
    yield make_world(simulator)
    simulator.clear_faults()
    simulator.set_latency(0)
    simulator.clear_log()
    simulator.remove_bucket(SOURCE)
    simulator.remove_bucket(DESTINATION)
