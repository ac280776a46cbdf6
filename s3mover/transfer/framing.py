"""How bodies are framed for one destination, and what its responses have shown of that.

Trailers carry the checksum of a body; over plain HTTP they need signed chunks. Nothing of an object is lost without
either, so both are left out where they do harm. A store that names them in its refusal is known at once
(`store_features.py`). Others refuse with codes that have many causes, or store something else than was sent:

    what is seen                                   | what follows
    -----------------------------------------------|-------------------------------------------------------------
    a framed write of an object fails so, once     | it is tried again as it was
    twice with the same code                       | the object is sent with less framing
    it then succeeds; another object so, too       | all objects are sent so for a while
    it then fails with the same code               | the framing was not the cause: the object is framed again
    a framed write succeeds in between             | the suspicion against that framing is dropped
    the framing is left in the Content-Encoding    | all objects are sent without framing for a while
"""

from collections.abc import Mapping
from itertools import takewhile
from threading import Lock
from types import TracebackType

from s3mover.errors import MoverError, S3Error, VerificationError
from s3mover.transfer.checksums import Checksum, full_object_checksum
from s3mover.transfer.store_features import BODY_WRITES, FRAMING, Feature, StoreFeatures
from s3mover.transfer.suspicions import FAILURES, Failures, Suspicions

# Codes of temporary errors that stores also have for framing that they do not understand; some close the connection.
_DOUBTFUL = frozenset(
    {"BadDigest", "BadRequest", "ConnectionError", "IncompleteBody", "InternalError", "InvalidDigest"}
)
_MISMATCH = "VerificationError"

Framings = tuple[Feature, ...]


class Framing:
    """Decides how the body of each object is framed; threads may share it. `secure` says that requests use TLS."""

    def __init__(self, features: StoreFeatures, *, secure: bool) -> None:
        self._features = features
        self._candidates = (Feature.TRAILERS,) if secure else (Feature.CHUNKS, Feature.TRAILERS)
        self._lock = Lock()
        self._suspicions = Suspicions(features)
        self._inspected: set[tuple[Framings, bool]] = set()
        self._reports_checksums = False

    def of(self, key: str) -> Framings:
        """Return the framing of the next body of the object `key`."""
        usable = tuple(takewhile(self._features.has, self._candidates))
        failures = self._suspicions.failures_of(key) if self._suspicions else None
        return usable if failures is None else usable[: max(0, len(usable) - _steps(failures))]

    def sending(self, key: str, used: Framings) -> "FramingProbe":
        """Return a context in which a body with the framing `used` is sent; a refusal is recorded."""
        return FramingProbe(self, key, used, S3Error)

    def verifying(self, key: str, used: Framings) -> "FramingProbe":
        """Return a context in which such a body's copy is verified; the result is recorded."""
        return FramingProbe(self, key, used, VerificationError)

    @property
    def needs_md5(self) -> bool:
        """Whether the MD5 of a body must be compared with its copy's ETag: no other proof may come back."""
        return not self._reports_checksums

    def record_response(self, headers: Mapping[str, str], sent: Checksum, used: Framings) -> None:
        """Record whether the store confirms the checksum that it got as a trailer; some do not look at it."""
        if Feature.TRAILERS in used:
            self._reports_checksums = full_object_checksum(headers) == sent

    def must_inspect(self, used: Framings, *, encoded: bool) -> bool:
        """Return whether it is unknown what this framing leaves in objects with a Content-Encoding, or without."""
        return bool(used) and (used, encoded) not in self._inspected

    def record_clean(self, used: Framings, *, encoded: bool) -> None:
        """Record that this framing leaves nothing."""
        self._inspected.add((used, encoded))

    def disable(self) -> None:
        """Send all bodies as they are for a while; then look again at what framing leaves."""
        with self._lock:
            self._features.disable_framing()
            self._forget()

    def record_success(self, key: str, used: Framings) -> None:
        """Record that a body with this framing became a verified copy."""
        if not self._suspicions:
            return
        with self._lock:
            failures = self._suspicions.forget(key)
            self._suspicions.acquit(used)
            usable = tuple(takewhile(self._features.has, self._candidates))
            left_out = usable[len(used)] if len(used) < len(usable) else None
            if failures and left_out and self._suspicions.confirm(left_out, failures.code, key):
                self._forget()

    def record_failure(self, key: str, used: Framings, error: MoverError) -> None:
        """Record that a body with this framing was refused, or became a copy that differs."""
        code = _doubtful_code(error)
        if not code:
            return
        with self._lock:
            if used:
                self._suspicions.record_failure(key, code)
            else:
                self._suspicions.forget(key)

    def _forget(self) -> None:
        self._suspicions.clear()
        self._inspected.clear()


class FramingProbe:
    """A context that records errors of one kind; as a generator it would take four times the CPU."""

    def __init__(self, framing: Framing, key: str, used: Framings, recorded: type[MoverError]) -> None:
        self._framing = framing
        self._key = key
        self._used = used
        self._recorded = recorded

    def __enter__(self) -> None:
        """Enter the context."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Record the error, or the success of a verification."""
        if isinstance(error, self._recorded):
            self._framing.record_failure(self._key, self._used, error)
        elif error is None and self._recorded is VerificationError:
            self._framing.record_success(self._key, self._used)


def _steps(failures: Failures) -> int:
    """Return the number of framings to leave out; all of them where the frames may be kept as bytes of the object."""
    steps = failures.in_a_row // FAILURES
    return len(FRAMING) * steps if failures.code == _MISMATCH else steps


def _doubtful_code(error: MoverError) -> str:
    """Return the code of an error whose cause may be the framing, empty for any other."""
    if isinstance(error, VerificationError):
        return _MISMATCH
    if isinstance(error, S3Error) and error.operation in BODY_WRITES and error.code in _DOUBTFUL:
        return error.code
    return ""
