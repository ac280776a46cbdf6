"""The three spellings of `audit.url`."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from s3mover.audit.dsn import MysqlDsn, SqliteDsn, parse_dsn
from s3mover.audit.dsn_options import FIXED, GO_ONLY, MysqlOptions
from s3mover.audit.dsn_tls import Tls
from s3mover.errors import SettingsError

HERE = MysqlDsn("u", "p", "h", 3306, "", "n")
PASSWORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("u:p@tcp(h:3306)/n", HERE),
        ("u:p@tcp(h)/n", HERE),
        ("u:p@tcp(h:3306)/n?parseTime=true&charset=utf8mb4&loc=Asia%2FTokyo", HERE),
        ("u:p@tcp(h:3306)/n?charset=utf8mb4,utf8&collation=utf8mb4_unicode_ci&multiStatements=true", HERE),
        ("u:p@/n", MysqlDsn("u", "p", "127.0.0.1", 3306, "", "n")),
        ("u@tcp(h)/n", MysqlDsn("u", "", "h", 3306, "", "n")),
        ("u:p@tcp([::1]:3307)/n", MysqlDsn("u", "p", "::1", 3307, "", "n")),
        ("u:p@tcp([::1])/n", MysqlDsn("u", "p", "::1", 3306, "", "n")),
        ("u:p@unix(/run/my.sock)/n", MysqlDsn("u", "p", "", 0, "/run/my.sock", "n")),
        ("u:a@b:c/d(e)?f=%41@tcp(h)/n", MysqlDsn("u", "a@b:c/d(e)?f=%41", "h", 3306, "", "n")),
        ("u:p@tcp(h)/n?loc=Asia/Tokyo", HERE),
        ("u:p@tcp(h)/a%2Fb", MysqlDsn("u", "p", "h", 3306, "", "a/b")),
        ("mysql://u:p@h:3306/n", HERE),
        ("mysql://u:p@h/n", HERE),
        ("mysql://u%40x:p%2F%40%3A%25@h/n", MysqlDsn("u@x", "p/@:%", "h", 3306, "", "n")),
        ("mysql://u:p/@q?@h/n", MysqlDsn("u", "p/@q?", "h", 3306, "", "n")),
        ("mysql://u:p@[fe80::1]:3307/n", MysqlDsn("u", "p", "fe80::1", 3307, "", "n")),
        ("sqlite:///s3mover.db", SqliteDsn(Path("s3mover.db"))),
        ("sqlite:////var/lib/s3mover.db", SqliteDsn(Path("/var/lib/s3mover.db"))),
    ],
)
def test_every_spelling_is_read(url: str, expected: object) -> None:
    """Each form gives the same record, and passwords may hold any character."""
    assert parse_dsn(url) == expected


@pytest.mark.parametrize(
    ("options", "tls", "ca_file"),
    [
        ("", Tls.PREFERRED, ""),
        ("tls=true", Tls.VERIFY_IDENTITY, ""),
        ("tls=skip-verify", Tls.REQUIRED, ""),
        ("tls=preferred", Tls.PREFERRED, ""),
        ("tls=false", Tls.DISABLED, ""),
        ("ssl-mode=VERIFY_CA&ssl-ca=%2Fca.pem", Tls.VERIFY_CA, "/ca.pem"),
        ("ssl-mode=REQUIRED", Tls.REQUIRED, ""),
        ("ssl-mode=REQUIRED&ssl-ca=ca.pem", Tls.VERIFY_CA, "ca.pem"),
        ("tls=custom&ssl-ca=ca.pem", Tls.VERIFY_IDENTITY, "ca.pem"),
        ("ssl_ca=ca.pem", Tls.VERIFY_IDENTITY, "ca.pem"),
    ],
)
@pytest.mark.parametrize("base", ["u:p@tcp(h)/n?", "mysql://u:p@h/n?"])
def test_tls_is_what_was_written(base: str, options: str, tls: Tls, ca_file: str) -> None:
    """Certificates go unverified only where the user wrote so, or asked for no TLS at all."""
    assert parse_dsn(base + options) == MysqlDsn("u", "p", "h", 3306, "", "n", MysqlOptions(tls, ca_file))


# All of `ParseDSN` in go-sql-driver/mysql 1.9.
GO_OPTIONS = [
    "allowAllFiles",
    "allowCleartextPasswords",
    "allowFallbackToPlaintext",
    "allowNativePasswords",
    "allowOldPasswords",
    "charset",
    "checkConnLiveness",
    "clientFoundRows",
    "collation",
    "columnsWithAlias",
    "compress",
    "connectionAttributes",
    "interpolateParams",
    "loc",
    "maxAllowedPacket",
    "multiStatements",
    "parseTime",
    "readTimeout",
    "rejectReadOnly",
    "serverPubKey",
    "timeTruncate",
    "timeout",
    "tls",
    "writeTimeout",
]
REFUSED = {"connectionAttributes", "serverPubKey", "timeTruncate"}
BASES = ["u:secret@tcp(h)/n?", "mysql://u:secret@h/n?"]


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("timeout=5s", MysqlOptions(connect_timeout=5)),
        ("timeout=500ms", MysqlOptions(connect_timeout=1)),
        ("readTimeout=1m30s", MysqlOptions(read_timeout=90)),
        ("writeTimeout=1.5h", MysqlOptions(write_timeout=5400)),
        ("readTimeout=0", MysqlOptions()),
        ("maxAllowedPacket=1048576", MysqlOptions(largest_packet=1 << 20)),
        ("maxAllowedPacket=0", MysqlOptions()),
        ("allowNativePasswords=false", MysqlOptions(native_passwords=False)),
        ("allowNativePasswords=1", MysqlOptions()),
        ("allowCleartextPasswords=true", MysqlOptions(cleartext_passwords=True)),
        ("rejectReadOnly=true", MysqlOptions()),
        ("compress=false", MysqlOptions()),
        ("allowOldPasswords=0", MysqlOptions()),
    ],
)
def test_an_option_is_honoured(base: str, option: str, expected: MysqlOptions) -> None:
    """In both spellings."""
    dsn = parse_dsn(base + option)
    assert isinstance(dsn, MysqlDsn)
    assert dsn.options == expected


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(
    "option",
    [
        *(f"{name}={str(not value).lower()}" for name, value in FIXED.items()),
        "rejectReadOnly=yes",
        "charset=latin1",
        "charset=utf8mb4,latin1",
        "collation=latin1_swedish_ci",
        "timeout=5",
        "timeout=-5s",
        "readTimeout=5 s",
        "writeTimeout=",
        "maxAllowedPacket=1MB",
        "maxAllowedPacket=1024",
        *(f"{name}=x" for name in sorted(REFUSED)),
        "time_zone='Asia/Tokyo'",
        "transaction_isolation='SERIALIZABLE'",
        "ssl-key=key.pem",
        "SSL-MODE=required",
        "Tls=true",
        "tls=true&tls=false",
        "timeout=1s&timeout=2s",
        "tls=true&ssl-mode=DISABLED",
        "tls=false&ssl-ca=ca.pem",
        "tls=preferred&ssl-ca=ca.pem",
        "ssl_ca=ca.pem&ssl-mode=DISABLED",
        "secret",
    ],
)
def test_an_option_that_is_not_honoured_is_refused(base: str, option: str) -> None:
    """By its name; its value may be a secret."""
    name = option.partition("=")[0]
    with pytest.raises(SettingsError, match=r"^audit\.url: .+; expected ") as caught:
        parse_dsn(f"{base}{option}")
    assert name.split("_")[0].lower() in str(caught.value).lower()


@pytest.mark.parametrize("name", GO_OPTIONS)
def test_no_option_of_the_go_driver_is_unknown(name: str) -> None:
    """What the first version's addresses may hold is honoured, has nothing to change here, or is refused."""
    values = ("true", "false", "1s", "65536", "utf8mb4")
    accepted = set()
    for value in values:
        with contextlib.suppress(SettingsError):
            parse_dsn(f"u:p@tcp(h)/n?{name}={value}")
            accepted.add(value)
    assert bool(accepted) is (name not in REFUSED)
    assert (accepted == set(values)) is (name in GO_ONLY)


