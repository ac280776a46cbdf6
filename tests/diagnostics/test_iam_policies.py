"""Which rights are granted to which principal, and in which policy."""

from dataclasses import replace
from typing import Any

import pytest

from s3mover.diagnostics.iam_grants import PolicyInputs, PolicySide, grants
from s3mover.diagnostics.iam_policies import Document, Kind, account_of, documents, remedy
from s3mover.model import Method, Side

SOURCE = PolicySide("ours", "in/", "111111111111", "arn:aws:iam::111111111111:root")
DESTINATION = PolicySide("theirs", "out/", "222222222222", "arn:aws:iam::222222222222:role/mover")
INPUTS = PolicyInputs(SOURCE, DESTINATION)
KEYS = (
    "arn:aws:kms:eu-central-1:111111111111:key/source",
    "arn:aws:kms:eu-central-1:222222222222:key/destination",
)
ENCRYPTED = PolicyInputs(replace(SOURCE, key=KEYS[0]), replace(DESTINATION, key=KEYS[1]))


def statements(documents: list[Document], side: Side, kind: Kind) -> dict[str, dict[str, Any]]:
    """Return the statements of the document of this side and kind, by their ids."""
    [document] = [one for one in documents if (one.side, one.kind) == (side, kind)]
    listed = document.policy["Statement"] if document.policy else []
    assert len({one["Sid"] for one in listed}) == len(listed)
    return {one["Sid"]: one for one in listed}


def actions_of(inputs: PolicyInputs, holder: Side) -> set[str]:
    """Return all actions that the credentials of one side need."""
    needed = grants(inputs, Method.SERVER_SIDE_COPY)
    return {action for grant in needed if grant.holder is holder for action in grant.actions}


def test_objects_and_listings_are_limited_to_the_prefixes() -> None:
    """Nothing outside them can be listed, read or written."""
    for document in documents(INPUTS, Method.SERVER_SIDE_COPY):
        for statement in document.policy["Statement"] if document.policy else []:
            resource, prefix = statement["Resource"], {"ours": "in/", "theirs": "out/"}
            bucket = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
            if statement["Action"] == "s3:ListBucket":
                assert statement["Condition"] == {"StringLike": {"s3:prefix": f"{prefix[bucket]}*"}}
            elif statement["Action"] != "s3:ListBucketMultipartUploads":
                assert resource.startswith(f"arn:aws:s3:::{bucket}/{prefix[bucket]}")


def test_without_a_prefix_a_listing_has_no_condition() -> None:
    """The whole bucket can be listed."""
    inputs = replace(INPUTS, source=replace(SOURCE, prefix=""))
    identity = statements(documents(inputs, Method.STREAMING), Side.SOURCE, Kind.IDENTITY)
    assert "Condition" not in identity["ListSource"]
    assert identity["ReadSource"]["Resource"] == "arn:aws:s3:::ours/*"


def test_a_prefix_is_taken_literally() -> None:
    """Wildcards and variables are escaped (IAM User Guide, "Policy variables")."""
    assert replace(SOURCE, prefix="a*b?c${d}/").objects_arn() == "arn:aws:s3:::ours/a${*}b${?}c${$}{d}/*"


def test_a_server_side_copy_crosses_accounts_at_the_source() -> None:
    """The destination's principal reads the source; its own policy and the source's bucket policy grant it."""
    printed = documents(INPUTS, Method.SERVER_SIDE_COPY)
    reading = {"s3:GetObject", "s3:GetObjectTagging"}
    at_bucket = statements(printed, Side.SOURCE, Kind.BUCKET)
    assert list(at_bucket) == ["ReadSource"]
    assert at_bucket["ReadSource"]["Principal"] == {"AWS": DESTINATION.principal}
    assert set(at_bucket["ReadSource"]["Action"]) == reading
    assert set(statements(printed, Side.DESTINATION, Kind.IDENTITY)["ReadSource"]["Action"]) == reading
    assert statements(printed, Side.DESTINATION, Kind.BUCKET) == {}


