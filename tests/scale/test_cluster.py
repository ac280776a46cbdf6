"""What supervisor, scheduler and machines do when all is well, and when one of them dies, hangs or leaves."""

import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from s3mover import __version__
from s3mover.errors import UnreachableError
from s3mover.events import MachineJoined, MachineLeft, MachineLost, SchedulerRestored, SchedulerUnavailable
from s3mover.scale.inspection import inspect_cluster
from s3mover.scale.messages import RangeAnswered, RangeLost
from s3mover.settings.model import ScaleSettings
from testkit.ports import reserved_port
from testkit.program import Daemon
from tests.scale.members import UNCLOSED, Identities, Members, Supervisor


class Quiet(NamedTuple):
    """The members of a cluster in which nothing dies."""

    scheduler: Daemon
    machine: Daemon
    supervisor: Supervisor
    scale: ScaleSettings


pytestmark = [pytest.mark.process, UNCLOSED]


@pytest.fixture(scope="module")
def quiet(identities: Identities, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quiet]:
    """A cluster with one machine, in which nothing dies."""
    folder = tmp_path_factory.mktemp("quiet")
    with reserved_port() as port, Members(identities, port, folder) as members:
        scheduler, machine, supervisor = members.scheduler(), members.machine("one"), members.supervisor()
        supervisor.await_machines("one")
        yield Quiet(scheduler, machine, supervisor, identities.settings("supervisor", port))


def test_a_machine_runs_a_task_in_the_thread_of_its_caller_and_answers(quiet: Quiet) -> None:
    machine, supervisor = quiet.machine, quiet.supervisor
    supervisor.cluster.submit("key-0", b"echo hello")
    assert supervisor.next() == RangeAnswered("key-0", b"hello")
    assert machine.await_event("range.finished")["message"] == "work"


def test_machines_work_at_the_same_time_each_on_one_task(members: Members) -> None:
    members.scheduler()
    machines = [members.machine("one"), members.machine("two")]
    supervisor = members.supervisor()
    supervisor.await_machines("one", "two")
    for number in range(2):
        supervisor.cluster.submit(f"key-{number}", b"until_stopped")
    for machine in machines:
        machine.await_event("range.started")


def test_a_killed_machine_is_lost_at_once(members: Members) -> None:
    scheduler = members.scheduler()
    machine = members.machine("one")
    supervisor = members.supervisor()
    supervisor.await_machines("one")
    supervisor.cluster.submit("key", b"until_stopped")
    machine.await_event("range.started")
    scheduler.await_event("machine.joined")
    machine.process.kill()
    assert isinstance(supervisor.next(), RangeLost)
    assert [event.machine for event in supervisor.of(MachineLost)] == ["one"], "announced before its task"
    scheduler.await_event("machine.lost")
    # Not because it kept silent for too long.
    assert not [event for event in scheduler.events if "heartbeat" in event.get("message", "")]


def test_a_lost_task_is_not_run_again_on_another_machine(members: Members) -> None:
    members.scheduler()
    machine = members.machine("one")
    supervisor = members.supervisor()
    supervisor.await_machines("one")
    supervisor.cluster.submit("key", b"until_stopped")
    machine.await_event("range.started")
    other = members.machine("two")
    supervisor.await_machines("one", "two")
    machine.process.kill()
    lost = supervisor.next()
    assert isinstance(lost, RangeLost)
    assert lost.key == "key"
    supervisor.cluster.submit("next", b"echo 1")
    assert supervisor.next() == RangeAnswered("next", b"1")
    other.await_event("range.finished")
    assert len([event for event in other.events if event["event"] == "range.started"]) == 1


