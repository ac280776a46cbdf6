"""The loop of a sweep: what its other threads meet is known to it."""

import time
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest

from s3mover.audit.opening import open_trail
from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.events import Event
from s3mover.lifecycle.stop import Stop
from s3mover.model import BucketAddress
from s3mover.planning.backoff import BackoffPolicy
from s3mover.planning.page_diff import PageDiff
from s3mover.sweep.loop import Inbox, Sweep, SweepTools
from s3mover.transfer.policy import TransferPolicy
from s3mover.workers.messages import RouteConfig
from s3mover.workers.pool.forkserver import ForkServer
from s3mover.workers.pool.pool import WorkerPool
from tests.audit.samples import PAIR

# Never connected to: the pool is not started.
ADDRESS = BucketAddress("bucket", "http", "", 0, "/bucket", "")
POLICY = TransferPolicy(method="auto", part_size=1, max_attempts=1)


@pytest.mark.process
def test_a_defect_of_the_plan_is_not_waited_for(tmp_path: Path) -> None:
    """It is met on the planner's thread; a loop that did not hear of it would wait for ever."""

    def broken() -> Generator[PageDiff]:
        yield from ()
        raise OverflowError("a defect")

    with closing(open_trail(f"sqlite:///{tmp_path}/trail.db")) as trail, closing(ForkServer()) as fork_server:
        inbox: Inbox = Inbox()
        pool = WorkerPool([1], [""], _ignore, fork_server)
        tools = SweepTools(
            trail=RetryingTrail(trail, _ignore, lambda _: False, time.monotonic),
            client=pool.open_client("", RouteConfig(ADDRESS, ADDRESS, {}, POLICY), inbox.put, _ignore),
            inbox=inbox,
            notify=_ignore,
            stop=Stop(),
            clock=time.time,
            heartbeat=lambda: None,
            blocked_by=lambda: "",
            backoff_policy=lambda: BackoffPolicy(60.0, 3600.0),
        )
        with pytest.raises(OverflowError, match="a defect"):
            Sweep(tools, PAIR, broken()).run()


def _ignore(_event: Event) -> None:
    """Only the error is of interest."""
