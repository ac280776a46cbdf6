"""Fault injection: rules that say which requests fail, how, and how often; and the quirks of stores.

The effects are applied in `admission.py` (refusals), `answers.py` (replies) and `wire.py` (delivery).
"""

import random
from dataclasses import dataclass, field, fields
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from simulator.latch import Latch
from simulator.refusals import Refusal


class FaultKind(StrEnum):
    """The kinds of faults."""

    SLOW_DOWN = "slow_down"
    INTERNAL_ERROR = "internal_error"
    SERVICE_UNAVAILABLE = "service_unavailable"
    REQUEST_TIMEOUT = "request_timeout"
    EXPIRED_TOKEN = "expired_token"
    ACCESS_DENIED = "access_denied"
    WRONG_REGION = "wrong_region"
    PERMANENT_REDIRECT = "permanent_redirect"
    TEMPORARY_REDIRECT = "temporary_redirect"
    TIME_SKEWED = "time_skewed"
    REFUSAL = "refusal"
    """Any error: the rule's `code` and `status`."""
    ERROR_IN_200 = "error_in_200"
    """Status 200, white space, then an error of code `code` (InternalError); without execution."""
    HUGE_ERROR = "huge_error"
    """Status 500 with 16 MiB of nested elements; without execution."""
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    TRUNCATED_BODY = "truncated_body"
    CORRUPTED_BODY = "corrupted_body"
    """One bit of the body is inverted: of the answer to a GET, of what is stored by a PUT."""
    KEEPS_LESS = "keeps_less"
    """A PUT confirms MD5 and checksum of what was sent, and keeps all but the last byte."""
    SLOW_BODY = "slow_body"
    """The body is delivered with `rate` bytes per second."""
    DELAY = "delay"
    """The request is executed at once and answered after `seconds`."""
    HANG = "hang"
    """No execution and no answer; the connection stays open."""
    HANG_AFTER = "hang_after"
    """The request is executed and never answered."""
    HOLD = "hold"
    """The request is executed at once and answered when the rule is removed."""
    BAD_XML = "bad_xml"
    """The answer's XML is truncated."""


_REFUSALS = {
    FaultKind.SLOW_DOWN: "SlowDown",
    FaultKind.INTERNAL_ERROR: "InternalError",
    FaultKind.SERVICE_UNAVAILABLE: "ServiceUnavailable",
    FaultKind.REQUEST_TIMEOUT: "RequestTimeout",
    FaultKind.EXPIRED_TOKEN: "ExpiredToken",
    FaultKind.ACCESS_DENIED: "AccessDenied",
    FaultKind.TIME_SKEWED: "RequestTimeTooSkewed",
}

_REDIRECTS = {
    FaultKind.PERMANENT_REDIRECT: "PermanentRedirect",
    FaultKind.TEMPORARY_REDIRECT: "TemporaryRedirect",
}

