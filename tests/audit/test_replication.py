"""Two servers that replicate to each other after the commit: two holders until their rows meet, then at most one."""

import contextlib
from collections.abc import Iterator

import pytest

from s3mover.audit.dsn import parse_dsn
from s3mover.audit.opening import connect, open_trail
from s3mover.audit.trail import Trail
from s3mover.errors import LeaseHeldError
from testkit.mariadb import MariaDb, running_mariadb
from testkit.waiting import wait_until
from tests.audit.samples import AT, PAIR, order

pytestmark = pytest.mark.process
NAME, USER, PASSWORD = "audit", "mover", "m0ver"


@contextlib.contextmanager
def server(number: int) -> Iterator[MariaDb]:
    """Run a server that logs its changes row by row, with ids of its own."""
    options = (
        f"--server-id={number}",
        "--log-bin=log",
        "--binlog-format=ROW",
        f"--auto-increment-offset={number}",
        "--auto-increment-increment=2",
    )
    with running_mariadb(*options) as running:
        running.root.query(f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}'")
        running.root.query(f"GRANT ALL ON *.* TO '{USER}'@'%'", f"CREATE DATABASE {NAME}")
        yield running


def url(of: MariaDb) -> str:
    """Return the address of the server's trail."""
    return f"{USER}:{PASSWORD}@tcp({of.host}:{of.port})/{NAME}"


def replicate(source: MariaDb, to: MariaDb) -> None:
    """Let a server follow another one from now on."""
    [(file, position, *_)] = source.root.query("SHOW MASTER STATUS")
    to.root.query(
        f"CHANGE MASTER TO master_host = '{source.host}', master_port = {source.port}, master_user = '{USER}', "
        f"master_password = '{PASSWORD}', master_log_file = '{file}', master_log_pos = {position}"
    )


def still_leads(trail: Trail) -> bool:
    """Return whether an instance can still write as the holder of the lease."""
    try:
        trail.heartbeat()
    except LeaseHeldError:
        return False
    return True


def test_a_server_that_follows_another_is_known(mariadb: MariaDb) -> None:
    """To a user who may know; other users are told nothing."""
    with server(1) as one, server(2) as two:
        for each, follows in ((one, False), (two, True)):
            replicate(one, two)
            with contextlib.closing(connect(parse_dsn(url(each)))) as database:
                assert database.follows_another() is follows
    with contextlib.closing(connect(parse_dsn(mariadb.database().go_dsn))) as database:
        assert not database.follows_another()


def test_at_most_one_leader_goes_on_once_the_rows_have_met() -> None:
    """Each server let one in; afterwards every write of the loser is refused."""
    with server(1) as one, server(2) as two, contextlib.ExitStack() as opened:
        trails = [opened.enter_context(contextlib.closing(open_trail(url(each)))) for each in (one, two)]
        replicate(one, two)
        replicate(two, one)
        assert trails[0].acquire_lease(PAIR)
        trails[0].release_lease()
        for each in (one, two):
            each.root.query("START SLAVE")
        wait_until(lambda: two.root.query("SELECT token FROM audit.leases") == [(1,)], "both know the lease")
        for each in (one, two):
            each.root.query("STOP SLAVE")
        for trail in trails:
            assert trail.acquire_lease(PAIR)
            sweep = trail.open_sweep(PAIR, AT)
            trail.intend([order(sweep, 1)], AT)
        for each in (one, two):
            each.root.query("START SLAVE")
        wait_until(lambda: sum(map(still_leads, trails)) <= 1, "the rows have met")
        leaders = [trail for trail in trails if still_leads(trail)]
        assert len(leaders) <= 1
        for trail in trails:
            if trail not in leaders:
                with pytest.raises(LeaseHeldError):
                    trail.open_sweep(PAIR, AT + 1)
