"""The inputs of policies and templates from settings, with placeholders for what the settings do not contain."""

from collections.abc import Iterator
from dataclasses import replace

from s3mover.diagnostics.event_policies import QueueName, queue_name, queue_policy, receiver_policy
from s3mover.diagnostics.iam_grants import PolicyInputs, PolicySide
from s3mover.diagnostics.iam_policies import Document, Kind, account_of, documents
from s3mover.diagnostics.iam_templates import RoleGrant, Stack, one_policy, role_place
from s3mover.errors import SettingsError
from s3mover.model import Method, Side
from s3mover.settings.model import BucketSettings, Settings
from s3mover.stores import store_of_endpoint

# The length of a queue's name, and of the slash before it.
_LONGEST_QUEUE = 81


def documents_of(settings: Settings, source_key: str) -> list[Document]:
    """Return the documents that the configured method needs, for both methods if it is `auto`.

    Between two stores `auto` streams. `source_key` is the ARN of the KMS key that encrypts the source's objects, empty
    if it is not known.
    """
    inputs = policy_inputs_of(settings, source_key)
    found = [document for method in _methods(settings) for document in documents(inputs, method)]
    return [*found, *_event_documents(settings, inputs, _methods(settings)[-1])]


def event_queue_of(settings: Settings) -> QueueName:
    """Return the queue of the source's events; without one in the settings the one that `events print` creates."""
    source = settings.source
    region = source.events.region or source.region or _placeholder("REGION", "QUEUE")
    account = _account(Side.SOURCE, source)
    return queue_name(
        source.events.queue or f"/s3mover-events-{source.bucket}"[:_LONGEST_QUEUE], region, account
    )


def _event_documents(settings: Settings, inputs: PolicyInputs, method: Method) -> Iterator[Document]:
    """Yield what receiving events needs; nothing where the settings name no queue."""
    if not settings.source.events.queue:
        return
    queue, holder = event_queue_of(settings), Side(settings.source.events.credentials)
    dead_letters = queue._replace(name=f"{queue.name[:75]}-dead").arn
    bucket = inputs.source.bucket_arn
    principal = f"the principal of the {holder}'s credentials, which receive the events"
    policy = receiver_policy(queue, dead_letters, bucket)
    yield Document(method, holder, Kind.IDENTITY, principal, policy)
    yield Document(
        method,
        Side.SOURCE,
        Kind.QUEUE,
        f"the queue {queue.name}",
        queue_policy(queue, bucket, inputs.source.account),
    )


def _methods(settings: Settings) -> tuple[Method, ...]:
    method = settings.transfer.method
    if method != "auto":
        return (Method(method),)
    source, destination = (
        store_of_endpoint(side.endpoint_url, side.region) for side in (settings.source, settings.destination)
    )
    return (Method.SERVER_SIDE_COPY, Method.STREAMING) if source == destination else (Method.STREAMING,)


def policy_inputs_of(settings: Settings, source_key: str = "") -> PolicyInputs:
    """Return the inputs of policies, with placeholders for what the settings do not contain.

    If the destination uses a KMS key, the source probably uses one, too: an unknown key gets a placeholder.
    """
    source, destination, transfer = settings.source, settings.destination, settings.transfer
    unknown_key = _placeholder("ARN", "KMS-KEY-OF-THE-SOURCE") if destination.kms_key_id else ""
    at_destination = _policy_side(Side.DESTINATION, destination, _key_arn(settings))
    at_source = _policy_side(Side.SOURCE, source, source_key or unknown_key)
    if uses_one_principal(settings):
        at_source = replace(at_source, principal=at_destination.principal)
    return PolicyInputs(
        at_source,
        at_destination,
        acl=bool(destination.acl),
        locks=transfer.thorough == "always",
        annotations=transfer.annotations == "copy",
        inspects_buckets=transfer.thorough == "auto",
        delete=transfer.after == "delete",
        restore=bool(transfer.restore.tier),
        delete_copies=settings.deletions.mode == "propagate",
    )


def stack_of(settings: Settings, side: Side, source_key: str) -> Stack:
    """Return what the account that owns the bucket of one side creates for the first method that is configured.

    That method's statements include those of the others.

    Raises:
        SettingsError: an account is not known, a role belongs to a third account, or a bucket is not on AWS.
    """
    if problems := list(_template_problems(settings)):
        raise SettingsError(problems)
    inputs = policy_inputs_of(settings, source_key)
    own, method = inputs.side(side), _methods(settings)[0]
    granted = documents(inputs, method)
    at_bucket = [document for document in granted if document.side is side]
    return Stack(
        side,
        own.account,
        own.partition,
        own.bucket,
        [
            role
            for role in _roles(settings, granted)
            if account_of(inputs.side(role.side).principal) == own.account
        ],
        one_policy(at_bucket, Kind.BUCKET),
        one_policy(at_bucket, Kind.KEY),
    )