def test_object_annotations_need_rights_of_their_own() -> None:
    """Only server-side copies keep them: the destination's principal reads them at the source and writes them."""
    reading, writing = "s3:GetObjectAnnotation", "s3:PutObjectAnnotation"
    inputs = replace(INPUTS, annotations=True)
    assert actions_of(INPUTS, Side.DESTINATION).isdisjoint({reading, writing})
    assert actions_of(inputs, Side.DESTINATION) >= {reading, writing}
    assert actions_of(inputs, Side.SOURCE).isdisjoint({reading, writing})
    printed = documents(inputs, Method.SERVER_SIDE_COPY)
    assert statements(printed, Side.SOURCE, Kind.BUCKET)["ReadAnnotationsOfSource"]["Action"] == reading
    assert "Annotation" not in str(documents(inputs, Method.STREAMING))


def test_streaming_crosses_no_accounts() -> None:
    """Each principal accesses its own bucket, so no bucket policy is needed."""
    printed = documents(ENCRYPTED, Method.STREAMING)
    for side in Side:
        assert statements(printed, side, Kind.BUCKET) == statements(printed, side, Kind.KEY) == {}
    assert "ReadSource" not in statements(printed, Side.DESTINATION, Kind.IDENTITY)


def test_readers_and_writers_may_use_the_keys() -> None:
    """The destination's key for data keys and, for parts, decryption; the source's for decryption across accounts."""
    printed = documents(ENCRYPTED, Method.SERVER_SIDE_COPY)
    mover = statements(printed, Side.DESTINATION, Kind.IDENTITY)
    assert mover["EncryptDestination"]["Action"] == ["kms:GenerateDataKey", "kms:Decrypt"]
    assert mover["EncryptDestination"]["Resource"] == KEYS[1]
    assert mover["DecryptSource"]["Resource"] == KEYS[0]
    assert statements(printed, Side.SOURCE, Kind.IDENTITY)["DecryptSource"]["Action"] == "kms:Decrypt"
    at_key = statements(printed, Side.SOURCE, Kind.KEY)["DecryptSource"]
    assert (at_key["Resource"], at_key["Principal"]) == ("*", {"AWS": DESTINATION.principal})
    assert statements(printed, Side.DESTINATION, Kind.KEY) == {}


@pytest.mark.parametrize(
    ("option", "holder", "actions"),
    [
        ("acl", Side.DESTINATION, {"s3:PutObjectAcl"}),
        ("delete", Side.SOURCE, {"s3:DeleteObject"}),
        ("restore", Side.SOURCE, {"s3:RestoreObject"}),
        ("inspects_buckets", Side.SOURCE, {"s3:GetBucketObjectLockConfiguration", "s3:GetBucketWebsite"}),
        ("inspects_buckets", Side.DESTINATION, {"s3:GetBucketWebsite"}),
        ("locks", Side.SOURCE, {"s3:GetObjectRetention", "s3:GetObjectLegalHold"}),
        ("locks", Side.DESTINATION, {"s3:PutObjectRetention", "s3:PutObjectLegalHold"}),
    ],
)
def test_a_right_is_granted_only_if_it_is_used(option: str, holder: Side, actions: set[str]) -> None:
    """Rights for ACLs, deletion, restoration and Object Lock depend on the settings."""
    options: dict[str, Any] = {option: True}
    assert actions <= actions_of(replace(INPUTS, **options), holder)
    assert not actions & (actions_of(INPUTS, holder) - {"s3:DeleteObject"})


def test_streaming_reads_no_bucket_configuration() -> None:
    """Only server-side copies may lose properties."""
    needed = grants(replace(INPUTS, inspects_buckets=True), Method.STREAMING)
    assert not any("s3:GetBucketWebsite" in grant.actions for grant in needed)


