"""When a leader reports, and what an instance that stands by shows."""

from typing import Any, cast

import pytest

from s3mover.app.leader_reports import UNCHANGED_SECONDS, LeaderReports
from s3mover.model import LeaderReport, Pair

PAIR = Pair("a", "", "b", "")
SEEN = LeaderReport("pod-1", "", "{}", 1.0, is_alive=True)


class Fixture:
    """A trail and publishers that record; `available` while the database answers."""

    def __init__(self) -> None:
        self.now, self.text, self.available = 0.0, "idle", True
        self.reports: list[tuple[float, str, str]] = []
        self.seen: list[LeaderReport | None] = []
        anything = cast("Any", self)
        self.reported = LeaderReports(
            "pod-0", "hr", PAIR, anything, anything, lambda: "http://here", lambda: self.now
        )

    def try_report(self, _name: str, url: str, text: str) -> bool:
        if self.available:
            self.reports.append((self.now, url, text))
        return self.available

    def try_leader_of(self, _pair: Pair) -> LeaderReport:
        return SEEN

    def report(self, _route: str) -> str:
        return self.text

    def leader_seen(self, _route: str, report: LeaderReport | None) -> None:
        self.seen.append(report)

    def ticks(self, seconds: int) -> None:
        for _ in range(seconds * 4):
            self.now += 0.25
            self.reported.report()


@pytest.fixture
def leader() -> Fixture:
    """Return a leader that has just reported."""
    fixture = Fixture()
    fixture.reported.report()
    return fixture


def test_a_leader_reports_at_once_and_then_each_change(leader: Fixture) -> None:
    """Every two seconds at most, and every ten seconds that nothing has changed."""
    leader.ticks(1)
    leader.text = "sweeping"
    leader.ticks(3)
    assert leader.reports == [(0.0, "http://here", "idle"), (2.0, "http://here", "sweeping")]
    leader.ticks(10)
    assert leader.reports[2:] == [(2.0 + UNCHANGED_SECONDS, "http://here", "sweeping")]


def test_a_report_that_the_database_did_not_take_is_repeated(leader: Fixture) -> None:
    """Once it answers."""
    leader.text, leader.available = "sweeping", False
    leader.ticks(4)
    leader.available = True
    leader.ticks(2)
    assert [text for _, _, text in leader.reports] == ["idle", "sweeping"]


def test_a_standby_shows_the_leader_and_a_leader_nobody(leader: Fixture) -> None:
    """So that no old report stays on the page of an instance that took over."""
    leader.reported.follow(is_leader=False)
    leader.reported.follow(is_leader=True)
    assert leader.seen == [SEEN, None]
