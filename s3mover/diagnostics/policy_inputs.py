"""From settings to the words that policies are made of, with placeholders for what settings do not tell."""

from dataclasses import replace

from s3mover.diagnostics.iam_policies import Document, PolicyInputs, PolicySide, account_of, documents
from s3mover.model import Method, Side
from s3mover.settings.model import BucketSettings, Settings


def documents_of(settings: Settings, source_key: str) -> list[Document]:
    """Return the documents that the settings' way of transfer needs, of both ways where it is `auto`.

    `source_key` is the ARN of the KMS key that encrypts the source's objects, empty where it is not known.
    """
    method = settings.transfer.method
    ways = (Method.SERVER_SIDE_COPY, Method.STREAMING) if method == "auto" else (Method(method),)
    terms = policy_inputs_of(settings, source_key)
    return [document for way in ways for document in documents(terms, way)]


def policy_inputs_of(settings: Settings, source_key: str = "") -> PolicyInputs:
    """Return the terms that the settings name, with placeholders for what they do not tell.

    Where the destination uses a KMS key the source may well use one, too: then one that is not known has a
    placeholder of its own.
    """
    source, destination, transfer = settings.source, settings.destination, settings.transfer
    unknown = _placeholder("ARN", "KMS-KEY-OF-THE-SOURCE") if destination.kms_key_id else ""
    at_destination = _end(Side.DESTINATION, destination, _key_arn(settings))
    at_source = _end(Side.SOURCE, source, source_key or unknown)
    if one_principal(settings):
        at_source = replace(at_source, principal=at_destination.principal)
    return PolicyInputs(
        at_source,
        at_destination,
        acl=bool(destination.acl),
        locks=transfer.thorough == "always",
        looks=transfer.thorough == "auto",
        delete=transfer.after == "delete",
        restore=bool(transfer.restore.tier),
    )


def one_principal(settings: Settings) -> bool:
    """Tell whether both ends use the same credentials; then these are taken for the destination's account's."""
    first, second = (
        (end.access_key, end.profile, end.role_arn) for end in (settings.source, settings.destination)
    )
    return first == second


def _end(side: Side, settings: BucketSettings, key: str) -> PolicySide:
    account = _account(side, settings)
    partition = _partition(settings.region)
    # Whom an account lets do what is for its own policies to say: `root` stands for all of it.
    principal = settings.role_arn or f"arn:{partition}:iam::{account}:root"
    return PolicySide(settings.bucket, settings.prefix, account, principal, key, partition)


def _account(side: Side, settings: BucketSettings) -> str:
    """Return the account that owns a bucket: as it is set, else the role's, else a placeholder."""
    return settings.account_id or account_of(settings.role_arn) or _placeholder("ACCOUNT-ID", side)


def _key_arn(settings: Settings) -> str:
    """Policies want a key's ARN. An id has one; which key an alias stands for is not known here."""
    name, destination = settings.destination.kms_key_id, settings.destination
    if not name or (name.startswith("arn:") and ":key/" in name):
        return name
    if "alias/" in name:
        return _placeholder("ARN", "KMS-KEY-OF-THE-DESTINATION")
    region = destination.region or _placeholder("REGION", Side.DESTINATION)
    account = _account(Side.DESTINATION, destination)
    return f"arn:{_partition(region)}:kms:{region}:{account}:key/{name}"


def _placeholder(what: str, whose: str) -> str:
    return f"<{what}-OF-THE-{whose.upper()}>"


def _partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def hints(settings: Settings, source_key: str) -> list[str]:
    """Return what should be known of the documents, in sentences."""
    said = []
    if one_principal(settings):
        said.append(
            "Both ends use the same credentials, which are taken to belong to the destination's account: attach both "
            "policies to their principal."
        )
    if not source_key:
        unneeded = " Without one, leave DecryptSource out." if settings.destination.kms_key_id else ""
        said.append(
            "Where a KMS key encrypts the objects of the source, name it: s3mover policy --source-key ARN."
            + unneeded
        )
    if settings.transfer.thorough == "auto":
        said.append(
            "Where the bucket of the source has Object Lock, set transfer.thorough to always before you ask: its "
            "settings need rights of their own."
        )
    return [
        *said,
        "Statements are to be added to those that a policy holds already. Why each: docs/permissions.md.",
    ]
