"""Credentials and addresses: boto3's decisions, as our records and errors."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from s3mover.errors import UnreachableError
from s3mover.model import BucketAddress, Credentials, Side
from s3mover.s3 import resolver
from s3mover.s3.bucket import Bucket
from s3mover.s3.resolver import resolve
from s3mover.s3.side_access import SideAccess
from testkit.scripted_server import answer, scripted

KEYS = {"access_key": "AKIAEXAMPLE", "secret_key": "very/secret"}


def address(bucket: str, **settings: str) -> BucketAddress:
    return resolve(SideAccess(Side.SOURCE, bucket, **(KEYS | settings))).address


@pytest.mark.parametrize(
    ("bucket", "settings", "environment", "expected"),
    [
        (
            "buck",
            {"region": "eu-west-1"},
            {},
            ("https", "buck.s3.eu-west-1.amazonaws.com", 443, "", "eu-west-1"),
        ),
        (
            "bu.ck",
            {"region": "eu-west-1"},
            {},
            ("https", "s3.eu-west-1.amazonaws.com", 443, "/bu.ck", "eu-west-1"),
        ),
        (
            "buck",
            {"region": "cn-north-1"},
            {},
            ("https", "buck.s3.cn-north-1.amazonaws.com.cn", 443, "", "cn-north-1"),
        ),
        (
            "buck",
            {"endpoint_url": "http://127.0.0.1:9000"},
            {},
            ("http", "127.0.0.1", 9000, "/buck", "us-east-1"),
        ),
        ("buck", {"endpoint_url": "http://[::1]:9000"}, {}, ("http", "::1", 9000, "/buck", "us-east-1")),
        (
            "buck",
            {"endpoint_url": "https://gw.example/base"},
            {},
            ("https", "gw.example", 443, "/base/buck", "us-east-1"),
        ),
        (
            "buck",
            {"region": "us-west-2"},
            {"AWS_USE_FIPS_ENDPOINT": "true"},
            ("https", "buck.s3-fips.us-west-2.amazonaws.com", 443, "", "us-west-2"),
        ),
        (
            "buck",
            {"region": "us-west-2"},
            {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
            ("https", "buck.s3.dualstack.us-west-2.amazonaws.com", 443, "", "us-west-2"),
        ),
        (
            "arn:aws:s3:eu-central-1:123456789012:accesspoint/ap",
            {"region": "eu-west-1"},
            {},
            ("https", "ap-123456789012.s3-accesspoint.eu-central-1.amazonaws.com", 443, "", "eu-central-1"),
        ),
        (
            "buck",
            {},
            {"AWS_ENDPOINT_URL_S3": "http://store:9000", "AWS_DEFAULT_REGION": "eu-north-1"},
            ("http", "store", 9000, "/buck", "eu-north-1"),
        ),
    ],
)
def test_the_address_is_botocores(
    monkeypatch: pytest.MonkeyPatch,
    bucket: str,
    settings: dict[str, str],
    environment: dict[str, str],
    expected: tuple[str, str, int, str, str],
) -> None:
    """Virtual hosts, paths, partitions, FIPS, dual-stack, access points and other stores."""
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert address(bucket, **settings) == BucketAddress(bucket, *expected)


def test_the_style_of_a_profile_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What people configured for the AWS CLI holds here, too."""
    config = tmp_path / "config"
    config.write_text("[profile p]\nregion = eu-west-2\ns3 =\n  addressing_style = path\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    found = address("buck", profile="p", region="eu-west-2")
    assert (found.host, found.path) == ("s3.eu-west-2.amazonaws.com", "/buck")


def test_a_region_that_is_not_given_is_asked_of_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    """The profile's is where one works, not where the bucket lies."""
    asked: list[str] = []

    def region(_: Any, __: SideAccess, guess: str) -> str:
        asked.append(guess)
        return "eu-south-1"

    monkeypatch.setattr(resolver, "_region_of_bucket", region)
    found = address("buck")
    assert (found.region, found.host, asked) == (
        "eu-south-1",
        "buck.s3.eu-south-1.amazonaws.com",
        ["us-east-1"],
    )


def test_even_a_refusal_names_the_region() -> None:
    """HeadBucket names it to any principal."""
    said = answer(b"", "403 Forbidden", "x-amz-bucket-region: ap-south-1", "Connection: close")
    with scripted(lambda peer: peer.answer(said)) as server:
        access = SideAccess(Side.SOURCE, "buck", endpoint_url=f"http://127.0.0.1:{server.port}")
        assert resolver._region_of_bucket(resolver.session_of(""), access, "us-east-1") == "ap-south-1"
        assert b"authorization" not in server.heard[0].lower()


def test_the_buckets_of_an_address_can_be_used(moto_url: str, boto: Any) -> None:
    """Address and credentials are all that the wire client needs."""
    boto.create_bucket(Bucket="usable-bucket")
    found = resolve(SideAccess(Side.SOURCE, "usable-bucket", endpoint_url=moto_url, **KEYS))
    bucket = Bucket(found.address, lambda: found.credentials, lambda _, __: None)
    assert not bucket.list_page("").entries
    bucket.close_thread()


def test_given_keys_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """They come before the environment's."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OTHER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other")
    access = SideAccess(Side.SOURCE, "b", region="eu-west-1", session_token="tok", **KEYS)
    assert resolve(access).credentials == Credentials("AKIAEXAMPLE", "very/secret", "tok", None)


def test_the_default_chain_is_used_where_no_keys_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """As everything of AWS does."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "env")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "tok")
    assert resolve(SideAccess(Side.SOURCE, "b", region="eu-west-1")).credentials == Credentials(
        "ENV", "env", "tok"
    )


def test_a_role_is_assumed_each_time(monkeypatch: pytest.MonkeyPatch, moto_url: str) -> None:
    """The credentials are the role's and expire; resolving again returns others."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto_url)
    access = SideAccess(
        Side.DESTINATION,
        "b",
        region="eu-west-1",
        role_arn="arn:aws:iam::123456789012:role/r",
        external_id="hidden-id",
        **KEYS,
    )
    first, second = resolve(access).credentials, resolve(access).credentials
    assert first.access_key.startswith("ASIA")
    assert first.session_token
    assert first.expires_at
    assert second.access_key != first.access_key


def failure(**settings: str) -> str:
    """Return the sentence that these settings lead to."""
    with pytest.raises(UnreachableError) as caught:
        resolve(SideAccess(Side.SOURCE, **({"bucket": "buck", "region": "eu-west-1"} | settings)))
    assert caught.value.__cause__ is not None
    return str(caught.value)


def test_failures_name_the_side_and_say_what_to_do() -> None:
    """One sentence each, without a secret."""
    assert failure().startswith("source: no credentials were found; set source.access_key")
    assert failure(profile="nope").startswith(
        "source: there is no AWS profile 'nope'; correct source.profile"
    )
    assert failure(endpoint_url="nonsense", **KEYS).startswith("source: Invalid endpoint: nonsense; check")
    assert "doesn't match a supported format" in failure(region="no region", **KEYS)
    assert "Invalid bucket name" in failure(bucket="no bucket", **KEYS)


def test_a_role_that_cannot_be_assumed_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused by STS, or STS not reached; neither sentence holds a secret."""
    role = {"role_arn": "arn:aws:iam::123456789012:role/r", "external_id": "hidden-id", **KEYS}
    denied = (
        b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>"
    )
    head = b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(denied)
    with scripted(lambda peer: peer.answer(head + denied)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{server.port}")
        refused = failure(**role)
        assert b"ExternalId=hidden-id" in server.heard[0]
    unreached = failure(**role)
    assert "no credentials were given (AccessDenied: not you); check source.role_arn" in refused
    assert "check source.endpoint_url, source.region and the network" in unreached
    assert not any(secret in refused + unreached for secret in ("very/secret", "hidden-id"))


def test_the_endpoint_of_another_store_gets_no_request() -> None:
    """Building an address sends nothing."""
    with scripted() as server:
        url = f"http://127.0.0.1:{server.port}"
        assert address("buck", endpoint_url=url).port == urlsplit(url).port
        assert server.connections == 0


@pytest.mark.parametrize(
    ("addressing", "host", "path"),
    [
        ("auto", "store.example", "/docs"),
        ("path", "store.example", "/docs"),
        ("virtual", "docs.store.example", ""),
    ],
)
def test_the_setting_says_where_requests_name_the_bucket(addressing: str, host: str, path: str) -> None:
    """Some stores take it in the host's name only."""
    found = address("docs", endpoint_url="https://store.example", addressing=addressing)
    assert (found.host, found.path) == (host, path)


def test_a_path_is_taken_on_aws_where_it_is_wanted() -> None:
    """The host is then the region's."""
    found = address("docs", region="eu-west-1", addressing="path")
    assert (found.host, found.path) == ("s3.eu-west-1.amazonaws.com", "/docs")
