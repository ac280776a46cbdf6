"""Only who has a certificate of the cluster's authority can talk to its members, and nothing is in plain text."""

import datetime as dt
import signal
import socket
import ssl
from pathlib import Path

import psutil
import pytest

from s3mover.events import SchedulerUnavailable
from s3mover.scale import probe
from s3mover.scale.certificates import Authority, new_authority
from s3mover.scale.messages import RangeAnswered
from s3mover.settings.model import ScaleSettings
from testkit.program import Daemon
from testkit.waiting import TOO_LONG, wait_until
from tests.scale.members import UNCLOSED, Identities, Members, write_identities

pytestmark = [pytest.mark.process, UNCLOSED]

DAY = dt.timedelta(days=1)


def days(first: int, last: int) -> tuple[dt.datetime, dt.datetime]:
    """Return the time from so many days from now to so many."""
    now = dt.datetime.now(dt.UTC)
    return now + first * DAY, now + last * DAY


@pytest.fixture
def authority() -> Authority:
    """The authority of the cluster."""
    return new_authority(days(-10, 10))


@pytest.fixture
def identities(authority: Authority, tmp_path: Path) -> Identities:
    """The certificates of the cluster."""
    return write_identities(tmp_path / "cluster", authority, days(-1, 1))


@pytest.fixture(params=["of another authority", "expired", "not yet valid"])
def refused(request: pytest.FixtureRequest, authority: Authority, tmp_path: Path) -> Identities:
    """Certificates that no member of the cluster accepts."""
    other = new_authority(days(-1, 1))
    issuer, valid = {
        "of another authority": (other, days(-1, 1)),
        "expired": (authority, days(-3, -1)),
        "not yet valid": (authority, days(1, 3)),
    }[request.param]
    # It trusts the cluster, so that only the cluster's refusal keeps it out.
    return write_identities(tmp_path / "refused", issuer, valid, trusted=authority)


def ports_of(member: Daemon) -> list[int]:
    """Return the ports on which a process listens."""
    connections = psutil.Process(member.process.pid).net_connections("tcp")
    return [connection.laddr.port for connection in connections if connection.status == psutil.CONN_LISTEN]


def context_of(scale: ScaleSettings | None, authority: Path) -> ssl.SSLContext:
    """Return the TLS of a client that checks no names; without settings it has no certificate."""
    context = ssl.create_default_context(cafile=authority)
    context.check_hostname = False
    if scale is not None:
        context.load_cert_chain(scale.certificate_file, scale.key_file)
    return context


def greeting(port: int, context: ssl.SSLContext) -> bytes:
    """Return the first bytes that a member of the cluster sends; in TLS 1.3 a refusal comes in their place."""
    with (
        socket.create_connection(("127.0.0.1", port), TOO_LONG) as plain,
        context.wrap_socket(plain) as secured,
    ):
        return secured.recv(100)


def cluster_of(members: Members) -> list[int]:
    """Start a scheduler and a machine, and return all their ports."""
    scheduler, machine = members.scheduler(), members.machine("one")
    members.supervisor().await_machines("one")
    ports = ports_of(scheduler) + ports_of(machine)
    assert len(ports) == 2, "one port each"
    return ports


def test_no_member_talks_to_a_peer_whose_certificate_is_refused(
    members: Members, refused: Identities
) -> None:
    authority = members.identities.folder / "ca.crt"
    own = context_of(members.identities.settings("worker", 1), authority)
    others = context_of(refused.settings("worker", 1), authority)
    none = context_of(None, authority)
    for port in cluster_of(members):
        assert greeting(port, own)
        for context in (others, none):
            with pytest.raises((ssl.SSLError, ConnectionResetError)):
                greeting(port, context)


def test_no_member_answers_in_plain_text(members: Members) -> None:
    for port in cluster_of(members):
        with socket.create_connection(("127.0.0.1", port), TOO_LONG) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + bytes(100))
            plain.settimeout(TOO_LONG)
            try:
                answer = plain.recv(100)
            except ConnectionResetError:
                answer = b""
        # Nothing, or an alert of TLS (RFC 8446, section 5.1: type 21).
        assert answer[:1] in (b"", b"\x15")