def test_a_machine_that_hangs_is_lost_and_comes_back_without_its_answer(
    members: Members, tmp_path: Path
) -> None:
    members.scheduler()
    machine = members.machine("one")
    supervisor = members.supervisor()
    supervisor.await_machines("one")
    supervisor.cluster.submit("key", f"until_file {tmp_path / 'go'}".encode())
    machine.await_event("range.started")
    machine.process.send_signal(signal.SIGSTOP)
    lost = supervisor.next()
    assert isinstance(lost, RangeLost)
    supervisor.await_event(MachineLost)
    machine.process.send_signal(signal.SIGCONT)
    machine.await_event("scheduler.unavailable")
    members.machine("two")
    supervisor.await_machines("two")  # gives "one" the time to register, too
    (tmp_path / "go").touch()
    machine.await_event("scheduler.restored")
    names = [event["event"] for event in machine.events]
    assert names[-2:] == ["range.finished", "scheduler.restored"], "it registers once its task has ended"
    supervisor.await_machines("one", "two")
    supervisor.cluster.submit("next", b"echo 2")
    assert supervisor.next() == RangeAnswered("next", b"2")


def test_machines_and_supervisor_find_a_scheduler_that_was_killed_and_started_again(members: Members) -> None:
    scheduler = members.scheduler()
    machine = members.machine("one")
    supervisor = members.supervisor()
    supervisor.await_machines("one")
    supervisor.cluster.submit("key", b"until_stopped")
    machine.await_event("range.started")
    scheduler.process.kill()
    assert isinstance(supervisor.next(), RangeLost)
    supervisor.await_event(SchedulerUnavailable)
    supervisor.await_machines()
    assert machine.await_event("range.finished")["status"] == "stopped"
    scheduler.process.wait()
    members.scheduler()
    supervisor.await_machines("one")
    supervisor.await_event(SchedulerRestored)
    machine.await_event("scheduler.restored")
    supervisor.cluster.submit("next", b"echo 3")
    assert supervisor.next() == RangeAnswered("next", b"3")
    assert not supervisor.of(MachineLost)


def test_a_scheduler_that_hangs_is_given_up_until_it_answers_again(members: Members) -> None:
    scheduler = members.scheduler()
    machine = members.machine("one")
    supervisor = members.supervisor()
    supervisor.await_machines("one")
    supervisor.cluster.submit("key", b"until_stopped")
    machine.await_event("range.started")
    scheduler.process.send_signal(signal.SIGSTOP)
    assert isinstance(supervisor.next(), RangeLost)
    assert "no answer within 3 seconds" in supervisor.await_event(SchedulerUnavailable).message
    supervisor.cluster.submit("refused", b"echo 1")
    refused = supervisor.next()
    assert isinstance(refused, RangeLost)
    assert refused.key == "refused"
    scheduler.process.send_signal(signal.SIGCONT)
    supervisor.await_event(SchedulerRestored)


def test_a_machine_that_is_to_stop_hands_its_answer_over_and_leaves(members: Members) -> None:
    members.scheduler()
    machine = members.machine("one")
    supervisor = members.supervisor()
    supervisor.await_machines("one")
    supervisor.cluster.submit("key", b"until_stopped rest")
    machine.await_event("range.started")
    machine.process.terminate()
    assert supervisor.next() == RangeAnswered("key", b"rest")
    assert machine.end() == 0
    supervisor.await_event(MachineLeft)
    assert not supervisor.of(MachineLost)
    supervisor.await_machines()


def test_a_machine_that_is_to_stop_waits_until_its_answer_is_fetched(members: Members) -> None:
    members.scheduler()
    machine = members.machine("one")
    supervisor = members.supervisor()
    supervisor.await_machines("one")
    supervisor.cluster.submit("key", b"until_stopped rest")
    machine.await_event("range.started")
    with supervisor.held():
        machine.process.terminate()
        members.await_answer_of_machine("key")
    assert supervisor.next() == RangeAnswered("key", b"rest")


def test_an_answer_that_is_lost_with_its_machine_is_not_asked_for_again(
    members: Members, tmp_path: Path
) -> None:
    members.scheduler()
    machine = members.machine("one")
    supervisor = members.supervisor()
    supervisor.await_machines("one")
    supervisor.cluster.submit("key", f"until_file {tmp_path / 'go'}".encode())
    machine.await_event("range.started")
    with supervisor.held():
        (tmp_path / "go").touch()
        members.await_answer_of_machine("key")
        machine.process.kill()
        machine.process.wait()
    assert supervisor.next() == RangeLost("key", "its machine was lost before the answer was fetched")


