"""One request from its head to its reply: recognise, authenticate, play faults, permit, act, write down."""

import time
from functools import lru_cache

from tests.simulator.call import Call
from tests.simulator.faults import Kind, Rule, wrong_region
from tests.simulator.headers import http_date
from tests.simulator.intake import Intake
from tests.simulator.operations import OPERATIONS, Operation, recognise
from tests.simulator.refusals import Refusal
from tests.simulator.requestlog import Entry
from tests.simulator.signature import authenticate
from tests.simulator.store import Bucket
from tests.simulator.wire import Delivery, Exchange, Reply, Request
from tests.simulator.world import World
from tests.simulator.xml import PROLOGUE, element

VIRTUAL_HOSTS = (".s3.localhost", ".s3.simulator.test")
"""What follows the bucket's name in a virtual-hosted request."""
_HOST_ID = "c2ltdWxhdG9y/dGhpcyBpcyBub3QgYSByZWFsIGhvc3QgaWQ="
_UNACTED = {Kind.HANG: "Hang", Kind.RESET_BEFORE: "Reset", Kind.ERROR_IN_200: ""}


@lru_cache(maxsize=4096)
def _bucket_of_host(host: str) -> str:
    name = host.rpartition(":")[0] if ":" in host else host
    return next((name.removesuffix(one) for one in VIRTUAL_HOSTS if name.endswith(one)), "")


