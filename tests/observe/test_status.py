"""The status board."""

import json
from dataclasses import asdict
from typing import Any

import pytest

from s3mover.events import (
    AuditRestored,
    AuditUnavailable,
    CostCounted,
    DaemonPaused,
    DaemonResumed,
    DaemonStarted,
    DaemonStopping,
    DeletionsEnded,
    Event,
    LeaseAcquired,
    LeaseWaiting,
    MachineAssigned,
    MachineJoined,
    MachineLost,
    MachineRegistered,
    ObjectsInPlace,
    ObjectsListed,
    RangeFinished,
    RangeRetried,
    RangesCounted,
    RouteFailed,
    SchedulerRestored,
    SchedulerUnavailable,
    SealsAnchored,
    SealWritten,
    SweepAwaited,
    SweepFinished,
    SweepListed,
    SweepStarted,
    ThrottleChanged,
    WindowClosed,
    WindowOpened,
)
from s3mover.model import WAITING, Method, Side, SweepStatus, Tally
from s3mover.observe.metrics.listener import MetricsListener
from s3mover.observe.redaction import redact
from s3mover.observe.status.board import StatusBoard
from s3mover.observe.text import to_json, utc_moment
from tests.observe.conftest import Clock
from tests.observe.samples import DELETIONS, EVERY_KIND, PAIR, TALLY, failed, finished, moved, planned


@pytest.fixture
def board(clock: Clock) -> StatusBoard:
    """Return the board of a daemon that is starting."""
    return StatusBoard(MetricsListener("0.1.0").exposition, 60.0, clock, clock)


def shown(board: StatusBoard) -> dict[str, Any]:
    """Return the content of `/status`, parsed from JSON."""
    status: dict[str, Any] = json.loads(to_json(board.status()))
    return status


@pytest.mark.parametrize(
    ("announced", "state", "ready"),
    [
        ([], "starting", False),
        ([DaemonStarted("0.1.0", PAIR, 2, 150)], "starting", False),
        ([LeaseWaiting(PAIR)], "standby", True),
        ([MachineRegistered("one", "tls://s:1")], "standby", True),
        ([LeaseWaiting(PAIR), LeaseAcquired(PAIR)], "idle", True),
        ([LeaseAcquired(PAIR), SweepStarted(7, PAIR)], "sweeping", True),
        ([LeaseAcquired(PAIR), SweepStarted(7, PAIR), finished()], "idle", True),
        ([LeaseAcquired(PAIR), DaemonStopping("SIGTERM", 25.0)], "stopping", False),
        ([SweepStarted(7, PAIR), DaemonStopping("SIGTERM", 25.0), finished()], "stopping", False),
    ],
)
def test_state_and_readiness_follow_the_events(
    board: StatusBoard, announced: list[Event], state: str, *, ready: bool
) -> None:
    """Leading or standing by is ready; stopping is final."""
    for event in announced:
        board(event)
    assert board.ready() == (ready, state)
    assert (shown(board)["state"], shown(board)["ready"]) == (state, ready)


def test_a_request_beyond_its_deadline_is_unhealthy(board: StatusBoard) -> None:
    """Though the loop has its heartbeats: nothing but a restart may help."""
    overdue = 0.0
    board.watch_requests(lambda: overdue)
    assert board.healthy() == (True, "ok")
    overdue = 7.4
    assert board.healthy() == (False, "a request to S3 is 7 s beyond its deadline")


def test_a_loop_with_heartbeats_is_healthy(board: StatusBoard, clock: Clock) -> None:
    """Health depends on the last heartbeat, from the start on."""
    clock.now += 60
    assert board.healthy() == (True, "ok")
    clock.now += 13
    assert board.healthy() == (False, "no heartbeat from the sweep loop for 73 s")
    assert shown(board)["healthy"] is False
    board.heartbeat()
    assert board.healthy() == (True, "ok")


def test_the_current_sweep_is_shown_with_counts_rate_and_eta(board: StatusBoard, clock: Clock) -> None:
    """The status shows the progress of the sweep and the time left."""
    board(SweepStarted(7, PAIR))
    board(ObjectsListed(Side.SOURCE, 20))
    board(planned(20, size=100))
    board(SweepListed(7, 20, 0, 20))
    clock.now += 10
    for _ in range(10):
        board(moved(size=100))
    assert shown(board)["sweep"] == {
        "sweep": 7,
        "started_at": "1970-01-01T00:16:40.000000Z",
        "seconds": 10.0,
        "listing": False,
        "listed": 20,
        "skipped": 0,
        "planned": 20,
        "succeeded": 10,
        "failed": 0,
        "bytes": 1_000,
        "server_side_copies": 10,
        "streamed": 0,
        "waiting": 10,
        "waiting_bytes": 1_000,
        "objects_per_second": 1.0,
        "bytes_per_second": 100,
        "eta_seconds": 10.0,
        "progress": 0.5,
    }


