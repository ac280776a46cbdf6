"""Whether an object must be transferred: a pure decision by the listings, and by the trail where they do not tell.

    destination | size   | ETags                     | ETag last copied (trail) | LastModified     | decision
    ------------|--------|---------------------------|--------------------------|------------------|------------------
    absent      | -      | -                         | -                        | -                | transfer: missing
    there       | differ | -                         | -                        | -                | transfer: size
    there       | equal  | equal, naming the content | -                        | -                | in place
    there       | equal  | differ, both are MD5s     | -                        | -                | transfer: etag
    there       | equal  | else                      | the source's             | -                | in place
    there       | equal  | else                      | another                  | -                | transfer: etag
    there       | equal  | else                      | none                     | source not older | transfer: newer
    there       | equal  | else                      | none                     | source older     | in place

An ETag names the content if it is an MD5, or MD5s' MD5 with a count. It is the MD5 of the content only for an object
that was written in one piece and not encrypted with a KMS key (Amazon S3 API Reference, data type Object, ETag).
`md5_etags` says whether such ETags can be expected at both ends. Some stores list no ETags, empty ones, or the same for
all objects: these prove nothing, and the trail is not asked about them either. An ETag of another form at least tells
versions of one object in one store apart, which is what the trail is asked for: clocks may differ. Where the trail has
no copy the times decide: a copy is younger than what it was copied from. S3 gives times in whole seconds, so an object
that changed in the very second of its copy counts as changed: one copy too many is harmless, one too few is not.
"""

from collections.abc import Sequence

from s3mover.model import ObjectEntry, etag_names_content, has_md5_shape

# So many objects with one ETag on a page are taken for a store that has one for all, also if their sizes are the same.
MANY_ALIKE = 8
MD5_DIGITS = 32
_MD5_OF_NOTHING = "d41d8cd98f00b204e9800998ecf8427e"


def reason_to_transfer(source: ObjectEntry, destination: ObjectEntry | None, *, md5_etags: bool) -> str:
    """Return why `source` must be transferred (`missing`, `size`, `etag`, `newer`), empty where it is in place.

    The trail is not asked.
    """
    reason = listed_difference(source, destination, md5_etags=md5_etags)
    return reason_by_time(source, destination) if reason is None else reason


def listed_difference(source: ObjectEntry, destination: ObjectEntry | None, *, md5_etags: bool) -> str | None:
    """Return why `source` must be transferred, empty where it is in place, None where sizes and ETags do not tell."""
    if destination is None:
        return "missing"
    if source.size != destination.size:
        return "size"
    if etags_prove_equality(source, destination):
        return ""
    both_md5 = has_md5_shape(source.etag) and has_md5_shape(destination.etag)
    named = _names_content(source) and _names_content(destination)
    return "etag" if md5_etags and both_md5 and named and source.etag != destination.etag else None


def reason_by_time(source: ObjectEntry, destination: ObjectEntry | None) -> str:
    """Return `newer` where `source` was not written before its copy, else an empty text."""
    is_older = destination is not None and source.last_modified < destination.last_modified
    return "" if is_older else "newer"


def etags_prove_equality(source: ObjectEntry, copy: ObjectEntry) -> bool:
    """Return whether the ETags prove equal contents: they are equal, and of a form that is made from the content.

    Some stores list no ETag, or the same text for every object.
    """
    return source.etag == copy.etag and _names_content(source) and _names_content(copy)


def _names_content(entry: ObjectEntry) -> bool:
    return etag_names_content(entry.etag) and not (entry.etag == _MD5_OF_NOTHING and entry.size)


def are_alike(etags: Sequence[str], sizes: Sequence[int]) -> bool:
    """Return whether all objects of a page have the same ETag, though they cannot, or hardly, be the same content."""
    same = len(etags) > 1 and etags[0] == etags[-1] and etags.count(etags[0]) == len(etags)
    return same and (len(etags) >= MANY_ALIKE or sizes.count(sizes[0]) < len(sizes))


def all_name_content(etags: Sequence[str], sizes: Sequence[int]) -> bool:
    """Return whether the ETags of a page are MD5s, or such of multipart uploads, and not all alike.

    Most are MD5s, which are checked as one text: that takes a fiftieth of the time of parsing the page.
    """
    if are_alike(etags, sizes):
        return False
    text = "".join(etags)
    if _MD5_OF_NOTHING in text and any(
        size and etag == _MD5_OF_NOTHING for etag, size in zip(etags, sizes, strict=True)
    ):
        return False
    rest = [etag for etag in etags if len(etag) != MD5_DIGITS] if len(text) != MD5_DIGITS * len(etags) else []
    plain = "".join(etag for etag in etags if len(etag) == MD5_DIGITS) if rest else text
    return _is_hexadecimal(plain) and all(map(etag_names_content, rest))


def _is_hexadecimal(text: str) -> bool:
    try:
        return 2 * len(bytes.fromhex(text)) == len(text)
    except ValueError:
        return False
