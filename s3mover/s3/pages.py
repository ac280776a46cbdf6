"""Pages of listings: what is on one, what asks for the next, and whether they contradict each other."""

from operator import lt
from typing import TypeVar
from xml.etree.ElementTree import Element

from s3mover.errors import ListingError
from s3mover.model import ObjectPage
from s3mover.s3 import xml
from s3mover.s3.documents import MAX_DOCUMENT, document, judged
from s3mover.s3.records import Upload, UploadedPart
from s3mover.s3.response import Response, invalid

T = TypeVar("T")
Query = tuple[tuple[str, str], ...]
Listed = tuple[T, Query]  # what is on a page, and what asks for the next


def objects_page(response: Response) -> Listed[ObjectPage]:
    """Read a page of ListObjectsV2."""
    root, entries = xml.split_page(response.read_all(MAX_DOCUMENT))
    judged(root, "ListBucketResult", response)
    return entries, _following(root, {"continuation-token": xml.text(root, "NextContinuationToken")})


def parts_page(response: Response) -> Listed[list[UploadedPart]]:
    """Read a page of ListParts."""
    root = document(response, "ListPartsResult")
    return xml.uploaded_parts(root), _following(
        root, {"part-number-marker": xml.text(root, "NextPartNumberMarker")}
    )


def uploads_page(response: Response) -> Listed[list[Upload]]:
    """Read a page of ListMultipartUploads."""
    root = document(response, "ListMultipartUploadsResult", keys=True)
    next_id = xml.text(root, "NextUploadIdMarker")
    return xml.uploads(root), _following(
        root, {"key-marker": xml.next_key(root), "upload-id-marker": next_id}
    )


def _following(root: Element, markers: dict[str, str]) -> Query:
    """Return what asks for the next page, nothing where this is the last."""
    truncated = xml.text(root, "IsTruncated").lower()
    if truncated not in ("true", "false"):
        raise invalid("a page of a listing does not say whether it is the last")
    if truncated == "false":
        return ()
    if not all(markers.values()):
        raise ListingError("a page of a listing says that there is more, but not where")
    return tuple(markers.items())


def check_order(bucket: str, last: str, prefix: str, entries: ObjectPage) -> None:
    """Refuse keys that do not ascend (strings compare as their UTF-8 does) or lie outside what was asked for."""
    keys = [last, *entries.keys] if last else entries.keys
    if not all(map(lt, keys, keys[1:])):
        at = next(n for n in range(1, len(keys)) if keys[n - 1] >= keys[n])
        raise ListingError(
            f"the listing of {bucket} is out of order: {keys[at]!r} comes after {keys[at - 1]!r}"
        )
    # Keys with one prefix are neighbours: where the ends have it, all have it.
    if entries and not (entries.keys[0].startswith(prefix) and entries.keys[-1].startswith(prefix)):
        raise ListingError(f"the listing of {bucket} holds keys that do not begin with {prefix!r}")