def test_no_sweep_is_shown_between_sweeps(board: StatusBoard) -> None:
    """Between sweeps there is none, and while listing there is no estimate."""
    assert shown(board)["sweep"] is None
    board(SweepStarted(7, PAIR))
    assert shown(board)["sweep"]["eta_seconds"] is None
    board(finished())
    assert shown(board)["sweep"] is None


def test_the_last_twenty_sweeps_are_kept_newest_first(board: StatusBoard) -> None:
    """Older sweeps are in the trail."""
    for number in range(25):
        board(finished(number))
    sweeps = shown(board)["sweeps"]
    assert [sweep["sweep"] for sweep in sweeps] == list(range(24, 4, -1))
    assert (sweeps[0]["status"], sweeps[0]["ended_at"]) == ("completed", "2025-01-04T14:13:20.250000Z")
    assert (sweeps[0]["succeeded"], sweeps[0]["seconds"], sweeps[0]["summary"]) == (
        5,
        22.61,
        "logs/summary.log",
    )


def test_the_latest_twenty_failures_are_kept_newest_first(board: StatusBoard) -> None:
    """Each failure has its object, code and message."""
    for number in range(25):
        board(failed(f"in/{number}"))
    failures = shown(board)["failures"]
    assert [failure["key"] for failure in failures] == [f"in/{number}" for number in range(24, 4, -1)]
    assert (failures[0]["code"], failures[0]["message"], failures[0]["attempts"]) == ("AccessDenied", "no", 8)


def test_no_secret_is_shown(board: StatusBoard) -> None:
    """A message that holds a registered secret is masked."""
    redact(["hunter2-secret"])
    board(failed(message="denied for hunter2-secret"))
    assert shown(board)["failures"][0]["message"] == "denied for [redacted]"


def test_the_version_and_the_availability_of_the_database_are_shown(board: StatusBoard) -> None:
    """Version, pair, and number of processes and threads are shown."""
    board(DaemonStarted("0.1.0", PAIR, 2, 150))
    board(AuditUnavailable("away"))
    status = shown(board)
    assert (status["version"], status["pair"], status["processes"], status["threads"]) == (
        "0.1.0",
        PAIR,
        2,
        150,
    )
    assert status["audit_available"] is False
    board(AuditRestored(1.0))
    assert shown(board)["audit_available"] is True


def test_any_event_leaves_a_status_that_can_be_shown(board: StatusBoard) -> None:
    """After each event, including one with an unusual key, the status is valid JSON."""
    for event in (*EVERY_KIND, failed("in/\udc80\n")):
        board(event)
        assert "state" in shown(board)


def test_the_last_hour_is_shown_by_method(board: StatusBoard, clock: Clock) -> None:
    """Copied, streamed and failed objects are counted in the step in which they ended."""
    board(moved(size=100))
    clock.now += 30
    board(moved(size=50, method=Method.STREAMING))
    board(failed())
    status = shown(board)
    assert status["now"] == "1970-01-01T00:17:10.000000Z"
    history = status["history"]
    assert (history["server_side_copy"][-3:], history["streaming"][-3:]) == ([1, 0, 0], [0, 0, 1])
    assert (history["failed"][-3:], history["bytes"][-3:]) == ([0, 0, 1], [100, 0, 50])


def test_the_limit_of_a_throttled_side_is_shown(board: StatusBoard) -> None:
    """The limit of each throttled side is shown."""
    assert shown(board)["limits"] == {}
    board(ThrottleChanged(Side.SOURCE, 40, 12))
    board(ThrottleChanged(Side.SOURCE, 60, 0))
    assert shown(board)["limits"] == {"source": 60}


def test_the_problem_is_shown(board: StatusBoard, clock: Clock) -> None:
    """An outage of the database takes precedence over a failed sweep, which a successful sweep clears."""
    board(LeaseAcquired(PAIR))
    board(finished(status=SweepStatus.FAILED, message="no such bucket"))
    board(SweepAwaited(120.0, 3))
    assert board.ready() == (True, "idle: no such bucket")
    status = shown(board)
    assert (status["problem"], status["failed_in_a_row"]) == ("no such bucket", 3)
    assert status["next_sweep_at"] == utc_moment(clock.now + 120)
    board(AuditUnavailable("connection lost"))
    assert shown(board)["problem"] == "connection lost"
    board(AuditRestored(1.0))
    board(finished())
    board(SweepAwaited(60.0, 0))
    assert (shown(board)["problem"], board.ready()) == ("", (True, "idle"))


