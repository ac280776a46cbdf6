"""The `status` command: its lines, its sources, and answers that nobody should trust."""

import datetime as dt
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from s3mover.commands import status_source
from s3mover.commands.status import status
from s3mover.commands.status_source import from_socket, from_url
from s3mover.commands.status_table import status_lines
from s3mover.errors import ControlError, ExitCode, MoverError, StatusError
from s3mover.events import (
    CostCounted,
    DaemonStarted,
    LeaseAcquired,
    SweepStarted,
)
from s3mover.lifecycle.control_socket import ControlServer
from s3mover.model import LeaderReport
from s3mover.observe.leader import read_report
from s3mover.observe.metrics.listener import MetricsListener
from s3mover.observe.status.board import StatusBoard
from s3mover.observe.text import to_json
from tests.observe.samples import PAIR, failed, finished

HOSTILE = "k\x1b]0;owned\x07\u202e\r"


def board_status(*, sweeping: bool = False) -> dict[str, Any]:
    """Return the status of a board that has seen a sweep with a failure."""
    clock = lambda: 1_736_000_100.0  # noqa: E731
    board = StatusBoard(MetricsListener("1.2.3").exposition, 60.0, clock, clock)
    for event in (DaemonStarted("1.2.3", PAIR, 2, 150), LeaseAcquired(PAIR), SweepStarted(7, PAIR)):
        board(event)
    board(failed(key=HOSTILE))
    board(CostCounted(7, {}, {"put_requests": 54_059}, 1_200_000, 5_000_000, ("requests to h:9",), ""))
    if not sweeping:
        board(finished())
    parsed: dict[str, Any] = json.loads(to_json(board.status()))
    return parsed


def printed(source: Callable[[], dict[str, Any]], *, as_json: bool = False) -> str:
    lines: list[str] = []
    assert status(source, lines.append, as_json=as_json, watch=False) is ExitCode.OK
    return "\n".join(lines)


def test_the_lines_say_what_the_status_says() -> None:
    """Headline, costs, last sweeps and failures, with what is hostile made visible."""
    text = printed(board_status)
    assert "s3mover 1.2.3: ready" in text
    assert PAIR in text
    assert "cost: $0.0541 for this sweep, $1.20 today of $5.00" in text
    assert "not in it: requests to h:9" in text
    assert "completed" in text
    assert "k\\x1b]0;owned\\x07\\u202e\\r: " in text
    assert not {char for char in text if char != "\n" and not char.isprintable()}


def test_a_running_sweep_has_a_line_of_its_own() -> None:
    """With how far it is and how fast it goes."""
    assert "sweep 7, 0 listed, 0 moved, 1 failed" in printed(lambda: board_status(sweeping=True))


def test_each_route_has_its_part() -> None:
    """Below its name; what concerns all stands once."""
    routes = [{"route": name, **board_status()} for name in ("hr", "it")]
    lines = list(status_lines({**board_status(), "routes": routes}))
    assert [line for line in lines if line.startswith("# route")] == ["# route hr", "# route it"]
    assert sum("s3mover 1.2.3" in line for line in lines) == 1


def test_an_instance_that_stands_by_shows_the_sweeps_of_the_leader() -> None:
    """And whose they are, how old, and where its page is; its own figures are those of its own past."""
    [last] = board_status()["sweeps"]
    report = {"state": "idle", "sweep": None, "sweeps": [{**last, "sweep": 4242}]}
    given = LeaderReport("a-1\x1b[m", "http://a-1:8080", to_json(report).decode(), 3.0, is_alive=True)
    seen = read_report(given, 0.0)
    text = "\n".join(status_lines(board_status() | {"state": "standby", "leader": seen.as_dict(0.0)}))
    assert "leader: a-1\\x1b[m, idle, http://a-1:8080, as of 3.0 s ago" in text
    assert "4242" in text
    assert "failures" not in text


def test_json_is_passed_on_with_unsafe_characters_escaped() -> None:
    """Scripts read it; a terminal that shows it is not commanded by it."""
    text = printed(board_status, as_json=True)
    assert json.loads(text) == board_status()
    assert text.isprintable()


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"version": "1", "ready": True},
        board_status() | {"sweeps": 5},
        board_status() | {"cost": {"sweep_usd": 1e999}},
    ],
)
def test_another_status_is_refused_with_a_sentence(answer: dict[str, Any]) -> None:
    """Not with a trace."""
    with pytest.raises(StatusError, match="is not the status of an s3mover of this version"):
        printed(lambda: answer)


