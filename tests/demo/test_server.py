"""The embedded S3 server."""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from itertools import islice
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from werkzeug.serving import make_server

from s3mover.demo import server as server_module
from s3mover.demo.documents import Document, changes, documents
from s3mover.demo.moto_process import KeepAliveHandler
from s3mover.demo.server import DemoServer, demo_server
from s3mover.errors import MoverError, UnreachableError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

pytestmark = pytest.mark.process

PARENT = """
import sys
from s3mover.demo.server import demo_server
with demo_server() as server:
    print(server.process, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    """A server with empty buckets."""
    with demo_server() as running:
        yield running


@pytest.fixture
def connection(server: DemoServer) -> Iterator[HTTPConnection]:
    """One plain connection to the server."""
    opened = HTTPConnection(server.endpoint_url.removeprefix("http://"), timeout=30)
    yield opened
    opened.close()


def has_ended(process: int) -> bool:
    """Return whether a process, of any parent, ends within 30 s."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 30)[0])
    finally:
        os.close(handle)


def test_the_two_credentials_belong_to_two_accounts(server: DemoServer) -> None:
    """They are temporary credentials of a role in each account, which owns its bucket."""
    for account, number in ((server.source, "111111111111"), (server.destination, "222222222222")):
        caller = server.client("sts", account).get_caller_identity()
        assert caller["Account"] == number == account.number
        assert ":assumed-role/s3mover-demo" in caller["Arn"]
        assert account.credentials.session_token
        assert account.credentials.expires_at
        buckets = server.client("s3", account).list_buckets()["Buckets"]
        assert [bucket["Name"] for bucket in buckets] == [account.bucket]


def test_each_account_can_read_the_other_bucket(server: DemoServer) -> None:
    """A server-side copy is permitted in the demo, because moto enforces nothing between accounts."""
    server.put([Document("shared.txt", "text/plain", lambda: b"shared")])
    destination = server.client("s3", server.destination)
    destination.copy_object(
        Bucket=server.destination.bucket,
        Key="copied.txt",
        CopySource={"Bucket": server.source.bucket, "Key": "shared.txt"},
    )
    got = server.client("s3", server.source).get_object(Bucket=server.destination.bucket, Key="copied.txt")
    with got["Body"] as body:
        assert body.read() == b"shared"
    destination.delete_object(Bucket=server.destination.bucket, Key="copied.txt")
    server.delete(["shared.txt"])


def test_a_copy_into_the_other_account_keeps_its_tags(server: DemoServer) -> None:
    """As with S3; plain moto would lose them."""
    server.put([Document("tagged.txt", "text/plain", lambda: b"x", tags={"a": "b"})])
    destination = server.client("s3", server.destination)
    bucket = server.destination.bucket
    destination.copy_object(
        Bucket=bucket, Key="t", CopySource={"Bucket": server.source.bucket, "Key": "tagged.txt"}
    )
    assert destination.get_object_tagging(Bucket=bucket, Key="t")["TagSet"] == [{"Key": "a", "Value": "b"}]
    destination.delete_object(Bucket=bucket, Key="t")
    server.delete(["tagged.txt"])


def test_documents_are_stored_as_they_are_put(server: DemoServer) -> None:
    """With the same keys, sizes, types, metadata and tags; a change of equal size changes the ETag."""
    put = [*islice(documents(), 60)]
    assert server.put(put) == 60
    s3 = server.client("s3", server.source)
    listed = s3.list_objects_v2(Bucket=server.source.bucket)["Contents"]
    assert {(one["Key"], one["Size"]) for one in listed} == {(one.key, len(one.body())) for one in put}
    for document in put:
        head = s3.head_object(Bucket=server.source.bucket, Key=document.key)
        assert (head["ContentType"], head["Metadata"]) == (document.content_type, dict(document.metadata))
        tags = s3.get_object_tagging(Bucket=server.source.bucket, Key=document.key)["TagSet"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == dict(document.tags)
    changed = next(one for one in changes() if one.key in {document.key for document in put})
    before = next(one for one in listed if one["Key"] == changed.key)
    server.put([changed])
    after = s3.head_object(Bucket=server.source.bucket, Key=changed.key)
    assert after["ContentLength"] == before["Size"]
    assert after["ETag"] != before["ETag"]
    server.delete(document.key for document in put)
    assert s3.list_objects_v2(Bucket=server.source.bucket)["KeyCount"] == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "DELETE"])
