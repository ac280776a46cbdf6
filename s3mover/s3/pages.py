"""Pages of listings: entries, and the query for the next page."""

from dataclasses import replace
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
    entries, root = _objects_page(response)
    return entries, _next_objects(root)


def folder_page(response: Response) -> ParsedPage[tuple[ObjectPage, list[str]]]:
    """Parse a page of ListObjectsV2 with a delimiter: the objects, and the folders with their delimiter.

    A folder that no request can name is among the unusable keys.
    """
    entries, root = _objects_page(response)
    folders = xml.folders(root)
    usable = [name for name in folders if xml.is_usable(name)]
    unusable = (name.encode(errors="surrogateescape") for name in folders if not xml.is_usable(name))
    entries = replace(entries, unusable=(*entries.unusable, *unusable))
    return (entries, usable), _next_objects(root)


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


def _objects_page(response: Response) -> tuple[ObjectPage, Element]:
    root, entries = parse_object_page(response.read_all(MAX_PAGE))
    return entries, require_kind(root, "ListBucketResult", response)


def _next_objects(root: Element) -> Query:
    return _next_query(root, {"continuation-token": xml.raw_text(root, "NextContinuationToken")})


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
