"""What an instance that stands by shows of the leader: in `/status`, on the page, in the metrics."""

import json
from typing import Any

import pytest

from s3mover.events import DaemonPaused, DaemonStopping, Event, LeaseAcquired, LeaseWaiting, SweepStarted
from s3mover.model import LeaderReport
from s3mover.observe.http.endpoints import respond
from s3mover.observe.http.messages import Request
from s3mover.observe.leader import REPORT_BYTES, SWEEPS, read_report, report_of
from s3mover.observe.metrics.listener import MetricsListener
from s3mover.observe.page import document
from s3mover.observe.status.board import StatusBoard
from s3mover.observe.status.routes import RouteBoards
from s3mover.observe.text import to_json
from tests.observe.conftest import Clock
from tests.observe.samples import PAIR, finished, moved, planned

URL = "http://10.0.0.1:8080"


def board_of(clock: Clock, *events: Event) -> StatusBoard:
    """Return a board that followed these events."""
    board = StatusBoard(MetricsListener("0.1.0").exposition, 60.0, clock, clock)
    for event in events:
        board(event)
    return board


def reported(text: str, name: str = "pod-1", url: str = URL, age: float = 1.0) -> LeaderReport:
    """Return a report as it is read from the audit database."""
    return LeaderReport(name, url, text, age, is_alive=True)


@pytest.fixture
def leader(clock: Clock) -> StatusBoard:
    """Return the board of a leader in its second sweep."""
    sweeping = (SweepStarted(8, PAIR), planned(6), moved())
    return board_of(clock, LeaseAcquired(PAIR), SweepStarted(7, PAIR), finished(), *sweeping)


@pytest.fixture
def standby(clock: Clock) -> StatusBoard:
    """Return the board of an instance that stands by."""
    return board_of(clock, LeaseWaiting(PAIR))


def page_of(board: StatusBoard) -> str:
    """Return the page."""
    return document.render(json.loads(to_json(board.status()))).decode()


def test_a_standby_shows_the_leaders_sweep_and_says_whose_it_is(
    leader: StatusBoard, standby: StatusBoard, clock: Clock
) -> None:
    """With a link, and its age, which grows."""
    standby.leader = read_report(reported(report_of(leader.status())), clock.now)
    clock.now += 2
    status: dict[str, Any] = json.loads(to_json(standby.status()))
    assert (status["state"], status["sweep"], status["sweeps"]) == ("standby", None, [])
    shown = status["leader"]
    assert (shown["name"], shown["url"], shown["age_seconds"], shown["state"]) == (
        "pod-1",
        URL,
        3.0,
        "sweeping",
    )
    assert (shown["sweep"]["sweep"], shown["sweep"]["succeeded"]) == (8, 1)
    assert [sweep["sweep"] for sweep in shown["sweeps"]] == [finished().sweep]
    page = page_of(standby)
    assert f'<a href="{URL}" rel="noreferrer"><bdi>pod-1</bdi></a>' in page
    assert "as of 3.0 s ago" in page
    assert 'class="alarm"' not in page
    assert "sweep 8" in page
    assert "No sweep has finished" not in page
    # Nothing reads as if the leader had moved nothing and failed at nothing.
    assert "No objects were moved" not in page
    assert "None since the start" not in page


def test_an_old_report_is_marked_as_old(leader: StatusBoard, standby: StatusBoard, clock: Clock) -> None:
    """A leader that reports nothing any more is not shown as if it did."""
    standby.leader = read_report(reported(report_of(leader.status())), clock.now)
    clock.now += 60
    assert '<span class="alarm">as of 1 min 1 s ago</span>' in page_of(standby)


def test_the_leader_itself_shows_its_own(leader: StatusBoard, standby: StatusBoard) -> None:
    """And an instance that knows no leader says that another leads."""
    assert leader.status()["leader"] is None
    assert "Another instance leads." in page_of(standby)


