"""Builds the context of `check`: both buckets with the credentials of each side, the database, the remedies."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache, partial

from s3mover.app.bucket_access import may_overlap, owner_problem, require_apart, uncounted
from s3mover.app.endpoints import Endpoints, connect_endpoints
from s3mover.app.factories import pair_of, pair_prices_of, policy_of, two_stores
from s3mover.app.side_access import side_access
from s3mover.audit.dsn import Dsn, SqliteDsn, parse_dsn
from s3mover.audit.opening import connect, open_reader, schema_text
from s3mover.audit.sqlite import shared_files
from s3mover.costs.prices import STANDARD
from s3mover.diagnostics.advice import MissingPermission, Remedy
from s3mover.diagnostics.check_results import CheckWarning
from s3mover.diagnostics.checks import CheckContext
from s3mover.diagnostics.cluster_check import check_cluster
from s3mover.diagnostics.iam_policies import remedy
from s3mover.diagnostics.policy_inputs import policy_inputs_of
from s3mover.model import BatchKind, Pause, Side, SweepRecord
from s3mover.observe.text import utc_moment
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import no_retry
from s3mover.settings.model import Settings
from s3mover.sweep.delete_conditions import destination_conditions, require_conditions
from s3mover.transfer.properties import write_headers
from s3mover.workers.ratelimit.local_traffic import unlimited


@contextmanager
def open_check_context(settings: Settings) -> Iterator[CheckContext]:
    """Open what is tested, and close its connections at the end.

    Raises:
        UnreachableError: there are no credentials, or AWS could not be asked.
    """
    with_prices = bool(settings.source.events.queue)
    endpoints = connect_endpoints(settings, lambda _: None, unlimited(), with_prices=with_prices)
    read_across, write_across = _buckets_across(settings, endpoints)
    without_copies = _without_copies(settings, endpoints)

    @cache
    def problem_of_owner(side: Side) -> str:
        return owner_problem(settings, endpoints, side)

    try:
        yield CheckContext(
            pair=pair_of(settings),
            buckets={side: endpoints.bucket(side) for side in Side},
            read_across=read_across,
            write_across=write_across,
            headers=write_headers(policy_of(settings), "", {}, lambda _: True).headers,
            copies_annotations=policy_of(settings).copy_annotations,
            database=lambda: _check_database(settings),
            cluster=partial(check_cluster, settings.scale, time.time()) if settings.scale.scheduler else None,
            events=_event_checks(settings, endpoints),
            deletions=_deletion_checks(settings, endpoints),
            apart=_apart_check(settings, endpoints),
            without_copies=without_copies,
            inspects_buckets=settings.transfer.thorough == "auto" and not without_copies,
            remedy=lambda missing: _remedy(settings, missing),
            owner_problem=problem_of_owner,
            clock=time.time,
        )
    finally:
        for bucket in (endpoints.source, endpoints.destination, read_across, write_across):
            bucket.close_thread()


def _without_copies(settings: Settings, endpoints: Endpoints) -> str:
    """Return why no server-side copy is made, empty where they are."""
    if settings.transfer.method == "streaming":
        return "not needed: transfer.method is streaming"
    problem = two_stores(endpoints)
    return f"not possible, so objects will be streamed: {problem}" if problem else ""


def _buckets_across(settings: Settings, endpoints: Endpoints) -> tuple[Bucket, Bucket]:
    """Return the source with the destination's credentials, and the destination with the source's."""
    source, destination = settings.source, settings.destination
    read_across = Bucket(
        endpoints.source.address,
        endpoints.destination_credentials.credentials,
        uncounted,
        expected_owner=source.account_id,
        request_payer=source.request_payer == "requester",
    )
    write_across = Bucket(
        endpoints.destination.address,
        endpoints.source_credentials.credentials,
        uncounted,
        expected_owner=destination.account_id,
        expected_source_owner=source.account_id,
    )
    return read_across, write_across


def _check_database(settings: Settings) -> str:
    url = settings.audit.url.value
    if schema_text(url):
        raise CheckWarning(
            "the newest schema is not there yet; the first sweep or `s3mover schema apply` creates it"
        )
    with closing(open_reader(url)) as trail:
        sweeps, pause = trail.latest_sweeps(1), trail.pause_of(pair_of(settings))
    doubts = (_paused(pause), _exposure(parse_dsn(url)) or _replication(parse_dsn(url)))
    if warning := "; ".join(filter(None, doubts)):
        raise CheckWarning(f"usable, but {warning}")
    return f"the schema is up to date; {f'the latest sweep is {sweeps[0].id}' if sweeps else 'no sweep yet'}"


def _paused(pause: Pause | None) -> str:
    """Return since when, by whom and why the work is paused; empty if it is not."""
    if pause is None:
        return ""
    reason = f" ({pause.reason})" if pause.reason else ""
    since = utc_moment(pause.paused_at)
    return f"the work is paused since {since} by {pause.by}{reason}; `s3mover resume` continues it"


def _exposure(dsn: Dsn) -> str:
    """Return how others could read the trail or the password of its database; empty if they can't."""
    if isinstance(dsn, SqliteDsn):
        shared = " ".join(map(str, shared_files(dsn.path.resolve())))
        return f"other users of this machine may read or write it; run `chmod 600 {shared}`" if shared else ""
    remedy = "set tls=true (with ssl-ca=FILE for a private CA) in audit.url"
    if dsn.trusts_anybody:
        return (
            "the server's certificate is not verified, so anyone on the network path can impersonate the server; "
            f"{remedy}"
        )
    if dsn.may_be_plain:
        return (
            f"TLS is {dsn.tls} and the server's certificate is not verified, so anyone on the network path can take "
            f"TLS away or impersonate the server; {remedy}, or use the server's local socket"
        )
    return ""


