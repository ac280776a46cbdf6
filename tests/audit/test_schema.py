"""The schema files: how they are cut into statements, which are run, and what they make of an older database."""

import contextlib
import importlib
import sqlite3
from collections.abc import Callable, Sequence
from itertools import takewhile
from pathlib import Path

import pytest

from s3mover.audit import migrations
from s3mover.audit.migrations import Migration
from s3mover.audit.opening import apply_schema, open_reader, open_trail, schema_text
from s3mover.audit.trail import Trail
from s3mover.errors import SchemaError
from s3mover.model import Wait, WaitChanges
from testkit.leases import leading_trail
from testkit.mariadb import Account, MariaDb
from tests.audit.conftest import Backend
from tests.audit.samples import AT, PAIR, moved, order

EXACT_FIRST_VERSION = """
    CREATE TABLE document_logs (
        id INT AUTO_INCREMENT PRIMARY KEY,
        file_key VARCHAR(1000) NOT NULL,
        status ENUM('success', 'error', 'pending') NOT NULL,
        message TEXT,
        moved_at TIMESTAMP,
        created_at TIMESTAMP,
        updated_at TIMESTAMP
    )
"""
FIRST_VERSION = f"{EXACT_FIRST_VERSION.rstrip()} CHARSET = latin1"
ITS_ROWS = """
    INSERT INTO document_logs (file_key, status, message, moved_at, created_at, updated_at) VALUES
        ('a', 'success', 'Gr\u00fc\u00dfe', '2024-05-06 07:08:09', '2024-05-06 07:08:00', '2024-05-06 07:08:10'),
        ('b', 'error', NULL, '2024-05-06 07:08:09', '0000-00-00', '0000-00-00'),
        ('c', 'pending', NULL, '0000-00-00', '2024-05-06 07:08:00', '0000-00-00')
"""
ITS_VIEW = "CREATE VIEW failed_migrations AS SELECT file_key FROM document_logs WHERE status = 'error'"
OLD_ROWS = """
    SELECT id, file_key, status, message, CAST(moved_at AS CHAR), CAST(created_at AS CHAR)
    FROM document_logs WHERE batch_id IS NULL ORDER BY id
"""
AN_UNKNOWN_TABLE = (
    "CREATE TABLE migration_batches (id INT AUTO_INCREMENT PRIMARY KEY, batch_name VARCHAR(255))"
)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("", []),
        (";;  ;", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1;\n\nSELECT 2;\n", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';', \";\", `;`; SELECT 2", ["SELECT ';', \";\", `;`", "SELECT 2"]),
        ("SELECT 'it''s; one'; x", ["SELECT 'it''s; one'", "x"]),
        ("-- a; comment\nSELECT 1 -- and ' another;\n;", ["SELECT 1"]),
        ("/* a; ' comment */ SELECT /*! kept */ 1", ["SELECT /*! kept */ 1"]),
        ("SELECT 2--1, 4 / 2", ["SELECT 2--1, 4 / 2"]),
        ("--\nSELECT 1", ["SELECT 1"]),
    ],
)
def test_a_file_is_cut_where_statements_end(sql: str, expected: list[str]) -> None:
    """Quotes and comments hide what they hold."""
    assert migrations.statements(sql) == expected


def test_only_newer_versions_are_missing() -> None:
    """What was applied is not run again, and a newer database is left alone."""
    known = [Migration(1, "001_a.sql", "a"), Migration(2, "002_b.sql", "b")]
    assert migrations.unapplied(known, 0) == known
    assert migrations.unapplied(known, 1) == known[1:]
    assert migrations.unapplied(known, 2) == []
    with pytest.raises(SchemaError, match="version 3, and this s3mover knows no version after 2"):
        migrations.unapplied(known, 3)


@pytest.mark.parametrize("backend_name", ["mysql", "sqlite"])
def test_files_are_numbered_without_a_gap_and_plain(backend_name: str) -> None:
    """They are found, count from 1, and are ASCII, which every client reads the same."""
    found = migrations.load(backend_name)
    assert [migration.version for migration in found] == list(range(1, len(found) + 1))
    assert all(migration.sql.isascii() for migration in found)


