"""The status page as a document; `tests/monitoring` opens it in a browser."""

import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from s3mover.events import (
    DaemonStarted,
    Event,
    LeaseAcquired,
    MachineAssigned,
    MachineJoined,
    ObjectFailed,
    ObjectsInPlace,
    ObjectsListed,
    RangeFinished,
    RangeRetried,
    RangesCounted,
    SchedulerUnavailable,
    SweepFinished,
    SweepListed,
    SweepStarted,
    ThrottleChanged,
)
from s3mover.model import Method, Side, SweepStatus, Tally
from s3mover.observe.metrics.listener import MetricsListener
from s3mover.observe.page import document
from s3mover.observe.status.board import StatusBoard
from tests.observe.conftest import Clock
from tests.observe.samples import EVERY_KIND, PAIR, TALLY, failed, finished, moved, planned

NASTY = "<img src=x onerror=alert(1)>\"'&amp;"


class Reader(HTMLParser):
    """What a browser makes of a page: its elements with their attributes, and its text."""

    def __init__(self, document: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(document.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Leave an element, and those within it that need no end."""
        while self.open and self.open.pop() != tag:
            continue

    def handle_data(self, data: str) -> None:
        """Gather what is read."""
        if not {"style", "script"} & set(self.open):
            self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of all elements of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


Show = Callable[..., Reader]


@pytest.fixture
def board(clock: Clock) -> StatusBoard:
    """Return the board of a daemon that leads and has swept nothing yet."""
    board = StatusBoard(MetricsListener("0.1.0").exposition, 60.0, clock, clock)
    board(DaemonStarted("0.1.0", PAIR, 2, 150))
    board(LeaseAcquired(PAIR))
    return board


@pytest.fixture
def show(board: StatusBoard) -> Show:
    """Return a function that announces events to the board and parses the page."""

    def show(*events: Event) -> Reader:
        for event in events:
            board(event)
        return Reader(document.render(board.status()))

    return show


def test_a_fresh_daemon_has_a_page(show: Show) -> None:
    """Before the first sweep the page says so, and shows the pair, processes and threads."""
    seen = show()
    assert "Ready" in seen.text
    assert "s3://ours/in/ → s3://theirs/out/" in seen.text
    assert "150 threads in 2 processes" in seen.text
    assert "No sweep has finished since the start." in seen.text
    assert "No objects were moved in the last hour." in seen.text


def test_any_event_leaves_a_page(board: StatusBoard, show: Show) -> None:
    """After each event, the page has no unfilled placeholder."""
    for event in (*EVERY_KIND, failed("in/\udc80\n")):
        assert "$" not in show(event).text
    assert board.status()["state"] == "stopping"


def test_a_sweep_shows_its_progress(show: Show, clock: Clock) -> None:
    """Progress, counts, rate and the time left are shown."""
    show(SweepStarted(7, PAIR), ObjectsListed(Side.SOURCE, 40), ObjectsInPlace("in_place", 20))
    show(planned(20, size=1_000_000), SweepListed(7, 40, 20, 20))
    clock.now += 10
    seen = show(*[moved(size=1_000_000)] * 9, failed())
    (bar,) = seen.named("progress")
    assert bar == {"max": "1", "value": "0.7500", "aria-label": "Progress of the sweep"}
    assert "Moving objects" in seen.text
    assert "9 objects moved so far, 1 failed." in seen.text
    assert "75% of sweep 7 after 10 s" in seen.text
    assert "left" in seen.text
    assert "Waiting10" in seen.text
    assert "900.00 KB/s" in seen.text


def test_a_first_listing_has_no_progress(show: Show) -> None:
    """The number of objects is not known yet: the bar has no value, and there is no time left."""
    seen = show(SweepStarted(7, PAIR), ObjectsListed(Side.SOURCE, 4_000), planned(600))
    (bar,) = seen.named("progress")
    assert "value" not in bar
    assert "4,000 objects listed" in seen.text
    assert "Waiting600+" in seen.text
    assert "left" not in seen.text


def test_a_sweep_that_waited_for_the_database_says_so(show: Show) -> None:
    """Below its row; a wait of less than a second is not worth a line."""
    assert "for the audit database" not in show(finished(outage_seconds=0.4)).text
    assert "waited 12 s for the audit database" in show(finished(outage_seconds=12.5)).text


def test_between_sweeps_the_last_one_is_shown(show: Show) -> None:
    """Its figures are at the top, and it is the first in the table."""
    seen = show(finished(6), finished(7))
    assert "Failed1" in seen.text
    assert "Moved5" in seen.text
    assert "22.6 s" not in seen.text
    assert "Duration23 s" in seen.text
    assert seen.text.index("7 completed") < seen.text.index("6 completed")


def test_failures_are_grouped_by_code_with_advice(show: Show) -> None:
    """Equal failures are explained once; the name of the request is ignored."""
    for number in range(3):
        show(failed(f"in/{number}", message=f"CopyObject on b: AccessDenied (request {number})"))
    show(failed("in/0", message="older sweeps failed otherwise"))
    show(failed("in/0", message="CopyObject on b: AccessDenied (request 9)"))
    seen = show(failed("in/x", message="GetObject on a: AccessDenied"))
    assert len(seen.named("article")) == 1
    assert "4 objects" in seen.text
    assert seen.text.count("s3mover check") == 1
    assert seen.text.count("CopyObject on b: AccessDenied") == 1
    assert seen.text.count("GetObject on a: AccessDenied") == 1
    assert "(request" not in seen.text
    assert "older sweeps" not in seen.text
    for key in ("in/0", "in/1", "in/2", "in/x"):
        assert key in seen.text


def test_no_text_of_a_store_becomes_markup(show: Show) -> None:
    """Keys, codes, messages, prefixes and file names are shown as text."""
    pair = f"s3://ours/{NASTY} -> s3://theirs/{NASTY}"
    show(DaemonStarted(NASTY, pair, 2, 150), SweepStarted(7, pair))
    show(ObjectFailed(7, NASTY, Method.STREAMING, 1, 1.0, 8, NASTY, NASTY))
    seen = show(SweepFinished(7, SweepStatus.FAILED, TALLY, 1.0, 999.0, NASTY, NASTY))
    assert seen.named("img") == []
    assert len(seen.named("script")) == 1
    assert not any("onerror" in attributes for _, attributes in seen.elements)
    assert seen.text.count(NASTY) >= 6


@pytest.mark.parametrize(
    ("key", "seen_as"),
    [
        ("in/\u202egpj.exe", "in/\\u202egpj.exe"),
        ("in/\u2066hidden\u2069", "in/\\u2066hidden\\u2069"),
        ("in/a\x07\n\tb", "in/a\\x07\\n\\tb"),
        ("in/\udc80", "in/\\udc80"),
        ("in/\u200bzero", "in/\\u200bzero"),
        ("in/חשבונית", "in/חשבונית"),
    ],
)
def test_deceptive_characters_are_escaped(show: Show, key: str, seen_as: str) -> None:
    """No character reorders or hides a key; right-to-left text is isolated."""
    seen = show(failed(key))
    assert seen_as in seen.text
    assert any(attributes.get("class") == "key" for attributes in seen.named("bdi"))


def test_the_policy_permits_exactly_this_page(board: StatusBoard) -> None:
    """Style and script are allowed by their hashes; everything else, including attributes, is forbidden."""
    for event in EVERY_KIND:
        board(event)
    page = document.render(board.status())
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>".encode(), page, re.DOTALL)
        hashed = b64encode(sha256(text).digest()).decode()
        assert f"{tag}-src 'sha256-{hashed}'" in document.POLICY
    for rule in ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'none'"):
        assert rule in document.POLICY
    assert "unsafe" not in document.POLICY
    attributes = {name for _, those in Reader(page).elements for name in those}
    assert not any(name == "style" or name.startswith("on") for name in attributes)


def test_nothing_is_fetched_from_elsewhere(show: Show) -> None:
    """Every address of the page is one of its own host, or data."""
    seen = show(SweepStarted(7, PAIR), planned(20), moved(), failed())
    addresses = [those[name] for _, those in seen.elements for name in ("src", "href") if name in those]
    assert addresses
    assert all(address and (address.startswith("data:") or ":" not in address) for address in addresses)


def test_a_throttled_side_is_shown(show: Show) -> None:
    """The limit is shown."""
    assert "at most 40 concurrent requests to the source" in show(ThrottleChanged(Side.SOURCE, 40, 12)).text


def test_the_page_stays_small(board: StatusBoard, clock: Clock) -> None:
    """After any number of sweeps and failures it is below 60 kB."""
    for number in range(1_000):
        clock.now += 7
        for event in (SweepStarted(number, PAIR), moved(), failed(f"in/{number:040}"), finished(number)):
            board(event)
    assert len(document.render(board.status())) < 60_000


def test_large_numbers_are_formatted(show: Show) -> None:
    """They have separators or units."""
    tally = Tally(listed=12_345_678, succeeded=1_234_567, bytes=5 * 10**12)
    seen = show(SweepFinished(7, SweepStatus.COMPLETED, tally, 90_000.0, 999.0, ""))
    assert "12.3 million" in seen.text
    assert "1,234,567" in seen.text
    assert "5.00 TB" in seen.text
    assert "1 d 1 h" in seen.text


@pytest.fixture
def routes(clock: Clock) -> dict[str, StatusBoard]:
    """Return the boards of two routes: one is moving objects, the other is idle after failures."""
    boards = {name: StatusBoard(MetricsListener("0.1.0").exposition, 60.0, clock, clock) for name in "ab"}
    for name, board in boards.items():
        pair = f"s3://from-{name}/ -> s3://to-{name}/"
        board(DaemonStarted("0.1.0", pair, 2, 150))
        board(LeaseAcquired(pair))
    boards["a"](SweepStarted(9, PAIR))
    mine: tuple[Event, ...] = (planned(4), SweepListed(9, 4, 0, 4), moved())
    theirs: tuple[Event, ...] = (
        SweepStarted(7, PAIR),
        failed("same"),
        moved(method=Method.STREAMING),
        finished(7),
    )
    for event in mine:
        boards["a"](event)
    for event in theirs:
        boards["b"](event)
    return boards


def page_of_routes(boards: dict[str, StatusBoard]) -> bytes:
    """Return the page of a daemon with these routes."""
    statuses = [{"route": name, **board.status()} for name, board in boards.items()]
    about = {
        "state": "paused",
        "paused": True,
        "version": "0.1.0",
        "processes": 2,
        "threads": 150,
        "healthy": True,
    }
    return document.render({**about, "routes": statuses})


def test_routes_are_shown_beside_each_other(routes: dict[str, StatusBoard]) -> None:
    """Each has its state, its counts and its pair; what is wrong with one is the headline, with its name."""
    seen = Reader(page_of_routes(routes))
    assert "b: 1 object could not be moved" in seen.text
    assert "s3://from-a/ → s3://to-a/" in seen.text
    assert "s3://from-b/ → s3://to-b/" in seen.text
    assert "Moving objects25%103" in seen.text
    assert "b, completed" in seen.text
    assert "2 routes" in seen.text
    assert "paused: no new transfers start" in seen.text


def test_a_route_that_has_just_started_shows_less_than_one_percent(routes: dict[str, StatusBoard]) -> None:
    """The sign "<" is text, not the start of a tag."""
    routes["a"](planned(1_000))
    assert b">&lt;1%<" in page_of_routes(routes)


def test_the_same_key_of_two_routes_is_two_objects(routes: dict[str, StatusBoard]) -> None:
    """Failures of all routes are listed, each with its route."""
    routes["a"](failed("same"))
    seen = Reader(page_of_routes(routes))
    assert "2 objects" in seen.text
    assert {"a, 8 attempts", "b, 8 attempts"} == set(re.findall(r"[ab], 8 attempts", seen.text))


def test_the_hour_of_all_routes_is_one(routes: dict[str, StatusBoard]) -> None:
    """The counts of the routes are added up."""
    seen = Reader(page_of_routes(routes))
    assert "server-side copy 1, 33%" in seen.text
    assert "streaming 1, 33%" in seen.text
    assert "200 B moved" in seen.text


def test_machines_and_ranges_are_shown_where_there_is_a_cluster(board: StatusBoard, clock: Clock) -> None:
    """Whatever a machine is called, and why none is there."""
    assert "Machines" not in Reader(document.render(board.status())).text
    board(MachineJoined(NASTY, "tls://one:1", "1.0", 1))
    board(RangesCounted(7, 3, 2, 0))
    board(RangeRetried(7, 3, 2, "its machine was lost"))
    assert "idle" in Reader(document.render(board.status())).text
    board(MachineAssigned(NASTY, "tls://one:1", "", 7, 3))
    board(RangeFinished(7, 2, "completed", Tally(listed=5000), 2.0, "", NASTY))
    clock.now += 90
    text = Reader(document.render(board.status())).text
    assert NASTY in text
    assert "3 of sweep 7" in text
    assert "2,500" in text
    assert "Ranges: 3 waiting, 2 running." in text
    assert "its machine was lost" in text
    assert "1 min ago" in text
    board(SchedulerUnavailable("tls://s:1: connection refused"))
    text = Reader(document.render(board.status())).text
    assert "tls://s:1: connection refused No machine is registered." in text
    assert NASTY not in text