def test_a_problem_of_many_lines_is_shown_on_one(board: StatusBoard) -> None:
    """Whoever reads /readyz reads lines; the log has the driver's advice."""
    board(LeaseAcquired(PAIR))
    board(AuditUnavailable("Access denied for 's3mover'\nThis may be due to:\n 1) a wrong password\n"))
    assert shown(board)["problem"] == "Access denied for 's3mover'"
    assert board.ready() == (True, "idle: Access denied for 's3mover'")
    board(AuditRestored(1.0))
    board(RouteFailed("internal error: Traceback (most recent call last):\n  x\nKeyError: 1\n", 2.0))
    assert shown(board)["problem"] == "internal error: KeyError: 1"


def test_a_standby_has_failed_at_nothing(board: StatusBoard) -> None:
    """What it counted were the sweeps of the leader that it was."""
    board(SweepAwaited(120.0, 3))
    board(LeaseWaiting(PAIR))
    assert shown(board)["failed_in_a_row"] == 0


def test_a_sweep_says_how_long_it_waited_for_the_database(board: StatusBoard) -> None:
    """So that its duration is not taken for its own."""
    board(finished(outage_seconds=12.5))
    board(finished())
    assert [sweep["outage_seconds"] for sweep in shown(board)["sweeps"]] == [0.0, 12.5]


def test_the_newest_seal_is_shown_and_how_far_seals_are_anchored(board: StatusBoard) -> None:
    """Who notes the hash elsewhere can tell later whether seals were removed."""
    assert (shown(board)["seal"], shown(board)["anchored_seal"]) == (None, None)
    root, seal_hash = "ab" * 32, "cd" * 32
    board(
        SealWritten(7, "sweep", 12, 3, root, seal_hash, "2025-01-04 03:17:32.000000", late=False, signed=True)
    )
    board(SealsAnchored(11, 1))
    assert shown(board)["seal"] == {
        "sweep": 7,
        "kind": "sweep",
        "number": 12,
        "rows": 3,
        "root": root,
        "hash": seal_hash,
        "sealed_at": "2025-01-04 03:17:32.000000",
        "late": False,
        "signed": True,
    }
    assert shown(board)["anchored_seal"] == 11


def test_a_pause_and_a_closed_window_are_shown(board: StatusBoard) -> None:
    """A paused daemon stays ready; during a sweep its state is sweeping."""
    board(LeaseAcquired(PAIR))
    board(SweepStarted(7, PAIR))
    board(DaemonPaused(1_736_000_000.0, "ops@bastion", "migration"))
    assert (shown(board)["state"], shown(board)["paused"]) == ("sweeping", True)
    paused_at = utc_moment(1_736_000_000.0)
    assert shown(board)["pause"] == {"paused_at": paused_at, "by": "ops@bastion", "reason": "migration"}
    board(finished())
    assert board.ready() == (True, "paused")
    board(DaemonResumed())
    assert (shown(board)["paused"], shown(board)["pause"]) == (False, None)
    board(WindowClosed(1_736_000_000.0))
    status = shown(board)
    assert (status["state"], status["window_open"]) == ("idle", False)
    assert status["window_opens_at"] == utc_moment(1_736_000_000.0)
    board(WindowOpened(None))
    assert (shown(board)["window_open"], shown(board)["window_opens_at"]) == (True, None)


def test_deletions_are_shown_with_their_sweep(board: StatusBoard) -> None:
    """Nothing is shown of a sweep that carries none over."""
    for event in (SweepStarted(7, PAIR), DeletionsEnded(7, DELETIONS), finished(), SweepStarted(8, PAIR)):
        board(event)
    board(finished())
    assert [sweep["deletions"] for sweep in shown(board)["sweeps"]] == [None, asdict(DELETIONS)]


def test_objects_that_wait_for_a_retry_are_counted_per_sweep(board: StatusBoard) -> None:
    """Only objects left out for that reason are counted, for each sweep anew."""
    for event in (
        SweepStarted(7, PAIR),
        ObjectsInPlace(WAITING, 2),
        ObjectsInPlace("in_place", 5),
        ObjectsInPlace(WAITING, 1),
        finished(),
        SweepStarted(8, PAIR),
        finished(),
    ):
        board(event)
    assert [sweep["postponed"] for sweep in shown(board)["sweeps"]] == [0, 3]