def test_installed_files_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no checkout surrounds the package, they lie among the installation's data files."""
    (tmp_path / "sqlite").mkdir()
    (tmp_path / "sqlite" / "001_x.sql").write_text("SELECT 1;")
    monkeypatch.setattr(migrations, "_folders", lambda: [tmp_path / "nowhere", tmp_path])
    assert migrations.load("sqlite") == [Migration(1, "001_x.sql", "SELECT 1;")]
    with pytest.raises(SchemaError, match="missing from this installation"):
        migrations.load("mysql")


def test_a_file_needs_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stray file is said, not skipped."""
    (tmp_path / "sqlite").mkdir()
    (tmp_path / "sqlite" / "notes.sql").touch()
    monkeypatch.setattr(migrations, "_folders", lambda: [tmp_path])
    with pytest.raises(SchemaError, match=r"notes\.sql"):
        migrations.load("sqlite")


def test_the_schema_is_applied_once(backend: Backend) -> None:
    """The first call says what it applied, later ones find nothing to do, and the text beforehand tells it all."""
    before = schema_text(backend.url)
    applied = apply_schema(backend.url)
    assert applied
    assert all(f"-- {version:03}_" in before for version in applied)
    assert "document_logs" in before
    assert apply_schema(backend.url) == []
    assert schema_text(backend.url) == ""


def test_a_newer_schema_is_refused(backend: Backend, tmp_path: Path) -> None:
    """What a newer s3mover made is neither written nor read."""
    apply_schema(backend.url)
    insert = "INSERT INTO schema_migrations (version, applied_at) VALUES (99, CURRENT_TIMESTAMP)"
    if "sqlite" in backend.url:
        with contextlib.closing(sqlite3.connect(tmp_path / "trail.db", isolation_level=None)) as connection:
            connection.execute(insert)
    else:
        backend.query(insert)
    for call in (open_trail, open_reader, apply_schema, schema_text):
        with pytest.raises(SchemaError, match="schema version 99"):
            call(backend.url)


def test_a_reader_changes_nothing(mariadb: MariaDb) -> None:
    """A database without its schema is said, and stays without."""
    account = mariadb.database()
    with pytest.raises(SchemaError, match="s3mover schema apply"):
        open_reader(account.go_dsn)
    assert account.query("SHOW TABLES") == []


def first_version(account: Account) -> None:
    """Make the database that an old server made of the first version's statements."""
    account.query("SET sql_mode = '', explicit_defaults_for_timestamp = OFF", FIRST_VERSION, ITS_ROWS)


def test_a_database_of_the_first_version_keeps_its_rows(mariadb: MariaDb) -> None:
    """Its tables become ours, with every row in place and dates that today's servers accept."""
    account = mariadb.database()
    first_version(account)
    account.query(ITS_VIEW)
    with leading_trail(account.go_dsn, PAIR) as trail:
        sweep = trail.open_sweep(PAIR, AT)
        trail.settle([moved(order(sweep, 1, "\U0001f600" * 256), message="\U0001f600")])
        assert [(total.status, total.method, total.objects) for total in trail.totals()] == [
            ("error", "", 1),
            ("pending", "", 1),
            ("success", "", 1),
            ("success", "server_side_copy", 1),
        ]
        assert [record.key for record in trail.failures(10)] == ["b"]
        assert trail.pending(PAIR, 10) == []
    at, from_ = "2024-05-06 07:08:09.000000", "2024-05-06 07:08:00.000000"
    assert account.query(OLD_ROWS) == [
        (1, "a", "success", "Gr\u00fc\u00dfe", at, from_),
        (2, "b", "error", None, at, at),
        (3, "c", "pending", None, None, from_),
    ]
    updated = account.query(
        "SELECT CAST(updated_at AS CHAR) FROM document_logs WHERE batch_id IS NULL ORDER BY id"
    )
    assert updated == [("2024-05-06 07:08:10.000000",), (at,), (from_,)]
    assert account.query("SELECT file_key, error_code FROM failed_migrations") == [("b", None)]


