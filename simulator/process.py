"""The simulator's process: serves both ports until a signal or its parent's end."""

import asyncio
import os
import signal
import ssl
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from simulator.certificates import make_server_context
from simulator.commands import Commands
from simulator.control import ControlService
from simulator.exchange import S3Service
from simulator.gc_tuning import collect_rarely
from simulator.wire import Connection, Service
from simulator.world import World

_HOST = "127.0.0.1"
_PARENT_CHECK = 0.5
"""Seconds between checks whether the parent still lives."""


@dataclass(frozen=True)
class Addresses:
    """The addresses of a running simulator; `ca_file` is "" without TLS."""

    endpoint: str
    control_port: int
    ca_file: str


async def serve(
    world: World, port: int, *, tls: bool, parent: int, ready: Callable[[Addresses, Commands], None]
) -> None:
    """Serve until SIGTERM, SIGINT or the parent's end; `ready` is called once both ports are open.

    `port` 0 takes a free one; `parent` 0 means that no parent is watched.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    commands = Commands(world)
    connections: set[Connection] = set()
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="s3-simulator-"))
        context, ca_file = make_server_context(Path(directory)) if tls else (None, "")
        s3_port = await _listen(stack, S3Service(world), port, context, connections)
        control_port = await _listen(stack, ControlService(commands), 0, None, connections)
        scheme = "https" if tls else "http"
        collect_rarely()
        ready(Addresses(f"{scheme}://{_HOST}:{s3_port}", control_port, str(ca_file)), commands)
        await _wait_for_end(stop, parent)
        for connection in list(connections):
            connection.abort()


async def _listen(
    stack: AsyncExitStack, service: Service, port: int, context: ssl.SSLContext | None,
    connections: set[Connection],
) -> int:  # fmt: skip
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(service, connections), _HOST, port, ssl=context, backlog=1024
    )
    stack.callback(server.close)
    bound: int = server.sockets[0].getsockname()[1]
    return bound


async def _wait_for_end(stop: asyncio.Event, parent: int) -> None:
    while not stop.is_set() and (not parent or os.getppid() == parent):
        try:
            await asyncio.wait_for(stop.wait(), _PARENT_CHECK if parent else None)
        except TimeoutError:
            continue
