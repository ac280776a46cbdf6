"""Permissions: the truth table of the decision, and what two accounts may do in each other's buckets."""

from typing import Any

import pytest

from simulator import Simulator, SimulatorKey
from simulator.policy import Policy, Principal, Verdict, decide
from tests.simulator.conftest import EVERYTHING, OWNER, STRANGER, MakeBucket, MakeClient
from tests.simulator.refusal import refused

SILENT, DELEGATED, ALLOWED, DENIED = Verdict
OURS = Principal(OWNER, f"arn:aws:iam::{OWNER}:user/u")
THEIRS = Principal(STRANGER, f"arn:aws:iam::{STRANGER}:user/u")
NOBODY = Principal("", "anonymous")


@pytest.mark.parametrize(
    ("who", "identity", "resource", "answer"),
    [
        (OURS, SILENT, SILENT, False),
        (OURS, ALLOWED, SILENT, True),
        (OURS, SILENT, ALLOWED, True),
        (OURS, SILENT, DELEGATED, False),
        (OURS, ALLOWED, DENIED, False),
        (OURS, DENIED, ALLOWED, False),
        (THEIRS, ALLOWED, SILENT, False),
        (THEIRS, SILENT, ALLOWED, False),
        (THEIRS, SILENT, DELEGATED, False),
        (THEIRS, ALLOWED, ALLOWED, True),
        (THEIRS, ALLOWED, DELEGATED, True),
        (THEIRS, DENIED, ALLOWED, False),
        (THEIRS, ALLOWED, DENIED, False),
        (NOBODY, SILENT, SILENT, False),
        (NOBODY, SILENT, DELEGATED, False),
        (NOBODY, SILENT, ALLOWED, True),
    ],
)
def test_accounts_meet_by_both_saying_yes(
    who: Principal, identity: Verdict, resource: Verdict, answer: bool
) -> None:
    """The table in `decide`'s docstring, line by line."""
    assert decide(who, OWNER, identity, resource) is answer


def said(
    statement: dict[str, Any], action: str = "s3:GetObject", resource: str = "arn:aws:s3:::b/k"
) -> Verdict:
    """Return what a policy of one statement says to `THEIRS`."""
    whole = {"Effect": "Allow", "Action": "*", "Resource": "*"} | statement
    context = {"s3:prefix": "a/b", "aws:SecureTransport": "false"}
    return Policy({"Statement": whole}).verdict(THEIRS, action, resource, lambda: context)


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        ({"Principal": "*"}, ALLOWED),
        ({"Principal": {"AWS": "*"}}, ALLOWED),
        ({"Principal": {"AWS": THEIRS.arn}}, ALLOWED),
        ({"Principal": {"AWS": STRANGER}}, DELEGATED),
        ({"Principal": {"AWS": [f"arn:aws:iam::{STRANGER}:root"]}}, DELEGATED),
        ({"Principal": {"AWS": OURS.arn}}, SILENT),
        ({"Principal": {"AWS": STRANGER}, "Effect": "Deny"}, DENIED),
        ({"Action": "s3:getobject"}, ALLOWED),
        ({"Action": ["s3:Get*"]}, ALLOWED),
        ({"Action": "s3:GetObjectTagging"}, SILENT),
        ({"Resource": "arn:aws:s3:::b/*"}, ALLOWED),
        ({"Resource": ["arn:aws:s3:::b/?"]}, ALLOWED),
        ({"Resource": "arn:aws:s3:::b/K"}, SILENT),
        ({"Resource": "arn:aws:s3:::b"}, SILENT),
        ({"Condition": {"StringEquals": {"s3:prefix": ["a/b", "c"]}}}, ALLOWED),
        ({"Condition": {"StringEquals": {"s3:prefix": "c"}}}, SILENT),
        ({"Condition": {"StringLike": {"s3:prefix": "a/*"}}}, ALLOWED),
        ({"Condition": {"StringNotLike": {"s3:prefix": "a/*"}}}, SILENT),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, SILENT),
        ({"Condition": {"Null": {"s3:x-amz-acl": "true"}}}, ALLOWED),
        ({"Condition": {"StringEquals": {"s3:x-amz-acl": "private"}}}, SILENT),
        ({"Condition": {"StringEqualsIfExists": {"s3:x-amz-acl": "private"}}}, ALLOWED),
    ],
)
def test_a_statement_speaks_for_what_it_names(statement: dict[str, Any], verdict: Verdict) -> None:
    """Principals, actions, resources and conditions match as IAM describes."""
    assert said(statement) is verdict


def grant(account: str, bucket: str, *actions: str) -> dict[str, Any]:
    """Return a bucket policy that lets an account do something with the bucket and its objects."""
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    return {
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": account},
            "Action": list(actions),
            "Resource": resources,
        }
    }


@pytest.fixture
def theirs(make_bucket: MakeBucket) -> str:
    """A bucket of the stranger's account."""
    return make_bucket(STRANGER)


READ = ("s3:GetObject", "s3:GetObjectTagging", "s3:ListBucket")


