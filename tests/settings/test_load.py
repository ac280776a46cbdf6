"""From file, environment and command line to settings."""

from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from functools import reduce
from pathlib import Path

import pytest

from s3mover.errors import SettingsError
from s3mover.settings import Settings
from s3mover.settings.definitions import FIRST_VERSION_NAMES, setting_definitions
from s3mover.settings.load import load
from s3mover.settings.secret import Secret

BUCKETS = {"SRC_BUCKET": "ours", "DST_BUCKET": "theirs"}


def given(
    environ: Mapping[str, str] = BUCKETS,
    file: str | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Settings:
    """Load from an environment, a file's text and the command line."""
    path = None
    if file is not None:
        path = Path("given.yaml")
        path.write_text(file, encoding="utf-8")
    return load(path, environ, overrides or {})


def value(settings: Settings, name: str) -> object:
    """Return the value of a setting by its name, secrets in the open."""
    found: object = reduce(getattr, name.split("."), settings)
    return found.value if isinstance(found, Secret) else found


def test_without_anything_the_defaults_hold() -> None:
    """The contract's table, where a default is a number, duration or size."""
    settings = given()
    assert settings.transfer.threads == 150
    assert settings.transfer.part_size == 64 * 2**20
    assert settings.sweep.interval == 60.0
    assert settings.stop.grace == 25.0
    assert settings.audit.url.value == "sqlite:///s3mover.db"
    assert settings.summary.directory == Path("logs")


def test_the_command_line_wins_over_the_environment_that_over_the_file_that_over_the_default() -> None:
    """Each layer is heard where those above it are silent."""
    file = "sweep: {interval: 1m}\nhttp: {port: 1}\ntransfer: {threads: 1}\n"
    environ = BUCKETS | {"S3MOVER_HTTP__PORT": "2", "S3MOVER_TRANSFER__THREADS": "2"}
    settings = given(environ, file, {"transfer.threads": 3, "sweep.interval": None})
    assert (settings.sweep.interval, settings.http.port, settings.transfer.threads) == (60.0, 2, 3)
    assert settings.stop.grace == 25.0


def test_every_setting_can_come_from_the_environment() -> None:
    """Its default, written as text under its S3MOVER_ name, reads back as the default."""
    schema = setting_definitions()
    environ = {setting.environment[0]: setting.default or '""' for setting in schema.values()} | BUCKETS
    settings = load(None, environ, {}, buckets=False)
    plain = given()
    for name in set(schema) - {"source.bucket", "destination.bucket"}:
        assert value(settings, name) == value(plain, name), name


@pytest.mark.parametrize(("variable", "setting"), FIRST_VERSION_NAMES.items())
@pytest.mark.parametrize("mounted", [False, True])
def test_the_first_version_s_names_work_plain_and_mounted(
    tmp_path: Path, variable: str, setting: str, *, mounted: bool
) -> None:
    """A mounted value loses the newline at its end, and only that."""
    samples = {
        "MYSQL_DSN": "u:p@tcp(h:1)/n",
        "ENDPOINT_URL": "http://h:1",
        "ROLE_ARN": "arn:aws:iam::1:role/r",
        "ACCOUNT_ID": "012345678901",
    }
    sample = samples.get(variable, samples.get(variable.partition("_")[2], "a-sample"))
    keys = {f"{side}_{key}": "k" for side in ("SRC", "DST") for key in ("ACCESS_KEY", "SECRET_KEY")}
    environ = BUCKETS | keys
    environ.pop(variable, None)
    if mounted:
        (tmp_path / "mounted").write_text(sample + "\n")
        environ[f"{variable}_FILE"] = str(tmp_path / "mounted")
    else:
        environ[variable] = sample
    assert value(given(environ), setting) == sample


def test_a_setting_tells_its_names_in_the_environment() -> None:
    """Ours first, because it wins."""
    schema = setting_definitions()
    assert schema["audit.url"].environment == ("S3MOVER_AUDIT__URL", "MYSQL_DSN")
    assert schema["source.access_key"].environment == ("S3MOVER_SOURCE__ACCESS_KEY", "SRC_ACCESS_KEY")
    assert schema["log.level"].environment == ("S3MOVER_LOG__LEVEL",)


def test_the_names_of_the_first_version_cover_both_sides() -> None:
    """Eleven for each, and the DSN."""
    assert len(FIRST_VERSION_NAMES) == 23


def test_our_names_win_over_the_first_version_s() -> None:
    """Also where the older one is mounted."""
    Path("mounted").write_text("old")
    environ = BUCKETS | {"S3MOVER_SOURCE__PREFIX": "new", "SRC_PREFIX_FILE": "mounted", "SRC_REGION": "old-1"}
    settings = given(environ | {"S3MOVER_SOURCE__REGION": "new-1"})
    assert (settings.source.prefix, settings.source.region) == ("new", "new-1")


def test_a_mounted_value_keeps_its_spaces() -> None:
    """Only one newline at the end is taken off, of either make."""
    for content, prefix in ((b" a ", " a "), (b"a\n", "a"), (b"a\r\n", "a"), (b"a\nb", "a\nb")):
        Path("mounted").write_bytes(content)
        environ = BUCKETS | {"SRC_PREFIX_FILE": "mounted"}
        assert given(environ).source.prefix == prefix


def test_lists_come_with_commas_or_as_yaml() -> None:
    """From the environment and from the file alike."""
    environ = BUCKETS | {"S3MOVER_FILTER__INCLUDE": "*.pdf, hr/*", "S3MOVER_FILTER__EXCLUDE": '["a,b"]'}
    assert given(environ).filter.include == ("*.pdf", "hr/*")
    assert given(environ).filter.exclude == ("a,b",)
    settings = given(file="filter:\n  include: ['*.pdf', hr/*]\n  exclude: x, y\n")
    assert (settings.filter.include, settings.filter.exclude) == (("*.pdf", "hr/*"), ("x", "y"))


def test_nothing_means_not_set() -> None:
    """An empty variable, a key without a value and an empty mount leave the layer below in charge."""
    Path("empty").write_text("\n")
    file = "source: {bucket: from-file, prefix: p}\ndestination:\ntransfer:\n  threads:\n  part_size: ''\n"
    environ = {
        "SRC_BUCKET": "",
        "S3MOVER_SOURCE__BUCKET": "",
        "SRC_PREFIX_FILE": "empty",
        "DST_BUCKET": "theirs",
    }
    settings = given(environ | {"MYSQL_DSN": "", "S3MOVER_CONFIG": ""}, file)
    assert (settings.source.bucket, settings.source.prefix) == ("from-file", "p")
    assert settings.transfer == given().transfer


@pytest.mark.parametrize(
    ("environ", "file", "prefix"),
    [
        ({}, "", "docs/"),
        ({"DST_PREFIX": ""}, "", "docs/"),
        ({}, "destination: {prefix: }", "docs/"),
        ({"DST_PREFIX": "x/"}, "", "x/"),
        ({"DST_PREFIX": '""'}, "", ""),
        ({}, 'destination: {prefix: ""}', ""),
        ({"DST_PREFIX": '""'}, "destination: {prefix: x/}", ""),
    ],
)
def test_the_destination_s_prefix_is_the_source_s_unless_set(
    environ: dict[str, str], file: str, prefix: str
) -> None:
    """Two quotation marks set it to nothing, in the file and in the environment."""
    assert given(BUCKETS | {"SRC_PREFIX": "docs/"} | environ, file).destination.prefix == prefix


def test_the_command_line_can_set_the_destination_s_prefix_to_nothing() -> None:
    """There an empty text is said on purpose, and None is not said."""
    environ = BUCKETS | {"SRC_PREFIX": "docs/"}
    assert given(environ, overrides={"destination.prefix": ""}).destination.prefix == ""
    assert given(environ, overrides={"destination.prefix": None}).destination.prefix == "docs/"


def test_the_file_is_the_named_one_else_that_of_the_environment_else_the_default_one() -> None:
    """Each is tried only where the one before is not named."""
    for number, name in enumerate(("named.yaml", "environment.yaml", "config.yaml"), start=1):
        Path(name).write_text(f"http: {{port: {number}}}")
    environ = BUCKETS | {"S3MOVER_CONFIG": "environment.yaml"}
    assert load(Path("named.yaml"), environ, {}).http.port == 1
    assert load(None, environ, {}).http.port == 2
    assert load(None, BUCKETS, {}).http.port == 3


@pytest.mark.parametrize(
    "key", ["alias/replica", "mrk-1234abcd", "arn:aws:kms:eu-central-1:1:key/1", "minio-key"]
)
def test_a_kms_key_is_named_by_id_alias_or_arn(key: str) -> None:
    """Other stores have names of their own for it."""
    environ = BUCKETS | {
        "S3MOVER_DESTINATION__KMS_KEY_ID": key,
        "S3MOVER_DESTINATION__STORAGE_CLASS": "GLACIER_IR",
    }
    assert given(environ).destination.kms_key_id == key


def test_words_may_be_written_in_capitals() -> None:
    """A level of INFO is as good as info."""
    assert given(BUCKETS | {"S3MOVER_LOG__LEVEL": "WARNING"}).log.level == "warning"


@pytest.mark.parametrize(("text", "read"), [("true", "requester"), ("requester", "requester"), ("false", "")])
def test_requester_pays_can_be_said_as_a_boolean(text: str, read: str) -> None:
    """S3's word is `requester`; people write true."""
    assert given(file=f"source: {{request_payer: {text}}}").source.request_payer == read


def test_variables_of_others_are_left_alone() -> None:
    """Kubernetes sets S3MOVER_PORT for a Service of that name; tests have their own variables."""
    environ = {
        "S3MOVER_PORT": "tcp://1.2.3.4:80",
        "S3MOVER_SERVICE_HOST": "x",
        "S3MOVER_TEST_A__B": "x",
        "OTHER__X": "x",
    }
    assert given(BUCKETS | environ) == given()


def test_settings_cannot_be_changed() -> None:
    """Neither a section nor a field in one."""
    settings = given()
    with pytest.raises(FrozenInstanceError):
        setattr(settings.http, "port", 1)  # noqa: B010 (a plain assignment is refused by mypy already)
    with pytest.raises(FrozenInstanceError):
        setattr(settings, "http", settings.http)  # noqa: B010


def test_no_secret_stands_in_a_repr() -> None:
    """Secret key, session token and DSN."""
    environ = {"SRC_ACCESS_KEY": "k", "SRC_SECRET_KEY": "hunter2", "SRC_SESSION_TOKEN": "hunter2"}
    settings = given(BUCKETS | environ | {"MYSQL_DSN": "u:hunter2@tcp(h:1)/n"})
    assert "hunter2" not in f"{settings!r} {settings}"


def test_what_needs_no_bucket_works_without() -> None:
    """`report` and `schema` need the database only."""
    assert load(None, {}, {}, buckets=False).source.bucket == ""
    with pytest.raises(SettingsError):
        load(None, {}, {})
