"""Orders, outcomes and pairs as the tests of the trail need them."""

from s3mover.model import Method, Order, Outcome, Pair, Status

PAIR = Pair("there", "in/", "here", "out/")
AT = 1736000229.25  # 2025-01-04 14:17:09.25 UTC


def order(sweep: int, number: int, key: str = "in/a.pdf", size: int = 1000) -> Order:
    """An order like any other."""
    return Order(
        sweep=sweep,
        number=number,
        key=key,
        target="out/a.pdf",
        size=size,
        etag="9e107d9d372bb6826bd81d3542a419d6",
        last_modified="2025-01-04T03:17:09.000Z",
        storage_class="STANDARD",
    )


def moved(
    of: Order, method: Method = Method.SERVER_SIDE_COPY, message: str = "", at: float = AT + 1
) -> Outcome:
    """The order succeeded."""
    return _outcome(of, Status.SUCCESS, method, at)._replace(destination_etag="d2", message=message)


def failed(of: Order, code: str = "AccessDenied", at: float = AT + 1) -> Outcome:
    """The order failed."""
    return _outcome(of, Status.ERROR, Method.STREAMING, at)._replace(
        code=code, message="Access Denied", attempts=3
    )


def skipped(of: Order) -> Outcome:
    """The order's object was gone."""
    return _outcome(of, Status.SKIPPED, None, AT + 1)


def _outcome(of: Order, status: Status, method: Method | None, at: float) -> Outcome:
    return Outcome(
        sweep=of.sweep,
        number=of.number,
        key=of.key,
        size=of.size,
        status=status,
        method=method,
        moved_at=at,
        duration_us=34567,
        attempts=1,
        source_etag=of.etag,
        action=of.action,
    )
