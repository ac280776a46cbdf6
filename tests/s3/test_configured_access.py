"""Complete settings resolve to what boto3 would resolve."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from s3mover.model import Side
from s3mover.s3 import configured_access
from s3mover.s3.resolver import caching_resolver
from s3mover.s3.side_access import SideAccess

BARE = {"HOME": "/nowhere", "AWS_EC2_METADATA_DISABLED": "true", "PATH": "/bin"}
KEYS = {"access_key": "AKIAEXAMPLE", "secret_key": "very/secret"}
STORE = SideAccess(Side.SOURCE, "docs", endpoint_url="http://store.example:9000", **KEYS)
BOTO3 = caching_resolver()

BUCKETS = st.one_of(
    st.sampled_from(["a--b", "docs--x-s3", "docs--ol-s3", "a..b", "a.-b", "1.2.3.4", "Docs", "d_o", "-ab"]),
    st.from_regex(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", fullmatch=True),
)
HOSTS = st.one_of(
    st.sampled_from(["localhost", "127.0.0.1", "[::1]", "Store.example", "s3.example.", "s_3.example"]),
    st.sampled_from(
        ["s3.amazonaws.com", "docs.s3.eu-west-1.amazonaws.com", "s3.dualstack.us-west-2.api.aws"]
    ),
    st.from_regex(r"[a-z0-9][a-z0-9.-]{0,70}", fullmatch=True),
)
REGIONS = st.one_of(
    st.sampled_from(["", "us-east-1", "cn-north-1", "us-gov-west-1", "aws-global", "local", "no region"]),
    st.from_regex(r"[a-z]{2,4}-[a-z]{2,12}-[0-9]{1,2}", fullmatch=True),
)
PORTS = st.one_of(st.just(""), st.integers(0, 65535).map(":{}".format))


@settings(max_examples=50)
@given(
    bucket=BUCKETS,
    url=st.builds(
        "{}://{}{}{}".format, st.sampled_from(["http", "https"]), HOSTS, PORTS, st.sampled_from(["", "/"])
    ),
    region=REGIONS,
    token=st.sampled_from(["", "token"]),
    addressing=st.sampled_from(["auto", "path", "virtual"]),
)
@example(bucket="docs", url="http://store.example:9000", region="", token="", addressing="auto")
@example(bucket="docs", url="http://store.example:9000", region="", token="", addressing="virtual")
@example(bucket="docs", url="https://store.1example", region="", token="", addressing="virtual")
@example(bucket="my.docs", url="https://10.0.0.7", region="eu-central-1", token="token", addressing="auto")
@example(bucket="my.docs", url="https://store.example", region="eu-central-1", token="", addressing="virtual")
def test_the_result_is_boto3_s(bucket: str, url: str, region: str, token: str, addressing: str) -> None:
    """Address, signing region and credentials."""
    access = replace(
        STORE, bucket=bucket, endpoint_url=url, region=region, session_token=token, addressing=addressing
    )
    found = configured_access.resolve_from_settings(access, BARE)
    event(f"answered: {found is not None}")
    assert found is None or found == BOTO3(access)


@pytest.mark.parametrize(
    "access",
    [
        STORE,
        replace(STORE, region="eu-central-1", session_token="token"),
        replace(STORE, bucket="my.docs", endpoint_url="https://10.0.0.7"),
        replace(STORE, endpoint_url="http://localhost:9000"),
        replace(STORE, addressing="virtual"),
        replace(STORE, addressing="path"),
    ],
)
def test_other_stores_with_keys_of_their_own_need_no_boto3(access: SideAccess) -> None:
    """So that it is not loaded for them."""
    assert configured_access.resolve_from_settings(access, BARE) == BOTO3(access)


@pytest.mark.parametrize(
    "changed",
    [
        {"endpoint_url": ""},
        {"access_key": "", "secret_key": ""},
        {"profile": "p"},
        {"role_arn": "arn:aws:iam::123456789012:role/r"},
        {"bucket": "arn:aws:s3:eu-central-1:123456789012:accesspoint/ap"},
        {"bucket": "docs--x-s3"},
        {"endpoint_url": "https://s3.eu-west-1.amazonaws.com"},
        {"endpoint_url": "https://gw.example/base"},
        {"region": "aws-global"},
    ],
)
def test_anything_special_is_left_to_boto3(changed: dict[str, Any]) -> None:
    """AWS itself, its chain of credentials, profiles, roles, names that are more than a bucket's."""
    assert configured_access.resolve_from_settings(replace(STORE, **changed), BARE) is None


@pytest.mark.parametrize(
    "variable",
    [
        "AWS_PROFILE",
        "AWS_DEFAULT_REGION",
        "AWS_CONFIG_FILE",
        "AWS_USE_FIPS_ENDPOINT",
        "AWS_DATA_PATH",
        "BOTOCORE_EXPERIMENTAL__PLUGINS",
    ],
)
def test_any_configuration_of_aws_is_left_to_boto3(tmp_path: Path, variable: str) -> None:
    """By variables or by files in the home folder; where that is not known, boto3 looks."""
    assert configured_access.resolve_from_settings(STORE, BARE | {variable: "x"}) is None
    assert configured_access.resolve_from_settings(STORE, {}) is None
    assert configured_access.resolve_from_settings(STORE, {"HOME": str(tmp_path)}) is not None
    (tmp_path / ".aws").mkdir()
    assert configured_access.resolve_from_settings(STORE, {"HOME": str(tmp_path)}) is None
