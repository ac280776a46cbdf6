"""The least that the configured pair must be permitted, as policy documents to attach. Pure: words in, dicts out.

Who needs what is `grants`; which accounts meet decides where it must be said: in the policy of the identity that
asks, and, where it asks another account, in the policy of that account's bucket or key as well.
Sources: IAM User Guide, "Cross-account policy evaluation logic" and "Policy variables" (special characters);
KMS Developer Guide, "Allowing users in other accounts to use a KMS key"; the rights themselves: `s3/rights.py`.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from s3mover.model import PROBE_NAME, Method, Side
from s3mover.s3.rights import KMS_RIGHTS

Json = dict[str, Any]
VERSION = "2012-10-17"
_ACCOUNT_OF_ARN = 4
_SPECIAL = re.compile(r"[*?$]")


class Kind(StrEnum):
    """What a document is attached to."""

    IDENTITY = "identity"
    BUCKET = "bucket"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class PolicySide:
    """One end of the pair.

    `account` owns the bucket, `principal` is the ARN of who signs with this end's credentials, `key` that of the
    KMS key that encrypts the objects here, empty where none does. `partition` is the one of the ARNs.
    """

    bucket: str
    prefix: str
    account: str
    principal: str
    key: str = ""
    partition: str = "aws"

    @property
    def bucket_arn(self) -> str:
        """The bucket, or the access point that is named instead."""
        return self.bucket if self.bucket.startswith("arn:") else f"arn:{self.partition}:s3:::{self.bucket}"

    def objects_arn(self, name: str = "") -> str:
        """The objects below the prefix whose names go on with `name`."""
        below = f"{self.bucket_arn}/object" if self.bucket.startswith("arn:") else self.bucket_arn
        return f"{below}/{_literal(self.prefix)}{name}*"


@dataclass(frozen=True, slots=True)
class PolicyInputs:
    """Both ends, and what the settings ask for besides copying.

    `acl`: an ACL on what is written; `locks`: Object Lock settings are kept; `looks`: the buckets are looked at, to
    know what server-side copies would lose; `delete` and `restore`: so treated at the source.
    """

    source: PolicySide
    destination: PolicySide
    acl: bool = False
    locks: bool = False
    looks: bool = False
    delete: bool = False
    restore: bool = False

    def end(self, side: Side) -> PolicySide:
        """Return one end."""
        return self.source if side is Side.SOURCE else self.destination


class Grant(NamedTuple):
    """Some actions on one thing at `place`, which the principal of `holder`'s credentials needs."""

    holder: Side
    place: Side
    sid: str
    actions: tuple[str, ...]
    resource: str
    condition: Json | None = None

    @property
    def of_key(self) -> bool:
        """Whether the thing is a KMS key."""
        return self.actions[0] in KMS_RIGHTS


class Document(NamedTuple):
    """One policy document: for which way, what it is attached to; `policy` is None where nothing needs saying."""

    way: Method
    side: Side
    kind: Kind
    attach_to: str
    policy: Json | None


def grants(terms: PolicyInputs, way: Method) -> list[Grant]:
    """Return every right that is needed.

    | holder      | place       | to                       | when                          |
    |-------------|-------------|--------------------------|-------------------------------|
    | destination | destination | list, write, look, abort | always                        |
    | destination | source      | read                     | it makes the server-side copy |
    | either      | its own     | look at the bucket       | likewise, `transfer.thorough` is `auto` |
    | source      | source      | list, read               | always                        |
    | source      | source      | delete                   | `transfer.after` is `delete`  |
    | source      | source      | restore                  | `transfer.restore.tier` is set |
    | either      | as above    | use the KMS key          | a key encrypts the objects    |
    """
    needed = [*_listing(terms, Side.DESTINATION), *_writing(terms)]
    if way is Method.SERVER_SIDE_COPY:
        needed += [*_reading(terms, Side.DESTINATION), *_looking(terms)]
    needed += [*_listing(terms, Side.SOURCE), *_reading(terms, Side.SOURCE)]
    more = {"DeleteFromSource": "s3:DeleteObject"} if terms.delete else {}
    more |= {"RestoreAtSource": "s3:RestoreObject"} if terms.restore else {}
    objects = terms.source.objects_arn()
    return needed + [Grant(Side.SOURCE, Side.SOURCE, sid, (action,), objects) for sid, action in more.items()]


def documents(terms: PolicyInputs, way: Method) -> list[Document]:
    """Return the documents for one way: of each end its identity's, its bucket's, and its key's, if it has one."""
    return list(_documents(terms, way, grants(terms, way)))


def remedy(terms: PolicyInputs, holder: Side, place: Side, actions: Collection[str]) -> list[Document]:
    """Return the documents that would give `holder` those of `actions` at `place` that it needs."""
    way = Method.SERVER_SIDE_COPY
    missing = [
        grant._replace(actions=lacked)
        for grant in grants(terms, way)
        if (grant.holder, grant.place) == (holder, place)
        and (lacked := tuple(action for action in grant.actions if action in actions))
    ]
    return [document for document in _documents(terms, way, missing) if document.policy]


