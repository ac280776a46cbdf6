"""What `s3mover check` tests: both buckets as each end's credentials see them, the database, the remedies."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache

from s3mover.app.bucket_access import owner_problem, uncounted
from s3mover.app.factories import Endpoints, connect_endpoints, pair_of, policy_of
from s3mover.audit.dsn import MysqlDsn, parse_dsn
from s3mover.audit.opening import open_reader, schema_text
from s3mover.diagnostics.checks import CheckContext, CheckWarning, MissingPermission, Remedy
from s3mover.diagnostics.iam_policies import remedy
from s3mover.diagnostics.policy_inputs import policy_inputs_of
from s3mover.model import Side
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import no_retry
from s3mover.settings.model import Settings
from s3mover.sweep.removal import require_conditions
from s3mover.transfer.properties import write_headers
from s3mover.workers.ratelimit.local_traffic import unlimited


@contextmanager
def open_check_context(settings: Settings) -> Iterator[CheckContext]:
    """Open what is tested; its connections are closed again.

    Raises:
        UnreachableError: there are no credentials, or AWS could not be asked.
    """
    sides = connect_endpoints(settings, lambda _: None, unlimited())
    read_across, write_across = _across(settings, sides)

    @cache
    def wrong_owner(side: Side) -> str:
        return owner_problem(settings, sides, side)

    try:
        yield CheckContext(
            pair=pair_of(settings),
            reach={Side.SOURCE: sides.source, Side.DESTINATION: sides.destination},
            read_across=read_across,
            write_across=write_across,
            headers=write_headers(policy_of(settings), "", {}, lambda _: True).headers,
            database=lambda: _database(settings),
            deletion=_deletion(settings, sides),
            looks=settings.transfer.thorough == "auto" and settings.transfer.method != "streaming",
            remedy=lambda lack: _remedy(settings, lack),
            wrong_owner=wrong_owner,
            clock=time.time,
        )
    finally:
        for bucket in (sides.source, sides.destination, read_across, write_across):
            bucket.close_thread()


def _across(settings: Settings, sides: Endpoints) -> tuple[Bucket, Bucket]:
    """Return the source as the destination's credentials see it, and the destination as the source's do."""
    source, destination = settings.source, settings.destination
    reading = Bucket(
        sides.source.address,
        sides.destination_identity.credentials,
        uncounted,
        expected_owner=source.account_id,
        request_payer=source.request_payer == "requester",
    )
    writing_there = Bucket(
        sides.destination.address,
        sides.source_identity.credentials,
        uncounted,
        expected_owner=destination.account_id,
        expected_source_owner=source.account_id,
    )
    return reading, writing_there


def _database(settings: Settings) -> str:
    url = settings.audit.url.value
    if schema_text(url):
        raise CheckWarning(
            "its schema is not the newest; `s3mover schema apply` or the first sweep brings it there"
        )
    with closing(open_reader(url)) as trail:
        sweeps = trail.latest_sweeps(1)
    dsn = parse_dsn(url)
    if isinstance(dsn, MysqlDsn) and dsn.trusts_anybody:
        raise CheckWarning(
            "it can be used, but its certificate is not verified, so that anybody on the way can pretend to be it; "
            "write tls=true (with ssl-ca=FILE where the CA is your own) in audit.url"
        )
    return f"the schema is the newest; {'the latest sweep was ' + str(sweeps[0].id) if sweeps else 'no sweep yet'}"


def _deletion(settings: Settings, sides: Endpoints) -> Callable[[], str] | None:
    if settings.transfer.after != "delete":
        return None

    def test() -> str:
        require_conditions(sides.source, settings.source.prefix, no_retry)
        return "an object may be deleted, if it is the one that was copied"

    return test


def _remedy(settings: Settings, lack: MissingPermission) -> Remedy:
    documents = remedy(policy_inputs_of(settings, lack.source_key), lack.holder, lack.place, lack.rights)
    return Remedy([{"attach_to": one.attach_to, "policy": one.policy} for one in documents])
