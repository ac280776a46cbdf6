"""What must hold between several settings."""

from pathlib import Path

import pytest

from s3mover.errors import SettingsError
from s3mover.settings.load import load


def problems(environ: dict[str, str]) -> list[str]:
    """Return what is wrong with an environment whose buckets are both `one`, unless it says otherwise."""
    try:
        load(None, {"SRC_BUCKET": "one", "DST_BUCKET": "one", "S3MOVER_CONFIG": "/dev/null"} | environ, {})
    except SettingsError as error:
        return list(error.problems)
    return []


@pytest.mark.parametrize(
    ("source", "destination"),
    [("", "a/"), ("a/", '""'), ("a/", "a/"), ("a/", "a/b/"), ("a/b/", "a/"), ("a", "ab")],
)
def test_overlapping_prefixes_of_one_bucket_are_refused(source: str, destination: str) -> None:
    """A sweep would copy its own copies, and with `after: delete` lose objects."""
    [problem] = problems({"SRC_PREFIX": source, "DST_PREFIX": destination})
    assert problem.startswith("source and destination overlap")


def test_a_bucket_is_not_copied_onto_itself() -> None:
    """Without prefixes the two ends are the same."""
    assert len(problems({})) == 1


@pytest.mark.parametrize(
    "environ",
    [
        {"DST_BUCKET": "two"},
        {"SRC_PREFIX": "a/", "DST_PREFIX": "b/"},
        {"DST_ENDPOINT_URL": "http://minio:9000"},
        {"SRC_ENDPOINT_URL": "http://minio:9001", "DST_ENDPOINT_URL": "http://minio:9000"},
        {"DST_REGION": "cn-north-1"},
        {"DST_ENDPOINT_URL": "https://s3.cn-north-1.amazonaws.com.cn"},
        {"DST_REGION": "us-gov-west-1"},
    ],
)
def test_what_shares_no_key_is_allowed(environ: dict[str, str]) -> None:
    """Another bucket, another prefix, another store, another partition of AWS."""
    assert problems(environ) == []


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        ("", "https://s3.eu-central-1.amazonaws.com"),
        ("https://s3.amazonaws.com", "https://s3.eu-central-1.amazonaws.com"),
        ("https://s3.cn-north-1.amazonaws.com.cn", "https://s3.cn-northwest-1.amazonaws.com.cn"),
        ("http://minio", "http://minio:80"),
        ("http://minio", "https://MINIO."),
        ("http://localhost:9000", "http://127.0.0.1:9000"),
    ],
)
def test_one_store_by_two_names_is_one_store(source: str, destination: str) -> None:
    """AWS's regions share their buckets' names, and a default port need not be written."""
    assert len(problems({"SRC_ENDPOINT_URL": source, "DST_ENDPOINT_URL": destination})) == 1


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({"SRC_ACCESS_KEY": "k"}, ["source.secret_key"]),
        ({"DST_SECRET_KEY": "s"}, ["destination.access_key"]),
        ({"SRC_SESSION_TOKEN": "t"}, ["source.session_token"]),
        ({"SRC_SESSION_TOKEN": "t", "SRC_ACCESS_KEY": "k"}, ["source.secret_key"]),
        ({"SRC_SESSION_TOKEN": "t", "SRC_ACCESS_KEY": "k", "SRC_SECRET_KEY": "s"}, []),
    ],
)
def test_keys_come_in_pairs(environ: dict[str, str], names: list[str]) -> None:
    """Half a pair would silently fall back on somebody else's credentials."""
    assert [problem.partition(":")[0] for problem in problems({"DST_BUCKET": "two"} | environ)] == names


def test_every_process_has_a_thread() -> None:
    """More processes than threads would leave some idle for ever."""
    environ = {"DST_BUCKET": "two", "S3MOVER_TRANSFER__PROCESSES": "9", "S3MOVER_TRANSFER__THREADS": "8"}
    [problem] = problems(environ)
    assert problem.startswith("transfer.processes: 9 processes cannot share 8 threads")
    assert problems(environ | {"S3MOVER_TRANSFER__PROCESSES": "8"}) == []


def test_a_key_is_used_by_kms_only() -> None:
    """With AES256 it would be ignored, or refused by S3 for every object."""
    key = {"DST_BUCKET": "two", "S3MOVER_DESTINATION__KMS_KEY_ID": "k"}
    [problem] = problems(key | {"S3MOVER_DESTINATION__ENCRYPTION": "AES256"})
    assert problem.startswith("destination.encryption: AES256 uses no KMS key")
    for encryption in ("", "aws:kms", "aws:kms:dsse"):
        assert problems(key | {"S3MOVER_DESTINATION__ENCRYPTION": encryption}) == []