def test_the_documentation_lists_every_option() -> None:
    """In the table of docs/configuration.md."""
    text = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    for name in (*GO_OPTIONS, "ssl-mode", "ssl-ca"):
        assert any(f"`{name}`" in row.split("|")[1] for row in rows), name


@pytest.mark.parametrize(
    "url",
    [
        "",
        "n",
        "u:secret@tcp(h:3306)",
        "u:secret@tcp(h:3306)/",
        "u:secret@udp(h:3306)/n",
        "u:secret@h:3306/n",
        "u:secret@tcp(h:0)/n",
        "u:secret@tcp(h:99999)/n",
        "u:secret@tcp(h:x)/n",
        ":secret@tcp(h)/n",
        "u:secret@tcp(h)/n?tls=custom",
        "u:sec/ret?secret@tcp(h:3306)",
        "mysql://u:secret@h",
        "mysql://h/n",
        "mysql://u:secret@h/n/m",
        "mysql://u:secret@h:port/n",
        "mysql://u:secret@h/n?ssl-mode=maybe",
        "postgres://u:secret@h/n",
        "sqlite://s3mover.db",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///a.db?mode=ro",
    ],
)
def test_what_cannot_be_read_is_said_without_the_password(url: str) -> None:
    """The sentence names the setting and what was expected, and keeps the secret."""
    with pytest.raises(SettingsError, match=r"^audit\.url: .+; expected ") as caught:
        parse_dsn(url)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@given(password=PASSWORDS)
