"""One keep-alive connection against a server that plays scripts."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s3mover.errors import S3Error
from s3mover.s3.http import RECEIVE_BUFFER, SEND_BUFFER, Connection, Stream
from s3mover.s3.response import Response
from s3mover.s3.wire import Endpoint, Timeouts
from testkit.scripted_server import Peer, Play, ScriptedServer, answer, chunked, scripted
from testkit.waiting import TOO_LONG

HEAD = b"GET /k HTTP/1.1\r\nhost: h\r\n\r\n"
LIMIT = 1 << 20


def put_head(length: int) -> bytes:
    return b"PUT /k HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n" % length


def stream_of(data: bytes, step: int = 1 << 30) -> Stream:
    """Give `data` as a stream that fills at most `step` bytes at once."""
    rest = [data]

    def read(view: memoryview) -> int:
        count = min(step, len(view), len(rest[0]))
        view[:count] = rest[0][:count]
        rest[0] = rest[0][count:]
        return count

    return Stream(read, len(data))


def in_order(*answers: bytes) -> Play:
    """Play: respond to one request after the other, then wait until the client closes."""

    def play(peer: Peer) -> None:
        for said in answers:
            peer.answer(said)
        peer.wait_for_end()

    return play


def then_close(*answers: bytes) -> Play:
    """Play: respond to one request after the other, then close."""

    def play(peer: Peer) -> None:
        for said in answers:
            peer.answer(said)

    return play


@contextmanager
def connected(*plays: Play, read: float = 5) -> Iterator[tuple[Connection, ScriptedServer]]:
    with scripted(*plays) as server:
        connection = Connection(Endpoint("http", server.host, server.port), Timeouts(5, read))
        try:
            yield connection, server
        finally:
            connection.close()


def read_into_pieces(response: Response, size: int) -> bytes:
    """Read a body by a small buffer."""
    whole, view = bytearray(), memoryview(bytearray(size))
    while count := response.read_into(view):
        whole += view[:count]
    return bytes(whole)


def code_of(call: Callable[[], object]) -> str:
    """Return the code of the temporary S3Error that a call raises."""
    with pytest.raises(S3Error) as caught:
        call()
    assert caught.value.temporary
    return caught.value.code


def test_a_connection_is_kept_for_the_next_request() -> None:
    """Two requests, one connection."""
    with connected(in_order(answer(b"one"), answer(b"two"))) as (connection, server):
        assert connection.request(HEAD).read_all(LIMIT) == b"one"
        assert connection.request(HEAD).read_all(LIMIT) == b"two"
        assert server.connections == 1


def test_headers_come_in_lower_case_and_bytes_survive() -> None:
    """Names are lower, values stripped, repeated ones joined, and what is not ASCII is latin-1 of the bytes."""
    said = answer(b"", "200 OK", "X-Amz-Meta-T:  é \t", "X-Two: a", "x-two: b")
    with connected(in_order(said)) as (connection, _):
        headers = connection.request(HEAD).headers
    assert headers["x-amz-meta-t"] == "é"
    assert headers["x-two"] == "a, b"


def test_the_server_may_ask_for_a_new_connection() -> None:
    """After `Connection: close` the next request opens another one."""
    once = in_order(answer(b"one", "200 OK", "Connection: close"))
    with connected(once, in_order(answer(b"two"))) as (connection, server):
        assert connection.request(HEAD).read_all(LIMIT) == b"one"
        assert connection.request(HEAD).read_all(LIMIT) == b"two"
        assert server.connections == 2


def test_http_1_0_is_not_kept() -> None:
    """An old server's connection is not used twice."""
    old = b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"
    with connected(in_order(old), in_order(answer(b"two"))) as (connection, _):
        assert connection.request(HEAD).read_all(LIMIT) == b"x"
        assert connection.request(HEAD).read_all(LIMIT) == b"two"


@settings(max_examples=25)
@given(pieces=st.lists(st.binary(min_size=1, max_size=5000), max_size=6), size=st.integers(1, 7000))
def test_a_body_is_the_same_however_it_is_framed_and_read(pieces: list[bytes], size: int) -> None:
    """By length, in chunks, until the end of the connection; at once or through a small buffer."""
    body = b"".join(pieces)
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + body
    said = (answer(body), chunked(*pieces), answer(body), chunked(*pieces), endless)
    with connected(then_close(*said)) as (connection, server):
        assert connection.request(HEAD).read_all(LIMIT) == body
        assert connection.request(HEAD).read_all(LIMIT) == body
        assert read_into_pieces(connection.request(HEAD), size) == body
        assert read_into_pieces(connection.request(HEAD), size) == body
        assert read_into_pieces(connection.request(HEAD), size) == body
        assert server.connections == 1


