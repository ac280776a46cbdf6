"""Bodies of the source that break off, and go on where they broke."""

from collections.abc import Callable

import pytest

from s3mover.errors import S3Error, VerificationError
from s3mover.s3.bucket import Body, Head
from s3mover.s3.response import UNKNOWN_LENGTH
from s3mover.s3.retry import no_retry
from s3mover.transfer.source_body import MAX_STALLED, MIN_PROGRESS, SourceBody

CONTENT = bytes(range(256)) * 1024
CUT = S3Error("IncompleteBody", "cut", operation="GetObject", temporary=True)


class Piece(Body):
    """The bytes of one response, which may break off."""

    def __init__(self, data: bytes, length: int, end: S3Error | None = None, etag: str = "e") -> None:
        self.head = Head(length, etag, "", {})
        self.length = length
        self._data = memoryview(data)
        self._end = end
        self.closed = False

    def read_into(self, view: memoryview) -> int:
        count = min(len(view), len(self._data))
        if not count and self._end is not None:
            raise self._end
        view[:count] = self._data[:count]
        self._data = self._data[count:]
        return count

    def __exit__(self, *_: object) -> None:
        self.closed = True


Reopen = Callable[[int, str], Body]


def never(offset: int, etag: str) -> Body:
    raise AssertionError(f"opened again at {offset} for {etag}")


def cut_after(step: int, opened: list[int]) -> Reopen:
    def reopen(offset: int, etag: str) -> Body:
        assert etag == "e"
        opened.append(offset)
        left = CONTENT[offset:]
        return Piece(left[:step], len(left), CUT)

    return reopen


def read(body: SourceBody) -> bytes:
    buffer, whole = memoryview(bytearray(10_000)), b""
    with body:
        while count := body.read_into(buffer):
            whole += buffer[:count]
    return whole


def source(first: Body, reopen: Reopen = never, etag: str = "e", length: int = len(CONTENT)) -> SourceBody:
    return SourceBody(first, length, etag, reopen, no_retry)


def test_a_body_that_is_always_cut_arrives_whole() -> None:
    """Each response goes on at the byte where the last one broke."""
    opened: list[int] = []
    step = MIN_PROGRESS + 1
    assert read(source(Piece(CONTENT[:step], len(CONTENT), CUT), cut_after(step, opened))) == CONTENT
    assert opened == list(range(step, len(CONTENT), step))


def test_without_progress_it_ends_with_the_error() -> None:
    """Responses that bring next to nothing are not asked for without end."""
    opened: list[int] = []
    with pytest.raises(S3Error) as caught:
        read(source(Piece(b"", len(CONTENT), CUT), cut_after(MIN_PROGRESS - 1, opened)))
    assert caught.value is CUT
    assert len(opened) == MAX_STALLED - 1


def test_without_an_etag_it_is_not_continued() -> None:
    """The rest might be another version's."""
    first = Piece(CONTENT[:20_000], len(CONTENT), CUT, etag="")
    with pytest.raises(S3Error, match="cut"):
        read(source(first, etag=""))


def test_a_permanent_error_is_not_continued() -> None:
    """What is refused stays refused."""
    denied = S3Error("AccessDenied", operation="GetObject")
    with pytest.raises(S3Error, match="AccessDenied"):
        read(source(Piece(CONTENT[:20_000], len(CONTENT), denied)))


@pytest.mark.parametrize(
    ("code", "raised"), [("InvalidResponse", "IncompleteBody"), ("PreconditionFailed", "PreconditionFailed")]
)
def test_a_refused_continuation_ends_the_attempt(code: str, raised: str) -> None:
    """A store that ignores ranges lets the attempt begin anew; a changed object is looked at again."""

    def reopen(offset: int, etag: str) -> Body:  # noqa: ARG001 - refuses whatever is asked
        raise S3Error(code)

    with pytest.raises(S3Error) as caught:
        read(source(Piece(CONTENT[:20_000], len(CONTENT), CUT), reopen))
    assert caught.value.code == raised


def test_a_body_of_unknown_length_is_read_to_its_end() -> None:
    """Its bytes are counted."""
    assert read(source(Piece(CONTENT, UNKNOWN_LENGTH))) == CONTENT


def test_a_body_of_unknown_length_that_ends_early_goes_on() -> None:
    """Its end may be that of the connection."""
    opened: list[int] = []
    assert read(source(Piece(CONTENT[:40_000], UNKNOWN_LENGTH), cut_after(len(CONTENT), opened))) == CONTENT
    assert opened == [40_000]


@pytest.mark.parametrize("length", [len(CONTENT) - 1, 0])
def test_a_body_of_unknown_length_that_is_longer_is_refused_before_its_last_byte(length: int) -> None:
    """It is not what was listed; no destination gets all of it."""
    with pytest.raises(VerificationError):
        read(source(Piece(CONTENT, UNKNOWN_LENGTH), length=length))


def test_a_body_of_another_length_is_refused_at_once() -> None:
    """It is not what was listed."""
    with pytest.raises(VerificationError):
        source(Piece(CONTENT, len(CONTENT)), length=len(CONTENT) - 1)


def test_all_responses_are_closed() -> None:
    """A connection that is not read to its end cannot be used again."""
    pieces = [Piece(CONTENT[:20_000], len(CONTENT), CUT), Piece(CONTENT[20_000:], len(CONTENT) - 20_000)]
    assert read(source(pieces[0], lambda *_: pieces[1])) == CONTENT
    assert [piece.closed for piece in pieces] == [True, True]
