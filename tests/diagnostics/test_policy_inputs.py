"""The inputs of policies from settings, and the text of `s3mover policy`."""

from pathlib import Path

import pytest

from s3mover.commands.policy import policy
from s3mover.diagnostics.iam_grants import PolicyInputs
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


def inputs(**more: str) -> PolicyInputs:
    return policy_inputs_of(settings(**more))


def printed(side: str | None = None, source_key: str = "", **more: str) -> str:
    lines: list[str] = []
    policy(settings(**more), lines.append, side=side, source_key=source_key, as_json=False)
    return "\n".join(lines)


def test_a_missing_setting_has_a_placeholder() -> None:
    """It says what to insert."""
    assert inputs().destination.principal == "arn:aws:iam::<ACCOUNT-ID-OF-THE-DESTINATION>:root"
    assert inputs().source.account == "<ACCOUNT-ID-OF-THE-SOURCE>"


def test_the_account_is_the_setting_or_that_of_the_role() -> None:
    """An assumed role belongs to the bucket's account, unless the account is set."""
    role = "arn:aws:iam::333333333333:role/mover"
    assert inputs(DST_ROLE_ARN=role).destination.account == "333333333333"
    configured = inputs(DST_ROLE_ARN=role, DST_ACCOUNT_ID="222222222222").destination
    assert (configured.account, configured.principal) == ("222222222222", role)


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
    """An alias cannot be used in a policy."""
    more = {
        "DST_REGION": "eu-west-1",
        "DST_ACCOUNT_ID": "222222222222",
        "S3MOVER_DESTINATION__KMS_KEY_ID": name,
    }
    result = inputs(**more)
    assert result.destination.key == arn
    assert result.source.key == "<ARN-OF-THE-KMS-KEY-OF-THE-SOURCE>"


def test_annotations_follow_the_setting() -> None:
    """By default copies leave them out."""
    assert not inputs().annotations
    assert inputs(S3MOVER_TRANSFER__ANNOTATIONS="copy").annotations


def test_the_key_of_the_source_may_be_given() -> None:
    """Without a key at the destination none is assumed at the source."""
    assert policy_inputs_of(settings(), "arn:key").source.key == "arn:key"
    assert inputs().source.key == ""


@pytest.mark.parametrize(
    ("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("eu-west-1", "aws")]
)
def test_the_region_determines_the_partition(region: str, partition: str) -> None:
    """All ARNs of a side use its partition."""
    side = inputs(SRC_REGION=region).source
    assert (side.bucket_arn, side.principal.split(":")[1]) == (f"arn:{partition}:s3:::ours", partition)


def test_settings_determine_the_additional_rights() -> None:
    """Each is enabled by its setting."""
    assert inputs() == PolicyInputs(inputs().source, inputs().destination, inspects_buckets=True)
    assert not inputs(S3MOVER_TRANSFER__THOROUGH="never").inspects_buckets
    more = {
        "S3MOVER_DESTINATION__ACL": "bucket-owner-full-control",
        "S3MOVER_TRANSFER__THOROUGH": "always",
        "S3MOVER_TRANSFER__AFTER": "delete",
        "S3MOVER_TRANSFER__RESTORE__TIER": "bulk",
    }
    result = inputs(**more)
    assert (result.acl, result.locks, result.delete, result.restore) == (True, True, True, True)
    assert not result.inspects_buckets


def test_equal_credentials_are_one_principal() -> None:
    """It is assumed to belong to the destination's account, and a note says so."""
    result = inputs(SRC_PROFILE="same", DST_PROFILE="same")
    assert result.source.principal == result.destination.principal
    assert "Both sides use the same credentials" in printed(SRC_PROFILE="same", DST_PROFILE="same")
    assert "Both sides" not in printed()


@pytest.mark.parametrize(
    ("method", "methods"),
    [
        ("auto", {Method.SERVER_SIDE_COPY, Method.STREAMING}),
        ("streaming", {Method.STREAMING}),
        ("server_side_copy", {Method.SERVER_SIDE_COPY}),
    ],
)
def test_only_documents_of_the_used_methods_are_printed(method: str, methods: set[Method]) -> None:
    """Of both if s3mover chooses the method."""
    assert {one.method for one in documents_of(settings(S3MOVER_TRANSFER__METHOD=method), "")} == methods


def test_the_text_names_what_each_document_is_attached_to() -> None:
    """Also if there is nothing to add; of one side only if requested."""
    text = printed()
    assert text.count("# The policy of the principal of the source's credentials\n{") == 2
    assert "# The policy of the bucket theirs: nothing to add." in text
    assert text.index("## Server-side copy") < text.index("## Streaming")
    assert "theirs" not in printed(side="source")


def test_the_text_asks_for_the_key_of_the_source_until_it_is_given() -> None:
    """The settings do not contain it."""
    assert "--source-key" in printed()
    assert "omit DecryptSource" in printed(S3MOVER_DESTINATION__KMS_KEY_ID=KEY_ID)
    assert "--source-key" not in printed(source_key="arn:aws:kms:eu-west-1:111111111111:key/k")


def test_the_text_says_that_the_key_of_aws_needs_no_grant() -> None:
    """It is used if KMS is requested without a key."""
    requested = {"S3MOVER_DESTINATION__ENCRYPTION": "aws:kms"}
    assert "aws/s3" in printed(**requested)
    assert "aws/s3" not in printed(**requested, S3MOVER_DESTINATION__KMS_KEY_ID=KEY_ID)
    assert "kms:GenerateDataKey" in printed(**requested, S3MOVER_DESTINATION__KMS_KEY_ID=KEY_ID)


@pytest.mark.parametrize(("mode", "named"), [("keep", False), ("report", False), ("propagate", True)])
def test_deleting_at_the_destination_is_named_only_where_deletions_are_carried_over(
    mode: str, *, named: bool
) -> None:
    """To report them is no reason for a right that could do harm."""
    assert inputs(S3MOVER_DELETIONS__MODE=mode).delete_copies is named
    assert ("DeleteFromDestination" in printed("destination", S3MOVER_DELETIONS__MODE=mode)) is named
    assert "DeleteFromDestination" not in printed("source", S3MOVER_DELETIONS__MODE=mode)
