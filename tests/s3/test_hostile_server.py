"""A server that sends little by little, or too much: no thread is held for ever, no memory taken for promises."""

import threading
import time
import tracemalloc
from collections.abc import Iterator
from itertools import count

import pytest

from s3mover.errors import ListingError, S3Error
from s3mover.s3 import paging, wire
from s3mover.s3.http import Connection
from s3mover.s3.response import MAX_FRAMING
from s3mover.s3.wire import Endpoint, Timeouts
from testkit.scripted_server import Peer, Play, answer, scripted
from testkit.waiting import TOO_LONG
from tests.s3.samples import bucket_on

HEAD = b"GET /k HTTP/1.1\r\nhost: h\r\n\r\n"
MIB = 1024 * 1024
SHORT = Timeouts(TOO_LONG, TOO_LONG, head=0.3, document=0.3)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def drip(peer: Peer, byte: bytes = b"x") -> None:
    """Send one byte after the other until the client has gone."""
    while True:
        peer.say(byte)
        time.sleep(0.005)


def dripping(begin: bytes, byte: bytes = b"x") -> Play:
    """Play: hear a request, begin to respond, and go on byte by byte."""

    def play(peer: Peer) -> None:
        peer.answer(begin)
        drip(peer, byte)

    return play


def code_of_whole(play: Play) -> str:
    """Return the code of the temporary error for a response that is read whole."""
    with scripted(play) as server:
        connection = Connection(Endpoint("http", server.host, server.port), SHORT)
        with pytest.raises(S3Error) as caught:
            connection.request(HEAD).read_all(MIB)
    assert caught.value.temporary
    return caught.value.code


@pytest.mark.parametrize(
    "begin",
    [
        b"HTTP/1.1 200 OK\r\nx-a: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        CHUNKED + b"f4240\r\n",
        CHUNKED + b"1;extension=",
        CHUNKED + b"0\r\ntrailer: ",
    ],
    ids=["head", "body", "body without a length", "chunk", "chunk extension", "trailer"],
)
def test_a_document_that_drips_is_a_time_out(begin: bytes) -> None:
    """Silence is never long, but the whole must come in time."""
    assert code_of_whole(dripping(begin)) == "Timeout"


def test_a_listing_that_drips_is_a_time_out() -> None:
    """A page is a document, too: its request is repeated, and then the sweep fails."""
    begin = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n<ListBucketResult>"
    plays = [dripping(begin, b" ")] * 8
    timeouts = SHORT._replace(document=0.1)
    with bucket_on(*plays, timeouts=timeouts) as (bucket, heard, _), pytest.raises(S3Error, match="Timeout"):
        list(bucket.list_objects(""))
    assert len(heard) == len(plays)


def test_a_tls_handshake_that_drips_is_a_time_out() -> None:
    """It is bounded as a whole."""

    def play(peer: Peer) -> None:
        peer.say(b"\x16\x03\x03\x40\x00\x02")
        drip(peer, b"\0")

    with scripted(play) as server, pytest.raises(S3Error, match="Timeout"):
        Connection(Endpoint("https", server.host, server.port), SHORT).request(HEAD)


@pytest.fixture
def demanding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Demand 10 kB a second, over a short time."""
    monkeypatch.setattr(wire, "LEAST_RATE", 10_000)
    monkeypatch.setattr(wire, "PACE_SECONDS", 0.2)


@pytest.mark.usefixtures("demanding")
@pytest.mark.parametrize(
    "begin", [b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", CHUNKED + b"f4240\r\n"]
)
def test_a_body_below_the_least_rate_is_a_time_out(begin: bytes) -> None:
    """Objects may be large and links slow, so that only the rate tells."""
    with scripted(dripping(begin)) as server:
        connection = Connection(Endpoint("http", server.host, server.port), Timeouts(TOO_LONG, TOO_LONG))
        response = connection.request(HEAD)
        view = memoryview(bytearray(100))
        with pytest.raises(S3Error, match="less than 10000 bytes per second"):
            list(iter(lambda: response.read_into(view), 0))


@pytest.mark.usefixtures("demanding")
def test_a_reader_that_takes_its_time_is_not_the_servers_fault() -> None:
    """Only the time that is waited for the server counts: the destination, or a limit of bandwidth, may be slow."""
    go_on = threading.Event()

    def play(peer: Peer) -> None:
        peer.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na")
        go_on.wait(TOO_LONG)
        peer.say(b"bc")
        peer.wait_for_end()

    with scripted(play) as server:
        connection = Connection(Endpoint("http", server.host, server.port), Timeouts(TOO_LONG, TOO_LONG))
        response = connection.request(HEAD)
        view = memoryview(bytearray(1))
        whole = bytearray()
        while response.read_into(view):
            whole += view
            go_on.set()
            time.sleep(0.15)
        assert whole == b"abc"
        connection.close()


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
        CHUNKED + b"1;" + b"x" * (MAX_FRAMING + 40_000) + b"\r\na\r\n0\r\n\r\n",
        CHUNKED + b"0\r\n" + b"a: b\r\n" * 20_000 + b"\r\n",
    ],
    ids=["interim responses", "chunk extension", "trailers"],
)
def test_an_endless_preface_is_an_invalid_response(said: bytes) -> None:
    """What means nothing is not read without end, however fast it comes."""

    def play(peer: Peer) -> None:
        peer.answer(said)
        peer.wait_for_end()

    assert code_of_whole(play) == "InvalidResponse"


def test_empty_pages_with_new_tokens_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 sends some in a row, but not without end; those between objects count anew."""
    monkeypatch.setattr(paging, "MAX_EMPTY", 5)
    numbers = count()

    def page(content: str) -> bytes:
        token = f"<NextContinuationToken>{next(numbers)}</NextContinuationToken>"
        return answer(
            f"<ListBucketResult><IsTruncated>true</IsTruncated>{token}{content}</ListBucketResult>".encode()
        )

    def play(peer: Peer) -> None:
        for number in range(20):
            key = "" if number % 5 else f"<Contents><Key>{number:03}</Key><Size>1</Size></Contents>"
            peer.answer(page(key))
        while True:
            peer.answer(page(""))

    with bucket_on(play) as (bucket, heard, _), pytest.raises(ListingError, match="6 pages are empty"):
        list(bucket.list_objects(""))
    assert len(list(filter(None, heard))) == 16 + 6


@pytest.fixture
def traced() -> Iterator[None]:
    """Trace allocations."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("traced")
def test_promised_bytes_take_no_memory_before_they_come() -> None:
    """150 heads promise 16 MiB each, and ten bytes come."""
    threads = 150
    all_heard = threading.Barrier(threads)

    def play(peer: Peer) -> None:
        peer.answer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n0123456789" % (16 * MIB))
        all_heard.wait(TOO_LONG)

    codes: list[str] = []

    def read(endpoint: Endpoint) -> None:
        try:
            Connection(endpoint, Timeouts(TOO_LONG, TOO_LONG)).request(HEAD).read_all(16 * MIB)
        except S3Error as error:
            codes.append(error.code)

    with scripted(*[play] * threads) as server:
        readers = [
            threading.Thread(target=read, args=(Endpoint("http", server.host, server.port),))
            for _ in range(threads)
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(TOO_LONG)
    assert codes == ["IncompleteBody"] * threads
    assert tracemalloc.get_traced_memory()[1] < 32 * MIB
