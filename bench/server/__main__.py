"""The process: `python -m bench.server CERTIFICATE KEY` says its endpoint, and serves."""

import gc
import socket
import ssl
import sys

from bench.server.answers import World
from bench.server.loop import Loop


def main() -> None:
    """Serve until the process is ended."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*sys.argv[1:3])
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    world = World()
    loop = Loop(listener, context, world.answer)
    world.slow_down = loop.slow_down
    gc.freeze()
    print(f"https://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    loop.run()


if __name__ == "__main__":
    main()
