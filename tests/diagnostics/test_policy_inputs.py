"""From settings to the terms of policies, and what `s3mover policy` says of them."""

from pathlib import Path

import pytest

from s3mover.commands.dry_run import policy
from s3mover.diagnostics.iam_policies import PolicyInputs
from s3mover.diagnostics.policy_inputs import documents_of, policy_inputs_of
from s3mover.model import Method
from s3mover.settings import Settings
from s3mover.settings.load import load

PAIR = {"SRC_BUCKET": "ours", "DST_BUCKET": "theirs", "SRC_PROFILE": "a", "DST_PROFILE": "b"}
KEY_ID = "2222aaaa-22aa-22aa-22aa-222222aaaaaa"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def settings(**more: str) -> Settings:
    return load(None, {**PAIR, **more}, {})


def terms(**more: str) -> PolicyInputs:
    return policy_inputs_of(settings(**more))


def said(side: str | None = None, source_key: str = "", **more: str) -> str:
    lines: list[str] = []
    policy(settings(**more), lines.append, side=side, source_key=source_key, as_json=False)
    return "\n".join(lines)


def test_what_settings_do_not_tell_has_a_placeholder() -> None:
    """One that says what belongs there."""
    assert terms().destination.principal == "arn:aws:iam::<ACCOUNT-ID-OF-THE-DESTINATION>:root"
    assert terms().source.account == "<ACCOUNT-ID-OF-THE-SOURCE>"


def test_an_account_is_set_or_its_role_s() -> None:
    """A role that is assumed belongs to the bucket's account, unless the account is told."""
    role = "arn:aws:iam::333333333333:role/mover"
    assert terms(DST_ROLE_ARN=role).destination.account == "333333333333"
    told = terms(DST_ROLE_ARN=role, DST_ACCOUNT_ID="222222222222").destination
    assert (told.account, told.principal) == ("222222222222", role)


@pytest.mark.parametrize(
    ("name", "arn"),
    [
        (KEY_ID, f"arn:aws:kms:eu-west-1:222222222222:key/{KEY_ID}"),
        (f"arn:aws:kms:us-east-1:9:key/{KEY_ID}", f"arn:aws:kms:us-east-1:9:key/{KEY_ID}"),
        ("alias/documents", "<ARN-OF-THE-KMS-KEY-OF-THE-DESTINATION>"),
        ("arn:aws:kms:us-east-1:9:alias/documents", "<ARN-OF-THE-KMS-KEY-OF-THE-DESTINATION>"),
    ],
)
def test_a_key_is_named_by_its_arn(name: str, arn: str) -> None:
    """An alias is no key in the eyes of a policy."""
    more = {
        "DST_REGION": "eu-west-1",
        "DST_ACCOUNT_ID": "222222222222",
        "S3MOVER_DESTINATION__KMS_KEY_ID": name,
    }
    found = terms(**more)
    assert found.destination.key == arn
    assert found.source.key == "<ARN-OF-THE-KMS-KEY-OF-THE-SOURCE>"


def test_the_source_s_key_may_be_told() -> None:
    """And without any key at the destination nothing is assumed of the source."""
    assert policy_inputs_of(settings(), "arn:key").source.key == "arn:key"
    assert terms().source.key == ""


@pytest.mark.parametrize(
    ("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("eu-west-1", "aws")]
)
def test_the_region_tells_the_partition(region: str, partition: str) -> None:
    """All ARNs of an end are of its partition."""
    end = terms(SRC_REGION=region).source
    assert (end.bucket_arn, end.principal.split(":")[1]) == (f"arn:{partition}:s3:::ours", partition)


def test_settings_tell_which_further_rights_are_used() -> None:
    """Each by its own setting."""
    assert terms() == PolicyInputs(terms().source, terms().destination, looks=True)
    assert not terms(S3MOVER_TRANSFER__THOROUGH="never").looks
    more = {
        "S3MOVER_DESTINATION__ACL": "bucket-owner-full-control",
        "S3MOVER_TRANSFER__THOROUGH": "always",
        "S3MOVER_TRANSFER__AFTER": "delete",
        "S3MOVER_TRANSFER__RESTORE__TIER": "bulk",
    }
    found = terms(**more)
    assert (found.acl, found.locks, found.delete, found.restore) == (True, True, True, True)
    assert not found.looks


def test_equal_credentials_are_one_principal() -> None:
    """It is taken for the destination's account's, and that is said."""
    found = terms(SRC_PROFILE="same", DST_PROFILE="same")
    assert found.source.principal == found.destination.principal
    assert "Both ends use the same credentials" in said(SRC_PROFILE="same", DST_PROFILE="same")
    assert "Both ends" not in said()


@pytest.mark.parametrize(
    ("method", "ways"),
    [
        ("auto", {Method.SERVER_SIDE_COPY, Method.STREAMING}),
        ("streaming", {Method.STREAMING}),
        ("server_side_copy", {Method.SERVER_SIDE_COPY}),
    ],
)
def test_only_the_ways_that_are_used_are_documented(method: str, ways: set[Method]) -> None:
    """Both where s3mover is to choose."""
    assert {one.way for one in documents_of(settings(S3MOVER_TRANSFER__METHOD=method), "")} == ways


def test_the_text_says_what_each_document_is_attached_to() -> None:
    """Also where there is nothing to add; of one side alone where asked for."""
    text = said()
    assert text.count("# The policy of the principal of the source's credentials\n{") == 2
    assert "# The policy of the bucket theirs: nothing to add." in text
    assert text.index("## Server-side copy") < text.index("## Streaming")
    assert "theirs" not in said(side="source")


def test_the_text_asks_for_the_source_s_key_until_it_is_told() -> None:
    """Nothing in the settings names it."""
    assert "--source-key" in said()
    assert "leave DecryptSource out" in said(S3MOVER_DESTINATION__KMS_KEY_ID=KEY_ID)
    assert "--source-key" not in said(source_key="arn:aws:kms:eu-west-1:111111111111:key/k")
