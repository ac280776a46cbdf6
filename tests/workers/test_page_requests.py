"""Pages of listings that workers read for the supervisor: the same as it would read, and never waited for in vain."""

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
from s3mover.workers.pool.forkserver import ForkServer
from s3mover.workers.pool.handle import WorkerHandle
from s3mover.workers.pool.page_requests import PageRequest, PageRequests, worker_page_reader
from s3mover.workers.pool.pool import WorkerPool, share_threads
from simulator import Simulator
from testkit.pooling import ACCOUNT, Owner, owners_of, route_config
from testkit.waiting import wait_until

FIRST = ReadPage("only", 0, Side.SOURCE, "", "", "")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """One simulator with a bucket of each side; the source has three pages of odd keys."""
    with Simulator() as running:
        running.create_bucket("from", ACCOUNT)
        running.create_bucket("to", ACCOUNT)
        running.put_objects("from", [{"key": f"é/\x01+%/{at:04}", "size": at} for at in range(2500)])
        yield running


@pytest.fixture
def unharmed(simulator: Simulator) -> Iterator[Simulator]:
    """The simulator, whose faults and quirks end with the test."""
    yield simulator
    simulator.clear_faults()
    simulator.configure_bucket("from", quirks=[])
    simulator.clear_log()


@contextmanager
def crew_on(brief: RouteConfig, processes: int = 2) -> Iterator[tuple[WorkerPool, Owner]]:
    events: list[Event] = []
    fork_server = ForkServer()
    pool = WorkerPool(
        share_threads(2 * processes, processes), ["only"], events.append, fork_server, poll_seconds=0.1
    )
    try:
        with owners_of(pool, {"only": brief}, events) as [owner]:
            owner.pid(processes - 1)
            yield pool, owner
    finally:
        fork_server.close()


@contextmanager
def bucket_of(brief: RouteConfig) -> Iterator[Bucket]:
    credentials = brief.credentials[Side.SOURCE]
    bucket = Bucket(brief.source, lambda: credentials, lambda *_: None)
    yield bucket
    bucket.close_thread()


def test_workers_read_what_the_bucket_itself_reads(unharmed: Simulator) -> None:
    """Page by page, keys and all; only of the range that begins with the first key nothing is asked of a worker."""
    brief, asked = route_config(unharmed), list[ReadPage]()
    with crew_on(brief) as (pool, _), bucket_of(brief) as itself:

        def read(one: ReadPage) -> Page | None:
            asked.append(one)
            return pool.read(one)

        expected = list(itself.list_objects(""))
        unharmed.clear_log()
        by_crew = worker_page_reader(read, "only", Side.SOURCE, itself)
        found = list(itself.list_objects("", list_page=by_crew))
        rest = list(itself.list_objects("", expected[0].keys[-1], list_page=by_crew))
    assert found == expected
    assert rest == expected[1:]
    assert [one.start_after for one in asked] == [expected[0].keys[-1]] * 2
    assert unharmed.counts("from") == {"ListObjectsV2": 5}


def test_what_workers_ask_for_pages_is_counted(unharmed: Simulator) -> None:
    """Each request once, as the crew counts those of transfers, though no order is in hand."""
    with crew_on(route_config(unharmed)) as (pool, owner):
        for _ in range(5):
            assert pool.read(FIRST)
        made: Counter[tuple[Side, str, str]] = Counter()

        def counted() -> bool:
            made.clear()
            for event in owner.events:
                if isinstance(event, RequestsMade):
                    made[event.side, event.operation, event.code] += event.requests
            return made.total() >= 5

        wait_until(counted)
    assert made == {(Side.SOURCE, "ListObjectsV2", "200"): 5}


def test_a_refusal_is_the_one_that_s3_gave(unharmed: Simulator) -> None:
    """What is made of an error depends on its code, its status, and whether another attempt may help."""
    unharmed.add_fault("access_denied", operation="ListObjectsV2", nth=[1])
    unharmed.add_fault("slow_down", operation="ListObjectsV2", nth=[2])
    with crew_on(route_config(unharmed)) as (pool, _):
        with pytest.raises(S3Error) as refused:
            pool.read(FIRST)
        with pytest.raises(S3Error) as throttled:
            pool.read(FIRST)
        assert pool.read(FIRST)
    assert (refused.value.code, refused.value.status, refused.value.temporary) == ("AccessDenied", 403, False)
    assert (refused.value.operation, refused.value.bucket) == ("ListObjectsV2", "from")
    assert (throttled.value.code, throttled.value.temporary) == ("SlowDown", True)