def test_machines_and_ranges_are_shown_once_there_is_a_cluster(board: StatusBoard, clock: Clock) -> None:
    assert board.status()["cluster"] is None
    board(MachineJoined("one", "tls://one:1", "1.0", 1))
    board(MachineJoined("two", "tls://two:1", "1.0", 2))
    board(MachineLost("one", "tls://one:1", 1))
    board(RangesCounted(7, 3, 2, 5))
    board(RangeRetried(7, 3, 2, "its machine was lost"))
    machine = {
        "machine": "two",
        "address": "tls://two:1",
        "version": "1.0",
        "since": utc_moment(clock()),
        "range": None,
        "rate": None,
    }
    assert board.status()["cluster"] == {
        "problem": "",
        "machines": [machine],
        "ranges": {"waiting": 3, "running": 2, "completed": 5},
        "last_retry": "its machine was lost",
    }
    assert board.about()["cluster"] == board.status()["cluster"]


def test_a_machine_is_shown_with_its_range_and_its_rate(board: StatusBoard) -> None:
    """The rate is that of its last range; a machine that is gone is not shown again."""

    def shown_machine() -> tuple[object, object]:
        cluster = board.status()["cluster"]
        assert isinstance(cluster, dict)
        [machine] = cluster["machines"]
        return machine["range"], machine["rate"]

    board(MachineJoined("one", "tls://one:1", "1.0", 1))
    board(MachineAssigned("gone", "tls://gone:1", "", 7, 3))
    board(MachineAssigned("one", "tls://one:1", "", 7, 3))
    assert shown_machine() == ({"sweep": 7, "number": 3}, None)
    board(RangeFinished(7, 3, "completed", Tally(listed=50), 12.5, "", "one"))
    board(RangeFinished(7, 4, "completed", Tally(listed=99), 12.5, "", "gone"))
    board(MachineAssigned("one", "tls://one:1", "docs", 7, 5))
    assert shown_machine() == ({"route": "docs", "sweep": 7, "number": 5}, 4.0)
    board(MachineAssigned("one", "tls://one:1", "", 0, 0))
    assert shown_machine() == (None, 4.0)


def test_a_scheduler_that_cannot_be_reached_is_shown_without_machines(board: StatusBoard) -> None:
    board(MachineJoined("one", "tls://one:1", "1.0", 1))
    board(SchedulerUnavailable("tls://s:1: connection refused"))
    assert board.status()["problem"] == "tls://s:1: connection refused"
    cluster = board.status()["cluster"]
    assert isinstance(cluster, dict)
    assert (cluster["problem"], cluster["machines"]) == ("tls://s:1: connection refused", [])
    board(SchedulerRestored(1.0))
    assert board.status()["cluster"] == cluster | {"problem": ""}
    assert board.status()["problem"] == ""


def test_the_costs_are_those_of_the_last_count(board: StatusBoard) -> None:
    """In dollars, with the limit, what holds work back, and what has no price; nothing is known before."""
    assert shown(board)["cost"] == {
        "sweep_usd": None,
        "kinds_usd": {},
        "today_usd": None,
        "limit_per_day_usd": None,
        "limit_reached": "",
        "unpriced": [],
    }
    amounts = {"put_requests": 50_000, "transfer": 1}
    board(CostCounted(7, {"put_requests": 1}, amounts, 5_000_000, 5_000_000, ("x",), "the limit is reached"))
    assert shown(board)["cost"] == {
        "sweep_usd": 0.050001,
        "kinds_usd": {"put_requests": 0.05, "transfer": 0.000001},
        "today_usd": 5.0,
        "limit_per_day_usd": 5.0,
        "limit_reached": "the limit is reached",
        "unpriced": ["x"],
    }
    board(LeaseWaiting(PAIR))
    assert shown(board)["cost"]["limit_reached"] == "", "another instance leads and spends"


def test_a_finished_sweep_keeps_its_cost(board: StatusBoard) -> None:
    """As the trail has it, in dollars; null where it is not known."""
    for cost in (0.25, None):
        board(SweepStarted(7, PAIR))
        board(SweepFinished(7, SweepStatus.COMPLETED, TALLY, 1.0, 2.0, "s.log", cost_usd=cost))
    assert [sweep["cost_usd"] for sweep in shown(board)["sweeps"]] == [None, 0.25]