QUIRKS = {
    "etag_without_quotes": "ETags come without their quotes",
    "no_tag_set": "GetObjectTagging answers a Tagging element without TagSet where there are no tags",
    "head_without_tag_count": "HeadObject does not say how many tags an object has; GetObject does",
    "ranges_answer_200": "a range is answered with 200, though with Content-Range",
    "no_error_message": "error bodies have no Message",
    "no_version_id": "no x-amz-version-id header is sent",
    "ignores_copy_source_if_match": "CopyObject ignores the conditions on its source",
    "ignores_part_copy_if_match": "UploadPartCopy ignores the conditions on its source",
    "ignores_write_conditions": "If-Match and If-None-Match of PutObject, CopyObject and Complete are ignored",
    "ignores_delete_conditions": "If-Match of DeleteObject and the ETags of DeleteObjects are ignored",
    "trailers_411": "bodies with trailers are answered with 411 MissingContentLength",
    "trailers_400": "bodies with trailers are answered with 400 InvalidRequest",
    "trailers_bad_request": "bodies with trailers are answered with 400 BadRequest",
    "trailers_bad_digest": "bodies with trailers are answered with 400 BadDigest",
    "trailers_eof": "bodies with trailers are not answered: the connection is closed",
    "keeps_aws_chunked": "the Content-Encoding of an aws-chunked body stays with the object",
    "wants_checksums": "bodies without checksum are refused, as by Object Lock with a default retention",
    "no_tag_header": "tags in a header are answered with 501 NotImplemented; PutObjectTagging is not",
    "stores_less": "PutObject and UploadPart answer 200, and store all but the last byte",
    "redirects_regions": "a signature for another region is answered with 301 PermanentRedirect, not with 400",
    "chunks_501": "aws-chunked bodies, signed or not, are answered with 501 NotImplemented",
    "stores_chunked_raw": "aws-chunked bodies are stored as they come, framing included",
    "folds_slashes": "keys are paths: a//b and a/b are one object",
    "composite_checksums_only": "CompleteMultipartUpload refuses the checksum of the whole object with BadDigest",
    "no_checksums": "checksums are neither checked nor shown",
    "unknown_subresource_lists": "a bucket's unknown sub-resource is answered with 200 and a list page",
    "no_bucket_settings": "a bucket's Object Lock and website settings are answered with 501 NotImplemented",
    "no_url_encoding": "encoding-type is ignored",
    "refuses_control_keys": "DeleteObjects refuses a whole body that has a key with a control character",
    "standard_class_only": "other storage classes than STANDARD are refused",
    "no_tagging": "tags are answered with 501 NotImplemented",
    "no_copy": "CopyObject and UploadPartCopy are answered with 501 NotImplemented",
    "ignores_trailers": "a trailing checksum is checked only where x-amz-sdk-checksum-algorithm is sent as well",
    "weak_etags": "HeadObject and GetObject show weak ETags",
    "no_content_length": "GetObject sends no Content-Length, and closes the connection after the body",
    "other_upload_root": "CreateMultipartUpload answers under the root InitiateMultipartUpload",
    "unusable_keys": "each list page also has a key that is not UTF-8, and one that is too long",
    "marker_copies_404": "CopyObject of a key that ends in / is answered with 404 NoSuchKey",
    "multipart_copies_412": "CopyObject of an object with the ETag of a multipart upload is answered with 412",
    "copies_fail": "CopyObject is answered with 500 InternalError for ever",
    "copy_limit_5e9": "CopyObject refuses objects of more than 5,000,000,000 bytes with 400 InvalidRequest",
    "copies_drop_locks": "CopyObject accepts Object Lock settings, and does not keep them",
    "no_annotations": "x-amz-object-annotation-directive is answered with 501 NotImplemented",
    "empty_first_page": "the first page of each listing is empty, and names a next one",
    "unordered_pages": "the keys of a list page come in reverse order",
    "no_continuation_token": "truncated list pages have no continuation token",
    "repeats_page": "the continuation token leads to the same page again",
    "unknown_start_skips": "after a page begun by a start-after that is not a key, the next page lacks its first key",
    "unknown_start_empty": "a page begun by a start-after that is not a key is empty and the last",
    "unknown_start_400": "a start-after that is not a key is answered with 400 InvalidArgument",
    "half_listings": "listings lack about every other key, and do not say so",
    "directory_order": "keys are listed in the order of directories: `data/x` before `data.csv`",
    "no_listed_etags": "listings have no ETags",
    "empty_listed_etags": "listings have empty ETags",
    "alike_listed_etags": "listings have the same ETag for all objects",
    "absent_delete_succeeds": "If-Match on a key that does not exist lets DeleteObject and DeleteObjects succeed",
    "ignores_batch_delete_etags": "the ETags of DeleteObjects are ignored",
}


