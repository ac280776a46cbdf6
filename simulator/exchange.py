"""One request from its head to its reply: admitted or refused, acted on, answered, written down."""

import time

from simulator.admission import Visit, admit
from simulator.answers import UNACTED, add_common_headers, error, play, unacted
from simulator.call import Call
from simulator.operations import OPERATIONS
from simulator.refusals import Refusal
from simulator.requestlog import Entry
from simulator.wire import Delivery, Exchange, Reply, Request
from simulator.world import World


class S3Exchange:
    """One request being worked on."""

    def __init__(self, world: World, request: Request) -> None:
        self._world = world
        self._request = request
        self._started = time.perf_counter()
        self._visit = Visit()
        self._call: Call | None = None
        self._refusal: Refusal | None = None
        try:
            self._call = admit(world, request, self._visit)
        except Refusal as refusal:
            self._refusal = refusal

    def refused(self) -> bool:
        """Whether the answer is already known and the body not wanted."""
        return self._refusal is not None

    def take(self, data: bytes) -> None:
        """Take further bytes of the body."""
        if self._call is None or self._call.intake is None or self._refusal:
            return
        try:
            self._call.intake.write(data)
        except Refusal as refusal:
            self._refusal = refusal

    def finish(self) -> Reply:
        """Act and write down what was answered."""
        self._world.log.number += 1
        reply = self._acted()
        add_common_headers(reply, self._world.log.number, int(self._world.now()))
        if self._request.method == "HEAD":
            reply.length, reply.body = reply.size if reply.status < 300 else 0, b""
        self._slow_down(reply)
        play(self._visit.rules, reply)
        self._write_down(reply)
        return reply

    def _acted(self) -> Reply:
        number = self._world.log.number
        rule = None if self._refusal else self._visit.rule(*UNACTED)
        if rule:
            return unacted(rule, number)
        try:
            return _act(self._call, self._visit.operation, self._refusal)
        except Refusal as refusal:
            mute = self._call is not None and self._call.quirk("no_error_message")
            return error(refusal, number, with_message=not mute)

    def _slow_down(self, reply: Reply) -> None:
        latency = self._world.latency
        if latency and reply.delivery is None:
            delay = latency.get(self._visit.operation, latency.get("*", 0.0))
            reply.delivery = Delivery(delay=delay) if delay else None

    def _write_down(self, reply: Reply) -> None:
        visit, log = self._visit, self._world.log
        intake = self._call.intake if self._call else None
        entry = Entry(
            log.number,
            time.time(),
            visit.operation,
            visit.bucket,
            visit.key,
            visit.principal,
            reply.status,
            reply.code,
            time.perf_counter() - self._started,
            self._request.headers.get("x-amz-copy-source", ""),
            reply.detail,
            intake.received if intake else 0,
            reply.size,
            visit.access_key,
        )
        log.add(entry)


def _act(call: Call | None, operation: str, refusal: Refusal | None) -> Reply:
    """Carry the operation out, unless it was refused before."""
    if refusal:
        raise refusal
    if call is None:
        raise Refusal("InternalError")
    if call.intake:
        call.intake.finish()
    return OPERATIONS[operation].act(call)


class S3Service:
    """Answers S3 requests about one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def open(self, request: Request) -> Exchange:
        """Begin to work on a request."""
        return S3Exchange(self._world, request)