def test_the_very_tables_of_the_first_version_are_upgraded(account: Account) -> None:
    """On every server its rows keep their instants, whatever time zone they were written and are read in."""
    account.query(
        EXACT_FIRST_VERSION,
        "SET time_zone = '+09:00'",
        "INSERT INTO document_logs (file_key, status, message, moved_at, created_at, updated_at) VALUES "
        "('a ', 'success', 'm', '2024-05-06 16:08:09', '2024-05-06 16:08:00', '2024-05-06 16:08:10')",
    )
    assert apply_schema(account.go_dsn) == [file.version for file in migrations.load("mysql")]
    [row] = account.query("SET time_zone = '-03:00'", OLD_ROWS)
    assert row == (1, "a ", "success", "m", "2024-05-06 04:08:09.000000", "2024-05-06 04:08:00.000000")
    for query in (
        "SELECT status, COUNT(*) FROM document_logs GROUP BY status",
        "SELECT * FROM failed_migrations WHERE created_at > NOW() - INTERVAL 1 DAY",
        "SELECT file_key, moved_at FROM recent_migrations LIMIT 10",
        "SELECT COUNT(*) FROM document_logs WHERE DATE(created_at) = CURDATE() AND file_key LIKE 'a%'",
    ):
        account.query(query)
    account.query("INSERT INTO document_logs (file_key, status) VALUES ('by hand', 'error')")
    assert account.query("SELECT file_key FROM failed_migrations") == [("by hand",)]


def test_what_we_added_does_not_end_in_2038(trail: Trail) -> None:
    """The first version's columns end where its type does on MySQL; sweeps and waits go on."""
    year_2100 = 4_102_444_800.25
    sweep = trail.open_sweep(PAIR, year_2100)
    waits = [Wait("k", 2, sweep, "e", year_2100, year_2100 + 60)]
    trail.settle([], WaitChanges(PAIR, waits))
    assert trail.latest_sweeps(1)[0].started_at == year_2100
    assert trail.waits(PAIR, ["k"]) == {"k": waits[0]}


def apply_files(backend: Backend, files: Sequence[Migration]) -> None:
    """Run schema files past s3mover."""
    statements = [statement for migration in files for statement in migrations.statements(migration.sql)]
    if "sqlite" in backend.url:
        for statement in statements:
            backend.query(statement)
    else:
        backend.query(*statements)


def test_rows_of_an_older_schema_are_copies(backend: Backend) -> None:
    """Rows from before the column are copies, and so is one that an older s3mover, still running, writes now."""
    files = migrations.load("sqlite" if "sqlite" in backend.url else "mysql")
    before = list(takewhile(lambda migration: "action" not in migration.name, files))
    apply_files(backend, before)
    insert = "INSERT INTO document_logs (file_key, status) VALUES ('{}', 'success')"
    backend.query(insert.format("before"))
    assert apply_schema(backend.url) == [file.version for file in files[len(before) :]]
    backend.query(insert.format("after"))
    rows = backend.query("SELECT file_key, action FROM document_logs ORDER BY id")
    assert rows == [("before", "copy"), ("after", "copy")]


def test_the_column_of_the_action_is_added_without_rewriting_the_table(account: Account) -> None:
    """The server itself accepts the change as an instant one, on a table of the first version's making too."""
    account.query(EXACT_FIRST_VERSION)
    backend = Backend(account.go_dsn, account.query)
    files = migrations.load("mysql")
    apply_files(backend, files[:2])
    add = "ADD COLUMN action ENUM(''copy'', ''delete'') NOT NULL DEFAULT ''copy''"
    assert add in files[2].sql
    apply_files(backend, [files[2]._replace(sql=files[2].sql.replace(add, f"{add}, ALGORITHM = INSTANT"))])
    assert account.query("SELECT COUNT(action) FROM document_logs") == [(0,)]


