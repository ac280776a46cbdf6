"""Which right a refusal speaks of."""

import pytest

from s3mover.errors import S3Error
from s3mover.s3.rights import denying_policy, missing_rights

TOLD = (
    "User: arn:aws:iam::222222222222:user/mover is not authorized to perform: kms:GenerateDataKey on resource: "
    "arn:aws:kms:us-east-1:222222222222:key/0 because no identity-based policy allows the kms:GenerateDataKey action"
)


def test_a_refusal_that_names_the_right_is_believed() -> None:
    """AWS names it within an account, once or twice; ARNs are not mistaken for rights."""
    assert missing_rights(S3Error("AccessDenied", TOLD, operation="PutObject")) == ("kms:GenerateDataKey",)


@pytest.mark.parametrize(
    ("operation", "rights"),
    [
        ("ListObjectsV2", ("s3:ListBucket",)),
        ("HeadObject", ("s3:GetObject",)),
        ("GetObject", ("s3:GetObject", "kms:Decrypt")),
        ("AbortMultipartUpload", ("s3:AbortMultipartUpload",)),
        ("SomethingNew", ()),
    ],
)
def test_a_refusal_without_words_is_its_operation_s(operation: str, rights: tuple[str, ...]) -> None:
    """Between accounts S3 says no more than Access Denied."""
    assert missing_rights(S3Error("AccessDenied", "Access Denied", operation=operation)) == rights


@pytest.mark.parametrize(
    ("code", "message"), [("KMS.DisabledException", "no"), ("AccessDenied", "The ciphertext: kms refused")]
)
def test_a_refusal_that_speaks_of_kms_is_about_its_keys(code: str, message: str) -> None:
    """In its code or in its words."""
    error = S3Error(code, message, operation="PutObject")
    assert missing_rights(error) == ("kms:GenerateDataKey", "kms:Decrypt")


@pytest.mark.parametrize("code", ["NoSuchBucket", "SignatureDoesNotMatch", "SlowDown", "ConnectionError"])
def test_other_failures_are_no_question_of_permission(code: str) -> None:
    """They have remedies of their own."""
    assert missing_rights(S3Error(code, "said so", operation="PutObject")) == ()


@pytest.mark.parametrize(
    ("reason", "policy"),
    [
        ("with an explicit deny in a resource-based policy", "resource-based policy"),
        ("with an explicit deny in an identity-based policy", "identity-based policy"),
        ("with an explicit deny in a service control policy: no-writes", "service control policy"),
        ("with an explicit deny in a permissions boundary", "permissions boundary"),
        ("because no resource-based policy allows the s3:PutObject action", ""),
        ("", ""),
    ],
)
def test_an_explicit_deny_is_told_from_a_missing_grant(reason: str, policy: str) -> None:
    """By the kind of policy that AWS names."""
    message = (
        f'User: arn:aws:iam::1:user/u is not authorized to perform: s3:PutObject on resource: "r" {reason}'
    )
    assert denying_policy(S3Error("AccessDenied", message)) == policy
