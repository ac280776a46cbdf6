"""Whether ETags are MD5s: asked where they look like MD5s and differ, because encryption makes ETags of its own.

Without this check a bucket that encrypts with a KMS key by default would be copied anew by every sweep.
"""

from functools import partial

from s3mover.errors import S3Error
from s3mover.model import ObjectEntry
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import Retry
from s3mover.transfer.object_checksums import ObjectChecksums, etag_is_md5

# After so many objects without such encryption the others of the sweep count as such, too: asking costs two requests.
SAMPLE = 3


class EtagProbe:
    """Asks both sides about the first doubtful objects of a sweep, and remembers the answers."""

    def __init__(self, source: Bucket, destination: Bucket, retry: Retry) -> None:
        self._source = source
        self._destination = destination
        self._retry = retry
        self._plain = 0
        self._opaque = False

    def __call__(self, entry: ObjectEntry, copy: ObjectEntry) -> bool:
        """Return whether the ETags of `entry` and of its copy are MD5s, so that the contents differ if they do."""
        if self._opaque or self._plain >= SAMPLE:
            return not self._opaque
        try:
            requests = ((self._source, entry.key), (self._destination, copy.key))
            heads = [self._retry(partial(bucket.head, key)) for bucket, key in requests]
        except S3Error:
            # It is gone, or may not be asked about: the transfer will show it, and one too many does no harm.
            return True
        self._opaque = not all(etag_is_md5(ObjectChecksums(head.etag, head.headers)) for head in heads)
        self._plain += 1
        return not self._opaque