def test_batches_of_an_unknown_shape_step_aside(mariadb: MariaDb) -> None:
    """What the first version may have kept there is kept, under another name."""
    account = mariadb.database()
    account.query(AN_UNKNOWN_TABLE, "INSERT INTO migration_batches (batch_name) VALUES ('one')")
    with leading_trail(account.go_dsn, PAIR) as trail:
        assert trail.open_sweep(PAIR, AT) == 1
    assert account.query("SELECT * FROM migration_batches_first_version") == [(1, "one")]


def test_an_upgrade_that_was_cut_short_is_finished(mariadb: MariaDb) -> None:
    """MySQL commits each change of a table, so every file can be run again from any of its statements."""
    account = mariadb.database()
    first_version(account)
    files = migrations.load("mysql")
    for migration in files:
        every = migrations.statements(migration.sql)
        for count in range(0, len(every), 4):
            account.query(*every[:count])
    assert apply_schema(account.go_dsn) == [migration.version for migration in files]
    account.query("DELETE FROM schema_migrations")
    assert apply_schema(account.go_dsn) == [migration.version for migration in files]
    assert account.query("SELECT COUNT(*) FROM document_logs") == [(3,)]


@pytest.mark.parametrize("prepare", [lambda _: None, first_version], ids=["empty", "first version"])
def test_the_files_work_by_themselves(mariadb: MariaDb, prepare: Callable[[Account], None]) -> None:
    """The database image feeds them to its client in order of name, or a person does; nothing is left to do then."""
    account = mariadb.database()
    prepare(account)
    for path in sorted((Path(__file__).parents[2] / "schema" / "mysql").glob("*.sql")):
        mariadb.feed(account, path)
    assert apply_schema(account.go_dsn) == []


def test_instances_that_start_together_apply_the_schema_once(mariadb: MariaDb) -> None:
    """The one that comes second finds the lock, then nothing to do."""
    account = mariadb.database()
    adapter = importlib.import_module("s3mover.audit.mysql")
    dsn = importlib.import_module("s3mover.audit.dsn").parse_dsn(account.go_dsn)
    with (
        contextlib.closing(adapter.MysqlDatabase(dsn)) as first,
        contextlib.closing(adapter.MysqlDatabase(dsn)) as second,
        first.upgrading(),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(adapter, "UPGRADE_LOCK_TIMEOUT_SECONDS", 0)
        with pytest.raises(Exception, match="Another s3mover is changing the schema"), second.upgrading():
            pass
    assert apply_schema(account.go_dsn) == [file.version for file in migrations.load("mysql")]


def test_a_foreign_list_of_versions_is_said(mariadb: MariaDb) -> None:
    """Other migration tools use the same name; ours would read nonsense from theirs."""
    account = mariadb.database()
    account.query("CREATE TABLE schema_migrations (version BIGINT PRIMARY KEY, dirty BOOLEAN)")
    with pytest.raises(SchemaError, match="of another tool"):
        open_trail(account.go_dsn)


def test_a_foreign_sqlite_table_is_said(tmp_path: Path) -> None:
    """A database of another program is not built upon."""
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE document_logs (x)")
    with pytest.raises(SchemaError, match="did not make"):
        open_trail(f"sqlite:///{tmp_path}/other.db")


def test_a_user_who_may_not_alter_tables_is_told_so(mariadb: MariaDb) -> None:
    """The daemon needs no such permission once somebody with it has applied the schema."""
    account = mariadb.database()
    name = account.database
    may = f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name}.* TO '{account.user}'@'%'"
    mariadb.root.query(f"REVOKE ALL ON {name}.* FROM '{account.user}'@'%'", may)
    with pytest.raises(SchemaError, match="s3mover schema apply"):
        open_trail(account.go_dsn)
    apply_schema(mariadb.root._replace(database=name).go_dsn)
    with leading_trail(account.go_dsn, PAIR) as trail:
        trail.settle([moved(order(trail.open_sweep(PAIR, AT), 1))])


def test_documented_files_end_up_in_the_installation() -> None:
    """The packaging names the folders that are looked for."""
    pyproject = (Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8")
    assert all(
        f'"share/s3mover/schema/{name}" = ["schema/{name}/*.sql"]' in pyproject
        for name in ("mysql", "sqlite")
    )
