"""A private MariaDB on a free loopback port, which tests may kill and restart."""

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import mysql.connector

from simulator.certificates import make_identity
from testkit.ports import reserved_port
from testkit.waiting import TOO_LONG

POLL_SECONDS = 0.02
USER = "mover"
PASSWORD = "s3cr@t/:p%w?"

# The server refuses to run as root unless it is told to.
_RUN_AS = ("--user=root",) if os.geteuid() == 0 else ()

# Linux's file system in memory; a server takes 40 MB of it. Containers have 64 MB by default.
_IN_MEMORY = "/dev/shm"  # noqa: S108 - the folder in it has a random name, and is ours alone
_ENOUGH = 2**30

# What MySQL 8 starts with; MariaDB is more lenient about dates.
_STRICT = (
    "--init-command=SET sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,NO_ENGINE_SUBSTITUTION'"
)


class Account(NamedTuple):
    """One database of a server, and the account that may use it."""

    host: str
    port: int
    user: str
    password: str
    database: str

    @property
    def go_dsn(self) -> str:
        """The address as the first version wrote it."""
        return f"{self.user}:{self.password}@tcp({self.host}:{self.port})/{self.database}?parseTime=true"

    def query(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements on a connection of their own and return the rows of the last."""
        with contextlib.closing(mysql.connector.connect(**self._asdict(), autocommit=True)) as connection:
            rows: list[tuple[Any, ...]] = []
            for statement in statements:
                with contextlib.closing(connection.cursor()) as cursor:
                    cursor.execute(statement)
                    rows = cursor.fetchall() if cursor.description else []
            return rows


class MariaDb:
    """One server in a folder of its own."""

    host = "127.0.0.1"

    def __init__(self, folder: Path, port: int, options: Sequence[str] = ()) -> None:
        self._folder = folder
        self._options = options
        self._data = folder / "data"
        self._temporary = folder / "tmp"
        self.socket = folder / "s"
        self._log = folder / "log"
        self._names = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port
        self.identity = make_identity(folder)
        # A server that starts empties its folder for temporary tables, another server's among them where it is shared.
        self._temporary.mkdir()
        _run(
            "mariadb-install-db",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            f"--datadir={self._data}",
            f"--tmpdir={self._temporary}",
        )

    @property
    def root(self) -> Account:
        """The administrator."""
        return Account(self.host, self.port, "root", "", "mysql")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command(), stdout=log, stderr=log)
        for _ in range(round(TOO_LONG / POLL_SECONDS)):
            if self._answers():
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(POLL_SECONDS)
                break
        self.kill()
        raise RuntimeError(f"MariaDB did not start: {self._log.read_text(errors='replace')[-500:]}")

    def kill(self) -> None:
        """Kill the server, as a power failure would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    @property
    def is_running(self) -> bool:
        """Whether the server was started and not killed since."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """The process id of the server, 0 if it does not run."""
        return self._process.pid if self._process else 0

    def feed(self, account: Account, script: Path) -> None:
        """Run a file of statements with the command line client, as the database's container image does."""
        client = [
            _program("mariadb"),
            "--no-defaults",
            f"--socket={self.socket}",
            "--user=root",
            _STRICT,
            account.database,
        ]
        with script.open("rb") as text:
            subprocess.run(client, stdin=text, check=True, capture_output=True, timeout=TOO_LONG)

    def database(self) -> Account:
        """Create an empty database and return the account of its user."""
        name = f"audit_{next(self._names)}"
        self.root.query(f"CREATE DATABASE {name}", *_grants(name, f"{USER}_{name}", PASSWORD))
        return Account(self.host, self.port, f"{USER}_{name}", PASSWORD, name)

    def _answers(self) -> bool:
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as probe:
            probe.settimeout(TOO_LONG)
            return probe.connect_ex(str(self.socket)) == 0 and bool(probe.recv(1))

    def _command(self) -> list[str]:
        return [
            _program("mariadbd"),
            "--no-defaults",
            f"--datadir={self._data}",
            f"--tmpdir={self._temporary}",
            f"--socket={self.socket}",
            f"--port={self.port}",
            f"--bind-address={self.host}",
            f"--ssl-ca={self.identity.ca_file}",
            f"--ssl-cert={self.identity.certificate_file}",
            f"--ssl-key={self.identity.key_file}",
            *_RUN_AS,
            "--skip-name-resolve",
            "--innodb-buffer-pool-size=16M",
            "--innodb-log-file-size=8M",
            "--performance-schema=off",
            # Tests kill the process, never the machine.
            "--innodb-flush-log-at-trx-commit=2",
            *self._options,
        ]


@contextlib.contextmanager
def running_mariadb(*options: str, on_disk: bool = False) -> Iterator[MariaDb]:
    """Run a server in a temporary folder, with further options of its command line.

    Its files are in memory if there is room, so that no statement waits for a disk; benchmarks want them `on_disk`.
    """
    place = None if on_disk or _free(_IN_MEMORY) < _ENOUGH else _IN_MEMORY
    # Straight under the system's folder, because a socket's path has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="s3mover-mariadb-", dir=place) as folder, reserved_port() as port:
        server = MariaDb(Path(folder), port, options)
        server.start()
        try:
            yield server
        finally:
            server.kill()


def _free(folder: str) -> int:
    """Return how many bytes are free for us in a folder, 0 where it is missing or not ours to write to."""
    return shutil.disk_usage(folder).free if os.access(folder, os.W_OK) else 0


def _grants(database: str, user: str, password: str) -> list[str]:
    return [
        f"CREATE USER '{user}'@'%' IDENTIFIED BY '{password}'",
        f"GRANT ALL ON {database}.* TO '{user}'@'%'",
    ]


def _run(program: str, *arguments: str) -> None:
    command = [_program(program), "--no-defaults", *_RUN_AS, *arguments]
    done = subprocess.run(command, check=False, capture_output=True, timeout=TOO_LONG)
    if done.returncode:
        raise RuntimeError(
            f"{program} failed: {(done.stdout + done.stderr).decode(errors='replace')[-2000:]}"
        )


def _program(name: str) -> str:
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
    found = shutil.which(name, path=path)
    if found is None:
        raise RuntimeError(f"{name} is missing: install the package mariadb-server, which these tests start.")
    return found
