"""Who must permit what to whom, and where it is said."""

from dataclasses import replace
from typing import Any

import pytest

from s3mover.diagnostics.iam_policies import (
    Document,
    Kind,
    PolicyInputs,
    PolicySide,
    account_of,
    documents,
    grants,
    remedy,
)
from s3mover.model import Method, Side

SOURCE = PolicySide("ours", "in/", "111111111111", "arn:aws:iam::111111111111:root")
DESTINATION = PolicySide("theirs", "out/", "222222222222", "arn:aws:iam::222222222222:role/mover")
TERMS = PolicyInputs(SOURCE, DESTINATION)
KEYS = (
    "arn:aws:kms:eu-central-1:111111111111:key/source",
    "arn:aws:kms:eu-central-1:222222222222:key/destination",
)
ENCRYPTED = PolicyInputs(replace(SOURCE, key=KEYS[0]), replace(DESTINATION, key=KEYS[1]))


def statements(documents: list[Document], side: Side, kind: Kind) -> dict[str, dict[str, Any]]:
    """Return the statements of the one document of this side and kind, by their identifiers."""
    [document] = [one for one in documents if (one.side, one.kind) == (side, kind)]
    said = document.policy["Statement"] if document.policy else []
    assert len({one["Sid"] for one in said}) == len(said)
    return {one["Sid"]: one for one in said}


def actions_of(terms: PolicyInputs, holder: Side) -> set[str]:
    """Return all that one end's credentials need."""
    needed = grants(terms, Method.SERVER_SIDE_COPY)
    return {action for grant in needed if grant.holder is holder for action in grant.actions}


def test_objects_and_listings_are_limited_to_the_prefixes() -> None:
    """Nothing outside of them can be listed, read or written."""
    for document in documents(TERMS, Method.SERVER_SIDE_COPY):
        for statement in document.policy["Statement"] if document.policy else []:
            resource, prefix = statement["Resource"], {"ours": "in/", "theirs": "out/"}
            bucket = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
            if statement["Action"] == "s3:ListBucket":
                assert statement["Condition"] == {"StringLike": {"s3:prefix": f"{prefix[bucket]}*"}}
            elif statement["Action"] != "s3:ListBucketMultipartUploads":
                assert resource.startswith(f"arn:aws:s3:::{bucket}/{prefix[bucket]}")


def test_without_a_prefix_a_listing_has_no_condition() -> None:
    """The bucket is all theirs to list."""
    terms = replace(TERMS, source=replace(SOURCE, prefix=""))
    identity = statements(documents(terms, Method.STREAMING), Side.SOURCE, Kind.IDENTITY)
    assert "Condition" not in identity["ListSource"]
    assert identity["ReadSource"]["Resource"] == "arn:aws:s3:::ours/*"


def test_a_prefix_is_taken_literally() -> None:
    """What policies read as wildcards and variables stands for itself (IAM User Guide, "Policy variables")."""
    assert replace(SOURCE, prefix="a*b?c${d}/").objects_arn() == "arn:aws:s3:::ours/a${*}b${?}c${$}{d}/*"


def test_a_server_side_copy_crosses_at_the_source() -> None:
    """The destination's principal reads the source: its own policy says so, and the source's bucket."""
    said = documents(TERMS, Method.SERVER_SIDE_COPY)
    reading = {"s3:GetObject", "s3:GetObjectTagging"}
    at_bucket = statements(said, Side.SOURCE, Kind.BUCKET)
    assert list(at_bucket) == ["ReadSource"]
    assert at_bucket["ReadSource"]["Principal"] == {"AWS": DESTINATION.principal}
    assert set(at_bucket["ReadSource"]["Action"]) == reading
    assert set(statements(said, Side.DESTINATION, Kind.IDENTITY)["ReadSource"]["Action"]) == reading
    assert statements(said, Side.DESTINATION, Kind.BUCKET) == {}


def test_streaming_crosses_nowhere() -> None:
    """Each end's principal works at its own end, so that no bucket's policy needs to say anything."""
    said = documents(ENCRYPTED, Method.STREAMING)
    for side in Side:
        assert statements(said, side, Kind.BUCKET) == statements(said, side, Kind.KEY) == {}
    assert "ReadSource" not in statements(said, Side.DESTINATION, Kind.IDENTITY)


def test_keys_are_used_by_those_who_read_and_write() -> None:
    """The destination's for data keys and, because of parts, to decrypt; the source's to decrypt, across accounts."""
    said = documents(ENCRYPTED, Method.SERVER_SIDE_COPY)
    mover = statements(said, Side.DESTINATION, Kind.IDENTITY)
    assert mover["EncryptDestination"]["Action"] == ["kms:GenerateDataKey", "kms:Decrypt"]
    assert mover["EncryptDestination"]["Resource"] == KEYS[1]
    assert mover["DecryptSource"]["Resource"] == KEYS[0]
    assert statements(said, Side.SOURCE, Kind.IDENTITY)["DecryptSource"]["Action"] == "kms:Decrypt"
    at_key = statements(said, Side.SOURCE, Kind.KEY)["DecryptSource"]
    assert (at_key["Resource"], at_key["Principal"]) == ("*", {"AWS": DESTINATION.principal})
    assert statements(said, Side.DESTINATION, Kind.KEY) == {}


