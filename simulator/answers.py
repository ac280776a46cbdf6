"""Replies that no operation writes: errors, what every reply carries, and what faults make of replies."""

from collections.abc import Callable

from simulator.content import Content
from simulator.faults import Kind, Rule
from simulator.headers import http_date
from simulator.refusals import Refusal
from simulator.wire import Delivery, Reply
from simulator.xml import PROLOGUE, element

_HOST_ID = "c2ltdWxhdG9y/dGhpcyBpcyBub3QgYSByZWFsIGhvc3QgaWQ="
_XML = ("Content-Type", "application/xml")
_KEEPING_ALIVE = " " * 32 + "\n" * 8
UNACTED = (Kind.HANG, Kind.RESET_BEFORE, Kind.ERROR_IN_200)
"""The faults that answer, or do not, without acting."""


def request_id(number: int) -> str:
    """Return the id of a request by its number in the log."""
    return f"{number:016X}"


def add_common_headers(reply: Reply, number: int, now: int) -> None:
    """Add what every reply of S3 carries."""
    common = [
        ("x-amz-id-2", _HOST_ID),
        ("x-amz-request-id", request_id(number)),
        ("Date", http_date(now)),
        ("Server", "AmazonS3"),
    ]
    if reply.body and isinstance(reply.body, bytes) and _XML not in reply.headers:
        common.append(_XML)
    reply.headers = common + reply.headers


def error(refusal: Refusal, number: int, *, with_message: bool = True) -> Reply:
    """Return the reply that says no."""
    reply = Reply(refusal.status, [*refusal.headers], _error_body(refusal, number, with_message=with_message))
    reply.code, reply.detail = refusal.code, refusal.detail
    reply.close = refusal.code == "RequestTimeout"
    return reply


def _error_body(refusal: Refusal, number: int, *, with_message: bool, before: str = "") -> bytes:
    shown = element("Code", refusal.code)
    shown += element("Message", refusal.message if with_message else None)
    shown += "".join(element(name, value) for name, value in refusal.elements)
    shown += element("RequestId", request_id(number)) + element("HostId", _HOST_ID)
    return f"{PROLOGUE}{before}<Error>{shown}</Error>".encode()


def unacted(rule: Rule, number: int) -> Reply:
    """Return the reply of a fault that keeps the operation from acting."""
    if rule.kind is Kind.ERROR_IN_200:
        refusal = Refusal(rule.code or "InternalError", rule.message)
        reply = Reply(200, [], _error_body(refusal, number, with_message=True, before=_KEEPING_ALIVE))
        reply.code = refusal.code
        return reply
    reply = Reply(0)
    reply.code = "Hang" if rule.kind is Kind.HANG else "Reset"
    reply.delivery = Delivery(hang=rule.kind is Kind.HANG, reset=rule.kind is Kind.RESET_BEFORE)
    return reply


def _reset(rule: Rule, reply: Reply, delivery: Delivery) -> None:  # noqa: ARG001 - one signature for all
    delivery.reset = True


def _hang(rule: Rule, reply: Reply, delivery: Delivery) -> None:  # noqa: ARG001
    delivery.hang = True


def _hold(rule: Rule, reply: Reply, delivery: Delivery) -> None:  # noqa: ARG001
    delivery.gate = rule.gate


def _delay(rule: Rule, reply: Reply, delivery: Delivery) -> None:  # noqa: ARG001
    delivery.delay += rule.seconds


def _slow(rule: Rule, reply: Reply, delivery: Delivery) -> None:  # noqa: ARG001
    delivery.rate = rule.rate or 1024


def _truncate(rule: Rule, reply: Reply, delivery: Delivery) -> None:
    delivery.cut = reply.size // 2 if rule.offset is None else rule.offset


def _corrupt(rule: Rule, reply: Reply, delivery: Delivery) -> None:
    if isinstance(reply.body, Content) and reply.size:
        delivery.flip = reply.size // 2 if rule.offset is None else rule.offset


def _break_xml(rule: Rule, reply: Reply, delivery: Delivery) -> None:  # noqa: ARG001
    if isinstance(reply.body, bytes):
        reply.body = reply.body[: reply.size * 2 // 3]


_EFFECTS: dict[Kind, Callable[[Rule, Reply, Delivery], None]] = {
    Kind.RESET_AFTER: _reset,
    Kind.HANG_AFTER: _hang,
    Kind.HOLD: _hold,
    Kind.DELAY: _delay,
    Kind.SLOW_BODY: _slow,
    Kind.TRUNCATED_BODY: _truncate,
    Kind.CORRUPTED_BODY: _corrupt,
    Kind.BAD_XML: _break_xml,
}


def play(rules: list[Rule], reply: Reply) -> None:
    """Let the rules change how an acted request's reply is delivered."""
    for rule in rules:
        effect = _EFFECTS.get(rule.kind)
        if effect:
            reply.delivery = reply.delivery or Delivery()
            effect(rule, reply, reply.delivery)