def test_a_long_body_goes_straight_into_the_buffer() -> None:
    """A body of known length, longer than any buffer of ours, comes whole."""
    body = bytes(range(256)) * 8192
    with connected(in_order(answer(body))) as (connection, _):
        response = connection.request(HEAD)
        assert response.length == len(body)
        assert read_into_pieces(response, 300_000) == body


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_some_statuses_have_no_body(status: str) -> None:
    """204 and 304 end with their head, and the connection is kept."""
    said = f"HTTP/1.1 {status}\r\n\r\n".encode()
    with connected(in_order(said, answer(b"two"))) as (connection, server):
        assert connection.request(HEAD).read_all(LIMIT) == b""
        assert connection.request(HEAD).read_all(LIMIT) == b"two"
        assert server.connections == 1


def test_a_response_to_head_has_no_body() -> None:
    """Its length says what GET would send."""
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n"
    with connected(in_order(said, answer(b"two"))) as (connection, server):
        response = connection.request(HEAD, without_body=True)
        assert (response.headers["content-length"], response.read_all(LIMIT)) == ("77", b"")
        assert connection.request(HEAD).read_all(LIMIT) == b"two"
        assert server.connections == 1


def test_interim_responses_are_skipped() -> None:
    """100 and 103 precede the response."""
    said = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + answer(b"real")
    with connected(in_order(said)) as (connection, _):
        assert connection.request(HEAD).read_all(LIMIT) == b"real"


def test_a_response_may_arrive_byte_by_byte() -> None:
    """However the network splits it, the response is the same."""

    def drip(peer: Peer) -> None:
        peer.hear()
        for byte in answer(b"slow"):
            peer.say(bytes([byte]))
        peer.wait_for_end()

    with connected(drip) as (connection, _):
        assert connection.request(HEAD).read_all(LIMIT) == b"slow"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"", "ConnectionError"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "IncompleteBody"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "IncompleteBody"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "IncompleteBody"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef", "InvalidResponse"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", "IncompleteBody"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "IncompleteBody"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n", "InvalidResponse"),
        (chunked(b"abc") + b"HTTP/1.1 200 OK\r\n", "InvalidResponse"),
        (chunked(b"abc") + b"garbage", "InvalidResponse"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "InvalidResponse"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc", "InvalidResponse"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc", "InvalidResponse"),
        (b"HTTP/1.1 200 OK\nContent-Length: 3\n\n\r\n\r\nabc", "InvalidResponse"),
        (b"HTTP/1.1 204 No Content\r\n\r\nabc", "InvalidResponse"),
        (b"\r\n\r\n" + answer(b"abc"), "InvalidResponse"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "InvalidResponse"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * RECEIVE_BUFFER, "InvalidResponse"),
    ],
)
def test_a_malformed_response_is_an_error_and_never_a_body(said: bytes, code: str) -> None:
    """Whatever ends early, goes on too long or is not HTTP is refused, and the connection is closed."""
    with connected(then_close(said), in_order(answer(b"next"))) as (connection, _):
        assert code_of(lambda: connection.request(HEAD).read_all(LIMIT)) == code
        assert connection.request(HEAD).read_all(LIMIT) == b"next"


def test_a_large_buffer_does_not_swallow_what_follows_a_body() -> None:
    """Only as many bytes as were announced are taken; more is an error."""
    with connected(then_close(answer(b"abc") + answer(b"def"))) as (connection, _):
        view = memoryview(bytearray(1000))
        assert code_of(lambda: connection.request(HEAD).read_into(view)) == "InvalidResponse"
        assert bytes(view[:4]) == b"abc\0"


@settings(max_examples=60)
@given(
    noise=st.binary(max_size=300),
    head=st.sampled_from(
        [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]
    ),
)
def test_noise_is_an_error_or_a_response_but_nothing_else(noise: bytes, head: bytes) -> None:
    """No bytes of a server make the client fail in another way or hang."""
    with connected(then_close(head + noise)) as (connection, _):
        try:
            connection.request(HEAD).read_all(LIMIT)
        except S3Error as error:
            assert error.temporary  # noqa: PT017 - an answer is allowed, too


