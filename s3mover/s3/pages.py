"""Pages of listings: entries, the query for the next page, and whether pages contradict each other."""

from operator import lt
from typing import TypeVar
from xml.etree.ElementTree import Element

from s3mover.errors import ListingError
from s3mover.model import ObjectPage
from s3mover.s3 import xml
from s3mover.s3.documents import MAX_PAGE, read_page, require_kind
from s3mover.s3.list_page import parse_object_page
from s3mover.s3.protocol_errors import invalid_response
from s3mover.s3.records import ListedUpload, UploadedPart
from s3mover.s3.response import Response

T = TypeVar("T")
Query = tuple[tuple[str, str], ...]
ParsedPage = tuple[T, Query]  # what is on a page, and the query for the next


def objects_page(response: Response) -> ParsedPage[ObjectPage]:
    """Parse a page of ListObjectsV2."""
    root, entries = parse_object_page(response.read_all(MAX_PAGE))
    require_kind(root, "ListBucketResult", response)
    return entries, _next_query(root, {"continuation-token": xml.raw_text(root, "NextContinuationToken")})


def parts_page(response: Response) -> ParsedPage[list[UploadedPart]]:
    """Parse a page of ListParts."""
    root = read_page(response, "ListPartsResult")
    return xml.parse_parts(root), _next_query(
        root, {"part-number-marker": xml.text(root, "NextPartNumberMarker")}
    )


def uploads_page(response: Response) -> ParsedPage[list[ListedUpload]]:
    """Parse a page of ListMultipartUploads."""
    root = read_page(response, "ListMultipartUploadsResult")
    next_id = xml.raw_text(root, "NextUploadIdMarker")
    return xml.parse_uploads(root), _next_query(
        root, {"key-marker": xml.next_key_marker(root), "upload-id-marker": next_id}
    )


def _next_query(root: Element, markers: dict[str, str]) -> Query:
    """Return the query for the next page, empty where this is the last."""
    truncated = xml.text(root, "IsTruncated").lower()
    if truncated not in ("true", "false"):
        raise invalid_response("a page of a listing does not say whether it is the last")
    if truncated == "false":
        return ()
    if not all(markers.values()):
        raise ListingError("a page of a listing is truncated, but has no token for the next page")
    return tuple(markers.items())


def check_order(bucket: str, last: str, prefix: str, entries: ObjectPage) -> None:
    """Ensure that keys ascend (strings compare as their UTF-8 does) and have the requested prefix.

    Raises:
        ListingError: they do not.
    """
    keys = [last, *entries.keys] if last else entries.keys
    if not all(map(lt, keys, keys[1:])):
        index = next(n for n in range(1, len(keys)) if keys[n - 1] >= keys[n])
        raise ListingError(
            f"the listing of {bucket} is out of order: {keys[index]!r} comes after {keys[index - 1]!r}"
        )
    # Keys with one prefix are neighbours: if the first and the last have it, all have it.
    if entries and not (entries.keys[0].startswith(prefix) and entries.keys[-1].startswith(prefix)):
        raise ListingError(f"the listing of {bucket} contains keys that do not begin with {prefix!r}")