def account_of(arn: str) -> str:
    """Return the account that an ARN names, empty where it names none."""
    parts = arn.split(":")
    return parts[_ACCOUNT_OF_ARN] if len(parts) > _ACCOUNT_OF_ARN else ""


def _listing(terms: PolicyInputs, side: Side) -> Iterator[Grant]:
    end = terms.end(side)
    below = {"StringLike": {"s3:prefix": f"{_literal(end.prefix)}*"}} if end.prefix else None
    yield Grant(side, side, f"List{side.title()}", ("s3:ListBucket",), end.bucket_arn, below)


def _looking(terms: PolicyInputs) -> Iterator[Grant]:
    if terms.looks:
        website = "s3:GetBucketWebsite"
        source, destination = terms.source.bucket_arn, terms.destination.bucket_arn
        lock = "s3:GetBucketObjectLockConfiguration"
        yield Grant(Side.SOURCE, Side.SOURCE, "LookAtSource", (lock, website), source)
        yield Grant(Side.DESTINATION, Side.DESTINATION, "LookAtDestination", (website,), destination)


def _reading(terms: PolicyInputs, holder: Side) -> Iterator[Grant]:
    end = terms.source
    locks = ("s3:GetObjectRetention", "s3:GetObjectLegalHold") if terms.locks else ()
    read = ("s3:GetObject", "s3:GetObjectTagging", *locks)
    yield Grant(holder, Side.SOURCE, "ReadSource", read, end.objects_arn())
    if end.key:
        yield Grant(holder, Side.SOURCE, "DecryptSource", ("kms:Decrypt",), end.key)


def _writing(terms: PolicyInputs) -> Iterator[Grant]:
    end, side = terms.destination, Side.DESTINATION
    # Listing uploads knows no condition on the prefix (Service Authorization Reference, Amazon S3).
    uploads = ("s3:ListBucketMultipartUploads",)
    yield Grant(side, side, "ListUploadsOfDestination", uploads, end.bucket_arn)
    acl = ("s3:PutObjectAcl",) if terms.acl else ()
    locks = ("s3:PutObjectRetention", "s3:PutObjectLegalHold") if terms.locks else ()
    poll = ("s3:GetObject", "s3:AbortMultipartUpload")
    write = ("s3:PutObject", "s3:PutObjectTagging", *acl, *locks, *poll)
    yield Grant(side, side, "WriteDestination", write, end.objects_arn())
    yield Grant(side, side, "RemoveProbeOfCheck", ("s3:DeleteObject",), end.objects_arn(PROBE_NAME))
    if end.key:
        yield Grant(side, side, "EncryptDestination", KMS_RIGHTS, end.key)


def _documents(terms: PolicyInputs, way: Method, needed: list[Grant]) -> Iterator[Document]:
    for side in (Side.DESTINATION, Side.SOURCE):
        end = terms.end(side)
        who = f"the principal of the {side}'s credentials"
        yield Document(way, side, Kind.IDENTITY, who, _identity_policy(needed, side))
        foreign = [grant for grant in needed if grant.place is side and _is_foreign(terms, grant)]
        on_bucket = _resource_policy(terms, [grant for grant in foreign if not grant.of_key])
        yield Document(way, side, Kind.BUCKET, f"the bucket {end.bucket}", on_bucket)
        if end.key:
            # In a key's own policy the key is always `*`.
            on_key = [grant._replace(resource="*") for grant in foreign if grant.of_key]
            yield Document(way, side, Kind.KEY, f"the KMS key {end.key}", _resource_policy(terms, on_key))


def _is_foreign(terms: PolicyInputs, grant: Grant) -> bool:
    end = terms.end(grant.place)
    owner = (account_of(end.key) if grant.of_key else "") or end.account
    return account_of(terms.end(grant.holder).principal) != owner


def _identity_policy(needed: Iterable[Grant], holder: Side) -> Json | None:
    return _policy(_statement(grant, {}) for grant in needed if grant.holder is holder)


def _resource_policy(terms: PolicyInputs, needed: Iterable[Grant]) -> Json | None:
    """Name each grant once, with all who hold it: statements of one document need identifiers of their own."""
    holders: dict[str, tuple[Grant, list[str]]] = {}
    for grant in needed:
        principals = holders.setdefault(grant.sid, (grant, []))[1]
        principal = terms.end(grant.holder).principal
        if principal not in principals:
            principals.append(principal)
    return _policy(
        _statement(grant, {"Principal": {"AWS": _one_or_many(principals)}})
        for grant, principals in holders.values()
    )


def _statement(grant: Grant, principal: Json) -> Json:
    said = {"Sid": grant.sid, "Effect": "Allow", **principal, "Action": _one_or_many(grant.actions)}
    condition = {"Condition": grant.condition} if grant.condition else {}
    return {**said, "Resource": grant.resource, **condition}


def _policy(statements: Iterable[Json]) -> Json | None:
    said = list(statements)
    return {"Version": VERSION, "Statement": said} if said else None


def _one_or_many(values: Collection[str]) -> str | list[str]:
    return next(iter(values)) if len(values) == 1 else list(values)


def _literal(prefix: str) -> str:
    """Write a prefix so that a policy takes no character of it for a wildcard or a variable."""
    return _SPECIAL.sub(lambda special: f"${{{special[0]}}}", prefix)