def test_watching_goes_on_where_an_instance_does_not_answer() -> None:
    """It tells so, and shows the next status."""
    answers: list[dict[str, Any] | MoverError] = [ControlError("away"), board_status()]
    lines: list[str] = []

    def source() -> dict[str, Any]:
        answer = answers.pop(0)
        if isinstance(answer, MoverError):
            raise answer
        return answer

    def sleep(_seconds: float) -> None:
        if not answers:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        status(source, lines.append, as_json=False, watch=True, sleep=sleep)
    assert lines[0] == "away"
    assert "s3mover 1.2.3: ready" in lines[1]


def test_the_socket_of_the_daemon_gives_the_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its length."""
    monkeypatch.chdir(tmp_path)
    long = board_status() | {"padding": "x" * 1_000_000}
    server = ControlServer(Path("s.sock"), {"status": lambda: to_json(long).decode()})
    try:
        assert from_socket("s.sock")() == long
    finally:
        server.close()
    with pytest.raises(ControlError, match="no daemon answers"):
        from_socket("s.sock")()
    with pytest.raises(ControlError, match="use --url"):
        from_socket("none")


@contextmanager
def answering(answer: bytes, wrap: ssl.SSLContext | None = None) -> Iterator[str]:
    """Answer one HTTP request with these bytes; yield the address without its scheme."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                try:
                    talking = peer if wrap is None else wrap.wrap_socket(peer, server_side=True)
                    talking.recv(4096)
                    talking.sendall(answer)
                except OSError:
                    return  # the client has gone

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join(10)


def http(body: bytes, status_line: str = "200 OK", *headers: str) -> bytes:
    head = "\r\n".join(
        [f"HTTP/1.1 {status_line}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    )
    return head.encode() + b"\r\n\r\n" + body


def test_a_url_gives_the_status() -> None:
    """`/status` is added where it is missing."""
    with answering(http(to_json(board_status()))) as address:
        assert from_url(f"http://{address}")() == board_status()


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (http(b"not found", "404 Not Found"), "HTTP status 404"),
        (http(b"", "302 Found", "Location: http://127.0.0.1:1/"), "HTTP status 302"),
        (http(b"<html>"), "is not JSON"),
        (http(b"[" * 100_000), "is not JSON"),
        (http(b"[]"), "is not a status"),
        (http(b" " * 3000), "is longer than"),
        (b"SSH-2.0\r\n", "does not answer"),
    ],
)
def test_an_answer_that_is_no_status_is_refused(
    answer: bytes, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors, redirects, other formats, and what has no end."""
    monkeypatch.setattr(status_source, "LARGEST", 2000 if b"   " in answer else 2**20)
    with answering(answer) as address, pytest.raises(StatusError, match=sentence):
        from_url(f"http://{address}")()


def test_an_answer_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a piece of it comes."""
    monkeypatch.setattr(status_source, "ANSWER_SECONDS", -1.0)
    with answering(http(b"{}")) as address, pytest.raises(StatusError, match="takes longer than"):
        from_url(f"http://{address}")()


def test_certificates_are_verified(tmp_path: Path) -> None:
    """One that nobody vouches for is refused."""
    from s3mover.scale.certificates import write_certificates  # noqa: PLC0415

    write_certificates(tmp_path, dt.datetime.now(dt.UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "scheduler.crt", tmp_path / "scheduler.key")
    with answering(b"", context) as address, pytest.raises(StatusError, match=r"(?i)certificate.verify"):
        from_url(f"https://{address}")()


@pytest.mark.parametrize(
    "url", ["mover:8080", "file:///etc/passwd", "http://user:secret@mover/", "http://", "ftp://h"]
)
def test_another_url_is_refused(url: str) -> None:
    """Also one with a password, which the process list would show."""
    with pytest.raises(StatusError, match="is not a URL of an instance") as refused:
        from_url(url)
    assert "secret" not in str(refused.value)