def test_objects_of_the_destination_cannot_be_deleted() -> None:
    """Except the probe of `check`, unless deletions are carried over. Versions cannot be deleted at either side."""
    for inputs, resource in (
        (replace(INPUTS, delete=True), "arn:aws:s3:::theirs/out/.s3mover-probe-*"),
        (replace(INPUTS, delete_copies=True), "arn:aws:s3:::theirs/out/*"),
    ):
        [removal] = [
            one for one in grants(inputs, Method.STREAMING) if "s3:DeleteObject" in one.actions
            and one.place is Side.DESTINATION
        ]  # fmt: skip
        assert removal.resource == resource
    assert "s3:DeleteObjectVersion" not in actions_of(replace(INPUTS, delete_copies=True), Side.DESTINATION)
    assert "s3:DeleteObjectVersion" not in actions_of(replace(INPUTS, delete=True), Side.SOURCE)


def test_one_account_needs_no_bucket_policy() -> None:
    """Within an account the policies of the principals suffice."""
    home = replace(SOURCE, account="222222222222", principal=DESTINATION.principal)
    printed = documents(PolicyInputs(home, DESTINATION), Method.SERVER_SIDE_COPY)
    assert [one.side for one in printed if one.kind is Kind.BUCKET and one.policy] == []


def test_one_principal_for_both_sides_is_foreign_at_the_source() -> None:
    """The source's bucket policy grants all its rights, each once."""
    inputs = PolicyInputs(replace(SOURCE, principal=DESTINATION.principal), DESTINATION, delete=True)
    printed = documents(inputs, Method.SERVER_SIDE_COPY)
    assert list(statements(printed, Side.SOURCE, Kind.BUCKET)) == [
        "ReadSource",
        "ListSource",
        "DeleteFromSource",
    ]


def test_two_foreign_principals_are_in_one_statement() -> None:
    """Statement ids of a document are unique."""
    foreign = "arn:aws:iam::333333333333:role/foreign"
    inputs = PolicyInputs(replace(SOURCE, principal=foreign), DESTINATION)
    at_bucket = statements(documents(inputs, Method.SERVER_SIDE_COPY), Side.SOURCE, Kind.BUCKET)
    assert at_bucket["ReadSource"]["Principal"] == {"AWS": [DESTINATION.principal, foreign]}


def test_an_access_point_may_replace_its_bucket() -> None:
    """The ARNs of its objects have a different format (S3 User Guide, "Access points")."""
    arn = "arn:aws:s3:eu-central-1:111111111111:accesspoint/ours"
    side = replace(SOURCE, bucket=arn)
    assert (side.bucket_arn, side.objects_arn()) == (arn, f"{arn}/object/in/*")


def test_another_partition_has_its_own_arns() -> None:
    """Such as China."""
    assert replace(SOURCE, partition="aws-cn").bucket_arn == "arn:aws-cn:s3:::ours"


def test_a_remedy_grants_what_is_missing_and_no_more() -> None:
    """In every policy that must grant it."""
    printed = remedy(INPUTS, Side.DESTINATION, Side.SOURCE, ["s3:GetObject", "kms:Decrypt"])
    assert [(one.side, one.kind) for one in printed] == [
        (Side.DESTINATION, Kind.IDENTITY),
        (Side.SOURCE, Kind.BUCKET),
    ]
    granted = [one.policy["Statement"] for one in printed if one.policy]
    assert [[one["Action"] for one in statements] for statements in granted] == [
        ["s3:GetObject"],
        ["s3:GetObject"],
    ]


def test_an_unneeded_right_has_no_remedy() -> None:
    """Rights that the pair does not use are never proposed."""
    assert remedy(INPUTS, Side.SOURCE, Side.DESTINATION, ["s3:PutObject"]) == []


def test_an_arn_contains_its_account() -> None:
    """Placeholders and plain names contain none."""
    assert account_of("arn:aws:iam::222222222222:role/x") == "222222222222"
    assert account_of("<ARN-OF-THE-KMS-KEY-OF-THE-SOURCE>") == ""
