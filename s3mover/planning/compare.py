"""Whether an object must be transferred: a pure decision from what the two listings say.

    destination | size   | ETags                         | LastModified         | decision
    ------------|--------|-------------------------------|----------------------|------------------
    absent      | -      | -                             | -                    | transfer: missing
    there       | differ | -                             | -                    | transfer: size
    there       | equal  | equal                         | -                    | in place
    there       | equal  | differ, both name the content | -                    | transfer: etag
    there       | equal  | differ, else                  | source not older     | transfer: newer
    there       | equal  | differ, else                  | source older         | in place

An ETag names the content (is its MD5) only for an object that was written in one piece and not encrypted with a
KMS key (Amazon S3 API Reference, data type Object, ETag). `md5_etags` says whether such ETags can be expected at
both ends. If they do not, the times decide: a copy is younger than what it was copied from. S3 gives times in
whole seconds, so an object that changed in the very second of its copy counts as changed: one copy too many
is harmless, one too few is not.
"""

from s3mover.model import ObjectEntry, etag_names_content, has_md5_shape


def reason_to_transfer(source: ObjectEntry, destination: ObjectEntry | None, *, md5_etags: bool) -> str:
    """Return why `source` must be transferred (`missing`, `size`, `etag`, `newer`), empty where it is in place."""
    if destination is None:
        return "missing"
    if source.size != destination.size:
        return "size"
    if source.etag == destination.etag:
        return ""
    if md5_etags and has_md5_shape(source.etag) and has_md5_shape(destination.etag):
        return "etag"
    return "newer" if source.last_modified >= destination.last_modified else ""


def etags_prove_equality(source: ObjectEntry, copy: ObjectEntry) -> bool:
    """Return whether the ETags prove equal contents: they are equal, and of a form that is made from the content.

    Some stores list no ETag, or the same text for every object.
    """
    return source.etag == copy.etag and etag_names_content(source.etag)
