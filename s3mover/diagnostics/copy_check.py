"""Tests whether a server-side copy is permitted and, if not, which permission is missing."""

from collections.abc import Callable
from functools import partial

from s3mover.diagnostics.advice import Advisor, advice_against_deny
from s3mover.diagnostics.check_results import CheckWarning
from s3mover.diagnostics.probe import Probe
from s3mover.errors import S3Error, UnreachableError
from s3mover.model import ObjectEntry, Side
from s3mover.s3.bucket import Bucket
from s3mover.s3.rights import missing_rights
from s3mover.transfer.attempt_errors import is_denial


class CopyCheck:
    """Copies an object to the probe with the credentials of either side.

    `copiers` are the destination as the credentials of each side access it, the preferred first; `read_across` is the
    source as the destination's credentials access it.
    """

    def __init__(
        self, copiers: dict[Side, Bucket], read_across: Bucket, probe: Probe, advisor: Advisor
    ) -> None:
        self._copiers = copiers
        self._read_across = read_across
        self._probe = probe
        self._advisor = advisor

    def run(self, entry: ObjectEntry) -> str:
        """Return whose credentials may copy.

        Raises:
            CheckWarning: neither side's credentials may copy.
            UnreachableError: the destination's credentials cannot read the copy.
            S3Error: the copy failed for another reason.
        """
        denials = []
        for side, copier in self._copiers.items():
            try:
                unreadable = self._probe.copy(copier, entry)
            except S3Error as error:
                if not is_denial(error):
                    raise
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
