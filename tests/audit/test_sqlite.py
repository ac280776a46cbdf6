"""What is particular to the embedded database: its file, its folder, its neighbours."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from s3mover.audit import sqlite
from s3mover.audit.opening import open_reader, open_trail
from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.audit.sql_trail import SqlTrail
from s3mover.errors import AuditUnavailableError, DamagedDatabaseError, UnreachableError
from testkit.leases import leading_trail
from tests.audit.samples import AT, PAIR, order


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    """The folder is the user's to make; a typing error must not make one."""
    with pytest.raises(UnreachableError, match="is not a directory"):
        open_trail(f"sqlite:///{tmp_path}/no/trail.db")


def test_a_reader_makes_no_file(tmp_path: Path) -> None:
    """A report about nothing leaves nothing behind."""
    with pytest.raises(UnreachableError, match="does not exist yet"):
        open_reader(f"sqlite:///{tmp_path}/trail.db")
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_kind_is_said(tmp_path: Path) -> None:
    """It is not overwritten."""
    path = tmp_path / "notes.txt"
    path.write_text("Not a database. " * 100)
    with pytest.raises(UnreachableError, match="not a database"):
        open_trail(f"sqlite:///{path}")
    assert path.read_text() == "Not a database. " * 100


def test_a_folder_in_place_of_the_file_is_said(tmp_path: Path) -> None:
    """What cannot be opened at the start will not be opened by waiting."""
    with pytest.raises(UnreachableError, match="unable to open"):
        open_trail(f"sqlite:///{tmp_path}")


def test_a_path_may_hold_what_urls_cannot(tmp_path: Path) -> None:
    """Spaces, percent signs and hashes are letters of a file's name."""
    path = tmp_path / "a b%20c#d.db"
    open_trail(f"sqlite:///{path}").close()
    assert path.exists()


