"""Compares the properties of an object and its copy: content headers, metadata, website redirect and tags.

Storage class, encryption, ACL and Object Lock settings are not compared: the destination has its own.
"""

from collections.abc import Mapping
from functools import partial

from s3mover.diagnostics.verify import DifferingProperties
from s3mover.model import ObjectEntry
from s3mover.s3.bucket import Bucket
from s3mover.s3.records import Head
from s3mover.s3.retry import Retry
from s3mover.transfer.properties import CONTENT_HEADERS, METADATA, REDIRECT, is_tagged, property_headers

# Counts the metadata that a store has and cannot return as headers (Amazon S3 API Reference, HeadObject).
MISSING = "x-amz-missing-meta"
TAGS = "tags"


def property_comparer(source: Bucket, destination: Bucket, retry: Retry) -> DifferingProperties:
    """Return the function that compares properties; it reads the tags of both objects if either has any."""

    def differing_properties(
        entry: ObjectEntry, copy: ObjectEntry, original: Head, copied: Head
    ) -> list[str]:
        names = differing_headers(original.headers, copied.headers)
        if not (is_tagged(original.headers) or is_tagged(copied.headers)):
            return names
        same = sorted(retry(partial(source.tags, entry.key))) == sorted(
            retry(partial(destination.tags, copy.key))
        )
        return names if same else [*names, TAGS]

    return differing_properties


def differing_headers(source: Mapping[str, str], copy: Mapping[str, str]) -> list[str]:
    """Return the names of the properties in the heads of an object and its copy that differ, sorted."""
    # As they are sent with a copy: a store may show a header that must not be sent on.
    wanted = property_headers(source, ()) | {
        name: source[name] for name in (REDIRECT, MISSING) if name in source
    }
    found = {name: value for name, value in copy.items() if _is_property(name)}
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def _is_property(name: str) -> bool:
    return name in CONTENT_HEADERS or name.startswith(METADATA) or name == REDIRECT