PEM_FILES = {f"S3MOVER_SCALE__{name}_FILE": "x.pem" for name in ("CA", "CERTIFICATE", "KEY")}


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        (
            {"S3MOVER_SCALE__SCHEDULER": "tls://scheduler:8786"},
            "scale.ca_file, scale.certificate_file, scale.key_file",
        ),
        ({"S3MOVER_SCALE__CA_FILE": "x.pem", "S3MOVER_SCALE__CERTIFICATE_FILE": "x.pem"}, "scale.key_file"),
    ],
)
def test_machines_need_a_whole_identity(environ: dict[str, str], missing: str) -> None:
    """All files that are missing are named at once."""
    [problem] = problems({"DST_BUCKET": "two"} | environ)
    assert problem.startswith(f"{missing}: not set")


@pytest.mark.parametrize("scheduler", ["", "tls://scheduler:8786", "tcp://localhost:8786"])
def test_a_whole_identity_is_accepted(scheduler: str) -> None:
    assert problems({"DST_BUCKET": "two", "S3MOVER_SCALE__SCHEDULER": scheduler} | PEM_FILES) == []


def test_a_scheduler_on_loopback_needs_no_identity() -> None:
    assert problems({"DST_BUCKET": "two", "S3MOVER_SCALE__SCHEDULER": "tcp://127.0.0.1:8786"}) == []


MODES = ["report", "propagate"]


@pytest.mark.parametrize("mode", MODES)
def test_what_was_moved_is_not_deleted_at_the_destination_as_well(mode: str) -> None:
    """With `after: delete` every object is missing at the source, and its copy is the only one left."""
    environ = {"DST_BUCKET": "two", "S3MOVER_TRANSFER__AFTER": "delete", "S3MOVER_DELETIONS__MODE": mode}
    [problem] = problems(environ)
    assert problem.startswith(f"deletions.mode: {mode} is not possible with transfer.after: delete, because")
    assert problems(environ | {"S3MOVER_DELETIONS__MODE": "keep"}) == []
    assert problems(environ | {"S3MOVER_TRANSFER__AFTER": "keep"}) == []


@pytest.mark.parametrize("mode", MODES)
def test_deletions_are_not_carried_over_by_many_machines(mode: str) -> None:
    """Rather than to leave them out without a word."""
    environ = {
        "DST_BUCKET": "two",
        "S3MOVER_SCALE__SCHEDULER": "tcp://127.0.0.1:8786",
        "S3MOVER_DELETIONS__MODE": mode,
    }
    [problem] = problems(environ)
    assert problem.startswith(f"deletions.mode: {mode} is not possible with scale.scheduler, because")
    assert problems(environ | {"S3MOVER_DELETIONS__MODE": "keep"}) == []


ROUTES = """
source: {{bucket: one}}
destination: {{bucket: two}}
deletions: {{mode: {mode}, scope: {scope}}}
routes: [{{name: a, source: {{prefix: a/}}, destination: {{prefix: "{first}"}}}},
  {{name: b, source: {{prefix: b/}}, destination: {{prefix: "{second}"}}}}]
"""


@pytest.mark.parametrize(
    ("mode", "scope", "first", "second", "refused"),
    [
        ("propagate", "all", "x/", "x/", ["a", "b"]),
        ("propagate", "all", "x/", "x/y/", ["a", "b"]),
        ("propagate", "all", "", "y/", ["a", "b"]),
        ("propagate", "all", "x/", "y/", []),
        ("propagate", "recorded", "x/", "x/", []),
        ("report", "all", "x/", "x/", []),
    ],
)
def test_a_route_does_not_delete_what_another_route_copies(
    tmp_path: Path, mode: str, scope: str, first: str, second: str, refused: list[str]
) -> None:
    """To a route of scope `all` whatever the other puts below a shared prefix is missing at its source."""
    file = tmp_path / "config.yaml"
    file.write_text(ROUTES.format(mode=mode, scope=scope, first=first, second=second), encoding="utf-8")
    found: list[str] = []
    try:
        load(file, {}, {})
    except SettingsError as error:
        found = list(error.problems)
    assert [problem.partition(":")[0] for problem in found] == [
        f"routes.{name}.deletions.scope" for name in refused
    ]


ANCHORED = {"SRC_BUCKET": "a", "DST_BUCKET": "b", "DST_PREFIX": "x/", "SRC_PREFIX": "x/"}


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"audit.anchor": "https://seals"}, '"https://seals" is not the address of a bucket'),
        ({"audit.anchor": "s3://bbb/x/seals"}, "shares keys with the destination"),
        ({"audit.anchor": "s3://aaa"}, "shares keys with the source"),
        ({"audit.anchor_retention": "1d"}, "audit.anchor_retention: is set, and audit.anchor is not"),
        ({"audit.anchor_access.access_key": "AKIA"}, "audit.anchor_access.secret_key: missing"),
    ],
)
def test_an_anchor_lies_apart_from_what_is_moved(values: dict[str, str], problem: str) -> None:
    """Among the objects, seals would be copied, or deleted as nobody's."""
    with pytest.raises(SettingsError) as error:
        load(None, {**ANCHORED, "SRC_BUCKET": "aaa", "DST_BUCKET": "bbb"}, values)
    assert problem in str(error.value)
    load(None, {**ANCHORED, "SRC_BUCKET": "aaa", "DST_BUCKET": "bbb"}, {"audit.anchor": "s3://bbb/seals"})
