"""Conditional requests: If-Match and its relatives, for reads, copy sources, writes and deletes.

Sources: RFC 9110, section 13.2.2 (order of evaluation); S3 API: GetObject, CopyObject, PutObject, DeleteObject.
"""

from simulator.call import Call
from simulator.headers import parse_http_date
from simulator.refusals import Refusal
from simulator.store import StoredObject


def matches(condition: str, etag: str) -> bool:
    """Return whether an ETag is one of a condition's list, in which quotes are optional and `*` is any."""
    wanted = [one.strip().removeprefix("W/").strip('"') for one in condition.split(",")]
    return etag in wanted or "*" in wanted


def is_unmodified(call: Call, found: StoredObject) -> bool:
    """Check the conditions of a read; return whether the answer is 304.

    Raises:
        Refusal: PreconditionFailed.
    """
    _check_match(call, found, "if-match", "if-unmodified-since")
    none_match = call.header("if-none-match")
    if none_match is not None:
        return matches(none_match, found.etag)
    since = parse_http_date(call.header("if-modified-since") or "")
    return since is not None and found.modified <= since


def check_source(call: Call, source: StoredObject) -> None:
    """Check the conditions on a copy's source.

    Raises:
        Refusal: PreconditionFailed.
    """
    _check_match(call, source, "x-amz-copy-source-if-match", "x-amz-copy-source-if-unmodified-since")
    none_match = call.header("x-amz-copy-source-if-none-match")
    if none_match is not None and matches(none_match, source.etag):
        raise failed("x-amz-copy-source-If-None-Match")
    since = parse_http_date(call.header("x-amz-copy-source-if-modified-since") or "")
    if none_match is None and since is not None and source.modified <= since:
        raise failed("x-amz-copy-source-If-Modified-Since")


def check_write(call: Call) -> None:
    """Check the conditions on the object that a write would replace.

    Raises:
        Refusal: PreconditionFailed, NoSuchKey (If-Match on nothing), NotImplemented.
    """
    match, none_match = call.header("if-match"), call.header("if-none-match")
    if (match is None and none_match is None) or call.quirk("ignores_write_conditions"):
        return
    there = call.bucket.get(call.key)
    if none_match is not None:
        if none_match != "*":
            raise Refusal("NotImplemented")
        if there is not None:
            raise failed("If-None-Match")
    if match is not None:
        check_etag(call, match, there)


def check_etag(call: Call, condition: str, there: StoredObject | None) -> None:
    """Check If-Match on an object that is to be replaced or deleted.

    Raises:
        Refusal: NoSuchKey if there is none, PreconditionFailed if its ETag differs.
    """
    if there is None:
        raise Refusal("NoSuchKey", elements=(("Key", call.key),))
    if not matches(condition, there.etag):
        raise failed("If-Match")


def failed(condition: str) -> Refusal:
    """Return the refusal that names the condition."""
    return Refusal("PreconditionFailed", elements=(("Condition", condition),))


def _check_match(call: Call, found: StoredObject, match_name: str, date_name: str) -> None:
    match = call.header(match_name)
    if match is not None:
        if not matches(match, found.etag):
            raise failed(match_name.title())
        return
    until = parse_http_date(call.header(date_name) or "")
    if until is not None and found.modified > until:
        raise failed(date_name.title())
