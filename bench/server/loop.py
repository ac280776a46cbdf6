"""The network side: HTTP over TLS on one thread around epoll. What is answered is `documents.py`'s.

An `asyncio` server of the same answers takes twice the CPU, most of it in its TLS.
"""

import re
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

Pieces = Sequence[bytes | memoryview]


class Reply(NamedTuple):
    """An answer in pieces, and the seconds of work that S3 would do for it, beside the latency of all answers."""

    pieces: Pieces
    work: float = 0.0


# Takes the head of a request.
Answer = Callable[[bytes], Reply]

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect: *100-continue", re.IGNORECASE)
_READ = 64 * 1024
# Reads of one connection before others get their turn.
_TURNS = 64
# While so many answers take their time, the server sleeps so long at a time, in seconds, and sees to all that came or
# fell due: waking up for each request and each answer, it would take the CPU from those who are measured.
_MANY = 32
_SHORT, _LONG = 0.0005, 0.001


class Conversation:
    """One connection: the request that comes in, the answer that goes out."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self.sock = sock
        self.head = b""
        self.body_left = 0
        self.answer: Reply | None = None
        self.out: deque[memoryview] = deque()
        self.shaken = False
        self.awaits_room = False


class Loop:
    """Serves until the process ends."""

    def __init__(self, listener: socket.socket, context: ssl.SSLContext, answer: Answer) -> None:
        self._latency = 0.0
        self._listener = listener
        self._context = context
        self._answer = answer
        self._poll = select.epoll()
        self._talks: dict[int, Conversation] = {}
        self._late: list[tuple[float, int, Conversation, Pieces]] = []
        self._numbers = count()
        self._scratch = memoryview(bytearray(_READ))

    def slow_down(self, seconds: float) -> None:
        """Let each answer take so long."""
        self._latency = seconds

    def run(self) -> None:
        """Serve."""
        self._listener.setblocking(False)
        self._poll.register(self._listener, select.EPOLLIN)
        while True:
            for file, _ in self._poll.poll(self._patience()):
                talk = self._talks.get(file)
                if talk is None:
                    self._accept()
                else:
                    self._go_on(talk)
            if self._late:
                self._send_late()
            if len(self._late) >= _MANY:
                time.sleep(min(max(self._until_next(), _SHORT), _LONG))

    def _patience(self) -> float | None:
        """Return how long to wait for requests: not at all while many answers are late, else until the next is due."""
        if not self._late:
            return None
        return 0.0 if len(self._late) >= _MANY else max(self._until_next(), 0.0)

    def _until_next(self) -> float:
        return self._late[0][0] - time.monotonic()

    def _accept(self) -> None:
        plain, _ = self._listener.accept()
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setblocking(False)
        sock = self._context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        self._talks[sock.fileno()] = Conversation(sock)
        self._poll.register(sock, select.EPOLLIN)

    def _go_on(self, talk: Conversation) -> None:
        try:
            if not talk.shaken:
                talk.sock.do_handshake()
                talk.shaken = True
            if talk.out:
                self._send(talk)
            else:
                self._receive(talk)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            self._drop(talk)

    def _receive(self, talk: Conversation) -> None:
        for _ in range(_TURNS):
            count = talk.sock.recv_into(self._scratch)
            if not count:
                self._drop(talk)
                return
            if talk.body_left:
                talk.body_left -= count
                self._answer_whole(talk)
            else:
                self._take_head(talk, bytes(self._scratch[:count]))
            if talk.answer is None and not talk.body_left:
                return

    def _take_head(self, talk: Conversation, data: bytes) -> None:
        talk.head += data
        head, end, body = talk.head.partition(_END_OF_HEAD)
        if not end:
            return
        talk.head = b""
        length = _LENGTH.search(head)
        talk.body_left = int(length[1]) - len(body) if length else 0
        if _EXPECTS.search(head):
            talk.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        talk.answer = self._answer(head)
        self._answer_whole(talk)

    def _answer_whole(self, talk: Conversation) -> None:
        """Answer once all of the request has come."""
        if talk.body_left or talk.answer is None:
            return
        answer, talk.answer = talk.answer, None
        delay = self._latency + answer.work
        if delay:
            heappush(self._late, (time.monotonic() + delay, next(self._numbers), talk, answer.pieces))
        else:
            self._begin(talk, answer.pieces)

    def _send_late(self) -> None:
        while self._late and self._late[0][0] <= time.monotonic():
            _, _, talk, answer = heappop(self._late)
            try:
                self._begin(talk, answer)
            except OSError:
                self._drop(talk)

    def _begin(self, talk: Conversation, answer: Pieces) -> None:
        talk.out.extend(map(memoryview, answer))
        try:
            self._send(talk)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            talk.awaits_room = True
            self._poll.modify(talk.sock, select.EPOLLIN | select.EPOLLOUT)

    def _send(self, talk: Conversation) -> None:
        while talk.out:
            piece = talk.out[0]
            sent = talk.sock.send(piece)
            if sent == len(piece):
                talk.out.popleft()
            else:
                talk.out[0] = piece[sent:]
        if talk.awaits_room:
            talk.awaits_room = False
            self._poll.modify(talk.sock, select.EPOLLIN)

    def _drop(self, talk: Conversation) -> None:
        if talk.sock.fileno() >= 0:
            del self._talks[talk.sock.fileno()]
            # A closed file leaves epoll by itself.
            talk.sock.close()