def test_a_supervisor_and_a_machine_with_a_refused_certificate_say_so(
    members: Members, refused: Identities
) -> None:
    members.scheduler()
    supervisor = members.supervisor(refused.settings("supervisor", members.port))
    machine = members.machine("one", refused.settings("worker", members.port))
    for message in (
        supervisor.await_event(SchedulerUnavailable).message,
        machine.await_event("scheduler.unavailable")["message"],
    ):
        assert "certificate" in message.lower()
    assert supervisor.cluster.machines() == ()


def test_supervisor_and_machine_refuse_a_scheduler_that_is_not_of_their_cluster(
    members: Members, refused: Identities
) -> None:
    members.scheduler(scale=refused.settings("scheduler", members.port))
    machine = members.machine("one")
    supervisor = members.supervisor()
    for message in (
        supervisor.await_event(SchedulerUnavailable).message,
        machine.await_event("scheduler.unavailable")["message"],
    ):
        assert "certificate is refused" in message


def test_a_certificate_that_is_replaced_is_used_without_a_restart(
    members: Members, authority: Authority
) -> None:
    ports = cluster_of(members)
    folder = members.identities.folder
    context = context_of(members.identities.settings("worker", 1), folder / "ca.crt")

    def served() -> set[str]:
        return {serial_at(port, context) for port in ports}

    before = served()
    for role in ("scheduler", "worker", "supervisor"):
        certificate, key = authority.issue(role, days(-1, 2))
        (folder / f"{role}.crt").write_bytes(certificate)
        (folder / f"{role}.key").write_bytes(key)
    wait_until(lambda: not served() & before, "both serve new certificates")
    supervisor = members.supervisor()
    supervisor.await_machines("one")
    supervisor.cluster.submit("key", b"echo renewed")
    assert supervisor.next() == RangeAnswered("key", b"renewed")


def serial_at(port: int, context: ssl.SSLContext) -> str:
    """Return the serial number of the certificate that is served at a port."""
    with (
        socket.create_connection(("127.0.0.1", port), TOO_LONG) as plain,
        context.wrap_socket(plain) as secured,
    ):
        certificate = secured.getpeercert()
    assert certificate is not None
    return str(certificate["serialNumber"])


def test_a_probe_passes_while_the_scheduler_answers(
    members: Members, identities: Identities, authority: Authority, tmp_path: Path
) -> None:
    """It adds nothing to the scheduler's log; one with another certificate does not pass, nor while all hangs."""

    def try_it(by: Identities) -> None:
        ca_file, certificate_file, key_file = (
            str(by.folder / name) for name in ("ca.crt", "scheduler.crt", "scheduler.key")
        )
        probe.probe(ca_file, certificate_file, key_file, port=members.port, timeout=1.0)

    with pytest.raises(ConnectionRefusedError):
        try_it(identities)
    scheduler = members.scheduler()
    # Of the connection by which the test found that it listens.
    scheduler.await_event("dask.warning")
    try_it(identities)
    other = write_identities(tmp_path / "other", new_authority(days(-1, 1)), days(-1, 1), trusted=authority)
    with pytest.raises(OSError, match=r"alert|closed|reset"):
        try_it(other)
    refusal = scheduler.await_event("dask.warning")
    assert "CERTIFICATE_VERIFY_FAILED" in refusal["message"], "and so not of the probe that passed"
    scheduler.process.send_signal(signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        try_it(identities)


def test_a_scheduler_without_a_certificate_serves_loopback_only(members: Members) -> None:
    plain = ScaleSettings(f"tcp://127.0.0.1:{members.port}")
    refused = members.scheduler("--host", "0.0.0.0", "--port", str(members.port), scale=plain)  # noqa: S104
    assert refused.process.wait(TOO_LONG) == 2
    assert "scale.certificate_file: is not set" in refused.tail()
    members.scheduler(scale=plain)
    members.machine("one", plain)
    supervisor = members.supervisor(plain)
    supervisor.await_machines("one")
    supervisor.cluster.submit("key", b"echo plain")
    assert supervisor.next() == RangeAnswered("key", b"plain")
