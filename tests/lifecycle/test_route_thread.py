"""The thread of a route: which errors restart its supervisor, and which end all routes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from s3mover.errors import AuditUnavailableError, LeaseHeldError, MoverError, UnreachableError
from s3mover.events import Event, RouteFailed
from s3mover.lifecycle import route_thread
from s3mover.lifecycle.route_thread import RouteHooks, RouteThread, is_recoverable
from s3mover.lifecycle.stop import Stop
from s3mover.lifecycle.supervisor import Supervisor, SupervisorHooks
from s3mover.model import SweepStatus


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route_thread, "FIRST_RESTART_SECONDS", 0.0)
    monkeypatch.setattr("s3mover.lifecycle.supervisor.MIN_BACKOFF_SECONDS", 0.0001)


class Script:
    """Opens supervisors that raise the scripted errors, one each, and then sweep until `max_sweeps`.

    Only errors of the database are raised before the trail is open.
    """

    def __init__(self, *errors: Exception) -> None:
        self.stop = Stop()
        self.events: list[Event] = []
        self.limits: list[int] = []
        self._errors = list(errors)
        self.while_sweeping: Callable[[], None] = lambda: None

    @contextmanager
    def open_supervisor(self, max_sweeps: int, on_trail_opened: Callable[[], None]) -> Iterator[Supervisor]:
        self.limits.append(max_sweeps)
        error = self._errors.pop(0) if self._errors else None
        if not isinstance(error, AuditUnavailableError):
            on_trail_opened()
        if error is not None:
            raise error
        yield Supervisor(
            SupervisorHooks(
                lambda: True, self._sweep, lambda _: None, lambda: "", lambda: 0.0, lambda: 0, lambda: 0
            ),
            "pair",
            self.stop,
            lambda _: None,
            max_sweeps=max_sweeps,
        )

    def _sweep(self) -> SweepStatus:
        self.while_sweeping()
        return SweepStatus.COMPLETED

    def run(self, route: str, max_sweeps: int = 2, *, standby: bool = True) -> RouteThread:
        hooks = RouteHooks(self.open_supervisor, self.events.append, lambda: None, lambda: 1.0, standby)
        thread = RouteThread(route, hooks, self.stop, max_sweeps)
        thread.run()
        return thread


@pytest.mark.parametrize(
    ("error", "isolated", "stopping", "recoverable"),
    [
        (AuditUnavailableError("away"), False, False, True),
        (AuditUnavailableError("away"), False, True, False),
        (UnreachableError("no bucket"), False, False, False),
        (UnreachableError("no bucket"), True, False, True),
        (LeaseHeldError("taken"), False, False, True),
        (LeaseHeldError("taken"), True, False, True),
        (MoverError("internal"), True, False, True),
        (OverflowError("internal"), True, False, True),
        (OverflowError("internal"), True, True, False),
        (OverflowError("internal"), False, False, False),
    ],
)
def test_errors_are_recoverable_as_the_table_says(
    error: Exception, *, isolated: bool, stopping: bool, recoverable: bool
) -> None:
    """See `is_recoverable`."""
    assert is_recoverable(error, isolated=isolated, stopping=stopping, standby=True) is recoverable


@pytest.mark.parametrize("route", ["", "hr"])
def test_a_route_that_loses_its_lease_is_opened_again(route: str) -> None:
    """A single pair as well, even if it cannot be opened at once: its settings are known to work."""
    script = Script(LeaseHeldError("taken"), UnreachableError("no bucket"))
    thread = script.run(route)
    assert (thread.error, thread.sweeps) == (None, 2)
    assert not script.stop.requested


@pytest.mark.parametrize("route", ["", "hr"])
def test_a_route_that_loses_its_lease_ends_where_it_may_not_stand_by(route: str) -> None:
    """The main thread raises the error."""
    script = Script(error := LeaseHeldError("taken"))
    assert script.run(route, standby=False).error is error
    assert script.stop.requested


def test_one_of_several_routes_restarts_after_an_error() -> None:
    """Each failure is announced, and the route then sweeps as often as it was to."""
    script = Script(UnreachableError("no bucket"), LeaseHeldError("taken"))
    thread = script.run("hr")
    assert (thread.error, thread.sweeps, script.limits) == (None, 2, [2, 2, 2])
    assert [event.name for event in script.events] == ["route.failed", "route.failed"]


def test_the_error_of_a_single_pair_requests_a_stop() -> None:
    """The main thread raises it."""
    script = Script(error := UnreachableError("no bucket"))
    assert script.run("").error is error
    assert script.stop.reason == "UnreachableError"


def test_an_internal_error_of_a_single_pair_requests_a_stop() -> None:
    """The main thread raises it."""
    script = Script(error := OverflowError("internal"))
    assert script.run("").error is error
    assert script.stop.requested


def test_an_internal_error_on_one_route_never_ends_another() -> None:
    """It is announced with its trace, its route restarts after a wait, and the other sweeps as ever."""
    failing, other = Script(OverflowError("odd date")), Script()
    other.stop = failing.stop
    failed, swept = failing.run("hr"), other.run("legal")
    assert (failed.error, failed.sweeps, swept.error, swept.sweeps) == (None, 2, None, 2)
    [event] = failing.events
    assert isinstance(event, RouteFailed)
    assert event.message.startswith("internal error: Traceback")
    assert "OverflowError: odd date" in event.message


def test_an_absent_database_is_waited_for() -> None:
    """It is announced once, and so is its return."""
    script = Script(AuditUnavailableError("away"), AuditUnavailableError("away"))
    assert script.run("").error is None
    assert [event.name for event in script.events] == ["audit.unavailable", "audit.restored"]


def test_a_database_that_is_back_is_not_the_problem_of_a_route_that_fails_for_another_reason() -> None:
    """Its return is announced as soon as the trail is open, so that the route's own error is shown."""
    script = Script(AuditUnavailableError("away"), UnreachableError("no bucket"))
    script.run("hr")
    assert [event.name for event in script.events] == ["audit.unavailable", "audit.restored", "route.failed"]


def test_a_restarted_route_runs_only_the_remaining_sweeps() -> None:
    """A limit of sweeps counts those before the restart, too."""
    script = Script()

    def fail_in_second_sweep() -> None:
        script.while_sweeping = fail

    def fail() -> None:
        script.while_sweeping = lambda: None
        raise UnreachableError("no bucket")

    script.while_sweeping = fail_in_second_sweep
    thread = script.run("hr", max_sweeps=5)
    assert (thread.sweeps, script.limits) == (5, [5, 3])