@example(password="//")
def test_a_go_dsn_takes_any_password(password: str) -> None:
    """Nothing in a password needs encoding there."""
    assert parse_dsn(f"u:{password}@tcp(h)/n") == MysqlDsn("u", password, "h", 3306, "", "n")


@given(
    password=PASSWORDS, url=st.sampled_from(["u:{}@tcp(h)/n", "mysql://u:{}@h/n", "mysql://u:{}@h:1/n?tls=1"])
)
def test_no_password_is_ever_printed(password: str, url: str) -> None:
    """Neither a DSN's repr nor its text, nor the error about a bad one, holds a password."""
    secret = f"%-{password}-%"
    assert secret not in shown(url.format(secret))


def shown(url: str) -> str:
    """Return all that anybody gets to see of a DSN."""
    try:
        dsn = parse_dsn(url)
    except SettingsError as error:
        return str(error)
    return f"{dsn!r} {dsn} {dsn.redacted}"


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """There is no third way."""
    assert shown(text)


def test_the_redacted_url_says_where() -> None:
    """It is meant for people: everything but the password."""
    assert str(parse_dsn("u:p@tcp(h)/n")) == "mysql://u:***@h:3306/n"
    assert str(parse_dsn("u:p@tcp([::1]:1)/n")) == "mysql://u:***@[::1]:1/n"
    assert str(parse_dsn("u:p@unix(/s)/n")) == "mysql://u:***@unix(/s)/n"
    assert str(parse_dsn("sqlite:///a.db")) == "sqlite:///a.db"
    assert str(parse_dsn("sqlite:////a.db")) == "sqlite:////a.db"


def test_only_unverified_tls_trusts_anybody() -> None:
    """`check` warns of what looks protected and is not, and of what may be without protection."""
    trusting = {"tls=skip-verify", "ssl-mode=REQUIRED"}
    for options in (*trusting, "", "tls=true", "tls=false", "tls=skip-verify&ssl-ca=ca.pem"):
        dsn = parse_dsn(f"u:p@tcp(h)/n?{options}")
        assert isinstance(dsn, MysqlDsn)
        assert dsn.trusts_anybody == (options in trusting)
        assert dsn.may_be_plain == (options in ("", "tls=false"))
    socket = parse_dsn("u:p@unix(/s)/n?tls=preferred")
    assert isinstance(socket, MysqlDsn)
    assert not socket.may_be_plain