def test_a_standby_says_that_the_work_is_paused(standby: StatusBoard) -> None:
    """By whom and why: it will not start anything when it takes over."""
    standby(DaemonPaused(1_736_000_000.0, "ops@bastion", "migration"))
    assert "by ops@bastion: migration." in page_of(standby)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"state": 3, "sweep": 7, "sweeps": 8, "problem": null, "next_sweep_at": "tomorrow"}',
        '{"sweep": {"sweep": "x", "progress": "y", "listing": 1}, "sweeps": [1, {"ended_at": "x"}, {}]}',
        '{"sweep": {"seconds": true, "started_at": "2025-01-04T03:17:09"}, "sweeps": [{"ended_at": 5}]}',
    ],
)
def test_a_report_of_another_kind_breaks_nothing(standby: StatusBoard, clock: Clock, text: str) -> None:
    """It may be another version's: what is missing or odd gets its default."""
    standby.leader = read_report(reported(text), clock.now)
    metrics = MetricsListener("0.1.0", clock)
    metrics.leader = standby.leader
    assert "pod-1" in page_of(standby)
    assert b's3mover_leader_report_age_seconds{leader="pod-1"}' in metrics.exposition("")[0]


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "http://", "http://[", "data:text/html,x"])
def test_only_web_addresses_are_linked(standby: StatusBoard, clock: Clock, url: str) -> None:
    """And a name is text, whatever it contains."""
    standby.leader = read_report(reported("{}", name="<b>pod", url=url), clock.now)
    page = page_of(standby)
    assert "rel=" not in page.replace('<link rel="icon"', "")
    assert "<b>" not in page
    assert "&lt;b&gt;pod" in page


def test_a_report_stays_small(leader: StatusBoard) -> None:
    """It is written every few seconds: the latest sweeps only, none where their messages are long."""
    for _ in range(20):
        leader(finished())
    assert len(json.loads(report_of(leader.status()))["sweeps"]) == SWEEPS
    status = leader.status()
    assert isinstance(status["sweeps"], list)
    long = {**status, "sweeps": [{**status["sweeps"][0], "message": "x" * REPORT_BYTES}]}
    assert "sweeps" not in json.loads(report_of(long))


def test_a_load_balancer_finds_the_leader(leader: StatusBoard, standby: StatusBoard, clock: Clock) -> None:
    """At `/leaderz`, which only the leader answers with 200; of several routes one that leads is enough."""
    standby.leader = read_report(reported("{}"), clock.now)
    ask = Request("GET", "/leaderz", "")
    assert respond(ask, leader)[:2] == (200, b"sweeping\n")
    assert respond(ask, standby)[:2] == (503, b"standby (pod-1 leads)\n")
    assert respond(ask, board_of(clock)).status == 503
    boards = RouteBoards(board_of(clock), {"hr": leader, "sales": standby}, MetricsListener("0.1.0"))
    assert respond(ask, boards)[:2] == (200, b"hr: sweeping; sales: standby (pod-1 leads)\n")
    leader(DaemonStopping("SIGTERM", 25.0))
    assert respond(ask, leader).status == 503


def test_metrics_of_the_leader_have_names_of_their_own(leader: StatusBoard, clock: Clock) -> None:
    """So that sums over instances stay right; a leader exports none of them."""
    metrics = MetricsListener("0.1.0")
    assert b"s3mover_leader_sweep_objects{" not in metrics.exposition("")[0]
    metrics.leader = read_report(reported(report_of(leader.status())), clock.now)
    text = metrics.exposition("")[0].decode()
    assert 's3mover_leader_sweep_objects{leader="pod-1",status="planned"} 6.0' in text
    assert 's3mover_leader_sweep_objects{leader="pod-1",status="succeeded"} 1.0' in text
    assert 's3mover_objects_total{method="streaming",status="success"} 0.0' in text


def test_routes_that_stand_by_show_their_leader(
    leader: StatusBoard, standby: StatusBoard, clock: Clock
) -> None:
    """Beside routes that lead."""
    standby.leader = read_report(reported(report_of(leader.status())), clock.now)
    boards = RouteBoards(board_of(clock), {"hr": leader, "sales": standby}, MetricsListener("0.1.0"))
    page = document.render(json.loads(to_json(boards.status()))).decode()
    assert "<bdi>pod-1</bdi> leads, as of 1.0 s ago" in page
