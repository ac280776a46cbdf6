"""The tags of a copy, written after it where a header cannot carry them.

An object without its tags looks like a whole one in listings: a copy whose tags could not be written is removed, and
`sweep/recovery.py` writes the tags of one that was interrupted in between.
"""

from s3mover.errors import MoverError, S3Error, VerificationError
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import Retry
from s3mover.transfer.attempt_errors import is_denial
from s3mover.transfer.method import removed_on_mismatch
from s3mover.transfer.properties import Tags
from s3mover.transfer.store_features import Feature, StoreFeatures


def write_late_tags(
    destination: Bucket, key: str, etag: str, tags: Tags, features: StoreFeatures, retry: Retry
) -> None:
    """Write the tags of a copy just written with the ETag `etag`; remove the copy if that fails.

    Raises:
        S3Error: they could not be written; temporary where the store turns out not to have tags.
        VerificationError: the copy has other tags, or could not be removed.
    """
    if tags:
        with features.probe((Feature.TAGS,)), removed_on_mismatch(destination, key, etag, MoverError):
            write_tags(destination, key, tags, retry)


def write_tags(destination: Bucket, key: str, tags: Tags, retry: Retry) -> None:
    """Write the tags of an object, and read them back where that is permitted.

    Raises:
        S3Error: they could not be written.
        VerificationError: the object has other tags.
    """
    retry(lambda: destination.put_tags(key, tags))
    try:
        written = retry(lambda: destination.tags(key))
    except S3Error as error:
        if is_denial(error):
            return
        raise
    if sorted(written) != sorted(tags):
        raise VerificationError(
            f"the copy has {len(written)} tags that differ from the {len(tags)} that were written"
        )
