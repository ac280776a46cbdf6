"""Writes seals to the anchor on a thread of its own: a failure is announced and retried, and delays no sweep.

The route's thread offers seals and records which were written, because the trail's connection is its own.
"""

import threading
import time
from base64 import b64encode
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import md5
from io import BytesIO

from s3mover.audit.anchor_objects import AnchorPlace, body_of, key_of
from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.audit.seals import Seal
from s3mover.errors import MoverError, S3Error
from s3mover.events import AnchorFailed, Notify, SealsAnchored
from s3mover.model import Pair
from s3mover.s3.bucket import Bucket

# Seals that wait in memory; the others wait in the trail.
SEALS_AT_A_TIME = 100
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0


class AnchorWriter:
    """Writes the seals of one pair, in their order; `open_bucket` is called before the first, and after failures.

    With `retention` seconds Object Lock keeps each object so long, in compliance mode; 0: as the bucket says.
    """

    def __init__(
        self,
        place: AnchorPlace,
        open_bucket: Callable[[], Bucket],
        retention: float,
        notify: Notify,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._place = place
        self._open_bucket = open_bucket
        self._bucket: Bucket | None = None
        self._retention = retention
        self._notify = notify
        self._clock = clock
        self._offered: deque[Seal] = deque()
        self._written: deque[int] = deque()
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="anchor", daemon=True)
        self._thread.start()

    def offer(self, seals: list[Seal]) -> None:
        """Write these seals in the background, after those offered before."""
        with self._changed:
            self._offered.extend(seals)
            self._changed.notify_all()

    @property
    def waiting(self) -> int:
        """How many offered seals are not written."""
        return len(self._offered)

    def take_written(self) -> list[int]:
        """Return the numbers of the seals that were written since the last call."""
        return [self._written.popleft() for _ in range(len(self._written))]

    def wait_until_written(self, seconds: float) -> None:
        """Wait until all offered seals are written, for so long at most."""
        with self._changed:
            self._changed.wait_for(lambda: not self._offered, seconds)

    def close(self) -> None:
        """Write no more; what is not written, or not recorded as written, is written again by the next run."""
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()

    def _work(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while (seal := self._next()) is not None:
            try:
                self._write(seal)
            except MoverError as error:
                self._bucket = None
                code = error.code if isinstance(error, S3Error) else type(error).__name__
                self._notify(AnchorFailed(seal.number, self.waiting, code, str(error)))
                self._stopped.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            else:
                pause = FIRST_PAUSE_SECONDS
                with self._changed:
                    self._offered.popleft()
                    self._written.append(seal.number)
                    self._changed.notify_all()
                self._notify(SealsAnchored(seal.number, self.waiting))

    def _next(self) -> Seal | None:
        with self._changed:
            self._changed.wait_for(lambda: self._offered or self._stopped.is_set())
            return None if self._stopped.is_set() else self._offered[0]

    def _write(self, seal: Seal) -> None:
        if self._bucket is None:
            self._bucket = self._open_bucket()
        body = body_of(seal)
        self._bucket.put(key_of(self._place, seal), BytesIO(body).readinto, len(body), self._headers(body))

    def _headers(self, body: bytes) -> dict[str, str]:
        """Return the headers of a write; one with a retention needs an MD5 (Amazon S3 API Reference, PutObject)."""
        headers = {"content-type": "application/x-ndjson"}
        if self._retention:
            until = datetime.fromtimestamp(self._clock() + self._retention, UTC)
            headers |= {
                "content-md5": b64encode(md5(body, usedforsecurity=False).digest()).decode(),
                "x-amz-object-lock-mode": "COMPLIANCE",
                "x-amz-object-lock-retain-until-date": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        return headers


class Anchoring:
    """The anchor of a route, as its thread uses it between sweeps."""

    def __init__(
        self, trail: RetryingTrail, pair: Pair, writer: AnchorWriter, clock: Callable[[], float]
    ) -> None:
        self._trail = trail
        self._pair = pair
        self._writer = writer
        self._clock = clock
        self._offered_to: int | None = None

    def step(self) -> None:
        """Record what was written, and offer what is not; the first time from the newest anchored seal on.

        Where nothing was anchored yet, the newest hundred seals are: they hold all before them by their hashes.
        """
        if numbers := self._writer.take_written():
            self._trail.note_anchored(self._pair, numbers, self._clock())
        if self._offered_to is None:
            oldest = self._trail.newest_seal(self._pair) - SEALS_AT_A_TIME
            self._offered_to = self._trail.anchored_to(self._pair) or max(0, oldest)
        room = SEALS_AT_A_TIME - self._writer.waiting
        if room > 0 and (seals := self._trail.seals_after(self._pair, self._offered_to, room)):
            self._offered_to = seals[-1].number
            self._writer.offer(seals)

    def finish(self, seconds: float) -> None:
        """Wait for so long at most until all is written, and record it."""
        self._writer.wait_until_written(seconds)
        self.step()
