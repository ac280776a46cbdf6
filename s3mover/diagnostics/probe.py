"""A temporary object at the destination, with which `check` tests writing."""

import secrets
from collections.abc import Callable
from io import BytesIO

from s3mover.diagnostics.advice import Advisor
from s3mover.diagnostics.check_results import CheckWarning
from s3mover.errors import S3Error
from s3mover.model import PROBE_NAME, ObjectEntry, Pair, Side
from s3mover.s3.bucket import Bucket
from s3mover.s3.rights import missing_rights
from s3mover.transfer.attempt_errors import is_denial
from s3mover.transfer.server_side import REFUSALS_OF_ANNOTATIONS, WITHOUT_ANNOTATIONS

BODY = b"Written by `s3mover check` to test permissions; deleted again.\n"


class Probe:
    """The probe object; every method deletes what it wrote, and warns if it cannot.

    `headers` are sent with every write; `copies_annotations` says that copies are to keep object annotations.
    """

    def __init__(
        self,
        bucket: Bucket,
        pair: Pair,
        headers: dict[str, str],
        advisor: Advisor,
        *,
        copies_annotations: bool,
    ) -> None:
        self._bucket = bucket
        self._pair = pair
        self._headers = headers
        self._copies_annotations = copies_annotations
        self._advisor = advisor
        self._key = f"{pair.destination_prefix}{PROBE_NAME}{secrets.token_hex(8)}"

    def write(self) -> str:
        """Write, look up and delete an object; return the date that the destination answered."""
        date = self._put(self._headers)
        try:
            self._bucket.head(self._key)
        finally:
            self._delete()
        return date

    def write_with(self, headers: dict[str, str]) -> None:
        """Write an object with further headers, and delete it."""
        self._put(self._headers | headers)
        self._delete()

    def write_part(self) -> None:
        """Create a multipart upload, upload a part, list uploads, and abort the upload."""
        upload = self._bucket.create_upload(self._key, self._headers)
        try:
            self._bucket.upload_part(self._key, upload, 1, BytesIO(BODY).readinto, len(BODY))
            for _ in self._bucket.list_uploads(self._key):
                pass
        finally:
            self._undo(f"the upload {upload} of", lambda: self._bucket.abort_upload(self._key, upload))

    def copy(self, copier: Bucket, entry: ObjectEntry) -> S3Error | None:
        """Copy an object of the source with the credentials of `copier`, read the copy, and delete it.

        Return the error with which the destination refused its own credentials the copy, None if they can read it.
        """
        self._copy_as_sweeps_do(copier, entry)
        try:
            return self._refusal_of_reading()
        finally:
            self._delete()

    def _copy_as_sweeps_do(self, copier: Bucket, entry: ObjectEntry) -> None:
        """Copy without annotations, which may need more rights, unless the settings say otherwise."""
        if self._copies_annotations:
            self._copy(copier, entry, {})
            return
        try:
            self._copy(copier, entry, WITHOUT_ANNOTATIONS)
        except S3Error as error:
            if error.code not in REFUSALS_OF_ANNOTATIONS:
                raise
            self._copy(copier, entry, {})

    def _copy(self, copier: Bucket, entry: ObjectEntry, more_headers: dict[str, str]) -> None:
        copier.copy(
            self._key,
            source_bucket=self._pair.source_bucket,
            source_key=entry.key,
            if_match=entry.etag,
            headers=self._headers | more_headers,
        )

    def _refusal_of_reading(self) -> S3Error | None:
        try:
            with self._bucket.get(self._key):
                return None
        except S3Error as error:
            if is_denial(error):
                return error
            raise

    def _put(self, headers: dict[str, str]) -> str:
        stored = self._bucket.put(self._key, BytesIO(BODY).readinto, len(BODY), headers)
        return stored.headers.get("date", "")

    def _delete(self) -> None:
        self._undo("the object", lambda: self._bucket.delete(self._key))

    def _undo(self, what: str, undo: Callable[[], None]) -> None:
        try:
            undo()
        except S3Error as error:
            advice = self._advisor.advise(Side.DESTINATION, Side.DESTINATION, missing_rights(error))
            raise CheckWarning(
                f"{what} {self._key} could not be deleted ({error}); delete it by hand, and {advice.text}",
                advice.policies,
            ) from error
