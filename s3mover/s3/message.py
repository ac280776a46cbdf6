"""The head of a response, parsed by httptools (llhttp), which refuses contradictory heads and chunked bodies."""

from httptools import HttpParserError, HttpResponseParser

from s3mover.s3.protocol_errors import invalid_response


class HttpMessage:
    """One response as httptools reports it: the callbacks of its parser, and what they recorded."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.keep_alive = False
        self.pieces: list[bytes] = []
        self.messages_begun = 0
        self.head_ended = False
        self.ended = False

    def on_message_begin(self) -> None:
        """Count: a second message is what the server sent after its response."""
        self.messages_begun += 1

    def on_header(self, name: bytes, value: bytes) -> None:
        """Record a header; several of one name are joined (RFC 9110, section 5.3); trailers are dropped."""
        if self.head_ended:
            return
        key, text = name.lower().decode("latin-1"), value.strip().decode("latin-1")
        self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        """Record the end of the head."""
        self.head_ended = True

    def on_body(self, piece: bytes) -> None:
        """Record a piece of the body."""
        self.pieces.append(piece)

    def on_message_complete(self) -> None:
        """Record the end of the response."""
        self.ended = True


def parse_head(head: memoryview) -> tuple[HttpMessage, HttpResponseParser]:
    """Parse a whole head, its empty line included.

    Raises:
        S3Error: `InvalidResponse`.
    """
    message = HttpMessage()
    parser = HttpResponseParser(message)
    feed(parser, head)
    if not message.head_ended:
        raise invalid_response("the head of the response is malformed")
    message.status = parser.get_status_code()
    closing = "close" in message.headers.get("connection", "").lower()
    message.keep_alive = not closing and parser.get_http_version() == "1.1"
    return message, parser


def feed(parser: HttpResponseParser, data: memoryview) -> None:
    """Parse more bytes.

    Raises:
        S3Error: `InvalidResponse`.
    """
    try:
        parser.feed_data(data)
    except HttpParserError as error:
        raise invalid_response(f"the response is not HTTP: {error}") from error
