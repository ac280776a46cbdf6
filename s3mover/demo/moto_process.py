"""The process that serves S3 and STS: moto behind an HTTP server that keeps connections open.

Run as `python -m s3mover.demo.moto_process HOST PORT` (0 for a free port). It prints its port in one line on standard
output, and ends when its standard input is closed, which also happens when its parent dies.
"""

import os
import sys
from io import BytesIO
from threading import Thread
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.models import S3Backend
from moto.utilities.tagging_service import TaggingService
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app

_WITHOUT_LENGTH = ("204", "304")


class KeepAliveHandler(MotoRequestHandler):  # type: ignore[misc] # moto is not typed
    """Buffers each request and response, so that a response has a length and connections stay open.

    werkzeug closes every connection, because it does not know how much of a body an application has left unread. Here
    the whole body is read before the application is called; the demo's documents are small enough for that.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024

    def handle_expect_100(self) -> bool:
        """Send `100 Continue` at once: boto3 waits a second for it."""
        proceed = bool(super().handle_expect_100())
        self.wfile.flush()
        return proceed

    def run_wsgi(self) -> None:
        """Handle one request."""
        environ = self.make_environ()
        chunked = environ.get("wsgi.input_terminated", False)
        length = -1 if chunked else int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(length))
        pieces, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        self._respond(status, headers.to_wsgi_list(), b"".join(pieces))

    def _respond(self, status: str, headers: list[tuple[str, str]], content: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response_only(int(code), reason)
        self.send_header("Date", self.date_time_string())
        for name, value in headers:
            self.send_header(name, value)
        if not (code in _WITHOUT_LENGTH or any(name.lower() == "content-length" for name, _ in headers)):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _app(service: str) -> Any:
    """Return moto's application for one service; an error in it becomes status 500, not a closed connection."""
    app = create_backend_app(service)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app


def _share_tags() -> None:
    """Store the tags of all accounts in one place.

    moto stores them per account, so a copy into another account's bucket would lose them; with S3 it does not. The ARNs
    of objects are unique although they contain no account.
    """
    tags = TaggingService()
    S3Backend.tagger = property(lambda _: tags, lambda _, __: None)


def main() -> None:
    """Serve until standard input is closed."""
    _, host, port = sys.argv
    _share_tags()
    app = DomainDispatcherApplication(_app)
    server = make_server(host, int(port), app, threaded=True, request_handler=KeepAliveHandler)
    Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    # moto prints messages, and nothing reads the pipe any more
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
