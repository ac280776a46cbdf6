"""The metrics and the status of several routes."""

import json

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from s3mover.events import DaemonPaused, LeaseAcquired, RouteFailed, WorkerStarted
from s3mover.model import LeaderReport
from s3mover.observe.leader import read_report
from s3mover.observe.metrics.definitions import PROCESS_WIDE
from s3mover.observe.metrics.listener import MetricsListener
from s3mover.observe.metrics.routes import RouteMetrics
from s3mover.observe.status.board import StatusBoard
from s3mover.observe.status.routes import RouteBoards
from s3mover.observe.text import to_json
from tests.observe.conftest import Clock
from tests.observe.samples import EVERY_KIND, moved

ROUTES = ("hr", "sales")


class TwoRoutes:
    """Metrics and boards of two routes and of the process."""

    def __init__(self, clock: Clock) -> None:
        self.process = MetricsListener("0.1.0", clock)
        self.metrics = {route: MetricsListener("0.1.0", clock) for route in ROUTES}
        self.all = RouteMetrics(self.process, self.metrics)
        self.board = StatusBoard(self.process.exposition, 60.0, clock, clock)
        self.boards = {
            route: StatusBoard(self.metrics[route].exposition, 60.0, clock, clock) for route in ROUTES
        }
        self.source = RouteBoards(self.board, self.boards, self.all)


@pytest.fixture
def two(clock: Clock) -> TwoRoutes:
    return TwoRoutes(clock)


def test_each_route_has_its_label_and_what_all_share_has_none(two: TwoRoutes) -> None:
    """Every family is exposed once, in both formats."""
    for listener in (two.process, *two.metrics.values()):
        for event in EVERY_KIND:
            listener(event)
        listener.leader = read_report(LeaderReport("pod-1", "", '{"sweep": {}}', 1.0, is_alive=True), 0.0)
    body = two.source.metrics("application/openmetrics-text")[0].decode()
    families = list(parse_openmetrics(body))  # type: ignore[no-untyped-call]
    assert len({family.name for family in families}) == len(families)
    for family in families:
        routes = {sample.labels.get("route") for sample in family.samples}
        assert routes == ({None} if family.name in PROCESS_WIDE else set(ROUTES)), family.name
    assert {family.name for family in families} >= PROCESS_WIDE
    assert two.source.metrics("")[0].startswith(b"# HELP")


def test_counts_stay_apart(two: TwoRoutes) -> None:
    """Each route has its own counts."""
    two.metrics["hr"](moved())
    text = two.source.metrics("")[0].decode()
    assert 's3mover_objects_total{method="server_side_copy",route="hr",status="success"} 1.0' in text
    assert 's3mover_objects_total{method="server_side_copy",route="sales",status="success"} 0.0' in text


def test_it_is_as_healthy_as_its_least_healthy_route(two: TwoRoutes, clock: Clock) -> None:
    """The unhealthy route is named."""
    clock.now += 70
    two.boards["hr"].heartbeat()
    assert two.source.healthy() == (False, "sales: no heartbeat from the sweep loop for 70 s")
    two.boards["sales"].heartbeat()
    assert two.source.healthy() == (True, "ok")


def test_it_is_ready_as_soon_as_one_route_is(two: TwoRoutes) -> None:
    """The state and the problem of each is shown."""
    assert two.source.ready() == (False, "hr: starting; sales: starting")
    two.boards["hr"](LeaseAcquired("a -> b"))
    two.boards["sales"](RouteFailed("no such bucket", 2.0))
    assert two.source.ready() == (True, "hr: idle; sales: starting: no such bucket")


def test_status_lists_the_routes_below_what_concerns_all(two: TwoRoutes) -> None:
    """Each as one pair of buckets is shown."""
    for board in (two.board, *two.boards.values()):
        board(DaemonPaused(1.0, "ops", ""))
    two.boards["sales"](LeaseAcquired("c -> d"))
    status = json.loads(to_json(two.source.status()))
    assert (status["paused"], status["healthy"], status["ready"]) == (True, True, True)
    assert [(route["route"], route["pair"], route["state"]) for route in status["routes"]] == [
        ("hr", "", "starting"),
        ("sales", "c -> d", "paused"),
    ]


def test_a_route_knows_how_many_threads_the_workers_have(two: TwoRoutes) -> None:
    """Its transfers in flight are bounded by them."""
    two.process(WorkerStarted(0, 1, 75))
    assert "s3mover_threads 75.0" in two.source.metrics("")[0].decode()
