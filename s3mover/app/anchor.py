"""The bucket of `audit.anchor`, with its own credentials."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from s3mover.app.bucket_access import uncounted
from s3mover.app.config_process import resolve
from s3mover.app.factories import pair_of
from s3mover.app.side_access import access_of
from s3mover.audit.anchor_objects import AnchoredSeal, anchored_seal, folder_of, place_of
from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.events import Notify
from s3mover.lifecycle.stop import Stop
from s3mover.model import Pair, Side
from s3mover.s3.bucket import Bucket
from s3mover.s3.credentials import RefreshingCredentials
from s3mover.s3.retry import retrying
from s3mover.settings.model import AuditSettings, Settings
from s3mover.sweep.anchoring import Anchoring, AnchorWriter

# How long a run that ends by itself waits for its last seal to be anchored.
LAST_WAIT_SECONDS = 5.0


def open_anchor_bucket(audit: AuditSettings) -> Bucket:
    """Resolve the credentials of the anchor and return its bucket.

    Raises:
        UnreachableError: there are no credentials, or AWS could not be asked.
    """
    named = access_of(
        Side.DESTINATION, place_of(audit.anchor).bucket, audit.anchor_access, "audit.anchor_access"
    )
    credentials = RefreshingCredentials(named, resolve(named), resolve)
    return Bucket(credentials.address, credentials.credentials, uncounted)


@contextmanager
def opened_anchoring(
    settings: Settings, trail: RetryingTrail, notify: Notify, stop: Stop
) -> Iterator[Callable[[], None]]:
    """Start what writes the seals of a route to its anchor; yield what is to be called after each sweep.

    A command that sweeps once waits a little for its seal to be anchored; a stop waits for nothing.
    """
    audit, clock = settings.audit, time.time
    writer = AnchorWriter(
        place_of(audit.anchor), lambda: open_anchor_bucket(audit), audit.anchor_retention, notify, clock
    )
    anchoring = Anchoring(trail, pair_of(settings), writer, clock)
    try:
        yield anchoring.step
        if not stop.requested:
            anchoring.finish(LAST_WAIT_SECONDS)
    finally:
        writer.close()


def anchored_seals(audit: AuditSettings, pair: Pair) -> Iterator[AnchoredSeal]:
    """Yield the seals of a pair that the anchor holds, in the order of their numbers.

    Raises:
        MoverError: the anchor cannot be listed.
    """
    bucket = open_anchor_bucket(audit)
    folder = folder_of(place_of(audit.anchor), pair)
    try:
        retrying(lambda: bucket.list_page(folder, limit=1))
        for page in bucket.list_objects(folder):
            for entry in page:
                if (seal := anchored_seal(entry.key, entry.last_modified)) is not None:
                    yield seal
    finally:
        bucket.close_thread()
