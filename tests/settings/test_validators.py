"""The shapes of texts."""

import pytest

from s3mover.settings import validators


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "my.bucket-1",
        "Legacy_Bucket",
        "a" * 63,
        "reports-x7d-s3alias",
        "arn:aws:s3:eu-central-1:123456789012:accesspoint/reports",
        "arn:aws-cn:s3-outposts:cn-north-1:123456789012:outpost/op-1/accesspoint/x",
    ],
)
def test_a_bucket_has_a_name_an_alias_or_an_arn(text: str) -> None:
    """S3 user guide, "General purpose bucket naming rules" and "Access points"."""
    assert validators.bucket(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "ab",
        "a" * 64,
        "-abc",
        "abc-",
        "a..b",
        "a/b",
        "a b",
        "192.168.0.1",
        "ümlaut",
        "arn:aws:s3:::bucket",
        "abc\n",
    ],
)
def test_anything_else_is_no_bucket(text: str) -> None:
    """What S3 would refuse is refused before it is asked."""
    with pytest.raises(ValueError, match="is not a bucket name"):
        validators.bucket(text)


def test_a_bucket_is_not_a_url() -> None:
    """The commonest slip has its own words."""
    with pytest.raises(ValueError, match="is a URL"):
        validators.bucket("s3://abc")


@pytest.mark.parametrize(
    "text", ["", "http://127.0.0.1:9000", "https://s3.example.com", "https://[::1]:9000", "https://minio/"]
)
def test_an_endpoint_is_scheme_host_and_port(text: str) -> None:
    """A closing slash is taken off."""
    assert validators.endpoint_url(text) == text.removesuffix("/")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("minio:9000", "is not an endpoint URL"),
        ("ftp://minio", "is not an endpoint URL"),
        ("https://", "is not an endpoint URL"),
        ("https://minio:x", "is not an endpoint URL"),
        ("https://minio:99999", "is not an endpoint URL"),
        ("https://[::1", "is not an endpoint URL"),
        ("https://mi nio", "is not an endpoint URL"),
        ("https://user:hunter2@minio", "contains credentials"),
        ("https://minio/bucket", "has a path or query after the host"),
        ("https://minio?x=1", "has a path or query after the host"),
        ("https://minio#x", "has a path or query after the host"),
    ],
)
def test_anything_else_is_no_endpoint(text: str, reason: str) -> None:
    """The reason is named, and the text is not repeated."""
    with pytest.raises(ValueError, match=reason) as caught:
        validators.endpoint_url(text)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:///s3mover.db",
        "sqlite:////var/lib/s3mover.db",
        "mysql://user:pa%40ss@host:3306/name",
        "mysql://host/name?ssl-mode=REQUIRED",
        "user:p@ss/w(o)rd@tcp(host:3306)/name?parseTime=true",
        "tcp(host)/name",
        "user:password@unix(/run/mysqld/mysqld.sock)/name",
    ],
)
def test_a_database_url_has_one_of_four_forms(text: str) -> None:
    """Those of the first version's DSN, URLs of MySQL, and the embedded database."""
    assert validators.database_url(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sqlite://x",
        "sqlite:///",
        "postgres://h/n",
        "mysql://host",
        "mysql:///name",
        "user@tcp(host:1)",
        "user@udp(h:1)/n",
        "unix(s)/n",
    ],
)
def test_anything_else_is_no_database_url(text: str) -> None:
    """A database that is not named, or of another make, is refused."""
    with pytest.raises(ValueError, match="is not a database URL"):
        validators.database_url(text)


@pytest.mark.parametrize("text", ["", "arn:aws:iam::123456789012:role/a/b", "arn:aws:iam:::role/S3Access"])
def test_a_role_is_named_by_its_arn(text: str) -> None:
    """Ceph leaves the account empty."""
    assert validators.role_arn(text) == text


@pytest.mark.parametrize("text", ["s3mover", "arn:aws:iam::123456789012:user/x", "arn:aws:iam::1:role/"])
def test_anything_else_is_no_role(text: str) -> None:
    """A user or a bare name cannot be assumed."""
    with pytest.raises(ValueError, match="is not the ARN of a role"):
        validators.role_arn(text)


def test_a_prefix_fits_into_a_key() -> None:
    """The limit of 1,024 counts bytes of UTF-8, not characters."""
    assert validators.key_prefix("é" * 512) == "é" * 512
    with pytest.raises(ValueError, match="longer than the longest key"):
        validators.key_prefix("é" * 513)


@pytest.mark.parametrize("check", [validators.one_line, validators.key_prefix])
def test_bytes_that_are_not_utf_8_are_refused(check: validators.Check) -> None:
    """Python hands them on as lone surrogates, which no request can carry."""
    assert check("é 文") == "é 文"
    with pytest.raises(ValueError, match="UTF-8"):
        check("a\udcff")


def test_a_line_has_no_newline_in_it() -> None:
    """The commonest slip with mounted secrets: one newline too many."""
    with pytest.raises(ValueError, match="one line"):
        validators.one_line("secret\n")


@pytest.mark.parametrize(
    "text",
    ["", "tls://scheduler:8786", "tls://10.0.0.1:1", "tls://[fe80::1]:8786", "tcp://127.0.0.1:8786",
     "tcp://localhost:8786", "tcp://[::1]:8786"],
)  # fmt: skip
def test_a_scheduler_has_tls_or_is_on_loopback(text: str) -> None:
    assert validators.scheduler_address(text) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("scheduler:8786", "is not the address"),
        ("tls://scheduler", "is not the address"),
        ("tls://", "is not the address"),
        ("tls://scheduler:8786/", "is not the address"),
        ("tls://user@scheduler:8786", "is not the address"),
        ("tls://sche duler:8786", "is not the address"),
        ("http://scheduler:8786", "is not the address"),
        ("TLS://scheduler:8786", "is not the address"),
        ("tcp://scheduler:8786", "is without TLS"),
        ("tcp://10.0.0.1:8786", "is without TLS"),
        ("tcp://0.0.0.0:8786", "is without TLS"),
        ("tcp://localhost.example.com:8786", "is without TLS"),
        ("tcp://[fe80::1]:8786", "is without TLS"),
    ],
)
def test_anything_else_is_not_a_scheduler(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        validators.scheduler_address(text)
    assert text not in str(caught.value)