def test_a_relative_path_is_below_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three slashes; and a later change of the directory does not lead elsewhere."""
    monkeypatch.chdir(tmp_path)
    with leading_trail("sqlite:///trail.db", PAIR) as trail:
        monkeypatch.chdir("/")
        trail.reconnect()
        assert (tmp_path / "trail.db").exists()


def test_a_busy_database_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's long transaction makes the trail unavailable, and afterwards the same call works."""
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_SECONDS", 0.0)
    path = tmp_path / "trail.db"
    with (
        leading_trail(f"sqlite:///{path}", PAIR) as trail,
        contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        sweep = trail.open_sweep(PAIR, AT)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(AuditUnavailableError, match="locked"):
            trail.intend([order(sweep, 1)], AT)
        other.execute("ROLLBACK")
        trail.reconnect()
        trail.intend([order(sweep, 1)], AT)
        assert len(trail.pending(PAIR, 10)) == 1


def test_a_full_disk_is_waited_for(tmp_path: Path) -> None:
    """What does not fit is rolled back whole, and fits later."""
    path = tmp_path / "trail.db"
    open_trail(f"sqlite:///{path}").close()
    with contextlib.closing(sqlite.SqliteDatabase(path, create=False)) as database:
        pages = database.read("PRAGMA page_count")[0][0]
        database.read(f"PRAGMA max_page_count = {pages}")
        fill = "INSERT INTO document_logs (file_key, status, message) VALUES ('k', 'error', ?)"
        with pytest.raises(AuditUnavailableError, match="full"), database.transaction():
            database.write(fill, ("x" * 100_000,))
        database.read("PRAGMA max_page_count = 100000")
        with database.transaction():
            database.write(fill, ("x" * 100_000,))
        assert database.read("SELECT COUNT(*) FROM document_logs") == [(1,)]


def test_commits_are_synced(tmp_path: Path) -> None:
    """A power failure takes nothing that was committed, and readers do not wait for the writer."""
    with contextlib.closing(sqlite.SqliteDatabase(tmp_path / "trail.db", create=True)) as database:
        assert database.read("PRAGMA synchronous") == [(2,)]
        assert database.read("PRAGMA journal_mode") == [("wal",)]


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    """A mask that hides nothing, one that is usual, and one that hides all."""
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_nobody_else_reads_the_trail(tmp_path: Path) -> None:
    """Whatever the mask of the process is: the database, its log and its index."""
    path = tmp_path / "trail.db"
    with leading_trail(f"sqlite:///{path}", PAIR) as trail:
        trail.open_sweep(PAIR, AT)
        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
        assert {"trail.db", "trail.db-wal", "trail.db-shm"} == set(modes)
        assert set(modes.values()) == {0o600}
        assert sqlite.shared_files(path) == []


def test_a_shared_trail_stays_shared_and_is_told(tmp_path: Path) -> None:
    """Somebody may read it on purpose; `check` names each file that others may read."""
    path = tmp_path / "trail.db"
    open_trail(f"sqlite:///{path}").close()
    path.chmod(0o640)
    with leading_trail(f"sqlite:///{path}", PAIR) as trail:
        trail.open_sweep(PAIR, AT)
        assert path.stat().st_mode & 0o777 == 0o640
        assert sqlite.shared_files(path) == [path, Path(f"{path}-wal"), Path(f"{path}-shm")]


def test_a_damaged_file_is_said_and_not_waited_for(tmp_path: Path) -> None:
    """Waiting would not mend it: the sweep ends, and its error says what to do."""
    path = tmp_path / "trail.db"
    with leading_trail(f"sqlite:///{path}", PAIR) as trail:
        sweep = trail.open_sweep(PAIR, AT)
        trail.intend([order(sweep, number) for number in range(1, 2000)], AT)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)  # the schema's pages come first
        file.write(b"\xa5" * (size - size // 2))
    database = sqlite.SqliteDatabase(path, create=False)
    with contextlib.closing(SqlTrail(database)) as damaged:
        patient = RetryingTrail(damaged, lambda _: None, lambda _: pytest.fail("waited"), lambda: 0.0)
        with pytest.raises(DamagedDatabaseError, match=r"damaged.*backup") as caught:
            patient.pending(PAIR, 10)
    assert caught.value.exit_code == 3


def test_a_damaged_file_is_said_at_the_start(tmp_path: Path) -> None:
    """With exit code 3, as every database that cannot be used."""
    path = tmp_path / "trail.db"
    open_trail(f"sqlite:///{path}").close()
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xa5" * (path.stat().st_size - 100))
    with pytest.raises(DamagedDatabaseError, match=r"damaged.*backup"):
        open_trail(f"sqlite:///{path}")


def test_a_file_that_is_locked_while_it_is_opened_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As two routes that start at once find it: SQLite itself does not wait while a new file is switched to its log."""
    path, waits = tmp_path / "trail.db", []
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE t (n)")
        other.execute("BEGIN IMMEDIATE")

        def end_lock(seconds: float) -> None:
            waits.append(seconds)
            other.execute("ROLLBACK")

        monkeypatch.setattr("s3mover.audit.sqlite.time.sleep", end_lock)
        open_trail(f"sqlite:///{path}").close()
    assert waits == [sqlite.BUSY_POLL_SECONDS]


def test_threads_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    """None fails, and none drops the locks of another."""
    url = f"sqlite:///{tmp_path / 'trail.db'}"
    with ThreadPoolExecutor(8) as threads:
        for _ in threads.map(lambda _: open_trail(url).close(), range(8)):
            pass
    with contextlib.closing(open_trail(url)) as trail:
        assert trail.acquire_lease(PAIR)


def test_a_busy_file_at_the_start_is_busy_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program that holds it will be done with it: the daemon goes on trying."""
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_SECONDS", 0.0)
    path = tmp_path / "trail.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE t (n)")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(AuditUnavailableError, match="locked"):
            open_trail(f"sqlite:///{path}")