@pytest.mark.parametrize(
    ("wish", "holder", "actions"),
    [
        ("acl", Side.DESTINATION, {"s3:PutObjectAcl"}),
        ("delete", Side.SOURCE, {"s3:DeleteObject"}),
        ("restore", Side.SOURCE, {"s3:RestoreObject"}),
        ("looks", Side.SOURCE, {"s3:GetBucketObjectLockConfiguration", "s3:GetBucketWebsite"}),
        ("looks", Side.DESTINATION, {"s3:GetBucketWebsite"}),
        ("locks", Side.SOURCE, {"s3:GetObjectRetention", "s3:GetObjectLegalHold"}),
        ("locks", Side.DESTINATION, {"s3:PutObjectRetention", "s3:PutObjectLegalHold"}),
    ],
)
def test_a_right_is_asked_for_only_where_it_is_used(wish: str, holder: Side, actions: set[str]) -> None:
    """ACLs, deletion, restoration and Object Lock each by its setting."""
    wishes: dict[str, Any] = {wish: True}
    wished = replace(TERMS, **wishes)
    assert actions <= actions_of(wished, holder)
    assert not actions & (actions_of(TERMS, holder) - {"s3:DeleteObject"})


def test_streams_lose_nothing_and_look_at_no_bucket() -> None:
    """Only before server-side copies it matters what they would lose."""
    needed = grants(replace(TERMS, looks=True), Method.STREAMING)
    assert not any("s3:GetBucketWebsite" in grant.actions for grant in needed)


def test_the_destination_s_objects_are_never_deleted() -> None:
    """But for the probe of `check`; and at the source no version for good."""
    [removal] = [
        one for one in grants(replace(TERMS, delete=True), Method.STREAMING) if "s3:DeleteObject" in one.actions
        and one.place is Side.DESTINATION
    ]  # fmt: skip
    assert removal.resource == "arn:aws:s3:::theirs/out/.s3mover-probe-*"
    assert "s3:DeleteObjectVersion" not in actions_of(replace(TERMS, delete=True), Side.SOURCE)


def test_one_account_needs_no_bucket_policy() -> None:
    """Within an account the principals' own policies are enough."""
    home = replace(SOURCE, account="222222222222", principal=DESTINATION.principal)
    said = documents(PolicyInputs(home, DESTINATION), Method.SERVER_SIDE_COPY)
    assert [one.side for one in said if one.kind is Kind.BUCKET and one.policy] == []


def test_one_principal_for_both_ends_is_a_stranger_at_the_source() -> None:
    """All that it does there must be said there, and once."""
    terms = PolicyInputs(replace(SOURCE, principal=DESTINATION.principal), DESTINATION, delete=True)
    said = documents(terms, Method.SERVER_SIDE_COPY)
    assert list(statements(said, Side.SOURCE, Kind.BUCKET)) == [
        "ReadSource",
        "ListSource",
        "DeleteFromSource",
    ]


def test_two_strangers_are_named_in_one_statement() -> None:
    """Statements of one document have identifiers of their own."""
    guest = "arn:aws:iam::333333333333:role/guest"
    terms = PolicyInputs(replace(SOURCE, principal=guest), DESTINATION)
    at_bucket = statements(documents(terms, Method.SERVER_SIDE_COPY), Side.SOURCE, Kind.BUCKET)
    assert at_bucket["ReadSource"]["Principal"] == {"AWS": [DESTINATION.principal, guest]}


def test_an_access_point_stands_for_its_bucket() -> None:
    """Its objects have a spelling of their own (S3 User Guide, "Access points")."""
    arn = "arn:aws:s3:eu-central-1:111111111111:accesspoint/ours"
    end = replace(SOURCE, bucket=arn)
    assert (end.bucket_arn, end.objects_arn()) == (arn, f"{arn}/object/in/*")


def test_another_partition_has_arns_of_its_own() -> None:
    """China's and the government's."""
    assert replace(SOURCE, partition="aws-cn").bucket_arn == "arn:aws-cn:s3:::ours"


def test_a_remedy_grants_what_is_missing_and_no_more() -> None:
    """In every place where it must be said."""
    found = remedy(TERMS, Side.DESTINATION, Side.SOURCE, ["s3:GetObject", "kms:Decrypt"])
    assert [(one.side, one.kind) for one in found] == [
        (Side.DESTINATION, Kind.IDENTITY),
        (Side.SOURCE, Kind.BUCKET),
    ]
    granted = [one.policy["Statement"] for one in found if one.policy]
    assert [[each["Action"] for each in said] for said in granted] == [["s3:GetObject"], ["s3:GetObject"]]


def test_what_the_pair_does_not_need_has_no_remedy() -> None:
    """Nobody is told to grant it."""
    assert remedy(TERMS, Side.SOURCE, Side.DESTINATION, ["s3:PutObject"]) == []


def test_an_arn_tells_its_account() -> None:
    """Placeholders and plain names tell none."""
    assert account_of("arn:aws:iam::222222222222:role/x") == "222222222222"
    assert account_of("<ARN-OF-THE-KMS-KEY-OF-THE-SOURCE>") == ""