class S3Exchange:
    """One request being worked on."""

    def __init__(self, world: World, request: Request) -> None:
        self._world = world
        self._request = request
        self._started = time.perf_counter()
        self._name = "Unknown"
        self._bucket_name = self._key = ""
        self._principal = "anonymous"
        self._call: Call | None = None
        self._operation: Operation | None = None
        self._rules: list[Rule] = []
        self._refusal: Refusal | None = None
        try:
            self._admit()
        except Refusal as refusal:
            self._refusal = refusal

    # the head

    def _admit(self) -> None:
        request = self._request
        self._bucket_name, self._key = self._place()
        bucket = self._world.buckets.get(self._bucket_name)
        self._name = recognise(request, self._key, bucket.quirks if bucket else frozenset())
        signer, region = None, ""
        if "authorization" in request.headers:
            signer, region = authenticate(request, self._world.keys, self._world.now())
            self._principal = signer.principal.arn
        self._play_faults()
        self._operation = OPERATIONS[self._name]
        self._world.check_rate(self._bucket_name, self._key, writes=self._operation.writes)
        bucket = self._world.bucket(self._bucket_name)
        self._call = Call(self._world, request, self._name, bucket, self._key)
        self._call.signer = signer
        self._check_place(bucket, region)
        self._operation.permit(self._call)
        if request.method in ("PUT", "POST"):
            self._open_intake(self._call)

    def _place(self) -> tuple[str, str]:
        path = self._request.path
        if "\ufffd" in path:
            raise Refusal("InvalidURI")
        bucket = _bucket_of_host(self._request.headers.get("host", ""))
        if bucket:
            return bucket, path[1:]
        bucket, _, key = path[1:].partition("/")
        if not bucket:
            raise Refusal("NotImplemented", "The simulator does not list buckets")
        return bucket, key

    def _play_faults(self) -> None:
        rules = self._world.faults.rules
        if rules:
            struck = self._world.faults.strike(self._name, self._bucket_name, self._key, self._principal)
            self._rules = list(struck)
        for rule in self._rules:
            refusal = rule.refusal()
            if refusal:
                raise refusal

    def _check_place(self, bucket: Bucket, region: str) -> None:
        request = self._request
        if region and region != bucket.region:
            raise wrong_region(bucket.region)
        expected = request.headers.get("x-amz-expected-bucket-owner")
        if expected and expected != bucket.owner:
            raise Refusal("AccessDenied", detail="x-amz-expected-bucket-owner")
        if bucket.requester_pays and self._call and self._call.principal.account != bucket.owner:
            if request.headers.get("x-amz-request-payer") != "requester":
                raise Refusal("AccessDenied", detail="x-amz-request-payer")

    def _open_intake(self, call: Call) -> None:
        call.intake = Intake(self._request, call.bucket.quirks)
        corrupting = self._rule(Kind.CORRUPTED_BODY)
        if corrupting:
            call.intake.flip = corrupting.offset or 0

    # the body

    def refused(self) -> bool:
        """Whether the answer is already known and the body not wanted."""
        return self._refusal is not None

    def take(self, data: bytes) -> None:
        """Take further bytes of the body."""
        if self._refusal is None and self._call and self._call.intake:
            try:
                self._call.intake.write(data)
            except Refusal as refusal:
                self._refusal = refusal

    # the answer

    def finish(self) -> Reply:
        """Act and write down what was answered."""
        reply, detail = self._acted()
        self._write_down(reply, detail)
        self._decorate(reply)
        return reply

    def _acted(self) -> tuple[Reply, str]:
        kept_back = self._kept_back()
        if kept_back:
            return kept_back, ""
        try:
            if self._refusal:
                raise self._refusal
            if self._call is None or self._operation is None:
                raise Refusal("InternalError")
            if self._call.intake:
                self._call.intake.finish()
            return self._operation.act(self._call), ""
        except Refusal as refusal:
            return self._error(refusal), refusal.detail

    def _rule(self, *kinds: Kind) -> Rule | None:
        return next((rule for rule in self._rules if rule.kind in kinds), None)

    def _kept_back(self) -> Reply | None:
        """Return the reply of a fault that keeps the operation from acting."""
        rule = self._rule(*_UNACTED)
        if rule is None or self._refusal:
            return None
        if rule.kind is Kind.ERROR_IN_200:
            error = Refusal(rule.code or "InternalError", rule.message)
            body = (PROLOGUE + " " * 32 + "\n" * 8).encode() + self._error_body(error).removeprefix(PROLOGUE.encode())
            reply = Reply(200, [("Content-Type", "application/xml")], body)
            reply.code = error.code
            return reply
        reply = Reply(0)
        reply.code = _UNACTED[rule.kind]
        reply.delivery = Delivery(hang=rule.kind is Kind.HANG, reset=rule.kind is Kind.RESET_BEFORE)
        return reply

    def _error(self, refusal: Refusal) -> Reply:
        body = b"" if refusal.status == 304 else self._error_body(refusal)
        reply = Reply(refusal.status, [("Content-Type", "application/xml"), *refusal.headers], body)
        reply.code = refusal.code
        reply.close = refusal.code == "RequestTimeout"
        return reply

    def _error_body(self, refusal: Refusal) -> bytes:
        quiet = self._call is not None and self._call.quirk("no_error_message")
        shown = element("Code", refusal.code) + element("Message", None if quiet else refusal.message)
        shown += "".join(element(name, value) for name, value in refusal.elements)
        shown += element("RequestId", self._request_id()) + element("HostId", _HOST_ID)
        return f"{PROLOGUE}<Error>{shown}</Error>".encode()

    def _request_id(self) -> str:
        return f"{self._world.log.number + 1:016X}"

    def _write_down(self, reply: Reply, detail: str) -> None:
        log = self._world.log
        reply.headers[:0] = [
            ("x-amz-id-2", _HOST_ID),
            ("x-amz-request-id", self._request_id()),
            ("Date", http_date(int(self._world.now()))),
            ("Server", "AmazonS3"),
        ]
        log.number += 1
        call = self._call
        received = call.intake.received if call and call.intake else 0
        log.add(
            Entry(
                log.number, time.time(), self._name, self._bucket_name, self._key, self._principal, reply.status,
                reply.code, time.perf_counter() - self._started,
                self._request.headers.get("x-amz-copy-source", ""), detail, received,
                0 if self._request.method == "HEAD" else reply.size,
            )  # fmt: skip
        )

    def _decorate(self, reply: Reply) -> None:
        """Give the reply its content type and the manner of its delivery."""
        if isinstance(reply.body, bytes) and reply.body and reply.headers[-1][0] != "Content-Type":
            if not any(name == "Content-Type" for name, _ in reply.headers):
                reply.headers.append(("Content-Type", "application/xml"))
        if self._request.method == "HEAD":
            reply.length, reply.body = reply.size if reply.status < 300 else 0, b""
        latency = self._world.latency
        if latency and reply.delivery is None:
            delay = latency.get(self._name, latency.get("*", 0.0))
            reply.delivery = Delivery(delay=delay) if delay else None
        for rule in self._rules:
            _apply(rule, reply)


def _apply(rule: Rule, reply: Reply) -> None:
    """Let a rule change how an acted request's reply is delivered."""
    kind, size = rule.kind, reply.size
    delivery = reply.delivery or Delivery()
    if kind is Kind.RESET_AFTER:
        delivery.reset = True
    elif kind is Kind.HANG_AFTER:
        delivery.hang = True
    elif kind is Kind.DELAY:
        delivery.delay += rule.seconds
    elif kind is Kind.SLOW_BODY:
        delivery.rate = rule.rate or 1024
    elif kind is Kind.TRUNCATED_BODY:
        delivery.cut = size // 2 if rule.offset is None else rule.offset
    elif kind is Kind.CORRUPTED_BODY and size and reply.status in (200, 206):
        delivery.flip = size // 2 if rule.offset is None else rule.offset
    elif kind is Kind.BAD_XML and isinstance(reply.body, bytes):
        reply.body = reply.body[: size * 2 // 3]
    else:
        return
    reply.delivery = delivery


class S3Service:
    """Answers S3 requests about one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def open(self, request: Request) -> Exchange:
        """Begin to work on a request."""
        return S3Exchange(self._world, request)
