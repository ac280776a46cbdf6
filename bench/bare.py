"""The bare loop: receive from one TLS socket, send to another, nothing else. What streaming is measured against.

`python -m bench.bare SOURCE DESTINATION COUNT SIZE PROCESSES THREADS` relays `COUNT` objects of `SIZE` bytes and prints
the seconds that it took. No signature, no checksum, no record, no retry: what is lost against it is the price of those.
"""

import multiprocessing
import os
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from bench.server.keys import key_of

BUFFER = 128 * 1024
END_OF_HEAD = b"\r\n\r\n"


def _connect(endpoint: str) -> ssl.SSLSocket:
    parts = urlsplit(endpoint)
    host, port = parts.hostname or "", parts.port or 443
    plain = socket.create_connection((host, port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    context = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
    return context.wrap_socket(plain, server_hostname=host)


def _head(sock: ssl.SSLSocket, view: memoryview) -> memoryview:
    """Read an answer's head; return what came of its body with it."""
    filled = 0
    while (end := bytes(view[:filled]).find(END_OF_HEAD)) < 0:
        filled += sock.recv_into(view[filled:])
    return view[end + len(END_OF_HEAD) : filled]


def _relay(source: str, destination: str, numbers: Iterator[int], lock: threading.Lock, size: int) -> None:
    view = memoryview(bytearray(BUFFER))
    with _connect(source) as here, _connect(destination) as there:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            key = key_of(number).decode()
            here.sendall(f"GET /source/{key} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
            first = _head(here, view)
            put = f"PUT /destination/{key} HTTP/1.1\r\nHost: bench\r\nContent-Length: {size}\r\n\r\n"
            there.sendall(put.encode() + bytes(first))
            left = size - len(first)
            while left:
                count = here.recv_into(view)
                there.sendall(view[:count])
                left -= count
            _head(there, view)


def _work(source: str, destination: str, numbers: range, size: int, threads: int) -> None:
    lock, todo = threading.Lock(), iter(numbers)
    relays = [
        threading.Thread(target=_relay, args=(source, destination, todo, lock, size)) for _ in range(threads)
    ]
    for relay in relays:
        relay.start()
    for relay in relays:
        relay.join()


def main() -> None:
    """Relay, in several processes, and print the seconds."""
    source, destination = sys.argv[1:3]
    count, size, processes, threads = map(int, sys.argv[3:])
    context = multiprocessing.get_context("spawn")
    started = time.perf_counter()
    workers = [
        context.Process(
            target=_work,
            args=(source, destination, range(first, count, processes), size, threads // processes),
        )
        for first in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(time.perf_counter() - started)


if __name__ == "__main__":
    main()