def _roles(settings: Settings, granted: list[Document]) -> list[RoleGrant]:
    """Return the role of each side's credentials; if both sides use the same, the destination's has all statements."""
    together = uses_one_principal(settings)
    roles = []
    for side in (Side.DESTINATION,) if together else (Side.DESTINATION, Side.SOURCE):
        own = settings.destination if side is Side.DESTINATION else settings.source
        policy = one_policy([one for one in granted if together or one.side is side], Kind.IDENTITY)
        if policy:
            roles.append(RoleGrant(side, *role_place(own.role_arn, side), own.external_id, policy))
    return roles


def _template_problems(settings: Settings) -> Iterator[str]:
    sides = {Side.SOURCE: settings.source, Side.DESTINATION: settings.destination}
    accounts = {_account(side, own) for side, own in sides.items()}
    for side, own in sides.items():
        if not (own.account_id or own.role_arn):
            yield f"{side}.account_id: is not set; a template names the account that owns the bucket"
        if own.endpoint_url:
            yield f"{side}.endpoint_url: is not AWS; a template is for buckets on AWS"
        if own.bucket.startswith("arn:"):
            yield f"{side}.bucket: is an access point; a template is for buckets"
        if own.role_arn and account_of(own.role_arn) not in accounts:
            yield f"{side}.role_arn: is of a third account; grant there what `s3mover policy` prints"


def uses_one_principal(settings: Settings) -> bool:
    """Return whether both sides use the same credentials, which are assumed to be of the destination's account."""
    first, second = (
        (side.access_key, side.profile, side.role_arn) for side in (settings.source, settings.destination)
    )
    return first == second


def hints(settings: Settings, source_key: str) -> list[str]:
    """Return notes on the documents for the user."""
    notes = []
    if uses_one_principal(settings):
        notes.append(
            "Both sides use the same credentials, which are assumed to belong to the destination's account: attach "
            "both policies to their principal."
        )
    if not source_key:
        not_needed = " If there is none, omit DecryptSource." if settings.destination.kms_key_id else ""
        notes.append(
            "If a KMS key encrypts the objects of the source, name it: s3mover policy --source-key ARN."
            + not_needed
        )
    if settings.destination.encryption.startswith("aws:kms") and not settings.destination.kms_key_id:
        notes.append(
            "Without destination.kms_key_id S3 uses the key aws/s3, which AWS manages: it needs no grant, but other "
            "accounts cannot read the copies."
        )
    if settings.transfer.thorough == "auto":
        notes.append(
            "If the bucket of the source has Object Lock, set transfer.thorough to always before you run this command: "
            "its settings need additional rights."
        )
    return [
        *notes,
        "Add the statements to those that a policy already has. docs/permissions.md explains each.",
    ]


def _policy_side(side: Side, settings: BucketSettings, key: str) -> PolicySide:
    account = _account(side, settings)
    partition = _partition(settings.region)
    # Without a role the principal is the account (`root`), whose own policies say which identities may do it.
    principal = settings.role_arn or f"arn:{partition}:iam::{account}:root"
    return PolicySide(settings.bucket, settings.prefix, account, principal, key, partition)


def _account(side: Side, settings: BucketSettings) -> str:
    """Return the account that owns a bucket: the setting, else the role's account, else a placeholder."""
    return settings.account_id or account_of(settings.role_arn) or _placeholder("ACCOUNT-ID", side)


def _key_arn(settings: Settings) -> str:
    """Return the ARN of the destination's key. An id is completed; the key of an alias is not known here."""
    destination = settings.destination
    name = destination.kms_key_id
    if not name or (name.startswith("arn:") and ":key/" in name):
        return name
    if "alias/" in name:
        return _placeholder("ARN", "KMS-KEY-OF-THE-DESTINATION")
    region = destination.region or _placeholder("REGION", Side.DESTINATION)
    account = _account(Side.DESTINATION, destination)
    return f"arn:{_partition(region)}:kms:{region}:{account}:key/{name}"


def _placeholder(what: str, of: str) -> str:
    return f"<{what}-OF-THE-{of.upper()}>"


def _partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
