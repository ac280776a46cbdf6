"""Pages of listings that workers read for the supervisor: equal to its own, and never waited for in vain."""

import os
import pickle
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.errors import ListingError, MoverError, S3Error
from s3mover.events import Event, RequestsMade
from s3mover.model import ObjectEntry, ObjectPage, Side, page_of
from s3mover.s3.bucket import Bucket
from s3mover.s3.records import Page
from s3mover.workers.messages import PageRead, ReadPage, RouteConfig
from s3mover.workers.pool import page_requests
from s3mover.workers.pool.forkserver import ForkServer
from s3mover.workers.pool.handle import WorkerHandle
from s3mover.workers.pool.page_requests import PageRequest, PageRequests, worker_page_reader
from s3mover.workers.pool.pool import WorkerPool, share_threads
from s3mover.workers.pool.watchdog import RestartPolicy
from simulator import Simulator
from testkit.pooling import ACCOUNT, PoolUser, route_config, running_pool
from testkit.waiting import wait_until

FIRST = (Side.SOURCE, "", "", "")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """One simulator with a bucket for each side; the source has three pages of unusual keys."""
    with Simulator() as running:
        running.create_bucket("from", ACCOUNT)
        running.create_bucket("to", ACCOUNT)
        running.put_objects("from", [{"key": f"é/\x01+%/{at:04}", "size": at} for at in range(2500)])
        yield running


@pytest.fixture
def clean(simulator: Simulator) -> Iterator[Simulator]:
    """The simulator; its faults and quirks end with the test."""
    yield simulator
    simulator.clear_faults()
    simulator.configure_bucket("from", quirks=[])
    simulator.clear_log()


@contextmanager
def pool_on(config: RouteConfig, processes: int = 2) -> Iterator[PoolUser]:
    events: list[Event] = []
    fork_server = ForkServer()
    pool = WorkerPool(
        share_threads(2 * processes, processes),
        ["only"],
        events.append,
        fork_server,
        RestartPolicy(poll_seconds=0.1),
    )
    try:
        with running_pool(pool, {"only": config}, events) as [user]:
            user.pid(processes - 1)
            yield user
    finally:
        fork_server.close()


@contextmanager
def bucket_of(config: RouteConfig) -> Iterator[Bucket]:
    credentials = config.credentials[Side.SOURCE]
    bucket = Bucket(config.source, lambda: credentials, lambda *_: None)
    yield bucket
    bucket.close_thread()


def test_workers_read_the_same_pages_as_the_supervisor(clean: Simulator) -> None:
    """With the same keys; the supervisor itself reads until the listing is cut, thus begins at a key."""
    config, keys = route_config(clean), list[str]()
    with pool_on(config) as user, bucket_of(config) as bucket:

        def read_page(side: Side, prefix: str, start_after: str, token: str) -> Page | None:
            keys.append(start_after)
            return user.client.read_page(side, prefix, start_after, token)

        expected = list(bucket.list_objects(""))
        clean.clear_log()
        list_page = worker_page_reader(read_page, Side.SOURCE, bucket)
        found = list(bucket.list_objects("", list_page=list_page))
        rest = list(bucket.list_objects("", expected[0].keys[-1], list_page=list_page))
        again = list(bucket.list_objects("", list_page=list_page))
    assert found == again == expected
    assert rest == expected[1:]
    assert keys == [expected[0].keys[-1], expected[1].keys[-1], "", "", ""]
    assert clean.counts("from") == {"ListObjectsV2": 8}


def test_the_requests_of_page_readers_are_counted(clean: Simulator) -> None:
    """Each request once, as those of transfers, though no order is in flight."""
    with pool_on(route_config(clean)) as user:
        for _ in range(5):
            assert user.client.read_page(*FIRST)
        made: Counter[tuple[Side, str, str]] = Counter()

        def counted() -> bool:
            made.clear()
            for event in user.events:
                if isinstance(event, RequestsMade):
                    made[event.side, event.operation, event.code] += event.requests
            return made.total() >= 5

        wait_until(counted)
    assert made == {(Side.SOURCE, "ListObjectsV2", "200"): 5}


def test_an_error_of_s3_arrives_whole(clean: Simulator) -> None:
    """With its code, its status, and whether it is temporary."""
    clean.add_fault("access_denied", operation="ListObjectsV2", nth=[1])
    clean.add_fault("slow_down", operation="ListObjectsV2", nth=[2])
    with pool_on(route_config(clean)) as user:
        with pytest.raises(S3Error) as refused:
            user.client.read_page(*FIRST)
        with pytest.raises(S3Error) as throttled:
            user.client.read_page(*FIRST)
        assert user.client.read_page(*FIRST)
    assert (refused.value.code, refused.value.status, refused.value.temporary) == ("AccessDenied", 403, False)
    assert (refused.value.operation, refused.value.bucket) == ("ListObjectsV2", "from")
    assert (throttled.value.code, throttled.value.temporary) == ("SlowDown", True)