@pytest.mark.parametrize("said", [answer(b"x" * 101), chunked(b"x" * 50, b"x" * 51)[:-5]])
def test_a_body_read_whole_is_bounded(said: bytes) -> None:
    """More than the limit is an error, and the connection is closed."""
    with connected(in_order(said), in_order(answer(b"next"))) as (connection, _):
        assert code_of(lambda: connection.request(HEAD).read_all(100)) == "InvalidResponse"
        assert connection.request(HEAD).read_all(LIMIT) == b"next"


@pytest.mark.parametrize("said", [answer(b"x" * 10), chunked(b"x" * 10)[:-5]])
def test_a_body_left_early_closes_the_connection(said: bytes) -> None:
    """What was not read is never taken for the next response."""
    with connected(in_order(said), in_order(answer(b"next"))) as (connection, server):
        response = connection.request(HEAD)
        response.read_into(memoryview(bytearray(3)))
        response.close()
        assert connection.request(HEAD).read_all(LIMIT) == b"next"
        assert server.connections == 2


def test_a_kept_connection_that_was_closed_is_not_used() -> None:
    """A server that closed between requests is detected before a stream is lost on it."""
    closed = threading.Event()

    def play(peer: Peer) -> None:
        peer.answer(answer(b"one"))
        peer.close()
        closed.set()

    with connected(play, in_order(answer(b"two"))) as (connection, server):
        connection.request(HEAD).read_all(LIMIT)
        assert closed.wait(TOO_LONG)
        assert connection.request(put_head(3), stream_of(b"abc")).read_all(LIMIT) == b"two"
        assert server.heard[-1].endswith(b"abc")


def test_unrequested_bytes_are_not_taken_for_a_response() -> None:
    """What comes between two requests ends the connection."""
    read, came = threading.Event(), threading.Event()

    def play(peer: Peer) -> None:
        peer.answer(answer(b"one"))
        read.wait(TOO_LONG)
        peer.say(answer(b"forged"))
        came.set()
        peer.wait_for_end()

    with connected(play, in_order(answer(b"two"))) as (connection, _):
        connection.request(HEAD).read_all(LIMIT)
        read.set()
        assert came.wait(TOO_LONG)
        assert connection.request(HEAD).read_all(LIMIT) == b"two"


@pytest.mark.parametrize("ending", [Peer.close, Peer.reset])
def test_a_request_lost_on_a_kept_connection_is_sent_once_more(ending: Callable[[Peer], None]) -> None:
    """The server closed as the request was on its way: a new connection serves it, its body included."""

    def play(peer: Peer) -> None:
        peer.answer(answer(b"one"))
        peer.hear()
        ending(peer)

    with connected(play, in_order(answer(b"two"))) as (connection, server):
        connection.request(HEAD).read_all(LIMIT)
        assert connection.request(put_head(4), b"body").read_all(LIMIT) == b"two"
        assert server.heard[-1] == put_head(4) + b"body"


def test_a_stream_lost_on_a_kept_connection_is_not_sent_again() -> None:
    """What was read from a stream is gone, so the caller must begin anew."""

    def play(peer: Peer) -> None:
        peer.answer(answer(b"one"))
        peer.hear()

    with connected(play, in_order(answer(b"never"))) as (connection, server):
        connection.request(HEAD).read_all(LIMIT)
        assert code_of(lambda: connection.request(put_head(3), stream_of(b"abc"))) == "ConnectionError"
        assert server.connections == 1


def test_a_post_lost_on_a_kept_connection_is_not_sent_again() -> None:
    """It may have been carried out, and doing it twice would begin two uploads."""

    def play(peer: Peer) -> None:
        peer.answer(answer(b"one"))
        peer.hear()

    with connected(play, in_order(answer(b"never"))) as (connection, server):
        connection.request(HEAD).read_all(LIMIT)
        post = put_head(0).replace(b"PUT ", b"POST ", 1)
        assert code_of(lambda: connection.request(post)) == "ConnectionError"
        assert server.connections == 1


def test_a_request_lost_on_a_new_connection_is_not_sent_again() -> None:
    """A server that closes at once is not asked endlessly."""
    with connected(then_close(b""), in_order(answer(b"never"))) as (connection, server):
        assert code_of(lambda: connection.request(HEAD)) == "ConnectionError"
        assert server.connections == 1


def test_a_response_that_began_is_not_requested_again() -> None:
    """After the first byte the request may have been carried out."""

    def play(peer: Peer) -> None:
        peer.answer(answer(b"one"))
        peer.answer(b"HTTP/1.1 200")

    with connected(play, in_order(answer(b"never"))) as (connection, server):
        connection.request(HEAD).read_all(LIMIT)
        assert code_of(lambda: connection.request(HEAD)) == "IncompleteBody"
        assert server.connections == 1


