"""The three spellings of `audit.url`."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.audit.dsn import MysqlDsn, SqliteDsn, Tls, parse_dsn
from s3mover.errors import SettingsError

HERE = MysqlDsn("u", "p", "h", 3306, "", "n")
PASSWORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("u:p@tcp(h:3306)/n", HERE),
        ("u:p@tcp(h)/n", HERE),
        ("u:p@tcp(h:3306)/n?parseTime=true&charset=utf8mb4&loc=Asia%2FTokyo&timeout=5s", HERE),
        ("u:p@tcp(h:3306)/n?readTimeout=1s&writeTimeout=1s&collation=x&multiStatements=true", HERE),
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
    assert parse_dsn(base + options) == MysqlDsn("u", "p", "h", 3306, "", "n", tls, ca_file)


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
        "u:secret@tcp(h)/n?allowCleartextPasswords=true",
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
    """`check` warns of what looks protected and is not."""
    trusting = {"tls=skip-verify", "ssl-mode=REQUIRED"}
    for options in (*trusting, "", "tls=true", "tls=false", "tls=skip-verify&ssl-ca=ca.pem"):
        dsn = parse_dsn(f"u:p@tcp(h)/n?{options}")
        assert isinstance(dsn, MysqlDsn)
        assert dsn.trusts_anybody == (options in trusting)