def test_a_machine_that_is_to_stop_gets_no_further_task(members: Members, tmp_path: Path) -> None:
    members.scheduler()
    machine = members.machine("one")
    supervisor = members.supervisor()
    supervisor.await_machines("one")
    supervisor.cluster.submit("key", f"until_file {tmp_path / 'go'}".encode())
    machine.await_event("range.started")
    machine.process.terminate()
    supervisor.await_machines()
    supervisor.cluster.submit("late", b"echo late")
    members.machine("two")
    assert supervisor.next() == RangeAnswered("late", b"late")
    (tmp_path / "go").touch()
    assert supervisor.next() == RangeAnswered("key", b"done")
    assert machine.end() == 0


def test_a_machine_stops_without_a_scheduler(members: Members) -> None:
    scheduler = members.scheduler()
    machine = members.machine("one")
    members.supervisor().await_machines("one")
    scheduler.process.kill()
    machine.await_event("scheduler.unavailable")
    machine.process.terminate()
    assert machine.end() == 0


def test_nothing_comes_of_a_withdrawn_task(quiet: Quiet, tmp_path: Path) -> None:
    machine, supervisor = quiet.machine, quiet.supervisor
    supervisor.cluster.submit("key-1", f"until_file {tmp_path / 'go'}".encode())
    machine.await_event("range.started")
    supervisor.cluster.withdraw("key-1")
    (tmp_path / "go").touch()
    machine.await_event("range.finished")
    supervisor.cluster.submit("next-1", b"echo 4")
    assert supervisor.next() == RangeAnswered("next-1", b"4")


def test_a_task_that_fails_in_a_way_of_its_own_is_lost_with_the_reason(quiet: Quiet) -> None:
    supervisor = quiet.supervisor
    supervisor.cluster.submit("key-2", b"fail in an odd way")
    assert supervisor.next() == RangeLost("key-2", "in an odd way")


def test_an_answer_that_is_not_bytes_is_never_unpickled_by_the_supervisor(
    quiet: Quiet, tmp_path: Path
) -> None:
    supervisor = quiet.supervisor
    supervisor.cluster.submit("key-3", f"hostile {tmp_path / 'trap'}".encode())
    assert isinstance(supervisor.next(), RangeLost)
    assert not (tmp_path / "trap").exists()


def test_a_machine_waits_for_the_scheduler_and_for_its_name(members: Members) -> None:
    first = members.machine("one")
    first.await_event("scheduler.unavailable")
    members.scheduler()
    first.await_event("scheduler.restored")
    second = members.machine("one")
    assert "name" in second.await_event("scheduler.unavailable")["message"]
    first.process.kill()
    second.await_event("scheduler.restored")


def test_who_joins_is_announced_with_version_and_number(quiet: Quiet) -> None:
    joined = quiet.supervisor.await_event(MachineJoined)
    assert (joined.machine, joined.machines, joined.version) == ("one", 1, __version__)
    assert quiet.scheduler.await_event("machine.joined")["machine"] == "one"


def test_a_check_finds_scheduler_machines_and_the_end_of_the_certificate(quiet: Quiet) -> None:
    found = inspect_cluster(quiet.scale)
    assert [(machine.name, machine.version) for machine in found.machines] == [("one", __version__)]
    assert found.certificate_end is not None
    assert found.certificate_end > datetime.now(UTC)


def test_a_check_says_why_the_scheduler_cannot_be_reached(identities: Identities, port: int) -> None:
    with pytest.raises(UnreachableError, match="Connection refused"):
        inspect_cluster(identities.settings("supervisor", port))


def test_members_find_each_other_by_ipv6(members: Members) -> None:
    members.scheduler("--host", "::1", "--port", str(members.port))
    scale = members.identities.settings("worker", members.port, host="[::1]")
    members.machine("one", scale)
    supervisor = members.supervisor(scale)
    supervisor.await_machines("one")
    assert "[::1]" in supervisor.cluster.machines()[0].address
    supervisor.cluster.submit("key", b"echo six")
    assert supervisor.next() == RangeAnswered("key", b"six")


def test_a_scheduler_stops_at_once_with_exit_code_0(members: Members) -> None:
    scheduler = members.scheduler()
    members.machine("one")
    members.supervisor().await_machines("one")
    scheduler.process.terminate()
    assert scheduler.end() == 0