def test_silence_is_a_time_out() -> None:
    """A server that does not respond in time costs the timeout only."""
    with connected(in_order(), read=0.05) as (connection, _):
        assert code_of(lambda: connection.request(HEAD)) == "Timeout"


def test_silence_within_a_body_is_a_time_out() -> None:
    """So is one that stops in the middle."""
    with connected(in_order(answer(b"abc")[:-1]), read=0.05) as (connection, _):
        assert code_of(lambda: connection.request(HEAD).read_all(LIMIT)) == "Timeout"


def test_nobody_listening_is_a_connection_error() -> None:
    """A refused connection is temporary: the server may come back."""
    with scripted() as server:
        endpoint = Endpoint("http", server.host, server.port)
    connection = Connection(endpoint, Timeouts(5, 5))
    assert code_of(lambda: connection.request(HEAD)) == "ConnectionError"


@settings(max_examples=15)
@given(size=st.integers(0, 3 * SEND_BUFFER), step=st.integers(1000, SEND_BUFFER * 2))
def test_a_stream_arrives_as_it_is(size: int, step: int) -> None:
    """Whatever its length and however its reader gives it."""
    body = bytes(range(251)) * (size // 251 + 1)
    with connected(in_order(answer(b"ok"))) as (connection, server):
        content = stream_of(body[:size], step)
        assert connection.request(put_head(size), content).read_all(LIMIT) == b"ok"
        assert server.heard == [put_head(size) + body[:size]]


def test_a_stream_that_ends_early_is_an_error_of_its_source() -> None:
    """The connection is closed, so that no server stores half an object."""
    with connected(in_order(), in_order(answer(b"next"))) as (connection, _):
        short = Stream(stream_of(b"abc").read, 5)
        assert code_of(lambda: connection.request(put_head(5), short)) == "IncompleteBody"
        assert connection.request(HEAD).read_all(LIMIT) == b"next"


def test_an_error_of_the_reader_is_the_readers() -> None:
    """A source that breaks while it is streamed is not mistaken for a destination that closed."""
    broken = S3Error("ConnectionError", "the source broke", temporary=True)

    def read(_: memoryview) -> int:
        raise broken

    with connected(in_order()) as (connection, _), pytest.raises(S3Error) as caught:
        connection.request(put_head(5), Stream(read, 5))
    assert caught.value is broken


@pytest.mark.parametrize("ending", [Peer.wait_for_end, Peer.reset])
def test_a_refusal_while_sending_is_read(ending: Callable[[Peer], None]) -> None:
    """The response of a server that has not read the whole body is returned, and the connection closed."""
    said = threading.Event()

    def refuse(peer: Peer) -> None:
        peer.hear_head()
        peer.say(answer(b"<Error/>", "403 Forbidden"))
        said.set()
        ending(peer)

    body = stream_of(b"x" * SEND_BUFFER * 3, SEND_BUFFER // 2)
    reads = iter(range(100))

    def read(view: memoryview) -> int:
        assert next(reads) == 0 or said.wait(TOO_LONG)
        return body.read(view)

    with connected(refuse, in_order(answer(b"next"))) as (connection, server):
        response = connection.request(put_head(body.length), Stream(read, body.length))
        assert (response.status, response.read_all(LIMIT)) == (403, b"<Error/>")
        assert connection.request(HEAD).read_all(LIMIT) == b"next"
        assert server.connections == 2


def test_success_before_the_whole_body_is_not_believed() -> None:
    """A 200 to half an object is not a success."""
    said = threading.Event()

    def hasty(peer: Peer) -> None:
        peer.hear_head()
        peer.say(answer(b""))
        said.set()
        peer.wait_for_end()

    reads = iter(range(10))

    def read(view: memoryview) -> int:
        assert next(reads) == 0 or said.wait(TOO_LONG)
        view[0] = 1
        return 1

    with connected(hasty) as (connection, _):
        assert code_of(lambda: connection.request(put_head(5), Stream(read, 5))) == "InvalidResponse"


def test_trailers_do_not_change_the_headers() -> None:
    """What comes after a chunked body is not kept."""
    said = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: a\r\n\r\n1\r\nx\r\n0\r\nETag: b\r\n\r\n"
    with connected(in_order(said, answer(b"two"))) as (connection, _):
        response = connection.request(HEAD)
        assert response.read_all(LIMIT) == b"x"
        assert response.headers["etag"] == "a"
        assert connection.request(HEAD).read_all(LIMIT) == b"two"