def test_a_page_that_contradicts_itself_is_refused(clean: Simulator) -> None:
    """Also if a worker has read it."""
    clean.configure_bucket("from", quirks=["no_continuation_token"])
    with (
        pool_on(route_config(clean)) as user,
        pytest.raises(ListingError, match=r"from: .* no token for the next page"),
    ):
        user.client.read_page(*FIRST)


def test_the_pages_of_a_dead_worker_are_read_by_the_supervisor(clean: Simulator) -> None:
    """No thread waits for a dead worker, and the listing goes on."""
    config = route_config(clean)
    clean.add_fault("hang", operation="ListObjectsV2", times=1)
    read: list[Page | None] = []
    with pool_on(config, processes=1) as user:
        waiting = threading.Thread(target=lambda: read.append(user.client.read_page(*FIRST)))
        waiting.start()
        wait_until(lambda: sum(fault["hits"] for fault in clean.faults()) == 1, "a worker reads")
        os.kill(user.pid(0), signal.SIGKILL)
        waiting.join(60)
    with bucket_of(config) as bucket:
        page = worker_page_reader(lambda *_: None, Side.SOURCE, bucket)("", "é/", "")
        assert page == bucket.list_page("", "é/")
    assert read == [None]


def test_no_thread_waits_for_a_pool_that_was_shut_down(clean: Simulator) -> None:
    """Not even for a request after the shutdown."""
    with pool_on(route_config(clean)) as user:
        pass
    assert user.client.read_page(*FIRST) is None


def test_pages_are_read_by_the_latest_configuration(clean: Simulator) -> None:
    """With its addresses and credentials."""
    config = route_config(clean)
    with pool_on(replace(config, source=config.destination)) as user:
        empty = user.client.read_page(*FIRST)
        user.client.configure(config)
        full = user.client.read_page(*FIRST)
    assert empty == Page(page_of([]), "")
    assert full is not None
    assert len(full.entries) == 1000


class FakeWorker(WorkerHandle):
    """A worker that only records the numbers of its page requests."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.numbers: list[int] = []

    def send(self, message: object) -> None:
        assert isinstance(message, ReadPage)
        self.numbers.append(message.number)


def test_the_worker_with_the_fewest_requests_gets_the_next() -> None:
    """So that pages are read in parallel; an answer frees its worker, and a second answer changes nothing."""
    workers = [FakeWorker(7), FakeWorker(8)]
    requests = PageRequests(lambda: list(workers))
    for _ in range(4):
        requests.submit(PageRequest(ReadPage("only", 0, *FIRST)))
    assert [worker.numbers for worker in workers] == [[1, 3], [2, 4]]
    for number in (2, 4, 4):
        requests.take_answer(8, PageRead("only", number, Page(page_of([]), "")))
    requests.submit(PageRequest(ReadPage("only", 0, *FIRST)))
    requests.submit(PageRequest(ReadPage("only", 0, *FIRST)))
    assert [worker.numbers for worker in workers] == [[1, 3], [2, 4, 5, 6]]


def test_without_workers_no_thread_waits_for_a_page() -> None:
    """A request ends at once, and so do the requests of a worker that is gone."""
    without_worker, orphaned = (
        PageRequest(ReadPage("only", 0, *FIRST)),
        PageRequest(ReadPage("only", 0, *FIRST)),
    )
    PageRequests(list).submit(without_worker)
    requests = PageRequests(lambda: [FakeWorker(1)])
    requests.submit(orphaned)
    requests.cancel(1)
    assert without_worker.wait(lambda: False) is None
    assert orphaned.wait(lambda: False) is None


@given(st.lists(st.builds(ObjectEntry, st.text(), st.integers(0, 2**63), st.text(), st.text(), st.text())))
def test_a_page_travels_whole(entries: list[ObjectEntry]) -> None:
    """Between processes, with any keys."""
    page = page_of(entries)
    arrived: ObjectPage = pickle.loads(pickle.dumps(page))  # noqa: S301 - as the pipe does
    assert arrived == page
    assert list(arrived) == entries


@pytest.mark.parametrize("error", [ListingError("no"), S3Error("Odd", "text", status=418, temporary=True)])
def test_an_error_travels_whole(error: MoverError) -> None:
    """Its type, its text, and whether it is temporary."""
    arrived: MoverError = pickle.loads(pickle.dumps(error))  # noqa: S301 - as the pipe does
    assert (type(arrived), str(arrived)) == (type(error), str(error))
    assert (arrived.temporary, vars(arrived)) == (error.temporary, vars(error))


def test_a_page_that_no_worker_delivers_in_time_is_read_by_the_supervisor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A thread of a worker may be stuck; the sweep must not be."""
    monkeypatch.setattr(page_requests, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(page_requests, "MAX_WAIT_SECONDS", 0.01)
    assert PageRequest(ReadPage("", 0, *FIRST)).wait(lambda: False) is None
