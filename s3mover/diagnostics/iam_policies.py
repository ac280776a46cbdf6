"""The policy documents that grant what the configured pair needs. Pure functions.

`iam_grants.py` says which principal needs what. A right within one account is granted in the policy of the principal;
a right across accounts also in the policy of the bucket or key.
Sources: IAM User Guide, "Cross-account policy evaluation logic"; KMS Developer Guide, "Allowing users in other
accounts to use a KMS key".
"""

from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from s3mover.diagnostics.iam_grants import Grant, Json, PolicyInputs, grants
from s3mover.model import Method, Side

VERSION = "2012-10-17"
_ACCOUNT_OF_ARN = 4


class Kind(StrEnum):
    """What a document is attached to."""

    IDENTITY = "identity"
    BUCKET = "bucket"
    KEY = "key"
    QUEUE = "queue"


class Document(NamedTuple):
    """One policy document: for which method, what it is attached to; `policy` is None if nothing must be granted."""

    method: Method
    side: Side
    kind: Kind
    attach_to: str
    policy: Json | None


def documents(inputs: PolicyInputs, method: Method) -> list[Document]:
    """Return the documents for one method: for each side the principal's, the bucket's, and the key's if it has one."""
    return list(_documents(inputs, method, grants(inputs, method)))


def remedy(inputs: PolicyInputs, holder: Side, place: Side, actions: Collection[str]) -> list[Document]:
    """Return the documents that grant `holder` those of `actions` at `place` that it needs."""
    method = Method.SERVER_SIDE_COPY
    missing = [
        grant._replace(actions=needed)
        for grant in grants(inputs, method)
        if (grant.holder, grant.place) == (holder, place)
        and (needed := tuple(action for action in grant.actions if action in actions))
    ]
    return [document for document in _documents(inputs, method, missing) if document.policy]


def account_of(arn: str) -> str:
    """Return the account in an ARN, an empty string if there is none."""
    parts = arn.split(":")
    return parts[_ACCOUNT_OF_ARN] if len(parts) > _ACCOUNT_OF_ARN else ""


def _documents(inputs: PolicyInputs, method: Method, needed: list[Grant]) -> Iterator[Document]:
    for side in (Side.DESTINATION, Side.SOURCE):
        own = inputs.side(side)
        principal = f"the principal of the {side}'s credentials"
        yield Document(method, side, Kind.IDENTITY, principal, _identity_policy(needed, side))
        foreign = [grant for grant in needed if grant.place is side and _crosses_accounts(inputs, grant)]
        on_bucket = _resource_policy(inputs, [grant for grant in foreign if not grant.is_for_key])
        yield Document(method, side, Kind.BUCKET, f"the bucket {own.bucket}", on_bucket)
        if own.key:
            # In a key's own policy the resource is always `*`.
            on_key = [grant._replace(resource="*") for grant in foreign if grant.is_for_key]
            yield Document(method, side, Kind.KEY, f"the KMS key {own.key}", _resource_policy(inputs, on_key))


def _crosses_accounts(inputs: PolicyInputs, grant: Grant) -> bool:
    place = inputs.side(grant.place)
    owner = (account_of(place.key) if grant.is_for_key else "") or place.account
    return account_of(inputs.side(grant.holder).principal) != owner


def _identity_policy(needed: Iterable[Grant], holder: Side) -> Json | None:
    return _policy(_statement(grant, {}) for grant in needed if grant.holder is holder)


def _resource_policy(inputs: PolicyInputs, needed: Iterable[Grant]) -> Json | None:
    """Return one statement per grant with all its principals, because statement ids of a document must be unique."""
    holders: dict[str, tuple[Grant, list[str]]] = {}
    for grant in needed:
        principals = holders.setdefault(grant.sid, (grant, []))[1]
        principal = inputs.side(grant.holder).principal
        if principal not in principals:
            principals.append(principal)
    return _policy(
        _statement(grant, {"Principal": {"AWS": _one_or_many(principals)}})
        for grant, principals in holders.values()
    )


def _statement(grant: Grant, principal: Json) -> Json:
    allow = {"Sid": grant.sid, "Effect": "Allow", **principal, "Action": _one_or_many(grant.actions)}
    condition = {"Condition": grant.condition} if grant.condition else {}
    return {**allow, "Resource": grant.resource, **condition}


def _policy(statements: Iterable[Json]) -> Json | None:
    listed = list(statements)
    return {"Version": VERSION, "Statement": listed} if listed else None


def _one_or_many(values: Collection[str]) -> str | list[str]:
    return next(iter(values)) if len(values) == 1 else list(values)