def _replication(dsn: Dsn) -> str:
    """Return how two instances could both hold the lease for a while; empty if nothing is known against that."""
    with closing(connect(dsn, create=False)) as database:
        if not database.follows_another():
            return ""
    return (
        "this server applies the changes of another server after their commit: instances that write to different "
        "servers could both lead until their rows meet. Let all instances use one primary, or a cluster that commits "
        "synchronously (Galera, Group Replication)"
    )


def _event_checks(settings: Settings, endpoints: Endpoints) -> dict[str, Callable[[], str]]:
    if not settings.source.events.queue:
        return {}
    from s3mover.app.route_events import receiver_config  # noqa: PLC0415 - only where events are received
    from s3mover.diagnostics.event_check import check_events, interval_costs  # noqa: PLC0415
    from s3mover.notifications.inspection import inspect  # noqa: PLC0415

    def check_queue() -> str:
        return check_events(inspect(receiver_config(settings), side_access(Side.SOURCE, settings.source)))

    def price_interval() -> str:
        url = settings.audit.url.value
        sweeps: list[SweepRecord] = []
        if not schema_text(url):
            with closing(open_reader(url)) as trail:
                sweeps = trail.latest_sweeps(1, pair=pair_of(settings), kind=BatchKind.SWEEP)
        listed = sweeps[0].tally.listed if sweeps else 0
        price = pair_prices_of(settings, endpoints, endpoints.prices).source.of_class(STANDARD).put
        return interval_costs(listed, listed, settings.sweep.interval, price)

    return {"events": check_queue, "sweep interval": price_interval}


def _deletion_checks(settings: Settings, endpoints: Endpoints) -> dict[Side, Callable[[], str]]:
    def check_source() -> str:
        return str(require_conditions(endpoints.source, settings.source.prefix, no_retry))

    def check_destination() -> str:
        prefix = settings.destination.prefix
        conditions = destination_conditions(endpoints.destination, prefix, no_retry)
        if conditions.none_is_honoured:
            raise CheckWarning(str(conditions))
        return str(conditions)

    checks = {}
    if settings.transfer.after == "delete":
        checks[Side.SOURCE] = check_source
    if settings.deletions.mode == "propagate":
        checks[Side.DESTINATION] = check_destination
    return checks


def _apart_check(settings: Settings, endpoints: Endpoints) -> Callable[[], str] | None:
    if not may_overlap(settings, endpoints):
        return None

    def test() -> str:
        require_apart(settings, endpoints)
        return "two buckets, although they have one name"

    return test


def _remedy(settings: Settings, missing: MissingPermission) -> Remedy:
    inputs = policy_inputs_of(settings, missing.source_key)
    documents = remedy(inputs, missing.holder, missing.place, missing.rights)
    return Remedy([{"attach_to": one.attach_to, "policy": one.policy} for one in documents])
