"""The process: `python -m bench.server FOLDER` makes a certificate there, says its endpoint, and serves."""

import gc
import socket
import ssl
import sys
from pathlib import Path

from bench.server.answers import World
from bench.server.loop import Loop
from tests.support.certificates import make_identity


def main() -> None:
    """Serve until the process is ended."""
    identity = make_identity(Path(sys.argv[1]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate_file, identity.key_file)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    world = World()
    loop = Loop(listener, context, world.answer)
    world.slow_down = loop.slow_down
    gc.freeze()
    print(f"https://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    loop.run()


if __name__ == "__main__":
    main()