def test_a_page_that_contradicts_itself_is_refused(unharmed: Simulator) -> None:
    """Wherever it was read."""
    unharmed.configure_bucket("from", quirks=["no_continuation_token"])
    with (
        crew_on(route_config(unharmed)) as (pool, _),
        pytest.raises(ListingError, match=r"from: .* not where"),
    ):
        pool.read(FIRST)


def test_the_pages_of_a_worker_that_dies_are_read_by_who_asked(unharmed: Simulator) -> None:
    """Nobody waits for the dead, and the listing goes on."""
    brief = route_config(unharmed)
    unharmed.add_fault("hang", operation="ListObjectsV2", times=1)
    read: list[Page | None] = []
    with crew_on(brief, processes=1) as (pool, owner):
        waiting = threading.Thread(target=lambda: read.append(pool.read(FIRST)))
        waiting.start()
        wait_until(lambda: sum(fault["hits"] for fault in unharmed.faults()) == 1, "a worker reads")
        os.kill(owner.pid(0), signal.SIGKILL)
        waiting.join(60)
    with bucket_of(brief) as itself:
        page = worker_page_reader(lambda _: None, "only", Side.SOURCE, itself)("", "é/", "")
        assert page == itself.list_page("", "é/")
    assert read == [None]


def test_nobody_waits_for_a_crew_that_is_dismissed(unharmed: Simulator) -> None:
    """Not even who asks when nobody answers any more."""
    with crew_on(route_config(unharmed)) as (pool, _):
        pass
    assert pool.read(FIRST) is None


def test_credentials_and_addresses_are_those_of_the_latest_brief(unharmed: Simulator) -> None:
    """A route that is taught anew reads as it was told last."""
    brief = route_config(unharmed)
    with crew_on(replace(brief, source=brief.destination)) as (pool, owner):
        empty = pool.read(FIRST)
        owner.client.configure(brief)
        full = pool.read(FIRST)
    assert empty == Page(page_of([]), "")
    assert full is not None
    assert len(full.entries) == 1000


class Runner(WorkerHandle):
    """A worker that only takes note of what it is asked."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.asked: list[int] = []

    def send(self, message: object) -> None:
        assert isinstance(message, ReadPage)
        self.asked.append(message.number)


def test_who_has_fewest_errands_gets_the_next() -> None:
    """So that pages are read side by side; an answer frees its worker, and a late one finds nobody."""
    runners = [Runner(7), Runner(8)]
    errands = PageRequests(lambda: list(runners))
    for _ in range(4):
        errands.give(PageRequest(FIRST))
    assert [runner.asked for runner in runners] == [[1, 3], [2, 4]]
    for number in (2, 4, 4):
        errands.hear(8, PageRead("only", number, Page(page_of([]), "")))
    errands.give(PageRequest(FIRST))
    errands.give(PageRequest(FIRST))
    assert [runner.asked for runner in runners] == [[1, 3], [2, 4, 5, 6]]


def test_without_workers_no_page_is_waited_for() -> None:
    """Whoever asks is told at once, and so are those whose worker has gone."""
    hopeless, deserted = PageRequest(FIRST), PageRequest(FIRST)
    PageRequests(list).give(hopeless)
    errands = PageRequests(lambda: [Runner(1)])
    errands.give(deserted)
    errands.forget(1)
    assert hopeless.wait(lambda: False) is None
    assert deserted.wait(lambda: False) is None


@given(st.lists(st.builds(ObjectEntry, st.text(), st.integers(0, 2**63), st.text(), st.text(), st.text())))
def test_a_page_travels_whole(entries: list[ObjectEntry]) -> None:
    """Between processes, whatever its keys are made of."""
    page = page_of(entries)
    arrived: ObjectPage = pickle.loads(pickle.dumps(page))  # noqa: S301 - as the pipe does
    assert arrived == page
    assert list(arrived) == entries


@pytest.mark.parametrize("error", [ListingError("no"), S3Error("Odd", "text", status=418, temporary=True)])
def test_an_error_travels_whole(error: MoverError) -> None:
    """Kind, text, and whether another attempt may help."""
    arrived: MoverError = pickle.loads(pickle.dumps(error))  # noqa: S301 - as the pipe does
    assert (type(arrived), str(arrived)) == (type(error), str(error))
    assert (arrived.temporary, vars(arrived)) == (error.temporary, vars(error))
