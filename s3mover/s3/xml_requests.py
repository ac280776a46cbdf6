"""XML bodies of requests. Pure; shapes: Amazon S3 API Reference, the page of each operation."""

from collections.abc import Sequence

# `html.escape` would load a table of all HTML entities, half a megabyte in each process.
_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def quote_etag(etag: str) -> str:
    """Return an ETag with the quotes that it has in a request (RFC 9110, section 8.8.3)."""
    return f'"{etag}"'


def complete_request(parts: Sequence[tuple[int, str]]) -> bytes:
    """Return the body of CompleteMultipartUpload from part numbers and ETags, in ascending order."""
    listed = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{_escaped(quote_etag(etag))}</ETag></Part>"
        for number, etag in parts
    )
    name = "CompleteMultipartUpload"
    return f'<{name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{listed}</{name}>'.encode()


def restore_request(tier: str, days: int) -> bytes:
    """Return the body of RestoreObject; without `Days` where `days` is 0."""
    elements = f"<Days>{days}</Days>" if days else ""
    elements += f"<GlacierJobParameters><Tier>{_escaped(tier)}</Tier></GlacierJobParameters>"
    name = "RestoreRequest"
    return f'<{name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{elements}</{name}>'.encode()


def delete_request(entries: Sequence[tuple[str, str]]) -> bytes:
    """Return the body of DeleteObjects: keys, each with the ETag that it must have, empty for any.

    Only failures are reported.

    XML 1.0 forbids control characters: keys with one must not be among them.
    """
    listed = "".join(
        f"<Object><Key>{_escaped(key)}</Key>{_condition(etag)}</Object>" for key, etag in entries
    )
    return f'<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>{listed}</Delete>'.encode()


def _condition(etag: str) -> str:
    return f"<ETag>{_escaped(quote_etag(etag))}</ETag>" if etag else ""


def tagging_request(tags: Sequence[tuple[str, str]]) -> bytes:
    """Return the body of PutObjectTagging."""
    listed = "".join(
        f"<Tag><Key>{_escaped(name)}</Key><Value>{_escaped(value)}</Value></Tag>" for name, value in tags
    )
    name = "Tagging"
    return (
        f'<{name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet>{listed}</TagSet></{name}>'.encode()
    )


def _escaped(text: str) -> str:
    """Return a text as the content of an element (XML 1.0, section 2.4)."""
    return text.translate(_MARKUP)