def test_a_connection_stays_open_after_any_request(connection: HTTPConnection, method: str) -> None:
    """Also after a body that was not needed, because its bucket does not exist."""
    connection.connect()
    name = connection.sock.getsockname()
    for _ in range(3):
        connection.request(
            method, "/no-such-bucket/key", body=b"x" * 100_000 if method in {"PUT", "POST"} else None
        )
        response = connection.getresponse()
        response.read()
        assert response.status >= 400
        assert not response.will_close
        assert connection.sock.getsockname() == name


def test_a_chunked_body_is_read_completely(server: DemoServer, connection: HTTPConnection) -> None:
    """So the next request on the connection is parsed correctly."""
    path = f"/{server.source.bucket}/chunked"
    for _ in range(2):
        chunks = iter([b"ab", b"cd"])
        headers = {"Transfer-Encoding": "chunked", "x-amz-acl": "public-read-write"}
        connection.request("PUT", path, body=chunks, encode_chunked=True, headers=headers)
        response = connection.getresponse()
        response.read()
        assert (response.status, response.headers["ETag"]) == (200, '"e2fc714c4727ee9395f324cd2e7f331f"')
    server.delete(["chunked"])


def test_an_error_in_moto_is_answered_with_500(connection: HTTPConnection) -> None:
    """A form without fields causes one."""
    connection.request("POST", "/no-such-bucket/key", body=b"x")
    response = connection.getresponse()
    response.read()
    assert response.status == 500


@pytest.mark.parametrize(
    ("status", "content", "length"), [("200 OK", b"abc", "3"), ("204 No Content", b"", None)]
)
def test_a_response_without_a_length_gets_one(status: str, content: bytes, length: str | None) -> None:
    """A response that cannot have content gets none (RFC 9110, 8.6)."""

    def application(_: object, start_response: "StartResponse") -> list[bytes]:
        start_response(status, [("Content-Type", "text/plain")])
        return [content[:1], content[1:]]

    small = make_server("127.0.0.1", 0, application, threaded=True, request_handler=KeepAliveHandler)
    thread = Thread(target=small.serve_forever)
    thread.start()
    opened = HTTPConnection("127.0.0.1", small.port, timeout=30)
    try:
        for _ in range(2):
            opened.request("GET", "/")
            response = opened.getresponse()
            assert response.headers["Content-Length"] == length
            assert response.read() == content
    finally:
        opened.close()
        small.shutdown()
        thread.join()
        small.server_close()


def test_expect_100_continue_is_answered_at_once(server: DemoServer) -> None:
    """boto3 sends `Expect: 100-continue` and would wait a second for each object."""
    host, _, port = server.endpoint_url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as wire:
        wire.sendall(
            f"PUT /{server.source.bucket}/asked HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
            "Expect: 100-continue\r\n\r\n".encode()
        )
        assert wire.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        wire.sendall(b"ok")
        assert wire.recv(100).startswith(b"HTTP/1.1 200")
    server.delete(["asked"])


def test_proxies_are_not_used(server: DemoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Although the environment configures one; nothing listens at port 9."""
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert server.client("sts", server.source).get_caller_identity()["Account"] == "111111111111"


def test_the_server_ends_with_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process has ended, and later requests raise one of our errors.

    A variable of moto that would merge both accounts is not passed to it.
    """
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "333333333333")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with demo_server() as running:
        assert os.getsid(running.process) == running.process != os.getsid(0)
        caller = running.client("sts", running.destination).get_caller_identity()
        assert caller["Account"] == "222222222222"
    assert has_ended(running.process)
    with pytest.raises(UnreachableError, match="embedded S3 server"):
        running.put(documents(1))


def test_the_server_ends_when_its_parent_is_killed() -> None:
    """Because its standard input is closed."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout
        process = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
        assert has_ended(process)


def test_without_moto_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything starts."""
    monkeypatch.setattr(server_module, "find_spec", lambda name: None if name == "moto" else object())
    with (
        pytest.raises(MoverError, match=r"the demo needs moto: pip install 's3mover\[demo\]'"),
        demo_server(),
    ):
        pass


def test_a_server_that_does_not_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its exit code."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(UnreachableError, match=r"did not start \(exit code 1\)"), demo_server():
        pass
