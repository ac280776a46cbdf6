"""A daemon that sweeps again and again takes no more in the end than it took when it was warm.

`python -m bench.soak` is the same with hundreds of sweeps.
"""

from pathlib import Path

import pytest

from testkit.soak import Soak, growth_of
from testkit.trail_rows import assert_counted, rows
from testkit.world import World

pytestmark = pytest.mark.long

SWEEPS, EACH, THREADS = 40, 100, 16
# What the allocators' habits may add in so few sweeps; a leak of a few kilobytes per object is more.
MOST_MEMORY = 8_000_000
# Less than one for every second object that was moved in between.
MOST_BLOCKS = 1500


@pytest.mark.timeout(900)
def test_nothing_grows_from_sweep_to_sweep(world: World, tmp_path: Path) -> None:
    """Objects come, change, fail and are throttled: processes, threads, files and memory stay what they were."""
    soak = Soak(world, tmp_path, threads=THREADS, rounds=SWEEPS, each=EACH)
    growth = growth_of(soak.run({}))
    assert [growth.of(name) for name in ("processes", "threads", "files")] == [0, 0, 0], growth
    assert growth.of("blocks") < MOST_BLOCKS, growth
    assert growth.of("memory") < MOST_MEMORY, growth
    assert soak.failed
    succeeded = "SELECT COUNT(*) FROM document_logs WHERE status = 'success'"
    assert rows(tmp_path, succeeded) == [(soak.versions,)]
    assert_counted(tmp_path)
