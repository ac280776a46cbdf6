"""The process that serves S3 and STS: moto behind an HTTP server that keeps connections open.

Run as `python -m s3mover.demo.moto_process HOST PORT`: it says its port in one line on standard output (0: a free one),
serves there, says nothing more, and ends when its standard input ends, which is also when its parent is gone.
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
    """Answers each request whole, with its length.

    werkzeug's own way closes every connection, because it cannot know how much of a body an application left unread:
    here the body is read before the application sees it, which a demo's documents are small enough for.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024

    def handle_expect_100(self) -> bool:
        """Tell the client to go on, at once: boto3 waits a second for it."""
        answered = bool(super().handle_expect_100())
        self.wfile.flush()
        return answered

    def run_wsgi(self) -> None:
        """Answer one request."""
        environ = self.make_environ()
        chunked = environ.get("wsgi.input_terminated", False)
        length = -1 if chunked else int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(length))
        pieces, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        self._answer(status, headers.to_wsgi_list(), b"".join(pieces))

    def _answer(self, status: str, headers: list[tuple[str, str]], content: bytes) -> None:
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


def _answering_app(service: str) -> Any:
    """Make moto's application for one service; a defect in it is answered with 500, not with a closed connection."""
    app = create_backend_app(service)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app


def _share_tags() -> None:
    """Keep the tags of all accounts in one place.

    moto keeps them per account, so that a copy into another account's bucket would lose them, which S3 does not do.
    Objects' ARNs name no account: they are unique all the same.
    """
    tags = TaggingService()
    S3Backend.tagger = property(lambda _: tags, lambda _, __: None)


def main() -> None:
    """Serve until standard input ends."""
    _, host, port = sys.argv
    _share_tags()
    app = DomainDispatcherApplication(_answering_app)
    server = make_server(host, int(port), app, threaded=True, request_handler=KeepAliveHandler)
    Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    # moto prints here and there; nobody reads the pipe any more
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
