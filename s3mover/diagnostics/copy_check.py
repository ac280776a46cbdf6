"""Tests whether a server-side copy is permitted and, if not, which permission is missing."""

from collections.abc import Callable
from functools import partial
from time import monotonic

from s3mover.diagnostics.advice import Advisor, advice_against_deny
from s3mover.diagnostics.check_results import CheckWarning
from s3mover.diagnostics.probe import Probe
from s3mover.errors import MoverError, S3Error, UnreachableError
from s3mover.model import ObjectEntry, Order, Side
from s3mover.s3.bucket import Bucket
from s3mover.s3.rights import missing_rights
from s3mover.stores import store_of
from s3mover.transfer.attempt_errors import DIFFERENT_BUCKET, is_denial
from s3mover.transfer.bucket_identity import SourceIdentity


class CopyCheck:
    """Copies an object to the probe with the credentials of either side.

    `source` is the source with its own credentials, `read_across` as the destination's credentials access it.
    `copiers` are the destination as the credentials of each side access it, the preferred first.
    """

    def __init__(
        self,
        source: Bucket,
        copiers: dict[Side, Bucket],
        read_across: Bucket,
        probe: Probe,
        advisor: Advisor,
    ) -> None:
        self._source = source
        self._copiers = copiers
        self._read_across = read_across
        self._probe = probe
        self._advisor = advisor

    def run(self, entry: ObjectEntry) -> str:
        """Return whose credentials may copy.

        Raises:
            CheckWarning: neither side's credentials may copy, or the store cannot copy what it has.
            UnreachableError: the destination's credentials cannot read the copy.
            S3Error: the copy failed for another reason.
        """
        denials = []
        for side, copier in self._copiers.items():
            try:
                if side is Side.DESTINATION:
                    self._require_same_source(entry)
                unreadable = self._probe.copy(copier, entry)
            except S3Error as error:
                if error.code == DIFFERENT_BUCKET or not is_denial(error):
                    raise self._failure(entry, error) from error
                denials.append(error)
                continue
            if unreadable:
                raise _not_owned(side, unreadable)
            return f"permitted with the {side}'s credentials"
        denial = denials[0]
        if against_deny := advice_against_deny(denial):
            raise CheckWarning(f"not permitted ({denial.code}), so objects will be streamed; {against_deny}")
        advice = self._advisor.advise(Side.DESTINATION, *self._missing(entry, denial))
        raise CheckWarning(
            f"not permitted ({denial.code}), so objects will be streamed; to permit it, {advice.text}",
            advice.policies,
        )

    def _require_same_source(self, entry: ObjectEntry) -> None:
        """Raise a denial where the destination's credentials find another bucket of the source's name."""
        if store_of(self._source.address).is_aws:
            return
        order = Order(0, 0, entry.key, entry.key, entry.size, entry.etag, entry.last_modified, "")
        SourceIdentity(self._source, self._read_across, self._copiers[Side.DESTINATION], monotonic).before(
            order
        )

    def _failure(self, entry: ObjectEntry, error: S3Error) -> MoverError:
        """Return what a failed copy comes to: a warning if the source has the object, which will be streamed then."""
        if error.code == DIFFERENT_BUCKET:
            return CheckWarning(f"not possible, so objects will be streamed: {error.message}")
        if error.temporary or self._source.head(entry.key).etag != entry.etag:
            return error
        return CheckWarning(
            f"fails ({error}), although the source has the object, so objects will be streamed"
        )

    def _missing(self, entry: ObjectEntry, denial: S3Error) -> tuple[Side, tuple[str, ...]]:
        """Return where which rights are missing: send the requests that a copy implies at the source one by one."""
        source = self._read_across
        requests = (partial(source.head, entry.key), partial(source.tags, entry.key))
        missing = rights_missing_for(*requests)
        if not missing and rights_missing_for(lambda: source.get(entry.key).__exit__(None, None, None)):
            # HEAD is permitted and GET is not: the KMS key refuses.
            missing = ("kms:Decrypt",)
        return (Side.SOURCE, missing) if missing else (Side.DESTINATION, missing_rights(denial))


def _not_owned(copier: Side, refusal: S3Error) -> UnreachableError:
    """Return the error for a copy that belongs to the account of its copier (S3 User Guide: "Object Ownership")."""
    return UnreachableError(
        f"permitted with the {copier}'s credentials, but the destination's credentials cannot read the copy "
        f"({refusal}): the bucket does not enforce bucket owner ownership, so a copy belongs to the {copier}'s "
        "account; set destination.acl to bucket-owner-full-control, or enforce ownership on the bucket",
    )


def rights_missing_for(*requests: Callable[[], object]) -> tuple[str, ...]:
    """Send requests, and return the rights that those refused need."""
    return tuple(right for request in requests for right in _missing_for(request))


def _missing_for(request: Callable[[], object]) -> tuple[str, ...]:
    try:
        request()
    except S3Error as error:
        return missing_rights(error)
    return ()
