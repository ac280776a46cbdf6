"""What to grant if permissions are missing."""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from s3mover.errors import S3Error
from s3mover.model import Side
from s3mover.s3.rights import denying_policy


class MissingPermission(NamedTuple):
    """Rights at `place` that the principal of `holder`'s credentials seems to lack.

    `source_key` is the ARN of the KMS key of the source's objects, empty if none is known.
    """

    holder: Side
    place: Side
    rights: tuple[str, ...]
    source_key: str = ""


class Remedy(NamedTuple):
    """Policy documents that grant missing rights, each with what it is attached to."""

    policies: list[dict[str, Any]]

    def __str__(self) -> str:
        """Return what to grant, and where: `s3:GetObject on ARN, in the policy of ...`."""
        statements = (statement for one in self.policies for statement in one["policy"]["Statement"])
        # A KMS key's own policy says `*`; the identity's policy names the key.
        granted = {one["Resource"]: _joined(one["Action"]) for one in statements if one["Resource"] != "*"}
        rights = _joined([f"{actions} on {resource}" for resource, actions in granted.items()])
        places = " and in that of ".join(one["attach_to"] for one in self.policies)
        return f"{rights}, in the policy of {places}"


class Advice(NamedTuple):
    """What to grant, as text and as policy documents."""

    text: str
    policies: list[dict[str, Any]]


def advice_against_deny(error: S3Error) -> str:
    """Return what helps if a policy denies a request explicitly, empty if `error` does not say so."""
    policy = denying_policy(error)
    if not policy:
        return ""
    place = "bucket's policy" if policy == "resource-based policy" else policy
    return (
        f"the {place} denies this explicitly, so no grant helps: change that policy, or send what it demands, for "
        "example destination.encryption, destination.kms_key_id, destination.acl or destination.storage_class"
    )


class Advisor:
    """Returns the advice for missing rights; `source_key` is the KMS key of the source's objects once it is known."""

    def __init__(self, remedy: Callable[[MissingPermission], Remedy]) -> None:
        self.source_key = ""
        self._remedy = remedy

    def advise(self, holder: Side, place: Side, rights: tuple[str, ...]) -> Advice:
        """Return how to grant the principal of `holder`'s credentials `rights` at `place`."""
        remedy = self._remedy(MissingPermission(holder, place, rights, self.source_key))
        granted = str(remedy) if remedy.policies else _joined(rights)
        return Advice(f"grant the {holder}'s credentials {granted}", remedy.policies)


def _joined(words: str | Collection[str]) -> str:
    return words if isinstance(words, str) else " and ".join(words)
