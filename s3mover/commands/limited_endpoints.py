"""Both ends of a route for commands that list and read without workers."""

from collections.abc import Iterator
from contextlib import contextmanager

from s3mover.app.bucket_access import require_listable
from s3mover.app.endpoints import Endpoints, connect_endpoints
from s3mover.app.factories import bounds_of
from s3mover.events import Event, Notify
from s3mover.settings import Settings
from s3mover.workers.ratelimit.standalone import standalone_limits


def ignore_event(_event: Event) -> None:
    """Ignore an event: commands that only read publish nothing."""


@contextmanager
def open_limited_endpoints(settings: Settings, notify: Notify = ignore_event) -> Iterator[Endpoints]:
    """Connect both ends, ensure that they can be listed, and limit requests as the settings say.

    `notify` is told of each request.

    Raises:
        MoverError: a bucket cannot be listed.
    """
    with standalone_limits(bounds_of(settings)) as traffic:
        endpoints = connect_endpoints(settings, notify, traffic)
        require_listable(settings, endpoints)
        yield endpoints
