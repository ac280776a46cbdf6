"""The tags of a copy, written after it where a header cannot carry them.

An object without its tags looks like a whole one in listings: a copy whose tags could not be written is removed, and
`sweep/completion.py` writes the tags of one that was interrupted in between, or could not be removed.
"""

from s3mover.errors import MoverError, S3Error, VerificationError
from s3mover.model import INTERRUPTED
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import Retry
from s3mover.transfer.attempt_errors import is_denial
from s3mover.transfer.method import remove_copy
from s3mover.transfer.properties import Tags
from s3mover.transfer.store_features import Feature, StoreFeatures


def write_late_tags(
    destination: Bucket, key: str, etag: str, tags: Tags, features: StoreFeatures, retry: Retry
) -> None:
    """Write the tags of a copy just written with the ETag `etag`; remove the copy if that fails.

    Raises:
        S3Error: they could not be written; temporary where the store turns out not to have tags. Its code is
            `INTERRUPTED` where the copy could not be removed either, so that later sweeps look at it again.
        VerificationError: the copy has other tags.
    """
    if not tags:
        return
    try:
        with features.probe((Feature.TAGS,)):
            write_tags(destination, key, tags, retry)
    except MoverError as error:
        if refusal := remove_copy(destination, key, etag):
            raise S3Error(
                INTERRUPTED,
                f"{error}; the copy without its tags could not be removed ({refusal})",
                temporary=error.temporary,
            ) from error
        raise


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