@dataclass
class FaultRule:
    """Which requests fail and how.

    Filters are globs (`fnmatch`); `principal` is matched on the ARN; `framed` means bodies with a trailer only. A
    matching request is hit if its number among the rule's matching requests (from 1) is in `nth`; where `nth` is empty,
    with `probability`. At most `times` hits (0: no limit). The other fields are the kinds' parameters.
    """

    kind: FaultKind
    operation: str = "*"
    bucket: str = "*"
    key: str = "*"
    principal: str = "*"
    framed: bool = False
    probability: float = 1.0
    nth: tuple[int, ...] = ()
    times: int = 0
    seed: int = 0
    code: str = ""
    status: int = 0
    message: str = ""
    region: str = "us-west-2"
    seconds: float = 0.0
    rate: int = 0
    offset: int | None = None
    id: int = 0
    seen: int = 0
    hits: int = 0
    latch: Latch = field(default_factory=Latch, init=False, repr=False)
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Seed the rule's random numbers, so that a run can be repeated."""
        self.kind = FaultKind(self.kind)
        self.nth = tuple(self.nth)
        self._random = random.Random(self.seed)  # noqa: S311 - chance, not a secret

    def hits_request(
        self, operation: str, bucket: str, key: str, principal: str, *, framed: bool = False
    ) -> bool:
        """Count the request if it matches, and return whether it is hit."""
        if not (
            (framed or not self.framed)
            and fnmatchcase(operation, self.operation)
            and fnmatchcase(bucket, self.bucket)
            and fnmatchcase(key, self.key)
            and fnmatchcase(principal, self.principal)
        ):
            return False
        self.seen += 1
        if self.times and self.hits >= self.times:
            return False
        hit = self.seen in self.nth if self.nth else self._random.random() < self.probability
        self.hits += hit
        return hit

    def refusal(self) -> Refusal | None:
        """Return the refusal of this kind, None for a kind that refuses nothing."""
        if self.kind in _REFUSALS:
            return Refusal(_REFUSALS[self.kind])
        if self.kind is FaultKind.REFUSAL:
            return Refusal(self.code, self.message, status=self.status)
        if self.kind in (FaultKind.WRONG_REGION, *_REDIRECTS):
            return wrong_region(self.region, redirect=_REDIRECTS.get(self.kind, ""))
        return None

    def described(self) -> dict[str, Any]:
        """Return the rule with its counts, for the control port."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.repr}


def wrong_region(region: str, *, redirect: str = "") -> Refusal:
    """Return S3's answer to a wrong region: a refusal, or the redirect called `redirect`."""
    headers = (("x-amz-bucket-region", region),)
    if redirect:
        elements = (("Endpoint", f"s3.{region}.amazonaws.com"),)
        return Refusal(redirect, elements=elements, headers=headers)
    message = f"The authorization header is malformed; the region is wrong; expecting '{region}'"
    return Refusal("AuthorizationHeaderMalformed", message, elements=(("Region", region),), headers=headers)


class Faults:
    """All rules."""

    def __init__(self) -> None:
        self.rules: list[FaultRule] = []
        self._last_id = 0

    def add(self, rule: FaultRule) -> int:
        """Add a rule and return its id."""
        self._last_id += 1
        rule.id = self._last_id
        self.rules.append(rule)
        return rule.id

    def clear(self, rule_id: int | None = None) -> None:
        """Remove one rule, or all, and release the requests that they hold."""
        removed = [rule for rule in self.rules if rule_id is None or rule.id == rule_id]
        self.rules = [rule for rule in self.rules if rule not in removed]
        for rule in removed:
            rule.latch.open()

    def hitting(
        self, operation: str, bucket: str, key: str, principal: str, *, framed: bool = False
    ) -> list[FaultRule]:
        """Return the rules that hit this request; `framed` says that its body has a trailer."""
        return [
            rule for rule in self.rules if rule.hits_request(operation, bucket, key, principal, framed=framed)
        ]