@pytest.mark.parametrize(
    ("granted", "arguments", "missing"),
    [
        (("s3:GetObject", "s3:GetObjectTagging"), {}, ""),
        (("s3:GetObjectTagging",), {}, "s3:GetObject"),
        (("s3:GetObject",), {}, "s3:GetObjectTagging"),
        (("s3:GetObject",), {"TaggingDirective": "REPLACE"}, ""),
        ((), {}, "s3:GetObject"),
    ],
)
def test_a_copy_needs_the_sources_yes(
    simulator: Simulator,
    stranger: Any,
    bucket: str,
    theirs: str,
    granted: tuple[str, ...],
    arguments: dict[str, str],
    missing: str,
) -> None:
    """One principal copies: it needs the source's read rights, tags included where there are any."""
    simulator.put_object(bucket, "k", b"x", tags={"a": "b"})
    simulator.configure_bucket(bucket, policy=grant(STRANGER, bucket, *granted) if granted else None)
    copy = {"Bucket": theirs, "Key": "k", "CopySource": f"{bucket}/k", **arguments}
    if not missing:
        stranger.copy_object(**copy)
        return
    assert refused(stranger.copy_object, **copy) == "AccessDenied"
    assert simulator.log("CopyObject", theirs)[-1]["detail"] == f"{missing} on arn:aws:s3:::{bucket}/k"


@pytest.mark.parametrize(
    ("granted", "arguments", "missing"),
    [
        (("s3:PutObject", "s3:PutObjectTagging"), {}, ""),
        (("s3:PutObject",), {}, "s3:PutObjectTagging"),
        (("s3:PutObjectTagging",), {}, "s3:PutObject"),
        (("s3:PutObject",), {"TaggingDirective": "REPLACE", "Tagging": ""}, ""),
        (
            ("s3:PutObject", "s3:PutObjectTagging"),
            {"ACL": "bucket-owner-full-control"},
            "s3:PutObjectAcl",
        ),
    ],
)
def test_a_copy_needs_the_destinations_yes(
    simulator: Simulator,
    owner: Any,
    bucket: str,
    theirs: str,
    granted: tuple[str, ...],
    arguments: dict[str, str],
    missing: str,
) -> None:
    """The same from the other side: the source's owner writes into a stranger's bucket."""
    simulator.put_object(bucket, "k", b"x", tags={"a": "b"})
    simulator.configure_bucket(theirs, policy=grant(OWNER, theirs, *granted))
    copy = {"Bucket": theirs, "Key": "k", "CopySource": f"{bucket}/k", **arguments}
    if not missing:
        owner.copy_object(**copy)
        return
    assert refused(owner.copy_object, **copy) == "AccessDenied"
    assert simulator.log("CopyObject", theirs)[-1]["detail"] == f"{missing} on arn:aws:s3:::{theirs}/k"


def test_an_identity_needs_its_own_accounts_yes_too(
    simulator: Simulator, client_of: MakeClient, bucket: str
) -> None:
    """A bucket that is open to an account is not open to that account's powerless users."""
    simulator.configure_bucket(bucket, policy=grant(STRANGER, bucket, *READ))
    powerless = simulator.add_key(STRANGER, "user/powerless")
    assert refused(client_of(powerless).list_objects_v2, Bucket=bucket) == "AccessDenied"
    simulator.set_policies(powerless, [EVERYTHING])
    client_of(powerless).list_objects_v2(Bucket=bucket)


def test_a_missing_key_is_hidden_from_those_who_may_not_list(
    simulator: Simulator,
    stranger: Any,
    bucket: str,
) -> None:
    """Without s3:ListBucket a missing key is 403, with it 404."""
    simulator.configure_bucket(bucket, policy=grant(STRANGER, bucket, "s3:GetObject"))
    assert refused(stranger.get_object, Bucket=bucket, Key="none") == "AccessDenied"
    assert refused(stranger.head_object, Bucket=bucket, Key="none") == "403"
    simulator.configure_bucket(bucket, policy=grant(STRANGER, bucket, *READ))
    assert refused(stranger.get_object, Bucket=bucket, Key="none") == "NoSuchKey"


def test_a_denial_can_concern_one_prefix(simulator: Simulator, stranger: Any, bucket: str) -> None:
    """A deny on part of the keys wins over the allow on all of them."""
    policy = grant(STRANGER, bucket, *READ)
    denial = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/secret/*",
    }
    simulator.configure_bucket(bucket, policy={"Statement": [policy["Statement"], denial]})
    for key in ("open/a", "secret/a"):
        simulator.put_object(bucket, key, b"x")
    stranger.get_object(Bucket=bucket, Key="open/a")
    assert refused(stranger.get_object, Bucket=bucket, Key="secret/a") == "AccessDenied"


def test_each_key_of_a_mass_deletion_is_permitted_for_itself(
    simulator: Simulator,
    stranger: Any,
    bucket: str,
) -> None:
    """DeleteObjects deletes what it may and says per key what it may not."""
    policy = grant(STRANGER, bucket, "s3:DeleteObject")
    policy["Statement"]["Resource"] = [f"arn:aws:s3:::{bucket}/mine/*"]
    simulator.configure_bucket(bucket, policy=policy)
    simulator.fill(bucket, 1, prefix="mine/")
    simulator.fill(bucket, 1, prefix="yours/")
    keys = [{"Key": "mine/00000000"}, {"Key": "yours/00000000"}]
    answer = stranger.delete_objects(Bucket=bucket, Delete={"Objects": keys})
    assert [one["Key"] for one in answer["Deleted"]] == ["mine/00000000"]
    assert [(one["Key"], one["Code"]) for one in answer["Errors"]] == [("yours/00000000", "AccessDenied")]


def test_an_object_can_belong_to_its_writer(
    simulator: Simulator,
    owner: Any,
    stranger: Any,
    make_bucket: MakeBucket,
) -> None:
    """Where the bucket's owner does not own everything, it can't read what another wrote without full control."""
    shared = make_bucket(ownership="ObjectWriter")
    simulator.configure_bucket(shared, policy=grant(STRANGER, shared, "s3:PutObject", "s3:PutObjectAcl"))
    stranger.put_object(Bucket=shared, Key="kept", Body=b"x")
    stranger.put_object(Bucket=shared, Key="given", Body=b"x", ACL="bucket-owner-full-control")
    assert refused(owner.get_object, Bucket=shared, Key="kept") == "AccessDenied"
    assert owner.get_object(Bucket=shared, Key="given")["Body"].read() == b"x"
    assert [one["owner"] for one in simulator.objects(shared)] == [STRANGER, STRANGER]


def test_acls_are_refused_where_the_bucket_owner_owns_everything(owner: Any, bucket: str) -> None:
    """Only `bucket-owner-full-control` is accepted where ACLs are off."""
    owner.put_object(Bucket=bucket, Key="a", Body=b"", ACL="bucket-owner-full-control")
    refusal = refused(owner.put_object, Bucket=bucket, Key="a", Body=b"", ACL="public-read")
    assert refusal == "AccessControlListNotSupported"


def test_a_kms_key_says_yes_for_itself(
    simulator: Simulator,
    owner: Any,
    stranger: Any,
    bucket: str,
) -> None:
    """An encrypted object needs its bucket's and its key's yes."""
    key = simulator.add_kms_key(OWNER)
    simulator.configure_bucket(bucket, policy=grant(STRANGER, bucket, *READ))
    owner.put_object(
        Bucket=bucket, Key="a", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key.rpartition("/")[2]
    )
    assert owner.get_object(Bucket=bucket, Key="a")["SSEKMSKeyId"] == key
    assert refused(stranger.get_object, Bucket=bucket, Key="a") == "AccessDenied"
    assert simulator.log("GetObject", bucket)[-1]["detail"] == f"kms:Decrypt on {key}"
    both = [
        {"Effect": "Allow", "Principal": {"AWS": one}, "Action": "kms:*", "Resource": "*"}
        for one in (OWNER, STRANGER)
    ]
    simulator.command("set_kms_policy", arn=key, policy={"Statement": both})
    assert stranger.get_object(Bucket=bucket, Key="a")["Body"].read() == b"x"


def test_an_encrypted_objects_etag_is_no_md5(
    simulator: Simulator, owner: Any, make_bucket: MakeBucket
) -> None:
    """Equal bytes under KMS have different ETags, also when copied."""
    secret = make_bucket(default_kms_key=simulator.add_kms_key(OWNER))
    first = owner.put_object(Bucket=secret, Key="a", Body=b"hello")["ETag"]
    second = owner.copy_object(Bucket=secret, Key="b", CopySource=f"{secret}/a")["CopyObjectResult"]["ETag"]
    assert len({first, second, '"5d41402abc4b2a76b9719d911017c592"'}) == 3


def test_the_expected_owner_is_checked_on_both_sides(owner: Any, bucket: str) -> None:
    """A bucket of another account than expected is refused."""
    assert refused(owner.list_objects_v2, Bucket=bucket, ExpectedBucketOwner=STRANGER) == "AccessDenied"
    owner.put_object(Bucket=bucket, Key="a", Body=b"", ExpectedBucketOwner=OWNER)
    copy = {"Bucket": bucket, "Key": "b", "CopySource": f"{bucket}/a"}
    assert refused(owner.copy_object, ExpectedSourceBucketOwner=STRANGER, **copy) == "AccessDenied"


def test_the_requester_must_offer_to_pay(
    simulator: Simulator,
    stranger: Any,
    stranger_key: SimulatorKey,
    make_bucket: MakeBucket,
) -> None:
    """A requester-pays bucket answers strangers only when they say that they pay."""
    assert stranger_key.account == STRANGER
    costly = make_bucket(requester_pays=True)
    simulator.configure_bucket(costly, policy=grant(STRANGER, costly, *READ))
    assert refused(stranger.list_objects_v2, Bucket=costly) == "AccessDenied"
    stranger.list_objects_v2(Bucket=costly, RequestPayer="requester")
